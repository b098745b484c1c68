//! What an adapter refuses, as an error.
//!
//! Burn reports most failures of a GPU (out of memory, a buffer over the limit, a lost device) by panicking, on
//! this thread or on the one that talks to the driver. Here such a panic becomes an error; its backtrace is not shown.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use zoo_train::TrainError;

use crate::backend::Selected;

/// The message of the first panic since somebody looked.
static MESSAGE: Mutex<Option<String>> = Mutex::new(None);

/// Runs `work` on `selected`. On a GPU a panic in it, or a failure of the device, becomes an error that names the adapter
/// and what to lower; on the CPU a panic is a bug, and stays one.
///
/// # Errors
/// What `work` returns, or the reason of its panic.
pub(crate) fn catch<T>(selected: &Selected, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    if !selected.gpu {
        return work();
    }
    let reason = match catch_panic(work) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => match error.downcast_ref::<TrainError>() {
            Some(TrainError::Device(reason)) => reason.clone(),
            _ => return Err(error),
        },
        Err(reason) => reason,
    };
    let (adapter, reason) = (&selected.adapter, gist(&reason));
    let advice = "lower train.batch_size or the sizes of the network, or use --backend cpu";
    Err(anyhow::anyhow!("{adapter} failed: {reason}; {advice}"))
}

/// The innermost cause in a report of several lines.
fn gist(report: &str) -> &str {
    let frame = ["Caused by:", "Asked at:", "No backtrace available", ""];
    let mut causes = report.lines().map(str::trim).filter(|line| !frame.contains(line));
    causes.next_back().unwrap_or("it gave no reason")
}

/// Runs `work`, or returns the message of its first panic.
pub(crate) fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| {
        log::debug!("{info}");
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        if let (Ok(mut message), Some(text)) = (MESSAGE.lock(), text) {
            message.get_or_insert(text);
        }
    }));
    let outcome = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(hook);
    let message = MESSAGE.lock().ok().and_then(|mut message| message.take());
    outcome.map_err(|_| message.unwrap_or_else(|| "it gave no reason".into()))
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

    #[test]
    fn a_panic_becomes_a_message() {
        assert_eq!(catch_panic(|| 3), Ok(3));
        assert_eq!(catch_panic::<()>(|| panic!("out of {}", "memory")), Err("out of memory".into()));
    }
}
