//! Events as calls of a renderer that writes them down.

use std::panic::resume_unwind;
use std::sync::Mutex;

use burn_train::LearnerSummary;
use burn_train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn_train::renderer::{EvaluationName, MetricsRendererEvaluation, MetricsRendererTraining};
use zoo_schema::EpochRecord;

use super::*;

/// Writes calls down, and keeps definitions as Burn's renderer does.
#[derive(Clone, Default)]
struct Fake {
    calls: Arc<Mutex<Vec<String>>>,
    definitions: Arc<Mutex<Vec<MetricDefinition>>>,
    killed: Arc<Mutex<bool>>,
}

impl Fake {
    fn write(&self, call: String) {
        if *self.killed.lock().unwrap() {
            // As a panic, but nothing is printed.
            resume_unwind(Box::new("killed"));
        }
        self.calls.lock().unwrap().push(call);
    }

    fn write_state(&self, split: &str, state: &MetricState) {
        let MetricState::Numeric(entry, Some(value)) = state else { panic!("{state:?}") };
        let id = &entry.metric_id;
        let definitions = self.definitions.lock().unwrap();
        let definition = definitions.iter().find(|definition| definition.metric_id == *id);
        let name = definition.map_or("unknown", |definition| definition.name.as_str());
        let kind = if matches!(value, NumericEntry::Final(_)) { "bar" } else { "point" };
        let (value, text) = (value.current(), &entry.serialized_entry.formatted);
        self.write(format!("{split} {name} {kind} {value} ({text})"));
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }
}

impl MetricsRendererTraining for Fake {
    fn update_train(&mut self, state: MetricState) {
        self.write_state("train", &state);
    }

    fn update_valid(&mut self, state: MetricState) {
        self.write_state("valid", &state);
    }

    fn on_train_end(&mut self, summary: Option<LearnerSummary>) -> Result<(), Box<dyn std::error::Error>> {
        assert!(summary.is_none());
        self.write("on_train_end".into());
        Ok(())
    }
}

impl MetricsRendererEvaluation for Fake {
    fn update_test(&mut self, _: EvaluationName, _: MetricState) {
        unreachable!()
    }
}

impl TrainingProgressLogger for Fake {
    fn start(&mut self, epochs: usize, first: usize, images: Option<usize>, label: Option<&str>) {
        self.write(format!("start {} {first}/{epochs} {}", label.unwrap(), images.unwrap()));
    }

    fn update_epoch(&mut self, epoch: usize) {
        self.write(format!("update_epoch {epoch}"));
    }

    fn start_split(&mut self, split: &str, images: usize) {
        self.write(format!("start_split {split} {images}"));
    }

    fn update_split(&mut self, images: usize) {
        self.write(format!("update_split {images}"));
    }

    fn end_split(&mut self) {
        self.write("end_split".into());
    }

    fn end(&mut self) {
        self.write("end".into());
    }

    fn log_event_training(&mut self, _: String) {
        unreachable!()
    }
}

impl EvaluationProgressLogger for Fake {
    fn start_global_progress(&mut self, _: usize) {
        unreachable!()
    }

    fn start_test(&mut self, _: &str, _: usize) {
        unreachable!()
    }

    fn update_test_progress(&mut self, _: usize) {
        unreachable!()
    }

    fn end_test(&mut self) {
        unreachable!()
    }

    fn end_global_progress(&mut self) {
        unreachable!()
    }

    fn log_event_evaluation(&mut self, _: String) {
        unreachable!()
    }
}

impl MetricsRenderer for Fake {
    fn manual_close(&mut self) {
        self.write("manual_close".into());
    }

    fn register_metric(&mut self, definition: MetricDefinition) {
        self.write(format!("register_metric {}", definition.name));
        self.definitions.lock().unwrap().push(definition);
    }
}

/// A dashboard over epochs 2 and 3 of a run on 80 images.
fn dashboard() -> (Dashboard, Fake) {
    let fake = Fake::default();
    let renderer = Box::new(fake.clone());
    (Dashboard::over(renderer, Interrupter::new(), "softmax", (80, 3, 2)), fake)
}

fn steps(epoch: usize) -> Event<'static> {
    Event::Steps { epoch, images: 64, loss: 1.25, accuracy: 0.375, learning_rate: 0.003 }
}

fn record(epoch: usize) -> EpochRecord {
    EpochRecord {
        epoch,
        train_loss: 1.125,
        train_accuracy: 0.5,
        validation_loss: Some(1.5),
        validation_accuracy: Some(0.25),
        learning_rate: 0.002,
        ..EpochRecord::default()
    }
}

#[test]
fn events_become_the_calls_of_burns_own_training() {
    let (mut dashboard, fake) = dashboard();
    assert_eq!(
        fake.take(),
        [
            "register_metric Loss",
            "register_metric Accuracy",
            "register_metric Learning rate",
            "start softmax 2/3 80",
            "start_split train 80",
        ]
    );
    assert_eq!(dashboard.show(&steps(2)), Answer::Continue);
    assert_eq!(
        fake.take(),
        [
            "train Accuracy point 37.5 (epoch 2: 37.5 %)",
            "train Loss point 1.25 (epoch 2: 1.2500)",
            "train Learning rate point 0.003 (epoch 2: 3.000e-3)",
            "update_split 64",
        ]
    );
    assert_eq!(dashboard.show(&Event::Epoch(&[record(1), record(2)])), Answer::Continue);
    assert_eq!(
        fake.take(),
        [
            "train Accuracy bar 50 (epoch 2: 50.0 %)",
            "train Loss bar 1.125 (epoch 2: 1.1250)",
            "train Learning rate bar 0.002 (epoch 2: 2.000e-3)",
            "valid Accuracy point 25 (epoch 2: 25.0 %)",
            "valid Accuracy bar 25 (epoch 2: 25.0 %)",
            "valid Loss point 1.5 (epoch 2: 1.5000)",
            "valid Loss bar 1.5 (epoch 2: 1.5000)",
            "end_split",
            "update_epoch 2",
            "start_split train 80",
            "update_split 0",
        ]
    );
}

#[test]
fn the_last_epoch_starts_no_other_and_the_end_needs_no_key() {
    let (mut dashboard, fake) = dashboard();
    fake.take();
    let last = EpochRecord { validation_loss: None, validation_accuracy: None, ..record(3) };
    dashboard.show(&Event::Epoch(&[record(1), record(2), last]));
    let calls = fake.take();
    assert!(!calls.iter().any(|call| call.starts_with("valid")), "{calls:?}");
    assert_eq!(calls.last().unwrap(), "update_epoch 3");
    drop(dashboard);
    assert_eq!(fake.take(), ["end", "on_train_end"]);
}

#[test]
fn both_ways_of_quitting_stop_training() {
    let (mut dashboard, fake) = dashboard();
    dashboard.interrupter.stop(Some("asked for"));
    assert_eq!(dashboard.show(&steps(2)), Answer::Stop);
    drop(dashboard);
    assert_eq!(fake.take().last().unwrap(), "on_train_end");

    let (mut dashboard, fake) = self::dashboard();
    *fake.killed.lock().unwrap() = true;
    assert_eq!(dashboard.show(&steps(2)), Answer::Stop);
    assert_eq!(dashboard.show(&steps(2)), Answer::Stop);
}

#[test]
fn a_renderer_whose_thread_has_ended_is_noticed() {
    let (mut dashboard, fake) = dashboard();
    assert_eq!(dashboard.show(&steps(2)), Answer::Continue);
    fake.definitions.lock().unwrap().clear();
    assert_eq!(dashboard.show(&steps(2)), Answer::Gone);
    // What was killed has ended, too.
    *fake.killed.lock().unwrap() = true;
    assert_eq!(dashboard.show(&steps(2)), Answer::Stop);
}

#[test]
fn a_panic_closes_the_dashboard_at_once() {
    let (dashboard, fake) = dashboard();
    fake.take();
    let interrupter = dashboard.interrupter.clone();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _dashboard = dashboard;
        resume_unwind(Box::new("a bug"));
    }));
    assert!(panicked.is_err());
    // Burn's thread ends at a manual close only if it was asked to stop.
    assert!(interrupter.should_stop());
    assert_eq!(fake.take(), ["manual_close"]);
}
