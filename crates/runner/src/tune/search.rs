//! The trials of a search, each a process, several at once.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::Write;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::Context;
use zoo_core::search::{Trial, best};
use zoo_train::search::Settings;

use super::memory;
use super::result::{percent, words};
use super::trial::{Job, Report};
use crate::backend::Backend;
use crate::config::Contender;
use crate::progress::{Bar, Progress};
use crate::source::Source;

/// Settings of one recipe, to be tried on the same images.
///
/// Each trial computes with its part of the cores. How many threads that are changes sums in their last bits, and so, rarely,
/// the class of an image; apart from that figures don't depend on how many trials run at once.
pub(crate) struct Search<'a> {
    pub(crate) contender: &'a Contender,
    /// What is tried, a trial each.
    pub(crate) settings: &'a [Settings],
    pub(crate) source: &'a Source,
    pub(crate) seed: u64,
    pub(crate) backend: Backend,
    /// Whether the backend is a GPU, whose memory nobody tells us of.
    pub(crate) gpu: bool,
    /// Cross-validation over so many folds; `None` for the validation share of the source.
    pub(crate) folds: Option<usize>,
    /// How many trials run at once; `None` for as many as cores and memory allow.
    pub(crate) jobs: Option<usize>,
    pub(crate) progress: Progress,
}

/// Somebody has stopped a trial from outside, and surely meant the search.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped")
    }
}

impl std::error::Error for Interrupted {}

/// A trial's number and what its process left.
type Ended = (usize, f64, std::io::Result<Output>);

impl Search<'_> {
    /// Tries all settings but those of `finished` trials, and returns the trials of both by number. `on_trial` hears of each as
    /// it ends.
    ///
    /// # Errors
    /// Those of `on_trial`; if no process can be started; [`Interrupted`]. The trials that run then are ended. A trial that fails
    /// is none: it has an [`error`](Trial::error).
    pub(crate) fn run(
        &self,
        finished: Vec<Trial>,
        on_trial: &mut dyn FnMut(&Trial) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<Trial>> {
        let is_missing = |number: &usize| finished.iter().all(|trial| trial.trial != *number);
        let mut missing: VecDeque<usize> = (1..=self.settings.len()).filter(is_missing).collect();
        let mut trials = finished;
        let (mut room, shown) = (Room::new(self), Shown::new(self));
        shown.best(&trials);
        thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel::<Ended>();
            // A trial runs as long as its stdin is open: leaving this scope ends them all.
            let mut running: BTreeMap<usize, ChildStdin> = BTreeMap::new();
            loop {
                while running.len() < room.jobs
                    && let Some(number) = missing.pop_front()
                {
                    let (child, stdin) = self.start(number, room.threads())?;
                    running.insert(number, stdin);
                    let (sender, start) = (sender.clone(), Instant::now());
                    scope.spawn(move || {
                        let output = child.wait_with_output();
                        // Nobody listens any more if the search has failed meanwhile.
                        let _ = sender.send((number, start.elapsed().as_secs_f64(), output));
                    });
                }
                if running.is_empty() {
                    break;
                }
                let (number, seconds, output) = receiver.recv().context("a trial has vanished")?;
                running.remove(&number);
                let report = self.report(number, seconds, &output.context("cannot wait for a trial")?)?;
                room.learn(&report);
                on_trial(&report.trial)?;
                trials.push(report.trial);
                shown.ended(&trials);
            }
            trials.sort_by_key(|trial| trial.trial);
            Ok(trials)
        })
    }

    /// Starts the process of trial `number`.
    fn start(&self, number: usize, threads: usize) -> anyhow::Result<(Child, ChildStdin)> {
        let settings = &self.settings[number - 1];
        let job = Job {
            trial: number,
            recipe: toml::to_string(&self.contender.with(settings)?.table()?)?,
            source: self.source.clone(),
            seed: self.seed,
            folds: self.folds,
            backend: self.backend.to_string(),
        };
        let program = std::env::current_exe().context("cannot find the program itself, to start a trial")?;
        let mut child = Command::new(program)
            .arg("trial")
            .env("RAYON_NUM_THREADS", threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start a trial")?;
        let mut stdin = child.stdin.take().context("a trial has no stdin")?;
        // A process that has ended already says why by itself.
        let _ = stdin.write_all((serde_json::to_string(&job)? + "\n").as_bytes());
        Ok((child, stdin))
    }

    /// What a process that has ended came to.
    fn report(&self, number: usize, seconds: f64, output: &Output) -> anyhow::Result<Report> {
        let settings = to_json(&self.settings[number - 1])?;
        if output.status.success()
            && let Ok(Report { trial, peak_memory }) = serde_json::from_slice(&output.stdout)
        {
            return Ok(Report { trial: Trial { settings, ..trial }, peak_memory });
        }
        if is_interrupted(output.status) {
            return Err(Interrupted.into());
        }
        let error = Some(failure(output.status, &String::from_utf8_lossy(&output.stderr)));
        let trial = Trial { trial: number, settings, seconds, error, ..Trial::default() };
        Ok(Report { trial, peak_memory: None })
    }
}

fn to_json(settings: &Settings) -> anyhow::Result<BTreeMap<String, serde_json::Value>> {
    settings.iter().map(|(key, value)| Ok((key.clone(), serde_json::to_value(value)?))).collect()
}

/// Whether somebody has asked the process to end. (Ctrl-C at a terminal reaches the search as well, and ends it before it looks.)
fn is_interrupted(status: ExitStatus) -> bool {
    #[cfg(unix)]
    return {
        let [hangup, interrupt, terminate] = [1, 2, 15];
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        signal.is_some_and(|signal| [hangup, interrupt, terminate].contains(&signal))
    };
    #[cfg(not(unix))]
    {
        let _ = status;
        false
    }
}

/// Why a process has no figures to show: how it ended, and the last that it said.
fn failure(status: ExitStatus, said: &str) -> String {
    let said = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    let unsaid = if status.code().is_none() {
        "it may have needed more memory than there is"
    } else {
        "it gave no reason"
    };
    format!("its process ended with {status}: {}", said.unwrap_or(unsaid))
}

/// How many trials run at once, and with how many threads.
struct Room {
    cores: usize,
    /// All trials: no use in room for more.
    trials: usize,
    /// Bytes, before the first trial.
    available: u64,
    /// The most that a trial has needed, bytes.
    peak: u64,
    jobs: usize,
    /// Whether `jobs` follows from what trials need.
    learns: bool,
}

impl Room {
    fn new(search: &Search<'_>) -> Self {
        let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|threads| threads.parse().ok());
        let cores = || thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            trials: search.settings.len().max(1),
            cores: asked.filter(|&threads| threads > 0).unwrap_or_else(cores),
            available: memory::available(),
            peak: 0,
            // The first one tells how much memory is needed.
            jobs: search.jobs.unwrap_or(1).min(search.settings.len().max(1)),
            learns: search.jobs.is_none() && !search.gpu,
        }
    }

    /// Threads of each trial.
    fn threads(&self) -> usize {
        (self.cores / self.jobs).max(1)
    }

    /// Makes room for trials that need as much as the largest so far. One that has failed may have needed more.
    fn learn(&mut self, report: &Report) {
        let succeeded = report.trial.error.is_none();
        if let (true, true, Some(peak)) = (self.learns, succeeded, report.peak_memory) {
            self.peak = self.peak.max(peak);
            self.jobs = memory::jobs(self.cores, self.available, self.peak).min(self.trials);
        }
    }
}

/// What somebody sees meanwhile.
struct Shown {
    progress: Progress,
    bar: Bar,
    length: usize,
}

impl Shown {
    fn new(search: &Search<'_>) -> Self {
        let (progress, length) = (search.progress, search.settings.len());
        let bar = progress.bar(length as u64, "{wide_bar} {pos}/{len} trials  {msg} {eta:>4}");
        Self { progress, bar, length }
    }

    fn best(&self, trials: &[Trial]) {
        self.bar.set(trials.len() as u64);
        if let Some(accuracy) = best(trials).and_then(Trial::validation_accuracy) {
            self.bar.message(format!("best {}", percent(accuracy)));
        }
    }

    /// Shows the last of `trials`, which has ended.
    fn ended(&self, trials: &[Trial]) {
        self.best(trials);
        let (Some(trial), Progress::Lines) = (trials.last(), self.progress) else { return };
        let outcome = match (trial.validation_accuracy(), &trial.error) {
            (Some(accuracy), _) => {
                format!("validation accuracy {} after {:.1} s", percent(accuracy), trial.seconds)
            }
            (None, error) => format!("failed: {}", error.as_deref().unwrap_or("no reason")),
        };
        self.progress.line(&format!(
            "trial {}/{}: {}: {outcome}",
            trial.trial,
            self.length,
            words(&trial.settings)
        ));
    }
}
