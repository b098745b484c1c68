#![doc = include_str!("../README.md")]

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
