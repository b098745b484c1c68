use std::time::Duration;

use rusqlite::Params;

use crate::transaction::{Transaction, TransactionBehavior};
use crate::{Result, Row, Rows};

/// A connection to a database.
#[derive(Debug)]
pub struct Connection(pub(crate) rusqlite::Connection);

impl Connection {
    /// Runs a statement that gives no rows. `?1`, `?2` in it stand for the parameters, a tuple. Gives how many rows it changed.
    ///
    /// # Errors
    ///
    /// If the statement can't be run.
    #[expect(clippy::unused_async, reason = "turso's is")]
    pub async fn execute(&self, statement: impl AsRef<str>, parameters: impl Params) -> Result<u64> {
        Ok(self.0.execute(statement.as_ref(), parameters)? as u64)
    }

    /// Runs a statement that gives rows.
    ///
    /// # Errors
    ///
    /// If the statement can't be run.
    #[expect(clippy::unused_async, reason = "turso's is")]
    pub async fn query(&self, statement: impl AsRef<str>, parameters: impl Params) -> Result<Rows> {
        Rows::of(&self.0, statement.as_ref(), parameters)
    }

    /// Runs `PRAGMA pragma` and visits the rows that it gives, if any.
    ///
    /// # Errors
    ///
    /// If SQLite refuses it, or the visitor does.
    pub async fn pragma_query(&self, pragma: &str, mut visit: impl FnMut(&Row) -> Result<()>) -> Result<()> {
        let mut rows = self.query(format!("PRAGMA {pragma}"), ()).await?;
        while let Some(row) = rows.next().await? {
            visit(&row)?;
        }
        Ok(())
    }

    /// How long a statement waits for a lock that another connection holds.
    ///
    /// # Errors
    ///
    /// If SQLite refuses it.
    pub fn busy_timeout(&self, time: Duration) -> Result<()> {
        Ok(self.0.busy_timeout(time)?)
    }

    /// Begins a transaction.
    ///
    /// # Errors
    ///
    /// If the right to write is asked for, and another connection keeps it.
    #[expect(clippy::unused_async, reason = "turso's is")]
    pub async fn transaction_with_behavior(
        &mut self,
        behavior: TransactionBehavior,
    ) -> Result<Transaction<'_>> {
        Transaction::begin(self, behavior)
    }

    /// Runs a statement that has no parameters and no result.
    pub(crate) fn run(&self, statement: &str) -> Result<()> {
        Ok(self.0.execute_batch(statement)?)
    }
}
