//! What an adapter refuses, as an error.
//!
//! Burn reports most failures of a GPU (out of memory, a buffer over the limit, a lost device) by panicking, on
//! this thread or on the one that talks to the driver. Here such a panic becomes an error; its backtrace is not shown.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

/// The message of the first panic since somebody looked.
static MESSAGE: Mutex<Option<String>> = Mutex::new(None);

/// Runs `work`; a panic in it becomes an error with its message.
///
/// # Errors
/// What `work` returns, or the message of its panic.
pub(crate) fn catch<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        log::debug!("{info}");
        if let Ok(mut message) = MESSAGE.lock() {
            message.get_or_insert_with(|| text.unwrap_or_else(|| "it gave no reason".into()));
        }
    }));
    let outcome = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(hook);
    let message = MESSAGE.lock().ok().and_then(|mut message| message.take());
    outcome.unwrap_or_else(|_| Err(anyhow::anyhow!(message.unwrap_or_else(|| "it gave no reason".into()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        assert_eq!(catch(|| Ok(3)).unwrap(), 3);
        assert_eq!(catch::<()>(|| anyhow::bail!("no")).unwrap_err().to_string(), "no");
        assert_eq!(catch::<()>(|| panic!("out of {}", "memory")).unwrap_err().to_string(), "out of memory");
    }
}
