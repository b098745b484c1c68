//! Making run folders, and the files in them.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tempfile::{NamedTempFile, TempDir};
use toml::Table;
use zoo_report::Picture;

use crate::error::LabError;

/// What a command depended on: enough to run it again.
pub const CONFIG: &str = "config.toml";
/// The results, in the schema.
pub const RESULT: &str = "result.json";
/// A line per trial of a search.
pub const TRIALS: &str = "trials.jsonl";
/// A line per epoch of a training run.
pub const METRICS: &str = "metrics.jsonl";
/// The model of a training run that is finished.
pub const MODEL_FILE: &str = "model.safetensors";
/// What models say of the images that they are judged on.
pub const ANSWERS: &str = "predictions.csv";
/// The folder with the newest checkpoint of a training run.
pub const CHECKPOINT: &str = "checkpoint";

/// The config of the run in folder `path`, and the file that it is in.
///
/// # Errors
/// [`LabError`] if there is none, or it can't be read or parsed.
pub fn read_config(path: &Path) -> Result<(PathBuf, Table), LabError> {
    let file = path.join(CONFIG);
    if !file.is_file() {
        return Err(LabError::run(path, format!("is no run folder: it has no {CONFIG}")));
    }
    let text = std::fs::read_to_string(&file).map_err(LabError::io("read", &file))?;
    let table = text.parse().map_err(LabError::content::<toml::de::Error>("parse", &file))?;
    Ok((file, table))
}

/// Writes a TOML file.
pub(crate) fn write_table(path: &Path, table: &Table) -> Result<(), LabError> {
    write(path, toml::to_string(table)?.as_bytes())
}

/// Writes `result.json`.
pub(crate) fn write_result(folder: &Path, document: &impl Serialize) -> Result<(), LabError> {
    write(&folder.join(RESULT), (serde_json::to_string_pretty(document)? + "\n").as_bytes())
}

/// Writes `NAME.svg` and `NAME.png`.
pub(crate) fn write_picture(folder: &Path, name: &str, picture: &Picture) -> Result<(), LabError> {
    write(&folder.join(format!("{name}.svg")), picture.svg().as_bytes())?;
    write(&folder.join(format!("{name}.png")), &picture.png()?)
}

/// Writes a file next to its place and renames it: it appears whole or not at all.
///
/// # Errors
/// [`LabError::Io`].
pub fn write(path: &Path, content: &[u8]) -> Result<(), LabError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let persist = || -> std::io::Result<()> {
        let mut file = temporary_file(folder)?;
        file.write_all(content)?;
        file.persist(path)?;
        Ok(())
    };
    persist().map_err(LabError::io("write", path))
}

/// A file with the permissions that new files have, unlike most temporary ones.
fn temporary_file(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.prefix(".new-").tempfile_in(folder)
}

/// Accepts a folder that run folders can be made in, before hours are spent on one. Leaves nothing there.
///
/// # Errors
/// [`LabError::Io`].
pub fn check_writable(out: &Path) -> Result<(), LabError> {
    let existed = out.exists();
    let made = std::fs::create_dir_all(out).and_then(|()| temporary_file(out).map(drop));
    if !existed {
        let _ = std::fs::remove_dir(out);
    }
    made.map_err(LabError::io("write to", out))
}

/// Makes `out/NNNN-name`, the next free number, and fills it first: it appears whole or not at all.
pub(crate) fn create(
    out: &Path,
    name: &str,
    fill: impl FnOnce(&Path) -> Result<(), LabError>,
) -> Result<PathBuf, LabError> {
    let cannot = || LabError::io("make a run folder in", out);
    filled(out, fill, |content| {
        loop {
            let path = out.join(format!("{:04}-{name}", next_number(out).map_err(cannot())?));
            match std::fs::rename(content, &path) {
                Ok(()) => return Ok(path),
                Err(_) if path.exists() => {}
                Err(error) => return Err(error).map_err(cannot()),
            }
        }
    })
}

/// Makes the folder `path`, which isn't there yet, and fills it first: it appears whole or not at all.
pub(crate) fn create_at(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), LabError>,
) -> Result<(), LabError> {
    let within = path.parent().unwrap_or(Path::new("."));
    filled(within, fill, |content| std::fs::rename(content, path).map_err(LabError::io("make", path)))
}

/// Fills a new folder within `out`, and lets `place` move it to where it is to be.
fn filled<T>(
    out: &Path,
    fill: impl FnOnce(&Path) -> Result<(), LabError>,
    place: impl FnOnce(&Path) -> Result<T, LabError>,
) -> Result<T, LabError> {
    let cannot = || LabError::io("make a run folder in", out);
    let existed = out.exists();
    std::fs::create_dir_all(out).map_err(cannot())?;
    let made = (|| {
        let aside = TempDir::with_prefix_in(".run-", out).map_err(cannot())?;
        let content = aside.path().join("run");
        std::fs::create_dir(&content).map_err(cannot())?;
        fill(&content)?;
        place(&content)
    })();
    if made.is_err() && !existed {
        let _ = std::fs::remove_dir(out);
    }
    made
}

/// One more than the largest number that a run folder in `out` begins with.
fn next_number(out: &Path) -> std::io::Result<u32> {
    let mut largest = 0;
    for entry in std::fs::read_dir(out)? {
        let name = entry?.file_name();
        let digits = name.to_string_lossy().split('-').next().and_then(|digits| digits.parse().ok());
        largest = largest.max(digits.unwrap_or(0));
    }
    Ok(largest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_numbered_and_appear_whole() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("runs");
        let full = |folder: &Path| Err(LabError::io("write", folder)(std::io::Error::other("full")));
        assert!(create(&out, "a", full).is_err());
        assert!(!out.exists());
        for (number, expected) in ["0001-a", "0002-a", "0003-a"].into_iter().enumerate() {
            let made = create(&out, "a", |folder| write(&folder.join("x"), &[0; 3])).unwrap();
            assert_eq!(made, out.join(expected));
            assert_eq!(std::fs::read_dir(&out).unwrap().count(), number + 1);
        }
        assert!(create(&out, "a", full).is_err());
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), 3);
    }
}
