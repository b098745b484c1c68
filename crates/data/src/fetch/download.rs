//! One file from a server that may break off, stall, or have another file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use ureq::Error;
use ureq::http::Response;

use crate::error::{DataError, Result};
use crate::fetch::Packed;

/// Bytes read at a time.
const BUFFER: usize = 1 << 16;
/// Bytes a second that a server has to send at least, over the time that it may be silent for.
const SLOWEST: f64 = 10.0;
/// Bytes that make it worth to go on, if they aren't a twentieth of the file already.
const MUCH: u64 = 1 << 20;

/// How long a server is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long it may be silent.
    pub silence: Duration,
    /// How often a download is begun that brings little; one that brings a MiB, or a twentieth of the file, goes on for as long as it does.
    pub tries: u32,
    /// The pause before the second try; it doubles with each.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { silence: Duration::from_secs(30), tries: 4, pause: Duration::from_secs(1) }
    }
}

/// Why a try ended.
enum Fault {
    /// Another may do better.
    Passing(String),
    /// None will.
    Lasting(DataError),
}

impl From<DataError> for Fault {
    fn from(error: DataError) -> Self {
        Self::Lasting(error)
    }
}

/// What a download reports.
pub(super) enum Step {
    /// This many bytes are there.
    Received(u64),
    /// It broke off, and is begun again.
    Again,
}

/// Appends what is missing to `part`. Returns whether some of it was there before.
pub(super) fn download(
    file: &Packed,
    url: &str,
    part: &Path,
    patience: Patience,
    observe: &mut dyn FnMut(Step),
) -> Result<bool> {
    zoo_files::check_replaceable(part).map_err(DataError::io("write", part))?;
    let first = present(part);
    let (mut before, mut failures) = (first, 0);
    loop {
        match receive(file, url, part, patience, observe) {
            Ok(()) => return Ok(first > 0),
            Err(Fault::Lasting(error)) => return Err(error),
            Err(Fault::Passing(reason)) => {
                let now = present(part);
                let is_much = now >= before + MUCH.min(file.bytes.div_ceil(20));
                failures = if is_much { 0 } else { failures + 1 };
                before = now;
                if failures >= patience.tries {
                    return Err(DataError::Download { url: url.into(), reason });
                }
                log::debug!("{url}: {reason}");
                observe(Step::Again);
                std::thread::sleep(patience.pause * 2_u32.saturating_pow(failures.saturating_sub(1)));
            }
        }
    }
}

fn present(part: &Path) -> u64 {
    std::fs::metadata(part).map_or(0, |metadata| metadata.len())
}

fn remove(part: &Path) -> Result<()> {
    match std::fs::remove_file(part) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(DataError::io("remove", part)(error)),
        _ => Ok(()),
    }
}

/// One try.
fn receive(
    file: &Packed,
    url: &str,
    part: &Path,
    patience: Patience,
    observe: &mut dyn FnMut(Step),
) -> std::result::Result<(), Fault> {
    let mut present = present(part);
    if present == file.bytes {
        return Ok(());
    }
    if present > file.bytes {
        remove(part)?;
        present = 0;
    }
    let response = match request(url, present, patience) {
        Ok(response) => response,
        Err(Error::StatusCode(416)) if present > 0 => {
            remove(part)?;
            return Err(Fault::Passing("it has no such part of the file any more".into()));
        }
        Err(error) if is_passing(&error) => return Err(Fault::Passing(error.to_string())),
        Err(error) => {
            return Err(DataError::Download { url: url.into(), reason: error.to_string() }.into());
        }
    };
    // A server that can't resume answers 200 and starts over.
    let resumed = response.status() == 206;
    let received = if resumed { present } else { 0 };
    let length: Option<u64> = header(&response, "content-length").and_then(|value| value.parse().ok());
    let found = length.map_or(file.bytes, |length| received.saturating_add(length));
    let is_next = header(&response, "content-range")
        .is_none_or(|range| range.strip_prefix(&format!("bytes {present}-")).is_some());
    if resumed && (found != file.bytes || !is_next) {
        // What there is so far doesn't go with the rest.
        remove(part)?;
        return Err(Fault::Passing("it has another file than before".into()));
    }
    if found != file.bytes {
        return Err(DataError::DownloadSize { url: url.into(), found, expected: file.bytes }.into());
    }
    keep(file, url, part, response, (received, patience), observe)
}

/// Writes what arrives behind what there is.
fn keep(
    file: &Packed,
    url: &str,
    part: &Path,
    response: Response<ureq::Body>,
    (mut received, patience): (u64, Patience),
    observe: &mut dyn FnMut(Step),
) -> std::result::Result<(), Fault> {
    let resumed = received > 0;
    let mut options = OpenOptions::new();
    let options = options.create(true).write(true).append(resumed).truncate(!resumed);
    let mut target = options.open(part).map_err(DataError::io("write", part))?;
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; BUFFER];
    let (mut since, mut before) = (Instant::now(), received);
    loop {
        let count = body.read(&mut buffer).map_err(|error| Fault::Passing(error.to_string()))?;
        if count == 0 {
            break;
        }
        received += count as u64;
        if received > file.bytes {
            remove(part)?;
            return Err(
                DataError::DownloadSize { url: url.into(), found: received, expected: file.bytes }.into()
            );
        }
        target.write_all(&buffer[..count]).map_err(DataError::io("write", part))?;
        observe(Step::Received(received));
        if since.elapsed() > patience.silence {
            if ((received - before) as f64) < SLOWEST * since.elapsed().as_secs_f64() {
                return Err(Fault::Passing(format!("fewer than {SLOWEST} bytes a second arrive")));
            }
            (since, before) = (Instant::now(), received);
        }
    }
    if received < file.bytes {
        let reason = format!("the connection closed after {received} of {} bytes", file.bytes);
        return Err(Fault::Passing(reason));
    }
    Ok(())
}

fn header<'a>(response: &'a Response<ureq::Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

/// Whether another try may do better.
fn is_passing(error: &Error) -> bool {
    match error {
        Error::StatusCode(status) => matches!(status, 408 | 425 | 429 | 500..),
        Error::Io(_)
        | Error::Timeout(_)
        | Error::ConnectionFailed
        | Error::HostNotFound
        | Error::Protocol(_) => true,
        _ => false,
    }
}

/// Asks for the file, from byte `present` on if some of it is there already. From https nothing leads to http.
fn request(url: &str, present: u64, patience: Patience) -> std::result::Result<Response<ureq::Body>, Error> {
    let silence = Some(patience.silence);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .https_only(url.starts_with("https://"))
        .timeout_resolve(silence)
        .timeout_connect(silence)
        .timeout_recv_response(silence)
        // Of a connection that stays open and sends nothing.
        .timeout_per_read(silence)
        .user_agent(concat!("zoo/", env!("CARGO_PKG_VERSION")))
        // The file as it is: its length is compared.
        .accept_encoding("identity")
        .build()
        .into();
    let mut request = agent.get(url);
    if present > 0 {
        request = request.header("Range", format!("bytes={present}-"));
    }
    request.call()
}
