//! What people see while something takes long: a bar at a terminal, a line per epoch elsewhere, nothing with -q; with
//! --tui a dashboard while a model is trained.

use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use zoo_files::printable;
use zoo_lab::{ProgressListener, Silent, TrainingListener, TrialListener, Watch};
use zoo_report::{percent, scientific, settings_line};
use zoo_schema::{EpochRecord, Trial, best_trial};
use zoo_train::Event;

#[cfg(feature = "tui")]
use crate::dashboard::{Answer, Dashboard};
use crate::interrupt::{self, Stoppable};
use crate::stderr::say;

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    means: Means,
    /// Whether lines say more than usual.
    is_verbose: bool,
}

/// By what means progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    /// Bars, but Burn's dashboard for training.
    Dashboard,
    Bars,
    Lines,
    Silent,
}

impl Progress {
    /// Bars if stderr is a terminal.
    pub(crate) fn new(is_quiet: bool, is_verbose: bool) -> Self {
        let means = match (is_quiet, std::io::stderr().is_terminal()) {
            (true, _) => Means::Silent,
            (false, true) => Means::Bars,
            (false, false) => Means::Lines,
        };
        Self { means, is_verbose }
    }

    /// The same with Burn's dashboard for training.
    pub(crate) const fn with_dashboard(self) -> Self {
        Self { means: Means::Dashboard, ..self }
    }

    /// A bar over `length` steps, which disappears when it is dropped.
    pub(crate) fn bar(self, length: u64, template: &str) -> Bar {
        let target = match self.means {
            Means::Dashboard | Means::Bars => ProgressDrawTarget::stderr(),
            Means::Lines | Means::Silent => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(length), target);
        let style = ProgressStyle::with_template(template).expect("the template is ours");
        bar.set_style(style.progress_chars("━╸─"));
        Bar(bar)
    }
}

impl Watch for Progress {
    fn line(&self, text: &str) {
        if self.means != Means::Silent {
            say(text);
        }
    }

    fn run(&self, path: &Path) {
        interrupt::works_in(path);
        self.line(&format!("run: {}", path.display()));
    }

    fn stop(&self) -> Option<&AtomicBool> {
        Some(interrupt::stop())
    }

    fn training(&self, name: &str, images: usize, epochs: usize) -> TrainingListener<'_> {
        let mut training = Training::new(*self, name, images, epochs);
        Box::new(
            move |event| {
                if training.observe(event) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            },
        )
    }

    fn progress(&self, work: &str, images: usize) -> ProgressListener<'_> {
        let bar = self.bar(images as u64, "{prefix} {wide_bar} {pos}/{len} images {eta:>4}");
        bar.0.set_prefix(printable(work).into_owned());
        Box::new(move |done| bar.set(done as u64))
    }

    fn trials(&self, count: usize) -> TrialListener<'_> {
        let bar = self.bar(count as u64, "{wide_bar} {pos}/{len} trials  {msg} {eta:>4}");
        let mut shown = None;
        Box::new(move |trials| {
            bar.set(trials.len() as u64);
            if let Some(accuracy) = best_trial(trials).and_then(Trial::validation_accuracy) {
                bar.0.set_message(format!("best {}", percent(accuracy, 2)));
            }
            // Those that were there before are not told again.
            let new = shown.replace(trials.len()).map_or(&[][..], |before| &trials[before..]);
            for trial in new.iter().filter(|_| self.means == Means::Lines) {
                self.line(&trial_line(trial, count));
            }
        })
    }

    /// Of a part the bars are seen, and at no terminal nothing.
    fn part(&self) -> Box<dyn Watch + '_> {
        if self.means == Means::Bars { Box::new(*self) } else { Box::new(Silent) }
    }
}

pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn set(&self, done: u64) {
        self.0.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Shows the events of a training run.
struct Training {
    progress: Progress,
    model: String,
    /// Images of this epoch that training has seen.
    seen: usize,
    epochs: usize,
    bar: Bar,
    epoch_start: Instant,
    /// What is to be said when the dashboard is closed.
    lines: Vec<String>,
    _stoppable: Stoppable,
    #[cfg(feature = "tui")]
    dashboard: Option<Dashboard>,
}

impl Training {
    /// Follows the training of `model` over `images` images per epoch.
    fn new(progress: Progress, model: &str, images: usize, epochs: usize) -> Self {
        let bar = progress.bar(images as u64, "{prefix} {wide_bar} {msg} {eta:>4}");
        if progress.means == Means::Dashboard {
            bar.0.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self {
            progress,
            model: model.into(),
            seen: 0,
            epochs,
            bar,
            epoch_start: Instant::now(),
            lines: Vec::new(),
            _stoppable: Stoppable::new(),
            #[cfg(feature = "tui")]
            dashboard: None,
        }
    }

    /// Shows an event. Returns false if training is to stop, as was asked for.
    fn observe(&mut self, event: &Event<'_>) -> bool {
        #[cfg(feature = "tui")]
        let go_on =
            self.progress.means != Means::Dashboard || matches!(event, Event::Tuning) || self.show(event);
        #[cfg(not(feature = "tui"))]
        let go_on = true;
        match *event {
            // The dashboard, if there is to be one, is still closed.
            Event::Tuning => {
                self.say(&format!("{}: tuning kernels, which is kept for next time", self.model));
            }
            Event::Steps { epoch, images, loss, accuracy, .. } => {
                self.seen = images;
                let rate = images as f64 / self.epoch_start.elapsed().as_secs_f64();
                let bar = &self.bar.0;
                bar.set_prefix(format!("{} epoch {epoch}/{}", printable(&self.model), self.epochs));
                bar.set_message(format!(
                    "train loss {loss:.4}  train {:.1} %  {rate:.0} images/s",
                    100.0 * accuracy
                ));
                bar.set_position(images as u64);
            }
            Event::Epoch(history) => {
                let Some(record) = history.last() else { return go_on };
                let line = epoch_line(&self.model, record, self.epochs, self.seen, self.progress.is_verbose);
                match self.progress.means {
                    Means::Dashboard => self.lines.push(line),
                    _ => self.say(&line),
                }
                self.epoch_start = Instant::now();
                self.bar.0.reset();
            }
        }
        go_on
    }

    /// Says a line, above the bar if there is one.
    fn say(&self, line: &str) {
        match self.progress.means {
            Means::Bars => self.bar.0.println(&*printable(line)),
            _ => self.progress.line(line),
        }
    }

    /// Shows an event on the dashboard, and returns false if its end was asked for there. The first event opens
    /// it: only that tells which epoch training goes on with.
    #[cfg(feature = "tui")]
    fn show(&mut self, event: &Event<'_>) -> bool {
        let images = self.bar.0.length().unwrap_or(0) as usize;
        let open = || Dashboard::open(&self.model, images, self.epochs, event);
        let answer = self.dashboard.get_or_insert_with(open).show(event);
        if answer == Answer::Gone {
            self.close();
            self.progress.means = Means::Bars;
            self.progress.line("the terminal cannot show the dashboard; here is the bar");
            self.bar.0.set_draw_target(ProgressDrawTarget::stderr());
        }
        answer != Answer::Stop
    }

    /// Closes the dashboard and says what has waited for that.
    fn close(&mut self) {
        #[cfg(feature = "tui")]
        drop(self.dashboard.take());
        for line in self.lines.drain(..) {
            self.progress.line(&line);
        }
    }
}

impl Drop for Training {
    fn drop(&mut self) {
        self.close();
    }
}

/// What an epoch came to. Loss and accuracy of training are those of the batches as they were trained on, while weights moved.
fn epoch_line(model: &str, record: &EpochRecord, epochs: usize, images: usize, is_verbose: bool) -> String {
    let mut parts = vec![
        format!("train loss {:.4}", record.train_loss),
        format!("train {}", percent(record.train_accuracy, 1)),
    ];
    parts.extend(record.validation_accuracy.map(|accuracy| format!("validation {}", percent(accuracy, 1))));
    if is_verbose {
        parts.extend(record.validation_loss.map(|loss| format!("validation loss {loss:.4}")));
        parts.push(format!("learning rate {}", scientific(record.learning_rate)));
        parts.extend(record.update_ratio.map(|ratio| format!("update/weight {}", scientific(ratio))));
    }
    parts.push(format!("{:.1} s", record.seconds));
    parts.push(format!("{:.0} images/s", images as f64 / record.seconds));
    format!("{model} epoch {}/{epochs}: {}", record.epoch, parts.join(", "))
}

/// How a trial did.
fn trial_line(trial: &Trial, count: usize) -> String {
    let outcome = match (trial.validation_accuracy(), &trial.error) {
        (Some(accuracy), _) => {
            format!("validation accuracy {} after {:.1} s", percent(accuracy, 2), trial.seconds)
        }
        (None, error) => format!("failed: {}", error.as_deref().unwrap_or("no reason")),
    };
    format!("trial {}/{count}: {}: {outcome}", trial.trial, settings_line(&trial.settings))
}
