//! Downloads what publishers offer: resumable, checked, and safe while another process does the same.

mod download;

use std::fmt::Write;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use zoo_files::Lock;

use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use crate::packed::{unpack_gzip, unpack_tar};
use crate::storage::write_folder;

pub use download::Patience;
use download::{Step, download};

/// A dataset that can be fetched.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// What `--data` calls it: its name, and another one for each other choice of classes.
    pub names: &'static [&'static str],
    /// The folder that its files are unpacked to.
    pub folder: &'static str,
    /// What is downloaded.
    pub files: &'static [Packed],
    /// Reads the folder.
    pub read: fn(&Path) -> Result<Dataset>,
    /// How many images there are to train on and to test on.
    pub images: [usize; 2],
    /// Whether each class has as many images as any other.
    pub is_balanced: bool,
}

/// A packed file to download, and what makes sure that it is the right one.
#[derive(Clone, Copy, Debug)]
pub struct Packed {
    /// Where it is published. It ends with the file's name, and that in `.tar.gz` or `.gz`.
    pub url: &'static str,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: &'static str,
    /// The names of the files that are unpacked from it.
    pub contains: &'static [&'static str],
}

/// What [`fetch`] is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Another process fetches the same dataset; this one waits for it.
    Waiting,
    /// How many of how many bytes have arrived.
    Downloading {
        /// Bytes on disk, those of an earlier try included.
        received: u64,
        /// Bytes of all files together.
        total: u64,
    },
    /// It broke off, and is begun again.
    Retrying,
    /// What was there before is not of the official file; the download starts over.
    StartingOver,
    /// Checksums are being computed.
    Checking,
    /// The files are being unpacked and read once.
    Unpacking,
}

/// What [`fetch`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The folder was there before.
    Present(PathBuf),
    /// The folder was downloaded and unpacked.
    Downloaded(PathBuf),
    /// The same, in place of one that was damaged and has another name now.
    Repaired {
        /// The folder.
        folder: PathBuf,
        /// The damaged one.
        damaged: PathBuf,
    },
}

impl Published {
    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.names[0]
    }

    /// Bytes of all its packed files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

impl Packed {
    fn name(&self) -> &'static str {
        self.url.rsplit('/').next().unwrap_or(self.url)
    }

    /// Its address at `mirror`: a folder, which has it under its own name; or the file, if a dataset has only one.
    fn address(&self, mirror: Option<&str>, is_only: bool) -> String {
        match mirror {
            None => self.url.into(),
            Some(file) if is_only && !file.ends_with('/') => file.into(),
            Some(folder) => format!("{}/{}", folder.trim_end_matches('/'), self.name()),
        }
    }

    /// What has arrived of it so far.
    fn part(&self, published: &Published, destination: &Path) -> PathBuf {
        destination.join(format!("{}-{}.part", published.name(), self.name()))
    }
}

/// Brings a dataset into `destination` as a folder of its files, from `mirror` or the official addresses. A mirror is the address of a
/// folder that has the files under their own names; where there is only one, it may be that of the file.
///
/// A download goes to `<dataset>-<file>.part`, continues there if an earlier one broke off, is checked for length and SHA-256,
/// unpacked next to its place and renamed. A folder that is there and damaged is fetched again, and kept under another name. A lock file
/// keeps two processes apart: the second waits, then finds the work done.
///
/// # Errors
/// [`DataError::Download`] if the server can't be reached or stops, after as many tries as `patience` allows (what has arrived is kept for
/// the next call); [`DataError::DownloadSize`] or [`DataError::Checksum`] if it has another file (nothing is kept of that); otherwise what
/// the dataset's reader or the operating system reports.
pub fn fetch(
    published: &Published,
    mirror: Option<&str>,
    destination: &Path,
    patience: Patience,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fetched> {
    let folder = destination.join(published.folder);
    if is_whole(published, &folder) {
        return Ok(Fetched::Present(folder));
    }
    let made = !destination.exists();
    std::fs::create_dir_all(destination).map_err(DataError::io("create", destination))?;
    let path = destination.join(format!(".{}.lock", published.name()));
    let lock = Lock::take(&path, || progress(Progress::Waiting)).map_err(DataError::io("lock", &path))?;
    let fetched = fetch_locked(published, mirror, &folder, patience, progress);
    drop(lock);
    if made && fetched.is_err() {
        // Goes if it is empty, and stays if there is a download to go on with.
        let _ = std::fs::remove_dir(destination);
    }
    fetched
}

/// Whether the files in `folder` are as they were when it was fetched, or can be read if it came by another way.
fn is_whole(published: &Published, folder: &Path) -> bool {
    let sums = match zoo_files::read_sums(folder) {
        Ok(sums) => sums,
        Err(error) if error.kind() == ErrorKind::InvalidData => return false,
        Err(_) => return (published.read)(folder).is_ok(),
    };
    let is_as_it_was = |(name, sum): (&String, &String)| {
        zoo_files::open(&folder.join(name)).and_then(zoo_files::sha256).is_ok_and(|found| found == *sum)
    };
    !sums.is_empty() && sums.iter().all(is_as_it_was)
}

fn fetch_locked(
    published: &Published,
    mirror: Option<&str>,
    folder: &Path,
    patience: Patience,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fetched> {
    // Another process may have fetched it meanwhile.
    if is_whole(published, folder) {
        return Ok(Fetched::Present(folder.into()));
    }
    let destination = zoo_files::parent(folder);
    let parts: Vec<(&Packed, PathBuf)> =
        published.files.iter().map(|file| (file, file.part(published, destination))).collect();
    let (mut before, total) = (0, published.bytes());
    for (file, part) in &parts {
        let url = file.address(mirror, parts.len() == 1);
        let of_all = |step| match step {
            Step::Received(received) => Progress::Downloading { received: before + received, total },
            Step::Again => Progress::Retrying,
        };
        let resumed = download(file, &url, part, patience, &mut |step| progress(of_all(step)))?;
        progress(Progress::Checking);
        // What was there before may have been of another file.
        if let Err(error) = check(file, part) {
            if !resumed {
                return Err(error);
            }
            progress(Progress::StartingOver);
            download(file, &url, part, patience, &mut |step| progress(of_all(step)))?;
            check(file, part)?;
        }
        before += file.bytes;
    }
    progress(Progress::Unpacking);
    let damaged = put_aside(folder)?;
    write_folder(folder, |folder| {
        parts.iter().try_for_each(|(file, part)| unpack(file, part, folder))?;
        let kept = zoo_files::write_sums(folder).and_then(|()| zoo_files::sync_all(folder));
        kept.map_err(DataError::io("write to", folder))?;
        // To be sure.
        (published.read)(folder)
    })?;
    for (_, part) in &parts {
        std::fs::remove_file(part).map_err(DataError::io("remove", part))?;
    }
    let folder = folder.into();
    Ok(match damaged {
        Some(damaged) => Fetched::Repaired { folder, damaged },
        None => Fetched::Downloaded(folder),
    })
}

/// Gives a damaged folder, or what else is in its place, another name: it may have files that are somebody's. An empty one is removed.
fn put_aside(folder: &Path) -> Result<Option<PathBuf>> {
    if std::fs::symlink_metadata(folder).is_err() || std::fs::remove_dir(folder).is_ok() {
        return Ok(None);
    }
    for number in 1.. {
        let mut name = folder.as_os_str().to_owned();
        let _ = write!(name, ".damaged-{number}");
        let aside = PathBuf::from(name);
        if std::fs::symlink_metadata(&aside).is_err() {
            std::fs::rename(folder, &aside).map_err(DataError::io("rename", folder))?;
            return Ok(Some(aside));
        }
    }
    Ok(None)
}

/// Compares the SHA-256, and removes what is wrong.
fn check(file: &Packed, part: &Path) -> Result<()> {
    let found = zoo_files::open(part).and_then(zoo_files::sha256).map_err(DataError::io("read", part))?;
    if found == file.sha256 {
        return Ok(());
    }
    std::fs::remove_file(part).map_err(DataError::io("remove", part))?;
    Err(DataError::Checksum { path: part.into(), found, expected: file.sha256 })
}

/// Writes what the packed file `part` contains into `folder`.
fn unpack(file: &Packed, part: &Path, folder: &Path) -> Result<()> {
    let contents: Vec<(String, Vec<u8>)> = if file.name().ends_with(".tar.gz") {
        unpack_tar(part, |name| file.contains.contains(&name))?.into_iter().collect()
    } else {
        file.contains.iter().map(|&name| Ok((name.into(), unpack_gzip(part)?))).collect::<Result<_>>()?
    };
    for (name, bytes) in contents {
        let path = folder.join(name);
        std::fs::write(&path, bytes).map_err(DataError::io("write", &path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
