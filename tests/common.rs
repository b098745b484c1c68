//! What the whole-program tests share: running programs with a deadline, and the place of CIFAR-10.

use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use wait_timeout::ChildExt;

/// How long a program may run before its test fails.
pub(crate) const DEADLINE: Duration = Duration::from_mins(5);

/// The deadline of programs that compute for minutes where there are few cores.
pub(crate) const LONG_DEADLINE: Duration = Duration::from_mins(30);

/// How long a program that was killed may take to end, and one that has ended to close its pipes.
const GRACE: Duration = Duration::from_secs(10);

/// A program that runs while its test looks at it. It is killed when the test lets go of it, also by a failure.
pub(crate) struct Running {
    child: Child,
    /// How it was started, for messages.
    command: String,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
}

impl Running {
    /// Starts a program without input. What it prints is kept for [`wait`](Self::wait) and for messages.
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdout = read_all(child.stdout.take().expect("stdout is a pipe"));
        let stderr = read_all(child.stderr.take().expect("stderr is a pipe"));
        Self { child, command: format!("{command:?}"), stdout, stderr }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the program has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it can be asked whether it has ended").is_some()
    }

    /// Ends the program as Ctrl-C does; where there are no signals it is killed.
    pub(crate) fn interrupt(&mut self) {
        if !self.signal("INT") {
            let _ = self.child.kill();
        }
    }

    /// Sends a signal by its name, and returns whether it could be sent.
    pub(crate) fn signal(&self, name: &str) -> bool {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        sent.is_ok_and(|status| status.success())
    }

    /// Calls `look` until it returns something. Fails if the program ends before that, or after [`DEADLINE`].
    pub(crate) fn until<T>(&mut self, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let found = poll(DEADLINE, || {
            let has_ended = self.child.try_wait().expect("it can be asked whether it has ended").is_some();
            // What is there when it has ended counts.
            look().map(Some).or(has_ended.then_some(None))
        });
        match found {
            Some(Some(found)) => found,
            Some(None) => self.give_up(&format!("ended before {what}")),
            None => self.give_up(&format!("has run for {DEADLINE:?} without this: {what}")),
        }
    }

    /// Waits until the program ends and returns what it printed. Fails when `deadline` is over.
    pub(crate) fn wait(mut self, deadline: Duration) -> Output {
        let Some(status) = self.child.wait_timeout(deadline).expect("it can be waited for") else {
            self.give_up(&format!("has not ended in {deadline:?}"))
        };
        let end = Instant::now() + GRACE;
        let (stdout, stdout_closed) = collect(&self.stdout, end);
        let (stderr, stderr_closed) = collect(&self.stderr, end);
        assert!(
            stdout_closed && stderr_closed,
            "{} has ended, but another process keeps its pipes open{}",
            self.command,
            printed(&stdout, &stderr)
        );
        Output { status, stdout, stderr }
    }

    /// Kills the program and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.wait(GRACE);
    }

    /// Kills the program and fails with what it has printed.
    fn give_up(&mut self, why: &str) -> ! {
        let _ = self.child.kill();
        // A killed program's pipes are closed at once, unless another process has them, too.
        let end = Instant::now() + Duration::from_secs(1);
        let (stdout, stderr) = (collect(&self.stdout, end).0, collect(&self.stderr, end).0);
        panic!("{} {why}{}", self.command, printed(&stdout, &stderr));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Killing fails only where the program has ended.
        let _ = self.child.kill();
        let _ = self.child.wait_timeout(GRACE);
    }
}

/// Reads a pipe to its end on a thread, so that a program never waits for room in it.
fn read_all(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            match pipe.read(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(length @ 1..) if sender.send(buffer[..length].to_vec()).is_ok() => {}
                _ => break,
            }
        }
    });
    receiver
}

/// What came from a pipe until `end`, and whether the pipe is closed.
fn collect(pipe: &Receiver<Vec<u8>>, end: Instant) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        match pipe.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(more) => bytes.extend(more),
            Err(error) => return (bytes, error == RecvTimeoutError::Disconnected),
        }
    }
}

fn printed(stdout: &[u8], stderr: &[u8]) -> String {
    format!("\n--- stdout:\n{}\n--- stderr:\n{}", text(stdout), text(stderr))
}

/// Calls `look` every few milliseconds until it returns something; `None` when `deadline` is over.
pub(crate) fn poll<T>(deadline: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        let found = look();
        if found.is_some() || Instant::now() > end {
            return found;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Runs a program to its end, and fails when [`DEADLINE`] is over.
pub(crate) fn finish(command: &mut Command) -> Output {
    Running::start(command).wait(DEADLINE)
}

/// The `zoo` binary in the folder `place`, with an environment that doesn't reach it.
pub(crate) fn zoo(place: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zoo"));
    command.current_dir(place).env_remove("ZOO_BACKEND").env_remove("ZOO_DATA_DIR").env_remove("RUST_LOG");
    // Neither in the cache folder of whoever runs the tests, nor in that of the test, which may count files.
    command.env("ZOO_CACHE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
    command
}

/// Runs `zoo` with `arguments` on the fast CPU backend.
pub(crate) fn run(place: &Path, arguments: &[&str]) -> Output {
    run_within(DEADLINE, place, arguments)
}

/// Like [`run`], with another deadline.
pub(crate) fn run_within(deadline: Duration, place: &Path, arguments: &[&str]) -> Output {
    Running::start(zoo(place).args(["--backend", "flex"]).args(arguments)).wait(deadline)
}

/// Runs `zoo`, which must succeed, and returns what it printed.
pub(crate) fn succeed(place: &Path, arguments: &[&str]) -> String {
    succeed_within(DEADLINE, place, arguments)
}

fn succeed_within(deadline: Duration, place: &Path, arguments: &[&str]) -> String {
    let output = run_within(deadline, place, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Runs `zoo --json`, which must succeed, and returns the document.
pub(crate) fn json(place: &Path, arguments: &[&str]) -> Value {
    json_within(DEADLINE, place, arguments)
}

/// Like [`json`], with another deadline.
pub(crate) fn json_within(deadline: Duration, place: &Path, arguments: &[&str]) -> Value {
    let printed = succeed_within(deadline, place, &[arguments, &["--json"]].concat());
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {printed}"))
}

/// Runs `zoo`, which must fail with exit code `code` and in one go: nothing on stdout, no panic, nothing written to
/// `place`. Returns what it said.
pub(crate) fn fail(place: &Path, code: i32, arguments: &[&str]) -> String {
    let before = files(place);
    let output = run(place, arguments);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {message}");
    assert!(!message.contains("panicked"), "{message}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    assert_eq!(files(place), before, "{arguments:?} wrote something");
    message
}

/// Every file and folder below `place`; none if it isn't there.
pub(crate) fn files(place: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if !place.exists() {
        return found;
    }
    for entry in std::fs::read_dir(place).expect("the folder is there") {
        let path = entry.expect("its entries can be read").path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

/// The folder that holds CIFAR-10, from `ZOO_DATA_DIR`; without it the test says that it was skipped.
pub(crate) fn cifar10(test: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let place = std::env::var("ZOO_DATA_DIR").ok().map(|place| root.join(place).display().to_string());
    if place.is_none() {
        say(&format!("skipped {test}: ZOO_DATA_DIR does not name a folder with CIFAR-10"));
    }
    place
}

/// Says something even if the test passes: the test harness keeps what `eprintln!` prints to itself.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The result without what time tells.
pub(crate) fn without_times(mut document: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(map) => {
                let tells_time = |key: &String| {
                    key.contains("seconds") || key.contains("per_second") || key == "pareto_front"
                };
                map.retain(|key, _| !tells_time(key));
                map.values_mut().for_each(strip);
            }
            Value::Array(values) => {
                values.retain(|value| value["code"] != "slower-not-better");
                values.iter_mut().for_each(strip);
            }
            _ => {}
        }
    }
    strip(&mut document);
    document
}

/// Fails unless a message has all of these parts.
pub(crate) fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}
