//! Panics of a backend, as messages.
//!
//! Burn reports most failures of a GPU (out of memory, a buffer over the limit, a lost device) by panicking, on this thread or on
//! the one that talks to the driver.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

/// The message of the first panic since the last look.
static MESSAGE: Mutex<Option<String>> = Mutex::new(None);

/// Runs `work`, or returns the message of its first panic, on whichever thread it was.
///
/// While `work` runs, the panic hook of the whole process is replaced by one that writes nothing to stderr and keeps the first
/// message; the hook from before comes back afterwards. So only one thread should call this at a time, and a panic elsewhere
/// in the process meanwhile is silent, and taken for one of `work` if that panics too.
///
/// # Errors
/// The message of the panic.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
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
    fn a_panic_becomes_a_message() {
        assert_eq!(catch_panic(|| 3), Ok(3));
        assert_eq!(catch_panic::<()>(|| panic!("out of {}", "memory")), Err("out of memory".into()));
    }
}
