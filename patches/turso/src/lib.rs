//! What CubeCL needs of the database turso, on SQLite. `README.md` says why; it is not part of this text, because everything that is built on this would be
//! built again when a word in it changes.

mod connection;
mod database;
mod error;
mod rows;

/// Transactions: how one starts, and one that was started.
pub mod transaction;

#[cfg(test)]
mod tests;

pub use connection::Connection;
pub use database::{Builder, Database};
pub use error::{Error, Result};
pub use rows::{Row, Rows};
