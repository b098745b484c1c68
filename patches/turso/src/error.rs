use std::io;

use rusqlite::ErrorCode;

/// What a call gives.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another connection holds a lock, and held it for as long as [`busy_timeout`](crate::Connection::busy_timeout) allows.
    #[error("{0}")]
    Busy(String),
    /// Another connection has written since this one began to read.
    #[error("{0}")]
    BusySnapshot(String),
    /// A file or a folder can't be had; the second field says for what.
    #[error("I/O error ({1}): {0}")]
    IoError(io::ErrorKind, &'static str),
    /// Everything else, in SQLite's words.
    #[error("{0}")]
    Error(String),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let words = error.to_string();
        match error.sqlite_error() {
            Some(failure) if failure.extended_code == rusqlite::ffi::SQLITE_BUSY_SNAPSHOT => {
                Error::BusySnapshot(words)
            }
            Some(failure) if matches!(failure.code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Error::Busy(words)
            }
            _ => Error::Error(words),
        }
    }
}
