use std::vec;

use rusqlite::types::{FromSql, Value};

use crate::{Error, Result};

/// What a query found. All of it is in memory: CubeCL asks for kilobytes.
#[derive(Debug)]
pub struct Rows(vec::IntoIter<Row>);

impl Rows {
    pub(crate) fn of(
        connection: &rusqlite::Connection,
        statement: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Self> {
        let mut statement = connection.prepare(statement)?;
        let columns = statement.column_count();
        let rows = statement.query_map(parameters, |row| {
            (0..columns).map(|column| row.get(column)).collect::<rusqlite::Result<_>>().map(Row)
        })?;
        Ok(Self(rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter()))
    }

    /// The next row; none after the last.
    ///
    /// # Errors
    ///
    /// None: whatever went wrong, went wrong in the query.
    #[expect(clippy::unused_async, reason = "turso's is")]
    pub async fn next(&mut self) -> Result<Option<Row>> {
        Ok(self.0.next())
    }
}

/// The values of a row.
#[derive(Debug)]
pub struct Row(Vec<Value>);

impl Row {
    /// The value of a column, counted from 0.
    ///
    /// # Errors
    ///
    /// If there is no such column, or what it holds is no `T`.
    pub fn get<T: FromSql>(&self, column: usize) -> Result<T> {
        let value = self.0.get(column).ok_or_else(|| {
            Error::Error(format!("a row of {} columns has no column {column}", self.0.len()))
        })?;
        T::column_result(value.into()).map_err(|error| Error::Error(format!("column {column}: {error}")))
    }
}
