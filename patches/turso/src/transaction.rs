use std::ops::Deref;

use crate::{Connection, Result};

/// When a transaction takes the right to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionBehavior {
    /// With its first write.
    Deferred,
    /// At once.
    Immediate,
}

/// Statements that count together or not at all. Dropped without [`commit`](Self::commit), they don't count.
#[derive(Debug)]
pub struct Transaction<'connection> {
    connection: &'connection Connection,
    open: bool,
}

impl<'connection> Transaction<'connection> {
    pub(crate) fn begin(connection: &'connection Connection, behavior: TransactionBehavior) -> Result<Self> {
        connection.run(match behavior {
            TransactionBehavior::Deferred => "BEGIN DEFERRED",
            TransactionBehavior::Immediate => "BEGIN IMMEDIATE",
        })?;
        Ok(Self { connection, open: true })
    }

    /// Makes what was done last.
    ///
    /// # Errors
    ///
    /// If it can't be written; then nothing of it counts.
    #[expect(clippy::unused_async, reason = "turso's is")]
    pub async fn commit(mut self) -> Result<()> {
        self.connection.run("COMMIT")?;
        self.open = false;
        Ok(())
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.open {
            // SQLite may have taken it back already, after a full disk for instance; then there is nothing left to undo.
            let _ = self.connection.run("ROLLBACK");
        }
    }
}
