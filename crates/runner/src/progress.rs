//! What people see while something takes long: a bar at a terminal, which leaves nothing behind unless -v asks for lines, a line per
//! epoch elsewhere, nothing with -q; with --tui a dashboard while a model is trained.

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

    /// Whether somebody sees bars, and so what is said next to them.
    pub(crate) fn is_seen(self) -> bool {
        self.means == Means::Bars
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
    /// Images per epoch.
    images: usize,
    /// Images of this epoch that training has seen.
    seen: usize,
    epochs: usize,
    /// The epochs that there were before, if this training goes on with one that was interrupted; the bar is of those that are left.
    before: Option<usize>,
    /// The accuracy on validation images after the last epoch.
    validation: Option<f64>,
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
        let bar = progress.bar(total(images, epochs), "{prefix} {wide_bar} {msg} {eta:>4}");
        bar.0.set_prefix(printable(model).into_owned());
        if progress.means == Means::Dashboard {
            bar.0.set_draw_target(ProgressDrawTarget::hidden());
        }
        Self {
            progress,
            model: model.into(),
            images,
            seen: 0,
            epochs,
            before: None,
            validation: None,
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
            Event::Steps { epoch, images, accuracy, .. } => {
                self.seen = images;
                let rate = images as f64 / self.epoch_start.elapsed().as_secs_f64();
                let rate = self.progress.is_verbose.then_some(rate);
                self.bar.0.set_message(status(epoch, self.epochs, accuracy, self.validation, rate));
                self.advance(epoch, images);
            }
            Event::Epoch(history) => {
                let Some(record) = history.last() else { return go_on };
                let line = epoch_line(&self.model, record, self.epochs, self.seen, self.progress.is_verbose);
                match self.progress.means {
                    Means::Dashboard => self.lines.push(line),
                    // The bar has said it, and a line per model sums up.
                    Means::Bars if !self.progress.is_verbose => {}
                    _ => self.say(&line),
                }
                self.validation = record.validation_accuracy;
                self.epoch_start = Instant::now();
            }
        }
        go_on
    }

    /// Moves the bar to `images` images of `epoch`.
    fn advance(&mut self, epoch: usize, images: usize) {
        let before = *self.before.get_or_insert_with(|| {
            // What an earlier process did tells nothing about how long this one will take.
            let before = epoch.saturating_sub(1);
            self.bar.0.set_length(total(self.images, self.epochs.saturating_sub(before)));
            before
        });
        let done = total(self.images, epoch.saturating_sub(1 + before));
        self.bar.set(done.saturating_add(images as u64));
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
        let open = || Dashboard::open(&self.model, self.images, self.epochs, event);
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

/// Images in `epochs` epochs, however many somebody asks for.
fn total(images: usize, epochs: usize) -> u64 {
    (images as u64).saturating_mul(epochs as u64)
}

/// How training is getting on, next to its bar, in less than a narrow terminal: accuracies of this epoch so far and of the last one on
/// validation images, and images per second if they are asked for.
fn status(epoch: usize, epochs: usize, train: f64, validation: Option<f64>, rate: Option<f64>) -> String {
    let mut parts = vec![format!("epoch {epoch}/{epochs}"), format!("train {}", percent(train, 1))];
    parts.extend(validation.map(|accuracy| format!("validation {}", percent(accuracy, 1))));
    parts.extend(rate.map(|rate| format!("{rate:.0} images/s")));
    parts.join("  ")
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Training at a terminal, whose bar is not drawn.
    fn training(epochs: usize) -> Training {
        let progress = Progress { means: Means::Bars, is_verbose: false };
        let training = Training::new(progress, "softmax", 100, epochs);
        training.bar.0.set_draw_target(ProgressDrawTarget::hidden());
        training
    }

    fn record(epoch: usize) -> EpochRecord {
        EpochRecord {
            epoch,
            train_loss: 2.0,
            train_accuracy: 0.25,
            validation_loss: None,
            validation_accuracy: Some(0.208),
            ema_validation_accuracy: None,
            learning_rate: 0.01,
            update_ratio: None,
            seconds: 1.0,
        }
    }

    fn steps(epoch: usize, images: usize) -> Event<'static> {
        Event::Steps { epoch, images, loss: 2.0, accuracy: 0.24, learning_rate: 0.01 }
    }

    #[test]
    fn a_bar_is_of_the_whole_training() {
        let mut training = training(15);
        assert!(training.observe(&steps(1, 40)));
        assert_eq!((training.bar.0.position(), training.bar.0.length()), (40, Some(1500)));
        assert_eq!(training.bar.0.message(), "epoch 1/15  train 24.0 %");
        assert!(training.observe(&Event::Epoch(&[record(1)])));
        assert!(training.observe(&steps(2, 10)));
        assert_eq!((training.bar.0.position(), training.bar.0.length()), (110, Some(1500)));
        assert_eq!(training.bar.0.message(), "epoch 2/15  train 24.0 %  validation 20.8 %");
    }

    #[test]
    fn a_bar_of_a_training_that_goes_on_is_of_what_is_left() {
        let mut training = training(15);
        assert!(training.observe(&steps(11, 50)));
        assert_eq!((training.bar.0.position(), training.bar.0.length()), (50, Some(500)));
        assert!(training.observe(&steps(12, 50)));
        assert_eq!(training.bar.0.position(), 150);
    }

    #[test]
    fn any_number_of_epochs_has_a_bar() {
        let mut training = training(usize::MAX);
        assert!(training.observe(&steps(1, 50)));
        assert_eq!(training.bar.0.length(), Some(u64::MAX));
    }

    #[test]
    fn next_to_a_bar_there_is_room_for_it() {
        let longest = status(100, 100, 1.0, Some(1.0), None);
        assert_eq!(longest, "epoch 100/100  train 100.0 %  validation 100.0 %");
        assert_eq!(status(1, 2, 0.5, None, Some(1234.4)), "epoch 1/2  train 50.0 %  1234 images/s");
        assert!("softmax".len() + 2 + longest.len() + " 12m".len() < 70);
    }
}
