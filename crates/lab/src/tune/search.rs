//! The trials of a search: each a process, several at once, or one after another in this process.

use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use zoo_backends::Machine;
use zoo_recipes::Contender;
use zoo_schema::Trial;
use zoo_train::search::Settings;

use crate::error::LabError;
use crate::memory;
use crate::source::Source;
use crate::tune::trial::{TrialJob, TrialReport, folds, judge_folds, timed};
use crate::watch::Watch;

/// What starts the process of a trial: a program that reads a [`TrialJob`] from stdin, [follows](TrialJob::follow) it, and writes the
/// [`TrialReport`] to stdout. It should end when stdin does: then, however this process ends, no trial outlives it.
pub type Start<'a> = &'a dyn Fn() -> Command;

/// Settings of one recipe, to be tried on the same images.
///
/// Each process computes with its part of the cores, which changes no figure but the times.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// What settings are laid upon.
    pub contender: &'a Contender,
    /// What is tried, one trial for each.
    pub settings: &'a [Settings],
    /// The images.
    pub source: &'a Source,
    /// What everything random follows from.
    pub seed: u64,
    /// Where to compute.
    pub machine: &'a Machine,
    /// The number of folds of cross-validation; `None` for the validation share of the source.
    pub folds: Option<usize>,
    /// How many trials run at once; `None` for as many as cores and memory allow.
    pub jobs: Option<usize>,
    /// What starts the process of a trial; `None` to run trials one after another in this process.
    pub start: Option<Start<'a>>,
    /// Who watches.
    pub watch: &'a dyn Watch,
}

/// A trial's number, how long it ran and what its process left.
type Ended = (usize, f64, std::io::Result<Output>);

impl Search<'_> {
    /// Tries all settings except those of `finished` trials, and returns the trials of both by number. `on_trial` hears of each as
    /// it ends, except those that were killed, which are to be tried again.
    ///
    /// # Errors
    /// Those of `on_trial`; if no process can be started; [`LabError::Interrupted`]. The trials that run then are ended. A trial that
    /// fails is not an error here: it has an [`error`](Trial::error) of its own.
    pub fn run(
        &self,
        finished: Vec<Trial>,
        on_trial: &mut dyn FnMut(&Trial) -> Result<(), LabError>,
    ) -> Result<Vec<Trial>, LabError> {
        let is_missing = |number: &usize| finished.iter().all(|trial| trial.trial != *number);
        let missing: VecDeque<usize> = (1..=self.settings.len()).filter(is_missing).collect();
        let mut trials = finished;
        let mut shown = self.watch.trials(self.settings.len());
        shown(&trials);
        let mut ended = |trial: Trial| {
            if !was_killed(&trial) {
                on_trial(&trial)?;
            }
            trials.push(trial);
            shown(&trials);
            Ok(())
        };
        match self.start {
            Some(start) => self.run_processes(start, missing, &mut ended)?,
            None => self.run_here(missing, &mut ended)?,
        }
        trials.sort_by_key(|trial| trial.trial);
        Ok(trials)
    }

    /// Runs the `missing` trials one after another in this process.
    fn run_here(
        &self,
        missing: VecDeque<usize>,
        ended: &mut dyn FnMut(Trial) -> Result<(), LabError>,
    ) -> Result<(), LabError> {
        if missing.is_empty() {
            return Ok(());
        }
        let folds = folds(self.source, self.folds, self.seed)?;
        for number in missing {
            let settings = &self.settings[number - 1];
            let trial = timed(number, || {
                judge_folds(&self.contender.with(settings)?, &folds, self.machine, self.seed)
            });
            ended(Trial { settings: to_json(settings)?, ..trial })?;
        }
        Ok(())
    }

    /// Runs the `missing` trials, each in a process, several at once.
    fn run_processes(
        &self,
        start: Start<'_>,
        mut missing: VecDeque<usize>,
        ended: &mut dyn FnMut(Trial) -> Result<(), LabError>,
    ) -> Result<(), LabError> {
        let mut room = Room::new(self);
        thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel::<Ended>();
            // A trial runs as long as its stdin is open: leaving this scope ends them all.
            let mut running: BTreeMap<usize, ChildStdin> = BTreeMap::new();
            loop {
                while running.len() < room.jobs
                    && let Some(number) = missing.pop_front()
                {
                    let (child, stdin) = self.start(start(), number, room.threads())?;
                    running.insert(number, stdin);
                    let (sender, start) = (sender.clone(), Instant::now());
                    scope.spawn(move || {
                        let output = child.wait_with_output();
                        // The receiver is gone if the search has failed meanwhile.
                        let _ = sender.send((number, start.elapsed().as_secs_f64(), output));
                    });
                }
                if running.is_empty() {
                    return Ok(());
                }
                let (number, seconds, output) = receiver.recv().expect("this scope has a sender");
                running.remove(&number);
                let waited = |source| LabError::Process { action: "wait for a trial", source };
                let report = self.report(number, seconds, &output.map_err(waited)?)?;
                room.learn(&report);
                ended(report.trial)?;
            }
        })
    }

    /// Starts the process of trial `number`.
    fn start(
        &self,
        mut command: Command,
        number: usize,
        threads: usize,
    ) -> Result<(Child, ChildStdin), LabError> {
        let settings = &self.settings[number - 1];
        let job = TrialJob {
            trial: number,
            recipe: toml::to_string(&self.contender.with(settings)?.table()?)?,
            source: self.source.clone(),
            cache: self.source.cache.clone(),
            seed: self.seed,
            folds: self.folds,
            backend: self.machine.asked.to_string(),
        };
        let mut child = command
            .env("RAYON_NUM_THREADS", threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| LabError::Process { action: "start a trial", source })?;
        let mut stdin = child.stdin.take().expect("it was asked to be a pipe");
        // A process that has ended already says why by itself.
        let _ = stdin.write_all((serde_json::to_string(&job)? + "\n").as_bytes());
        Ok((child, stdin))
    }

    /// What a process that has ended came to.
    fn report(&self, number: usize, seconds: f64, output: &Output) -> Result<TrialReport, LabError> {
        let settings = to_json(&self.settings[number - 1])?;
        if output.status.success()
            && let Ok(TrialReport { trial, peak_memory }) = serde_json::from_slice(&output.stdout)
        {
            return Ok(TrialReport { trial: Trial { settings, ..trial }, peak_memory });
        }
        if is_interrupted(output.status) {
            return Err(LabError::Interrupted);
        }
        let error = Some(failure(output.status, &String::from_utf8_lossy(&output.stderr)));
        let trial = Trial { trial: number, settings, seconds, error, ..Trial::default() };
        Ok(TrialReport { trial, peak_memory: None })
    }
}

fn to_json(settings: &Settings) -> Result<BTreeMap<String, serde_json::Value>, LabError> {
    settings.iter().map(|(key, value)| Ok((key.clone(), serde_json::to_value(value)?))).collect()
}

/// Whether the process was asked to end. (Ctrl-C at a terminal reaches the search as well, and ends it before it looks.)
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

/// What the reason of a trial begins with whose process was killed; elsewhere than on Unix that can't be told.
const KILLED: &str = "its process ended with signal";

/// Whether a trial was ended by the system or by somebody: it is a row, but another time it may be one with figures.
fn was_killed(trial: &Trial) -> bool {
    trial.error.as_ref().is_some_and(|error| error.starts_with(KILLED))
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
    /// The number of trials: more jobs are useless.
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
        Self {
            trials: search.settings.len().max(1),
            cores: rayon::current_num_threads(),
            available: memory::available(),
            peak: 0,
            // The first one tells how much memory is needed.
            jobs: search.jobs.unwrap_or(1).min(search.settings.len().max(1)),
            learns: search.jobs.is_none() && !search.machine.gpu,
        }
    }

    /// Threads of each trial.
    fn threads(&self) -> usize {
        (self.cores / self.jobs).max(1)
    }

    /// Makes room for trials that need as much as the largest so far. One that has failed may have needed more.
    fn learn(&mut self, report: &TrialReport) {
        let succeeded = report.trial.error.is_none();
        if let (true, true, Some(peak)) = (self.learns, succeeded, report.peak_memory) {
            self.peak = self.peak.max(peak);
            self.jobs = memory::jobs(self.cores, self.available, self.peak).min(self.trials);
        }
    }
}
