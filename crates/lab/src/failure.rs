//! What an adapter refuses, as an error.
//!
//! Burn reports most failures of a GPU (out of memory, a buffer over the limit, a lost device) by panicking. Here such a panic becomes
//! an error; its backtrace is not shown.

use zoo_backends::{Machine, catch_panic};
use zoo_train::TrainError;

use crate::error::LabError;

/// Runs `work` on `machine`. On a GPU a panic in it, or a failure of the device, becomes an error that names the adapter
/// and what to lower; on the CPU a panic is a bug, and stays one.
///
/// # Errors
/// What `work` returns, or the reason of its panic.
pub(crate) fn catch<T>(machine: &Machine, work: impl FnOnce() -> Result<T, LabError>) -> Result<T, LabError> {
    if !machine.gpu {
        return work();
    }
    let reason = match catch_panic(work) {
        Ok(Err(LabError::Train(TrainError::Device(reason)))) | Err(reason) => reason,
        Ok(other) => return other,
    };
    Err(LabError::Adapter { adapter: machine.adapter.clone(), reason: gist(&reason).into() })
}

/// The innermost cause in a report of several lines.
fn gist(report: &str) -> &str {
    let frame = ["Caused by:", "Asked at:", "No backtrace available", ""];
    let mut causes = report.lines().map(str::trim).filter(|line| !frame.contains(line));
    causes.next_back().unwrap_or("it gave no reason")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_cause_is_the_reason() {
        let report = "Several failures\nCaused by:\n  can't allocate buffer of size: 7\nNo backtrace available\nAsked at:\n";
        assert_eq!(gist(report), "can't allocate buffer of size: 7");
        assert_eq!(gist("out of memory"), "out of memory");
        assert_eq!(gist(""), "it gave no reason");
    }
}
