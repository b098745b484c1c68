//! Who watches the work: a bar, a dashboard, a log, or nobody.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use zoo_schema::Trial;
use zoo_train::Event;

/// Hears of one training run; its end is when it is dropped. It answers [`ControlFlow::Break`] to stop.
pub type TrainingListener<'a> = Box<dyn FnMut(&Event<'_>) -> ControlFlow<()> + 'a>;

/// Hears how many images of some work are done; its end is when it is dropped.
pub type ProgressListener<'a> = Box<dyn FnMut(usize) + 'a>;

/// Hears of the trials of a search: of all so far each time, those first that were there before. Its end is when it is dropped.
pub type TrialListener<'a> = Box<dyn FnMut(&[Trial]) + 'a>;

/// Hears what is worth seeing while work takes long. Everything that isn't implemented is heard by nobody.
pub trait Watch {
    /// A line, or several, that are worth reading.
    fn line(&self, text: &str) {
        let _ = text;
    }

    /// Work in the folder of a run begins. From here on it can be gone on with.
    fn run(&self, path: &Path) {
        self.line(&format!("run: {}", path.display()));
    }

    /// The training of `name` begins, over `images` images per epoch.
    fn training(&self, name: &str, images: usize, epochs: usize) -> TrainingListener<'_> {
        let _ = (name, images, epochs);
        Box::new(|_| ControlFlow::Continue(()))
    }

    /// What becomes true when work is to stop: training does after its step. By default nothing does.
    fn stop(&self) -> Option<&AtomicBool> {
        None
    }

    /// Whether work is to stop.
    fn is_stopped(&self) -> bool {
        self.stop().is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Work on `images` images begins: `cnn predicts`.
    fn progress(&self, work: &str, images: usize) -> ProgressListener<'_> {
        let _ = (work, images);
        Box::new(|_| ())
    }

    /// A search of `count` trials begins.
    fn trials(&self, count: usize) -> TrialListener<'_> {
        let _ = count;
        Box::new(|_| ())
    }

    /// Who watches one model within a larger piece of work. By default nobody: the larger work says how it did.
    fn part(&self) -> Box<dyn Watch + '_> {
        Box::new(Silent)
    }
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Watch for Silent {}
