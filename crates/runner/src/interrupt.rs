//! Ctrl-C and SIGTERM: training ends with its step and saves it; everything else ends at once, for what is finished is on disk already.
//! A second one ends training at once, too. SIGHUP is left alone, which `nohup` relies on.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::cli::Command;

/// Whether training is to stop.
static STOP: AtomicBool = AtomicBool::new(false);
/// The first signal, or 0.
static SIGNAL: AtomicU8 = AtomicU8::new(0);
/// Trainings at work that will look at [`STOP`].
static TRAININGS: AtomicUsize = AtomicUsize::new(0);
/// The command that goes on with a run, if this one makes runs that can go on.
static RESUMES: OnceLock<&str> = OnceLock::new();
/// The run that is being made.
static RUN: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Begins to listen, on behalf of `command`. A trial belongs to the process that has started it, and ends as that wants.
pub(crate) fn listen(command: &Command) {
    let resumes = match command {
        Command::Trial => return,
        Command::Compare(_) => Some("compare"),
        Command::Train(_) => Some("train"),
        Command::Tune(_) => Some("tune"),
        _ => None,
    };
    if let Some(name) = resumes {
        let _ = RESUMES.set(name);
    }
    #[cfg(unix)]
    listen_for(&[signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM]);
}

#[cfg(unix)]
fn listen_for(signals: &[i32]) {
    use crate::stderr::say;
    // Without it the system ends the process, as it would have.
    let Ok(mut signals) = signal_hook::iterator::Signals::new(signals) else { return };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let before = SIGNAL.swap(signal as u8, Ordering::Relaxed);
            if before != 0 || TRAININGS.load(Ordering::Relaxed) == 0 {
                say(&parting());
                std::process::exit(i32::from(STOPPED) + signal);
            }
            STOP.store(true, Ordering::Relaxed);
            say("stopping after this step; once more stops at once");
        }
    });
}

/// What a shell adds to the number of the signal that ended a process.
const STOPPED: u8 = 128;

/// The exit code of a command that was interrupted.
pub(crate) fn exit_code() -> Option<u8> {
    let signal = SIGNAL.load(Ordering::Relaxed);
    (signal != 0).then_some(STOPPED + signal)
}

/// What is said at the end of a command that was interrupted: how to go on.
pub(crate) fn parting() -> String {
    let run = RUN.lock().ok().and_then(|run| run.clone());
    match (run, RESUMES.get()) {
        (Some(run), Some(command)) => format!("stopped; go on with zoo {command} --resume {}", run.display()),
        (Some(run), None) => format!("stopped; what is finished is in {}", run.display()),
        (None, _) => "stopped".into(),
    }
}

/// From here on this run can be gone on with.
pub(crate) fn works_in(run: &Path) {
    if let Ok(mut place) = RUN.lock() {
        *place = Some(run.into());
    }
}

/// What becomes true when training is to stop.
pub(crate) fn stop() -> &'static AtomicBool {
    &STOP
}

/// A training that stops when it is told to, for as long as this lives.
pub(crate) struct Stoppable;

impl Stoppable {
    pub(crate) fn new() -> Self {
        TRAININGS.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        TRAININGS.fetch_sub(1, Ordering::Relaxed);
    }
}
