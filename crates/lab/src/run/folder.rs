//! Making run folders, and the files in them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;
use zoo_files::{Aside, Lock};
use zoo_recipes::{REPRODUCE, SEARCH};
use zoo_report::Picture;
use zoo_schema::Comparison;

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
/// What an audit has found, as JSON and as CSV.
pub const AUDIT: &str = "audit";
/// The folder with the newest checkpoint of a training run.
pub const CHECKPOINT: &str = "checkpoint";
/// What keeps a second process out of a run.
const LOCK: &str = ".lock";

/// The most bytes of a text file of a run, 1 GiB: what models say of ten million images.
pub(crate) const LARGEST: u64 = 1 << 30;

/// The config of the run in folder `path`, and the file that it is in.
///
/// # Errors
/// [`LabError`] if there is none, or it can't be read or parsed.
pub fn read_config(path: &Path) -> Result<(PathBuf, Table), LabError> {
    let file = path.join(CONFIG);
    if !file.is_file() {
        return Err(LabError::run(path, format!("is no run folder: it has no {CONFIG}")));
    }
    zoo_files::check_inside(path).map_err(LabError::io("trust", path))?;
    let text = read_text(&file)?;
    let table = text.parse().map_err(LabError::content::<toml::de::Error>("parse", &file))?;
    Ok((file, table))
}

/// Keeps other processes out of the folder of a run, until what is returned is dropped; what a process left behind there that was killed goes.
///
/// # Errors
/// [`LabError::Run`] if one is at work there.
pub(crate) fn lock(folder: &Path) -> Result<Lock, LabError> {
    let lock = Lock::try_take(&folder.join(LOCK)).map_err(LabError::io("lock", folder))?;
    let lock = lock.ok_or_else(|| LabError::run(folder, "is at work already, in another process"))?;
    zoo_files::clear(folder);
    Ok(lock)
}

/// Writes a TOML file.
pub(crate) fn write_table(path: &Path, table: &Table) -> Result<(), LabError> {
    write(path, toml::to_string(table)?.as_bytes())
}

/// Writes `result.json`.
pub(crate) fn write_result(folder: &Path, document: &impl Serialize) -> Result<(), LabError> {
    write(&folder.join(RESULT), (serde_json::to_string_pretty(document)? + "\n").as_bytes())
}

/// What `result.json` in `folder` has, which a finished run leaves.
pub(crate) fn read_result<T: DeserializeOwned>(folder: &Path) -> Result<T, LabError> {
    let file = folder.join(RESULT);
    if !file.is_file() {
        return Err(LabError::run(folder, format!("is not finished: it has no {RESULT}")));
    }
    let text = read_text(&file)?;
    serde_json::from_str(&text).map_err(LabError::content("parse", &file))
}

/// The results of the training run or comparison in `folder`.
///
/// # Errors
/// [`LabError`] if it is not the folder of one, or not finished.
pub fn read_comparison(folder: &Path) -> Result<Comparison, LabError> {
    let (_, config) = read_config(folder)?;
    if config.contains_key(SEARCH) || config.contains_key(REPRODUCE) {
        return Err(LabError::run(
            folder,
            "has the results of many models; name the run of one, or a comparison",
        ));
    }
    read_result(folder)
}

/// Writes `NAME.svg` and `NAME.png`.
pub(crate) fn write_picture(folder: &Path, name: &str, picture: &Picture) -> Result<(), LabError> {
    write(&folder.join(format!("{name}.svg")), picture.svg().as_bytes())?;
    write(&folder.join(format!("{name}.png")), &picture.png()?)
}

/// Writes a file: it appears whole or not at all, and is on the disk then.
///
/// # Errors
/// [`LabError::Io`].
pub fn write(path: &Path, content: &[u8]) -> Result<(), LabError> {
    zoo_files::write(path, content).map_err(LabError::io("write", path))
}

/// Reads a text file of a run.
pub(crate) fn read_text(path: &Path) -> Result<String, LabError> {
    zoo_files::read_to_string(path, LARGEST).map_err(LabError::io("read", path))
}

/// Accepts a place that [`write()`] can write to, before hours are spent on what is to be written.
///
/// # Errors
/// [`LabError::Io`].
pub fn check_place(path: &Path) -> Result<(), LabError> {
    let folder = zoo_files::parent(path);
    let made = zoo_files::check_replaceable(path).and_then(|()| zoo_files::temporary(folder).map(drop));
    made.map_err(LabError::io("write", path))
}

/// Accepts a folder that run folders can be made in, before hours are spent on one. Leaves nothing there.
///
/// # Errors
/// [`LabError::Io`].
pub fn check_writable(out: &Path) -> Result<(), LabError> {
    let existed = out.exists();
    let made = std::fs::create_dir_all(out).and_then(|()| Aside::new(out).map(drop));
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
    filled(out, fill, |aside| {
        loop {
            let path = out.join(format!("{:04}-{name}", next_number(out).map_err(cannot())?));
            match aside.move_to(&path) {
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
    let within = zoo_files::parent(path);
    filled(within, fill, |aside| aside.move_to(path).map_err(LabError::io("make", path)))
}

/// Fills a new folder within `out`, and lets `place` move it to where it is to be. What earlier processes left behind there goes.
fn filled<T>(
    out: &Path,
    fill: impl FnOnce(&Path) -> Result<(), LabError>,
    place: impl FnOnce(&Aside) -> Result<T, LabError>,
) -> Result<T, LabError> {
    let cannot = || LabError::io("make a run folder in", out);
    let existed = out.exists();
    std::fs::create_dir_all(out).map_err(cannot())?;
    let made = (|| {
        zoo_files::clear(out);
        let aside = Aside::new(out).map_err(cannot())?;
        fill(aside.path())?;
        zoo_files::sync_all(aside.path()).map_err(cannot())?;
        place(&aside)
    })();
    if made.is_err() && !existed {
        let _ = std::fs::remove_dir(out);
    }
    made
}

/// One more than the largest number that a run folder in `out` begins with, or the first that is free where that is beyond counting.
fn next_number(out: &Path) -> std::io::Result<u32> {
    let mut taken = BTreeSet::new();
    for entry in std::fs::read_dir(out)? {
        let name = entry?.file_name();
        taken.extend(name.to_string_lossy().split('-').next().and_then(|digits| digits.parse::<u32>().ok()));
    }
    let next = taken.last().map_or(Some(1), |largest| largest.checked_add(1));
    let free = || (1..=u32::MAX).find(|number| !taken.contains(number));
    next.or_else(free).ok_or_else(|| std::io::Error::other("no number is free"))
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
        // Numbers come to an end, and so does looking for one.
        std::fs::create_dir(out.join("4294967295-a")).unwrap();
        for expected in ["0004-a", "0005-a"] {
            assert_eq!(create(&out, "a", |_| Ok(())).unwrap(), out.join(expected));
        }
    }
}
