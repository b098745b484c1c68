//! `--tui`: Burn's own training dashboard, fed by the events of our own loop.
//!
//! Burn's renderer draws on a thread of its own and takes its numbers through the calls that Burn's training would make.
//! They are made here, so that dashboard and bar show the same.

use std::io::{IsTerminal, Write, stdout};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use burn_train::Interrupter;
use burn_train::metric::{
    MetricAttributes, MetricDefinition, MetricEntry, MetricId, NumericAttributes, NumericEntry,
    SerializedEntry,
};
use burn_train::renderer::tui::TuiMetricsRendererWrapper;
use burn_train::renderer::{MetricState, MetricsRenderer};
use log::LevelFilter;
use zoo_train::Event;

/// What is to happen after an event was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Training goes on.
    Continue,
    /// Its end was asked for.
    Stop,
    /// The terminal can't show the dashboard, or not any more.
    Gone,
}

/// What a dashboard has a plot and a figure for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Metric {
    Loss,
    Accuracy,
    LearningRate,
}

impl Metric {
    const ALL: [Self; 3] = [Self::Loss, Self::Accuracy, Self::LearningRate];

    fn name(self) -> &'static str {
        match self {
            Self::Loss => "Loss",
            Self::Accuracy => "Accuracy",
            Self::LearningRate => "Learning rate",
        }
    }

    /// Burn knows metrics by an id; the name is one.
    fn id(self) -> MetricId {
        MetricId::new(Arc::new(self.name().into()))
    }

    /// How a figure is written, with as many digits as next to the bar.
    fn text(self, value: f64) -> String {
        match self {
            Self::Loss => format!("{value:.4}"),
            Self::Accuracy => format!("{value:.1} %"),
            Self::LearningRate => format!("{value:.3e}"),
        }
    }

    fn definition(self, name: Arc<String>) -> MetricDefinition {
        let unit = (self == Self::Accuracy).then(|| "%".into());
        let attributes = NumericAttributes { unit, higher_is_better: self == Self::Accuracy };
        MetricDefinition {
            metric_id: self.id(),
            name,
            description: None,
            attributes: MetricAttributes::Numeric(attributes),
        }
    }

    /// A figure of an epoch: a line of text and, unless it is [`NumericEntry::Final`], a point of the plot.
    fn state(self, epoch: usize, entry: NumericEntry) -> MetricState {
        let text = format!("epoch {epoch}: {}", self.text(entry.current()));
        let entry_text = SerializedEntry::new(text, entry.serialize());
        MetricState::Numeric(MetricEntry::new(self.id(), entry_text), Some(entry))
    }
}

/// Burn's dashboard over the training of one model. Dropped, it gives the terminal back, whatever the reason.
pub(crate) struct Dashboard {
    /// Nothing once it is closed or killed.
    renderer: Option<Box<dyn MetricsRenderer>>,
    interrupter: Interrupter,
    /// The name of a metric, which the renderer keeps for as long as its thread lives. Burn has no other way to tell.
    shared: Arc<String>,
    images: usize,
    epochs: usize,
    log_level: LevelFilter,
}

impl Dashboard {
    /// Opens the dashboard over the training of `model` on `images` images per epoch, from the epoch of the first `event`.
    pub(crate) fn open(model: &str, images: usize, epochs: usize, event: &Event<'_>) -> Self {
        let first = match event {
            Event::Steps { epoch, .. } => *epoch,
            Event::Epoch(history) => history.len(),
            Event::Tuning => 1,
        };
        let interrupter = Interrupter::new();
        // Time left is reckoned from the epochs before the first one on.
        let renderer = TuiMetricsRendererWrapper::new(interrupter.clone(), Some(first.max(1) - 1));
        Self::over(Box::new(renderer), interrupter, model, (images, epochs, first))
    }

    fn over(
        renderer: Box<dyn MetricsRenderer>,
        interrupter: Interrupter,
        model: &str,
        (images, epochs, first): (usize, usize, usize),
    ) -> Self {
        // Log lines on stderr would be written into the picture.
        let log_level = log::max_level();
        log::set_max_level(LevelFilter::Off);
        let shared = Arc::new(Metric::Loss.name().to_string());
        let mut dashboard = Self { renderer: Some(renderer), interrupter, shared, images, epochs, log_level };
        let shared = dashboard.shared.clone();
        dashboard.call(|renderer| {
            for metric in Metric::ALL {
                let name = match metric {
                    Metric::Loss => shared.clone(),
                    _ => Arc::new(metric.name().into()),
                };
                renderer.register_metric(metric.definition(name));
            }
            renderer.start(epochs, first, Some(images), Some(model));
            renderer.start_split("train", images);
        });
        dashboard
    }

    /// Shows an event.
    pub(crate) fn show(&mut self, event: &Event<'_>) -> Answer {
        // Looked at before the call: when the quit menu ends the thread, Burn sees to it that calls panic from then on.
        let gone = Arc::get_mut(&mut self.shared).is_some();
        let (images, epochs) = (self.images, self.epochs);
        let killed = self.call(|renderer| forward(renderer, event, images, epochs)).is_none();
        if killed || self.interrupter.should_stop() {
            Answer::Stop
        } else if gone {
            Answer::Gone
        } else {
            Answer::Continue
        }
    }

    /// Calls the renderer. Nothing if "kill" was chosen in its quit menu, which makes calls panic: that is only one more
    /// wish for an end, and the run should end in good order.
    fn call(&mut self, work: impl FnOnce(&mut dyn MetricsRenderer)) -> Option<()> {
        let renderer = self.renderer.as_mut()?;
        let made = catch_unwind(AssertUnwindSafe(|| work(renderer.as_mut()))).ok();
        if made.is_none() {
            // The terminal is as it was. To drop the renderer would be one more call.
            std::mem::forget(self.renderer.take());
        }
        made
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Burn has left its screen for the panic's message, and will do so again, which puts the cursor back to where it
            // last was saved: before the message, unless that is here (DECSC).
            if stdout().is_terminal() {
                let _ = stdout().write_all(b"\x1b7").and_then(|()| stdout().flush());
            }
            // Dropped now, the renderer would wait for nothing: its thread would go on for a moment, and draw.
            self.interrupter.stop(None);
            self.call(|renderer| renderer.manual_close());
        } else {
            self.call(|renderer| {
                renderer.end();
                // The figures are in our own table. Burn's renderer can't fail here.
                let _ = renderer.on_train_end(None);
            });
        }
        // Dropped, the renderer waits until the terminal is as it was; or panics, killed at the last moment.
        let renderer = self.renderer.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(renderer)));
        log::set_max_level(self.log_level);
    }
}

/// Makes the calls that Burn's own training would make.
fn forward(renderer: &mut dyn MetricsRenderer, event: &Event<'_>, images: usize, epochs: usize) {
    use NumericEntry::{Final, Value};
    match *event {
        // Shown before the dashboard opens.
        Event::Tuning => {}
        Event::Steps { epoch, images, loss, accuracy, learning_rate } => {
            // The list of figures has the order of the first calls, and a small terminal shows its beginning only.
            renderer.update_train(Metric::Accuracy.state(epoch, Value(100.0 * accuracy)));
            renderer.update_train(Metric::Loss.state(epoch, Value(loss)));
            renderer.update_train(Metric::LearningRate.state(epoch, Value(learning_rate)));
            renderer.update_split(images);
        }
        Event::Epoch(history) => {
            let Some(record) = history.last() else { return };
            let epoch = record.epoch;
            // The points are there already; this is the bar of the epoch.
            renderer.update_train(Metric::Accuracy.state(epoch, Final(100.0 * record.train_accuracy)));
            renderer.update_train(Metric::Loss.state(epoch, Final(record.train_loss)));
            renderer.update_train(Metric::LearningRate.state(epoch, Final(record.learning_rate)));
            let validation = [
                (Metric::Accuracy, record.validation_accuracy.map(|accuracy| 100.0 * accuracy)),
                (Metric::Loss, record.validation_loss),
            ];
            for (metric, value) in validation {
                let Some(value) = value else { continue };
                renderer.update_valid(metric.state(epoch, Value(value)));
                renderer.update_valid(metric.state(epoch, Final(value)));
            }
            renderer.end_split();
            renderer.update_epoch(epoch);
            if epoch < epochs {
                renderer.start_split("train", images);
                renderer.update_split(0);
            }
        }
    }
}

#[cfg(test)]
mod tests;
