use std::path::PathBuf;

use rusqlite::OpenFlags;

use crate::{Connection, Result};

/// How a database file is to be opened.
#[derive(Debug, Clone)]
pub struct Builder {
    database: Database,
    shared: bool,
}

impl Builder {
    /// The database in the file `path`, which comes into being if there is none.
    #[must_use]
    pub fn new_local(path: &str) -> Self {
        Self { database: Database { path: path.into(), read_only: false }, shared: false }
    }

    /// Whether it may only be read; then the file has to be there.
    #[must_use]
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.database.read_only = read_only;
        self
    }

    /// Whether other processes read while one writes: by a write-ahead log, which stays the file's way from then on.
    #[must_use]
    pub fn experimental_multiprocess_wal(mut self, shared: bool) -> Self {
        self.shared = shared;
        self
    }

    /// Whether `VACUUM` is a statement. It always is.
    #[must_use]
    pub fn experimental_vacuum(self, _: bool) -> Self {
        self
    }

    /// Opens it.
    ///
    /// # Errors
    ///
    /// If the file can't be opened as asked, or is no database.
    #[expect(clippy::unused_async, reason = "turso's is")]
    pub async fn build(self) -> Result<Database> {
        let connection = self.database.connect()?;
        // The first look into the file.
        connection.run(if self.shared && !self.database.read_only {
            "PRAGMA journal_mode = WAL"
        } else {
            "PRAGMA schema_version"
        })?;
        Ok(self.database)
    }
}

/// A database file that was opened once.
#[derive(Debug, Clone)]
pub struct Database {
    path: PathBuf,
    read_only: bool,
}

impl Database {
    /// A connection of one's own.
    ///
    /// # Errors
    ///
    /// If the file can't be opened.
    pub fn connect(&self) -> Result<Connection> {
        let access = if self.read_only {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
        };
        // One thread at a time uses a connection: Rust sees to that.
        Ok(Connection(rusqlite::Connection::open_with_flags(
            &self.path,
            access | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?))
    }
}
