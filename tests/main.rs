//! Tests of the whole program: each runs the `zoo` binary in a folder of its own and looks at what it prints and writes.
//! Only `parity` calls the libraries, to compare one backend with another.
//!
//! A module per topic, in one binary, which links the backends only once. To run one topic:
//! `cargo test --release -p zoo-runner --test zoo tune::`.

#![allow(clippy::disallowed_methods, reason = "tests read the environment")]

mod book;
mod browser;
mod checks;
mod common;
mod compare;
mod data;
mod disk;
mod errors;
mod features;
mod first;
mod gpu;
mod honest;
mod hostile;
mod losses;
mod parity;
mod photos;
mod pictures;
mod predict;
mod report;
mod reproduce;
mod schema;
mod sets;
mod strangers;
mod survival;
mod train;
mod tune;
mod weights;
