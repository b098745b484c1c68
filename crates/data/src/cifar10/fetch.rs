//! Downloads the official archive: resumable, checked, and safe while another process does the same.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use md5::{Digest, Md5};

use crate::cifar10::source::{Source, load_batches, read_archive};
use crate::dataset::hexadecimal;
use crate::error::{DataError, Result};
use crate::storage::{lock, write_folder};

/// An archive to download, and what makes sure that it is the right one.
#[derive(Clone, Copy, Debug)]
pub struct Archive {
    /// The name it is saved under while it is downloaded.
    pub file: &'static str,
    /// The folder that its batches are unpacked to.
    pub folder: &'static str,
    /// Where it is published.
    pub url: &'static str,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its MD5 checksum, in hexadecimal.
    pub md5: &'static str,
}

/// The official binary archive.
pub const ARCHIVE: Archive = Archive {
    file: "cifar-10-binary.tar.gz",
    folder: "cifar-10-batches-bin",
    url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    bytes: 170_052_171,
    md5: "c32a1d4ab5d03f1284b67883e8d87530",
};

/// Bytes read at a time.
const BUFFER: usize = 1 << 16;

/// What [`fetch`] is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Another process fetches into the same folder; this one waits for it.
    Waiting,
    /// How many of how many bytes have arrived.
    Downloading {
        /// Bytes on disk, those of an earlier try included.
        received: u64,
        /// Bytes of the whole archive.
        total: u64,
    },
    /// The checksum is being computed.
    Checking,
    /// The batches are being unpacked and read once.
    Unpacking,
}

/// What [`fetch`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The folder was there before.
    Present(PathBuf),
    /// The folder was downloaded and unpacked.
    Downloaded(PathBuf),
}

/// Brings `archive` into `destination` as a folder of batches, from `url` or the official address.
///
/// The download goes to `<file>.part`, continues there if an earlier one broke off, is checked for length and MD5,
/// unpacked next to its place and renamed. A lock file keeps two processes apart: the second waits, then finds the work done.
///
/// # Errors
/// [`DataError::Download`] if the server can't be reached or stops (what has arrived is kept for the next try);
/// [`DataError::DownloadSize`] or [`DataError::Checksum`] if it is another file (nothing is kept); otherwise what
/// [`load`](crate::cifar10::load) or the operating system reports.
pub fn fetch(
    archive: &Archive,
    url: Option<&str>,
    destination: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fetched> {
    let folder = destination.join(archive.folder);
    if folder.exists() {
        return Ok(Fetched::Present(folder));
    }
    let made = !destination.exists();
    std::fs::create_dir_all(destination).map_err(DataError::io("create", destination))?;
    let lock_path = destination.join(format!(".{}.lock", archive.file));
    let guard = lock(&lock_path, || progress(Progress::Waiting))?;
    let fetched = fetch_locked(archive, url, destination, progress);
    drop(guard);
    let _ = std::fs::remove_file(lock_path);
    if made && fetched.is_err() {
        // Goes if it is empty, and stays if there is a download to go on with.
        let _ = std::fs::remove_dir(destination);
    }
    fetched
}

fn fetch_locked(
    archive: &Archive,
    url: Option<&str>,
    destination: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fetched> {
    let folder = destination.join(archive.folder);
    if folder.exists() {
        return Ok(Fetched::Present(folder));
    }
    let part = destination.join(format!("{}.part", archive.file));
    download(archive, url.unwrap_or(archive.url), &part, progress)?;
    progress(Progress::Checking);
    check(archive, &part)?;
    progress(Progress::Unpacking);
    write_folder(&folder, |folder| unpack(&part, folder))?;
    std::fs::remove_file(&part).map_err(DataError::io("remove", &part))?;
    Ok(Fetched::Downloaded(folder))
}

/// Appends what is missing to `part`.
fn download(archive: &Archive, url: &str, part: &Path, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    let failed = |reason: String| DataError::Download { url: url.into(), reason };
    let present = std::fs::metadata(part).map_or(0, |metadata| metadata.len());
    if present == archive.bytes {
        return Ok(());
    }
    let response = request(archive, url, present).map_err(|error| failed(error.to_string()))?;

    // A server that can't resume answers 200 and starts over.
    let resumed = response.status() == 206;
    let mut received = if resumed { present } else { 0 };
    let length =
        response.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if let Some(length) = length
        && received + length != archive.bytes
    {
        return Err(DataError::DownloadSize {
            url: url.into(),
            found: received + length,
            expected: archive.bytes,
        });
    }

    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .append(resumed)
        .truncate(!resumed)
        .open(part)
        .map_err(DataError::io("write", part))?;
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = body.read(&mut buffer).map_err(|error| failed(error.to_string()))?;
        if count == 0 {
            break;
        }
        file.write_all(&buffer[..count]).map_err(DataError::io("write", part))?;
        received += count as u64;
        if received > archive.bytes {
            let _ = std::fs::remove_file(part);
            return Err(DataError::DownloadSize {
                url: url.into(),
                found: received,
                expected: archive.bytes,
            });
        }
        progress(Progress::Downloading { received, total: archive.bytes });
    }
    if received < archive.bytes {
        return Err(failed(format!("the connection closed after {received} of {} bytes", archive.bytes)));
    }
    Ok(())
}

/// Asks for the archive, from byte `present` on if some of it is there already.
fn request(
    archive: &Archive,
    url: &str,
    present: u64,
) -> std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_mins(1)))
        .user_agent(concat!("zoo/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let mut request = agent.get(url);
    if (1..archive.bytes).contains(&present) {
        request = request.header("Range", format!("bytes={present}-"));
    }
    request.call()
}

/// Compares length and MD5, and removes what is wrong.
fn check(archive: &Archive, part: &Path) -> Result<()> {
    let mut file = File::open(part).map_err(DataError::io("open", part))?;
    let mut digest = Md5::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer).map_err(DataError::io("read", part))? {
            0 => break,
            count => digest.update(&buffer[..count]),
        }
    }
    let found = hexadecimal(&digest.finalize());
    if found == archive.md5 {
        return Ok(());
    }
    std::fs::remove_file(part).map_err(DataError::io("remove", part))?;
    Err(DataError::Checksum { path: part.into(), found, expected: archive.md5 })
}

/// Writes the batch files of the archive `part` into `folder` and reads them once, to be sure.
fn unpack(part: &Path, folder: &Path) -> Result<()> {
    let (_, files) = read_archive(part)?;
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::write(&path, bytes).map_err(DataError::io("write", &path))?;
    }
    let source = Source::at(folder).ok_or_else(|| DataError::NoCifar10 { path: part.into() })?;
    load_batches(&source).map(drop)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use flate2::write::GzEncoder;

    use super::*;
    use crate::cifar10::binary::{RECORD, write_record};

    /// An archive of six batches of two records each.
    fn small_archive() -> Vec<u8> {
        let mut batch = Vec::new();
        for label in 0..2 {
            write_record(&mut batch, label, &[label; RECORD - 1]).unwrap();
        }
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for name in crate::cifar10::source::Layout::Binary.files() {
            let mut header = tar::Header::new_gnu();
            header.set_size(batch.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, format!("cifar-10-batches-bin/{name}"), batch.as_slice()).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap()
    }

    fn describe(content: &[u8]) -> Archive {
        let md5 = hexadecimal(&Md5::digest(content));
        Archive { bytes: content.len() as u64, md5: md5.leak(), ..ARCHIVE }
    }

    /// Serves `content` with ranges; the first answer stops after `first` bytes. Returns its address and the ranges
    /// that were asked for.
    fn serve(content: Vec<u8>, first: usize) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/archive", listener.local_addr().unwrap());
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let (seen, answers) = (Arc::clone(&ranges), AtomicUsize::new(0));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines: Vec<String> = BufReader::new(stream.try_clone().unwrap())
                    .lines()
                    .map(Result::unwrap)
                    .take_while(|line: &String| !line.is_empty())
                    .collect();
                let range = lines
                    .iter()
                    .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(String::from));
                let start = range.as_ref().map_or(0, |range| range.trim_end_matches('-').parse().unwrap());
                let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
                seen.lock().unwrap().push(range.unwrap_or_default());
                let body = &content[start..];
                let sent = if answers.fetch_add(1, Ordering::SeqCst) == 0 {
                    first.min(body.len())
                } else {
                    body.len()
                };
                let head = format!(
                    "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..sent]));
            }
        });
        (url, ranges)
    }

    #[test]
    fn a_broken_download_goes_on_where_it_stopped() {
        let content = small_archive();
        let archive = describe(&content);
        let (url, ranges) = serve(content, 100);
        let place = tempfile::tempdir().unwrap();

        let error = fetch(&archive, Some(&url), place.path(), &mut |_| {}).unwrap_err();
        assert!(matches!(error, DataError::Download { .. }), "{error}");
        assert!(!place.path().join(archive.folder).exists());

        let mut events = Vec::new();
        let fetched = fetch(&archive, Some(&url), place.path(), &mut |event| events.push(event)).unwrap();
        assert_eq!(fetched, Fetched::Downloaded(place.path().join(archive.folder)));
        assert_eq!(*ranges.lock().unwrap(), ["", "100-"]);
        assert!(events.contains(&Progress::Downloading { received: archive.bytes, total: archive.bytes }));

        let source = Source::find(place.path()).unwrap();
        let dataset = load_batches(&source).unwrap();
        assert_eq!((dataset.train.len(), dataset.test.len(), dataset.name.as_str()), (10, 2, "cifar10"));
        let left: Vec<_> = std::fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["cifar-10-batches-bin"]);
        let again = fetch(&archive, Some("http://127.0.0.1:9/"), place.path(), &mut |_| {}).unwrap();
        assert_eq!(again, Fetched::Present(place.path().join(archive.folder)));
    }

    #[test]
    fn another_file_is_refused_by_size_or_checksum_and_not_kept() {
        let content = small_archive();
        let mut damaged = content.clone();
        *damaged.last_mut().unwrap() ^= 1;
        for (served, size) in [(damaged, false), (b"<html>not found</html>".to_vec(), true)] {
            let (url, _) = serve(served, usize::MAX);
            let place = tempfile::tempdir().unwrap();
            let error = fetch(&describe(&content), Some(&url), place.path(), &mut |_| {}).unwrap_err();
            assert_eq!(matches!(error, DataError::DownloadSize { .. }), size, "{error}");
            assert_eq!(matches!(error, DataError::Checksum { .. }), !size, "{error}");
            assert!(!place.path().join("cifar-10-binary.tar.gz.part").exists());
            assert!(!place.path().join("cifar-10-batches-bin").exists());
        }
    }

    #[test]
    fn two_at_once_download_once() {
        let content = small_archive();
        let archive = describe(&content);
        let (url, ranges) = serve(content, usize::MAX);
        let place = tempfile::tempdir().unwrap();
        let fetched: Vec<Fetched> = std::thread::scope(|scope| {
            let run = || fetch(&archive, Some(&url), place.path(), &mut |_| {}).unwrap();
            [scope.spawn(run), scope.spawn(run)].map(|thread| thread.join().unwrap()).into()
        });
        assert_eq!(fetched.iter().filter(|fetched| matches!(fetched, Fetched::Downloaded(_))).count(), 1);
        assert_eq!(ranges.lock().unwrap().len(), 1);
    }
}
