use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::write::GzEncoder;

use super::*;
use crate::cifar10::{Source, load_batches, write_record};
use crate::idx::tests::{file as idx, packed};
use crate::published::published;

/// Batches of any length, which `cifar10::load` would not take.
fn read_batches(path: &Path) -> Result<Dataset> {
    let not_found = || DataError::MissingFile { path: path.into(), title: "CIFAR-10", files: "six batches" };
    load_batches(&Source::find(path).ok_or_else(not_found)?)
}

/// An archive of files with this content, and of one that is not wanted.
fn archive(names: &[&str], content: &[u8]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for name in names.iter().chain(&["readme.html"]) {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("folder/{name}"), content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// CIFAR-10's archive of six batches of two records each.
fn batches() -> Vec<u8> {
    let mut batch = Vec::new();
    for label in 0..2 {
        write_record(&mut batch, label, &[label; 3072]).unwrap();
    }
    let contains = published("cifar10").unwrap().files[0].contains;
    archive(contains.strip_suffix(&["batches.meta.txt"]).unwrap(), &batch)
}

/// The four files of a small MNIST, in the order of the table.
fn digits() -> Vec<Vec<u8>> {
    let images = |count: u32| packed(&idx(&[count, 1, 2], &vec![count as u8; 2 * count as usize]));
    let labels = |count: u32| packed(&idx(&[count], &vec![3; count as usize]));
    vec![images(4), labels(4), images(2), labels(2)]
}

/// The dataset `name` of the table, with these contents of its files instead of the official ones.
fn small(name: &str, contents: &[Vec<u8>]) -> Published {
    let published = published(name).unwrap();
    let describe = |(file, content): (&Packed, &Vec<u8>)| {
        let sha256 = zoo_files::sha256(&content[..]).unwrap();
        Packed { bytes: content.len() as u64, sha256: sha256.leak(), ..*file }
    };
    let files: Vec<Packed> = published.files.iter().zip(contents).map(describe).collect();
    let read = if name == "cifar10" { read_batches } else { published.read };
    Published { files: files.leak(), read, ..*published }
}

/// Serves the files of `published` with ranges, each under its own name and the first one under any other; the first answer stops
/// after `first` bytes. Returns the address of a folder and what was asked for.
fn serve(published: &Published, contents: Vec<Vec<u8>>, first: usize) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let names: Vec<&str> = published.files.iter().map(Packed::name).collect();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(std::result::Result::unwrap);
            let lines: Vec<String> = lines.take_while(|line: &String| !line.is_empty()).collect();
            let path = lines[0].split(' ').nth(1).unwrap().trim_start_matches('/');
            let content = &contents[names.iter().position(|name| path == *name).unwrap_or(0)];
            let range = lines
                .iter()
                .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(String::from));
            let start = range.as_ref().map_or(0, |range| range.trim_end_matches('-').parse().unwrap());
            let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
            let body = &content[start..];
            let mut seen = seen.lock().unwrap();
            let sent = if seen.is_empty() { first.min(body.len()) } else { body.len() };
            seen.push(format!("{path} {}", range.unwrap_or_default()));
            drop(seen);
            let length = body.len();
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..sent]));
        }
    });
    (url, asked)
}

/// Little time, and this many tries.
fn patience(tries: u32) -> Patience {
    Patience { silence: Duration::from_millis(400), tries, pause: Duration::from_millis(1) }
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_broken_download_goes_on_where_it_stopped() {
    let contents = vec![batches()];
    let published = small("cifar10", &contents);
    let (url, asked) = serve(&published, contents, 100);
    // The address of the file itself, whatever it is called.
    let url = format!("{url}archive");
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join(published.folder);

    let mut events = Vec::new();
    let fetched =
        fetch(&published, Some(&url), place.path(), patience(1), &mut |event| events.push(event)).unwrap();
    assert_eq!(fetched, Fetched::Downloaded(folder.clone()));
    assert_eq!(*asked.lock().unwrap(), ["archive ", "archive 100-"]);
    let total = published.bytes();
    assert!(events.contains(&Progress::Downloading { received: total, total }));
    assert!(events.contains(&Progress::Retrying));

    let dataset = read_batches(&folder).unwrap();
    assert_eq!((dataset.train.len(), dataset.test.len(), dataset.name.as_str()), (10, 2, "cifar10"));
    assert_eq!(names_in(place.path()), [published.folder]);
    assert_eq!(names_in(&folder).len(), 7, "six batches and their digests, and nothing that isn't wanted");
    let again =
        fetch(&published, Some("http://127.0.0.1:9/"), place.path(), patience(1), &mut |_| {}).unwrap();
    assert_eq!(again, Fetched::Present(folder));
}

#[test]
fn several_files_arrive_one_after_the_other_and_together() {
    let contents = digits();
    let published = small("mnist", &contents);
    let (url, asked) = serve(&published, contents, 20);
    let place = tempfile::tempdir().unwrap();
    let run =
        |observe: &mut dyn FnMut(Progress)| fetch(&published, Some(&url), place.path(), patience(1), observe);

    let mut received = Vec::new();
    let folder = place.path().join("mnist");
    let fetched = run(&mut |event| {
        if let Progress::Downloading { received: so_far, total } = event {
            assert_eq!(total, published.bytes());
            received.push(so_far);
        }
    });
    assert_eq!(fetched.unwrap(), Fetched::Downloaded(folder.clone()));
    assert!(received.is_sorted() && received.last() == Some(&published.bytes()), "{received:?}");
    let asked = asked.lock().unwrap();
    assert_eq!(
        asked[..3],
        ["train-images-idx3-ubyte.gz ", "train-images-idx3-ubyte.gz 20-", "train-labels-idx1-ubyte.gz "]
    );
    assert_eq!(asked.len(), 5);
    assert_eq!(names_in(place.path()), ["mnist"]);
    assert_eq!(names_in(&folder).len(), 5);
    let dataset = crate::mnist::load(place.path()).unwrap();
    assert_eq!((dataset.train.len(), dataset.test.len()), (4, 2));
}

#[test]
fn another_file_is_refused_by_size_or_checksum_and_not_kept() {
    let content = batches();
    let published = small("cifar10", std::slice::from_ref(&content));
    let mut damaged = content;
    *damaged.last_mut().unwrap() ^= 1;
    for (served, is_size) in [(damaged, false), (b"<html>not found</html>".to_vec(), true)] {
        let (url, _) = serve(&published, vec![served], usize::MAX);
        let place = tempfile::tempdir().unwrap();
        let error = fetch(&published, Some(&url), place.path(), patience(1), &mut |_| {}).unwrap_err();
        assert_eq!(matches!(error, DataError::DownloadSize { .. }), is_size, "{error}");
        assert_eq!(matches!(error, DataError::Checksum { .. }), !is_size, "{error}");
        assert_eq!(names_in(place.path()), [""; 0]);
    }
}

#[test]
fn what_does_not_go_with_the_rest_is_not_kept() {
    let content = batches();
    let published = small("cifar10", std::slice::from_ref(&content));
    let (url, asked) = serve(&published, vec![content[..content.len() - 1].to_vec()], usize::MAX);
    let place = tempfile::tempdir().unwrap();
    std::fs::write(published.files[0].part(&published, place.path()), [1; 10]).unwrap();
    let error = fetch(&published, Some(&url), place.path(), patience(2), &mut |_| {}).unwrap_err();
    assert!(matches!(error, DataError::DownloadSize { .. }), "{error}");
    assert_eq!(*asked.lock().unwrap(), ["cifar-10-binary.tar.gz 10-", "cifar-10-binary.tar.gz "]);
    assert_eq!(names_in(place.path()), [""; 0]);
}

#[test]
fn what_was_there_of_another_file_is_fetched_again() {
    let content = batches();
    let published = small("cifar10", std::slice::from_ref(&content));
    let (url, asked) = serve(&published, vec![content], usize::MAX);
    let place = tempfile::tempdir().unwrap();
    std::fs::write(published.files[0].part(&published, place.path()), [1; 10]).unwrap();
    fetch(&published, Some(&url), place.path(), patience(1), &mut |_| {}).unwrap();
    assert_eq!(*asked.lock().unwrap(), ["cifar-10-binary.tar.gz 10-", "cifar-10-binary.tar.gz "]);
}

#[test]
fn of_several_files_only_the_wrong_one_is_fetched_again() {
    let contents = digits();
    let published = small("mnist", &contents);
    let mut damaged = contents.clone();
    *damaged[1].last_mut().unwrap() ^= 1;
    let place = tempfile::tempdir().unwrap();
    let (url, _) = serve(&published, damaged, usize::MAX);
    let error = fetch(&published, Some(&url), place.path(), patience(1), &mut |_| {}).unwrap_err();
    assert!(
        matches!(&error, DataError::Checksum { path, .. } if path.ends_with("mnist-train-labels-idx1-ubyte.gz.part")),
        "{error}"
    );
    let (url, asked) = serve(&published, contents, usize::MAX);
    fetch(&published, Some(url.trim_end_matches('/')), place.path(), patience(1), &mut |_| {}).unwrap();
    let asked = asked.lock().unwrap();
    assert!(asked.len() == 3 && asked[0] == "train-labels-idx1-ubyte.gz ", "{asked:?}");
}

#[test]
fn what_is_damaged_is_fetched_again_and_kept_aside() {
    let contents = digits();
    let published = small("mnist", &contents);
    let (url, asked) = serve(&published, contents, usize::MAX);
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("mnist");
    let run = || fetch(&published, Some(&url), place.path(), patience(1), &mut |_| {}).unwrap();
    // An empty folder has nothing to keep.
    std::fs::create_dir(&folder).unwrap();
    assert_eq!(run(), Fetched::Downloaded(folder.clone()));
    assert_eq!(run(), Fetched::Present(folder.clone()));
    // A changed pixel can be read, but is not what was fetched.
    let file = folder.join("train-images-idx3-ubyte");
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let damaged = place.path().join("mnist.damaged-1");
    assert_eq!(run(), Fetched::Repaired { folder: folder.clone(), damaged: damaged.clone() });
    assert_eq!(std::fs::read(damaged.join("train-images-idx3-ubyte")).unwrap(), bytes);
    // Anything else in its place.
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::write(&folder, "a file").unwrap();
    assert!(matches!(run(), Fetched::Repaired { .. }));
    assert_eq!(std::fs::read(place.path().join("mnist.damaged-2")).unwrap(), b"a file");
    assert_eq!(run(), Fetched::Present(folder));
    assert_eq!(asked.lock().unwrap().len(), 3 * 4);
}

#[test]
fn two_at_once_download_once() {
    let contents = vec![batches()];
    let published = small("cifar10", &contents);
    let (url, asked) = serve(&published, contents, usize::MAX);
    let place = tempfile::tempdir().unwrap();
    let fetched: Vec<Fetched> = std::thread::scope(|scope| {
        let run = || fetch(&published, Some(&url), place.path(), patience(1), &mut |_| {}).unwrap();
        [scope.spawn(run), scope.spawn(run)].map(|thread| thread.join().unwrap()).into()
    });
    assert_eq!(fetched.iter().filter(|fetched| matches!(fetched, Fetched::Downloaded(_))).count(), 1);
    assert_eq!(asked.lock().unwrap().len(), 1);
}

/// Answers the request of this number (from 0) for the bytes from a place on.
type Script = dyn Fn(usize, usize, &mut std::net::TcpStream) + Send + Sync;

/// A server that does what a script says. Returns the address of the file and the number of requests.
fn act(script: Box<Script>) -> (String, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/archive", listener.local_addr().unwrap());
    let count = Arc::new(Mutex::new(0));
    let (asked, script) = (Arc::clone(&count), Arc::<Script>::from(script));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let lines =
                BufReader::new(stream.try_clone().unwrap()).lines().map_while(std::result::Result::ok);
            let start = lines
                .take_while(|line| !line.is_empty())
                .find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(String::from));
            let start = start.map_or(0, |range| range.trim_end_matches('-').parse().unwrap());
            let number = *asked.lock().unwrap();
            *asked.lock().unwrap() += 1;
            let script = Arc::clone(&script);
            std::thread::spawn(move || script(number, start, &mut stream));
        }
    });
    (url, count)
}

/// Sends the head of an answer, and `sent` of the bytes from `start` on.
fn answer(stream: &mut std::net::TcpStream, content: &[u8], start: usize, sent: usize) {
    let (status, body) = (if start > 0 { "206 Partial Content" } else { "200 OK" }, &content[start..]);
    let (last, all, length) = (content.len() - 1, content.len(), body.len());
    let range = format!("Content-Range: bytes {start}-{last}/{all}\r\n");
    let range = if start > 0 { &range } else { "" };
    let head = format!("HTTP/1.1 {status}\r\n{range}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..sent.min(length)]));
}

fn refuse(stream: &mut std::net::TcpStream, status: &str, more: &str) {
    let head = format!("HTTP/1.1 {status}\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
}

/// What comes of fetching CIFAR-10 from a server with this script: the number of requests, the names of what is there, and the error.
fn fetched(
    tries: u32,
    script: impl Fn(&[u8], usize, usize, &mut std::net::TcpStream) + Send + Sync + 'static,
) -> (usize, Vec<String>, Option<String>) {
    let content = batches();
    let published = small("cifar10", std::slice::from_ref(&content));
    let (url, asked) = act(Box::new(move |number, start, stream| script(&content, number, start, stream)));
    let place = tempfile::tempdir().unwrap();
    let outcome = fetch(&published, Some(&url), place.path(), patience(tries), &mut |_| {});
    let asked = *asked.lock().unwrap();
    (asked, names_in(place.path()), outcome.err().map(|error| error.to_string()))
}

const THERE: [&str; 1] = ["cifar-10-batches-bin"];

#[test]
fn a_server_that_breaks_off_again_and_again_is_asked_for_the_rest() {
    // Ten parts with two tries: a try that brings something is not counted.
    let (asked, names, error) = fetched(2, |content, _, start, stream| {
        answer(stream, content, start, content.len().div_ceil(10));
    });
    assert_eq!((asked, names, error), (10, THERE.map(String::from).to_vec(), None));
}

#[test]
fn a_server_that_is_silent_is_left() {
    let (asked, _, error) = fetched(2, |content, number, start, stream| {
        // Something, nothing, nothing.
        answer(stream, content, start, if number == 0 { 100 } else { 0 });
        std::thread::sleep(Duration::from_secs(2));
    });
    assert!(asked == 3 && error.as_ref().is_some_and(|error| error.contains("timeout")), "{asked} {error:?}");
    let (asked, names, error) = fetched(2, |content, number, start, stream| match number {
        0 => std::thread::sleep(Duration::from_secs(1)),
        _ => answer(stream, content, start, usize::MAX),
    });
    assert_eq!((asked, names, error), (2, THERE.map(String::from).to_vec(), None));
}

#[test]
fn a_server_that_sends_a_byte_now_and_then_is_left() {
    let (_, names, error) = fetched(1, |content, _, start, stream| {
        answer(stream, content, start, 0);
        for byte in &content[start..] {
            std::thread::sleep(Duration::from_millis(250));
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
        }
    });
    assert!(error.as_ref().is_some_and(|error| error.contains("fewer than 10 bytes a second")), "{error:?}");
    assert_eq!(names, ["cifar10-cifar-10-binary.tar.gz.part"]);
    // Slow is not too slow.
    let (asked, _, error) = fetched(1, |content, _, start, stream| {
        answer(stream, content, start, 0);
        for bytes in content[start..].chunks(content.len().div_ceil(12)) {
            std::thread::sleep(Duration::from_millis(100));
            let _ = stream.write_all(bytes);
        }
    });
    assert_eq!((asked, error), (1, None));
}

#[test]
fn passing_faults_are_tried_again_and_lasting_ones_are_not() {
    let (asked, _, error) = fetched(3, |content, number, start, stream| match number {
        0 | 1 => refuse(stream, "503 Service Unavailable", ""),
        _ => answer(stream, content, start, usize::MAX),
    });
    assert_eq!((asked, error), (3, None));
    let (asked, names, error) = fetched(3, |_, _, _, stream| refuse(stream, "404 Not Found", ""));
    assert!(asked == 1 && error.unwrap().contains("404") && names.is_empty(), "{names:?}");
    let (asked, names, error) =
        fetched(3, |_, _, _, stream| refuse(stream, "302 Found", "Location: /archive\r\n"));
    assert!(asked > 1 && error.unwrap().contains("redirect") && names.is_empty(), "{names:?}");
}

#[test]
fn a_part_that_the_server_has_no_rest_of_is_begun_anew() {
    // 416, or a range that was not asked for.
    for is_refused in [true, false] {
        let (asked, names, error) = fetched(2, move |content, number, start, stream| match number {
            0 => answer(stream, content, start, 100),
            1 if is_refused => refuse(stream, "416 Range Not Satisfiable", ""),
            1 => {
                let length = content.len() - start;
                let range = format!("Content-Range: bytes 0-{}/{length}\r\n", length - 1);
                let head = format!("HTTP/1.1 206 Partial Content\r\n{range}Content-Length: {length}\r\n\r\n");
                let _ = stream.write_all(head.as_bytes());
            }
            _ => {
                assert_eq!(start, 0);
                answer(stream, content, 0, usize::MAX);
            }
        });
        assert_eq!((asked, names, error), (3, THERE.map(String::from).to_vec(), None));
    }
}

#[test]
fn the_table_is_in_order() {
    for published in &crate::published::PUBLISHED {
        for file in published.files {
            assert!(file.url.starts_with("https://") && file.sha256.len() == 64, "{}", file.url);
            assert_eq!(Path::new(file.name()).extension(), Some("gz".as_ref()));
        }
    }
}
