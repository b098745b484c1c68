//! What a run needs to go on after it was interrupted.

use std::path::{Path, PathBuf};

use burn::module::Module;
use serde::{Deserialize, Serialize};
use zoo_schema::EpochRecord;

use crate::error::TrainError;
use crate::state::{Fitted, State};

const MODEL: &str = "model.bpk";
const BEST: &str = "best.bpk";
const SLOW: &str = "slow.bpk";
const AVERAGE: &str = "average.bpk";
const BEST_WITHOUT_EMA: &str = "best_without_ema.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const PROGRESS: &str = "state.json";
/// How the folder of a checkpoint begins while it is being written.
const UNFINISHED: &str = ".next-";

/// The checkpoints of one run: a folder `epoch-N` for the last epoch that was finished.
///
/// A checkpoint is written next to the one before under another name and then renamed, and only then is the one before removed:
/// whenever a run is killed, there is a whole one. It holds the weights, those of the best epoch, slow and averaged ones, the optimizer's state (a search has none) and the history;
/// order, augmentation and learning rate follow from the seed and the epoch.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Progress {
    best_epoch: usize,
    history: Vec<EpochRecord>,
}

impl Checkpoints {
    /// Checkpoints in `folder`, which is made when the first is saved.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The newest checkpoint: its folder and the number of epochs that were done.
    #[must_use]
    pub fn latest(&self) -> Option<(PathBuf, usize)> {
        let entries = std::fs::read_dir(&self.folder).ok()?;
        entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let epoch = path.file_name()?.to_str()?.strip_prefix("epoch-")?.parse().ok()?;
                Some((path, epoch))
            })
            .max_by_key(|&(_, epoch)| epoch)
    }

    /// Takes model and history from the newest checkpoint, or returns them as they are if there is none.
    pub(crate) fn resume_model<M: Module>(
        &self,
        model: M,
        fitted: Fitted<M>,
    ) -> Result<(M, Fitted<M>), TrainError> {
        self.remove_unfinished();
        let Some((folder, _)) = self.latest() else { return Ok((model, fitted)) };
        let at = |name: &str| folder.join(name);
        let progress = std::fs::read_to_string(at(PROGRESS)).map_err(failed(&at(PROGRESS)))?;
        let progress: Progress = serde_json::from_str(&progress).map_err(failed(&at(PROGRESS)))?;
        let best_without_ema = fitted.without_ema.map(|model| load(model, &at(BEST_WITHOUT_EMA)));
        let fitted = Fitted {
            model: load(fitted.model, &at(BEST))?,
            without_ema: best_without_ema.transpose()?,
            best_epoch: progress.best_epoch,
            history: progress.history,
            stopped_by: None,
        };
        Ok((load(model, &at(MODEL))?, fitted))
    }

    /// Takes the optimizer's state, slow and averaged weights from the newest checkpoint. The optimizer was made for the model that
    /// was taken from there: a model brings the ids of its parameters along, and the state is kept by them.
    pub(crate) fn resume_state<M: Module>(&self, mut state: State<M>) -> Result<State<M>, TrainError> {
        let Some((folder, _)) = self.latest() else { return Ok(state) };
        if let Some(optimizer) = state.optimizer.take() {
            let path = folder.join(OPTIMIZER);
            state.optimizer = Some(optimizer.load(&path).map_err(failed(&path))?);
        }
        if let Some(slow) = &mut state.slow {
            slow.model = load(slow.model.clone(), &folder.join(SLOW))?;
        }
        if let Some(average) = &mut state.average {
            *average = load(average.clone(), &folder.join(AVERAGE))?;
        }
        Ok(state)
    }

    /// Removes what a run left behind that was killed while it saved.
    fn remove_unfinished(&self) {
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }

    pub(crate) fn save<M: Module>(&self, state: &State<M>, fitted: &Fitted<M>) -> Result<(), TrainError> {
        std::fs::create_dir_all(&self.folder).map_err(failed(&self.folder))?;
        let aside = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempdir_in(&self.folder)
            .map_err(failed(&self.folder))?;
        let at = |name: &str| aside.path().join(name);
        let progress = Progress { best_epoch: fitted.best_epoch, history: fitted.history.clone() };
        let progress = serde_json::to_string(&progress).map_err(failed(&at(PROGRESS)))?;
        if let Some(optimizer) = &state.optimizer {
            optimizer.save(at(OPTIMIZER)).map_err(failed(&at(OPTIMIZER)))?;
        }
        let models = [
            (MODEL, Some(&state.model)),
            (BEST, Some(&fitted.model)),
            (BEST_WITHOUT_EMA, fitted.without_ema.as_ref()),
            (SLOW, state.slow.as_ref().map(|slow| &slow.model)),
            (AVERAGE, state.average.as_ref()),
        ];
        for (name, model) in models {
            model.map_or(Ok(()), |model| model.clone().save_file(at(name))).map_err(failed(&at(name)))?;
        }
        std::fs::write(at(PROGRESS), progress).map_err(failed(&at(PROGRESS)))?;

        let before = self.latest();
        let path = self.folder.join(format!("epoch-{}", fitted.history.len()));
        std::fs::rename(aside.path(), &path).map_err(failed(&path))?;
        if let Some((before, _)) = before {
            std::fs::remove_dir_all(&before).map_err(failed(&before))?;
        }
        Ok(())
    }
}

fn load<M: Module>(model: M, path: &Path) -> Result<M, TrainError> {
    model.try_load_file(path).map_err(failed(path))
}

fn failed<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> TrainError {
    let path = path.to_path_buf();
    move |error| TrainError::Checkpoint { path, reason: error.to_string() }
}
