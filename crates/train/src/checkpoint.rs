//! What a run needs to go on after it was interrupted.

use std::path::{Path, PathBuf};

use burn::module::Module;
use serde::{Deserialize, Serialize};
use zoo_files::{Aside, SUMS};
use zoo_schema::EpochRecord;

use crate::error::TrainError;
use crate::state::{Fitted, State};
use crate::tally::Begun;

const MODEL: &str = "model.bpk";
const BEST: &str = "best.bpk";
const SLOW: &str = "slow.bpk";
const AVERAGE: &str = "average.bpk";
const GRADIENT_SUM: &str = "gradient_sum.bpk";
const BEST_WITHOUT_EMA: &str = "best_without_ema.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const PROGRESS: &str = "state.json";
/// The most bytes of a file of text, 1 GiB: a history of some million epochs.
const LARGEST_TEXT: u64 = 1 << 30;
/// How many are kept: the newest, and one to go on from if that is damaged.
const KEPT: usize = 2;

/// The checkpoints of one run: a folder `epoch-N` after each epoch, or `epoch-N-step-S` for a training that was stopped S steps later. The last two are kept.
///
/// A checkpoint is written next to its place, onto the disk, with a digest of each of its files, and then renamed; only then is the oldest
/// removed: whenever a run is killed, there is a whole one. It holds the weights, those of the best epoch, slow and averaged ones, the optimizer's state (a search has none) and the history;
/// order, augmentation, dropout and learning rate follow from the seed, the epoch and the step.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
}

/// How far a training is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// A digest of the recipe and the seed: with others the rest of the state would mean something else.
    pub(crate) recipe: String,
    pub(crate) best_epoch: usize,
    pub(crate) history: Vec<EpochRecord>,
    /// The epoch after those of the history, if it had begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) begun: Option<Begun>,
}

/// A checkpoint whose files are as they were written.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    folder: PathBuf,
    pub(crate) progress: Progress,
}

impl Checkpoints {
    /// Checkpoints in `folder`, which is made when the first is saved.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The folder that they are in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The newest checkpoint: its folder and the number of epochs that were done.
    #[must_use]
    pub fn latest(&self) -> Option<(PathBuf, usize)> {
        self.all().pop().map(|(place, path)| (path, place.0))
    }

    /// All checkpoints, the newest last: epochs and steps that were done, and the folder.
    fn all(&self) -> Vec<((usize, usize), PathBuf)> {
        let place = |name: &str| -> Option<(usize, usize)> {
            let (epoch, step) =
                name.strip_prefix("epoch-")?.split_once("-step-").unwrap_or((&name[6..], "0"));
            Some((epoch.parse().ok()?, step.parse().ok()?))
        };
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut all: Vec<_> =
            folders.filter_map(|entry| Some((place(entry.file_name().to_str()?)?, entry.path()))).collect();
        all.sort();
        all
    }

    /// The newest checkpoint that is whole, of a recipe with the digest `recipe`; none if there is none at all.
    ///
    /// # Errors
    /// [`TrainError::Checkpoint`] if all are damaged, or of another recipe.
    pub(crate) fn newest(&self, recipe: &str) -> Result<Option<Checkpoint>, TrainError> {
        // What a run left behind that was killed while it saved.
        zoo_files::clear(&self.folder);
        let mut wrong = None;
        for (_, folder) in self.all().into_iter().rev() {
            match Checkpoint::open(&folder) {
                Ok(checkpoint) if checkpoint.progress.recipe != recipe => {
                    let reason = "it is of another recipe or seed: the config has been changed since".into();
                    return Err(TrainError::Checkpoint { path: folder, reason });
                }
                Ok(checkpoint) => {
                    if let Some(error) = wrong {
                        log::warn!("{error}; going on from {} instead", folder.display());
                    }
                    return Ok(Some(checkpoint));
                }
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        wrong.map_or(Ok(None), Err)
    }

    pub(crate) fn save<M: Module>(
        &self,
        state: &State<M>,
        fitted: &Fitted<M>,
        progress: &Progress,
    ) -> Result<(), TrainError> {
        std::fs::create_dir_all(&self.folder).map_err(failed(&self.folder))?;
        let aside = Aside::new(&self.folder).map_err(failed(&self.folder))?;
        let at = |name: &str| aside.path().join(name);
        if let Some(optimizer) = &state.optimizer {
            // The optimizer's state can't say that a device is lost.
            if let Some(device) = state.model.devices().first() {
                zoo_kernels::wait(device).map_err(|error| TrainError::Device(error.to_string()))?;
            }
            optimizer.save(at(OPTIMIZER)).map_err(failed(&at(OPTIMIZER)))?;
        }
        let models = [
            (MODEL, Some(&state.model)),
            (BEST, Some(&fitted.model)),
            (BEST_WITHOUT_EMA, fitted.without_ema.as_ref()),
            (SLOW, state.slow.as_ref().map(|slow| &slow.model)),
            (AVERAGE, state.average.as_ref()),
            (GRADIENT_SUM, state.sum.as_ref().map(|sum| &sum.model)),
        ];
        for (name, model) in models {
            model.map_or(Ok(()), |model| model.clone().save_file(at(name))).map_err(failed(&at(name)))?;
        }
        let text = serde_json::to_string(progress).map_err(failed(&at(PROGRESS)))?;
        std::fs::write(at(PROGRESS), text).map_err(failed(&at(PROGRESS)))?;
        let kept = zoo_files::write_sums(aside.path()).and_then(|()| zoo_files::sync_all(aside.path()));
        kept.map_err(failed(aside.path()))?;

        let (epoch, step) = (progress.history.len(), progress.begun.map_or(0, |begun| begun.steps));
        let step = if step == 0 { String::new() } else { format!("-step-{step}") };
        let path = self.folder.join(format!("epoch-{epoch}{step}"));
        // One that is there already is damaged, or this training would not have come here again.
        if path.exists() {
            std::fs::remove_dir_all(&path).map_err(failed(&path))?;
        }
        aside.move_to(&path).map_err(failed(&path))?;
        for (_, old) in self.all().into_iter().rev().skip(KEPT) {
            // All is saved: one too many is no reason to stop.
            if let Err(error) = std::fs::remove_dir_all(&old) {
                log::warn!("cannot remove the old checkpoint {}: {error}", old.display());
            }
        }
        Ok(())
    }
}

impl Checkpoint {
    /// Reads the checkpoint in `folder`, if all of its files are as they were written.
    fn open(folder: &Path) -> Result<Self, TrainError> {
        let written = zoo_files::read_sums(folder).map_err(failed(&folder.join(SUMS)))?;
        let found = zoo_files::sums(folder).map_err(failed(folder))?;
        let names = written.keys().chain(found.keys());
        if let Some(name) = names.filter(|name| written.get(*name) != found.get(*name)).min() {
            let reason = "it is damaged: its SHA-256 is not the one that was written with it".into();
            return Err(TrainError::Checkpoint { path: folder.join(name), reason });
        }
        let at = folder.join(PROGRESS);
        let text = zoo_files::read_to_string(&at, LARGEST_TEXT).map_err(failed(&at))?;
        let progress = serde_json::from_str(&text).map_err(failed(&at))?;
        Ok(Self { folder: folder.into(), progress })
    }

    /// The model in training, and what there was of the best epoch.
    pub(crate) fn models<M: Module>(
        &self,
        model: M,
        fitted: Fitted<M>,
    ) -> Result<(M, Fitted<M>), TrainError> {
        let at = |name: &str| self.folder.join(name);
        // Running statistics are shared by clones, and loading writes to them: each gets its own first.
        let best_without_ema = fitted.without_ema.map(|model| load(model.valid(), &at(BEST_WITHOUT_EMA)));
        let fitted = Fitted {
            model: load(fitted.model.valid(), &at(BEST))?,
            without_ema: best_without_ema.transpose()?,
            best_epoch: self.progress.best_epoch,
            history: self.progress.history.clone(),
            stopped_by: None,
        };
        Ok((load(model, &at(MODEL))?, fitted))
    }

    /// The optimizer's state, slow and averaged weights. The optimizer was made for the model that
    /// was taken from here: a model brings the ids of its parameters along, and the state is kept by them.
    pub(crate) fn state<M: Module>(&self, mut state: State<M>) -> Result<State<M>, TrainError> {
        if let Some(optimizer) = state.optimizer.take() {
            let path = self.folder.join(OPTIMIZER);
            state.optimizer = Some(optimizer.load(&path).map_err(failed(&path))?);
        }
        if let Some(slow) = &mut state.slow {
            slow.model = load(slow.model.clone(), &self.folder.join(SLOW))?;
        }
        if let Some(average) = &mut state.average {
            *average = load(average.clone(), &self.folder.join(AVERAGE))?;
        }
        if let Some(sum) = &mut state.sum {
            sum.model = load(sum.model.clone(), &self.folder.join(GRADIENT_SUM))?;
        }
        Ok(state)
    }
}

fn load<M: Module>(model: M, path: &Path) -> Result<M, TrainError> {
    model.try_load_file(path).map_err(failed(path))
}

fn failed<E: std::fmt::Display>(path: &Path) -> impl FnOnce(E) -> TrainError {
    let path = path.to_path_buf();
    move |error| TrainError::Checkpoint { path, reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use burn::module::RunningState;
    use burn::nn::{BatchNorm, BatchNormConfig};
    use burn::tensor::{Device, Tensor};

    use super::*;
    use crate::tally::Tally;

    fn norm(mean: f32) -> BatchNorm {
        let device = Device::flex();
        let mean = RunningState::new(Tensor::full([2], mean, &device));
        BatchNorm { running_mean: mean, ..BatchNormConfig::new(2).init(&device) }
    }

    fn fitted(model: BatchNorm, without_ema: BatchNorm) -> Fitted<BatchNorm> {
        let history = vec![EpochRecord { epoch: 1, ..EpochRecord::default() }];
        Fitted { model, without_ema: Some(without_ema), best_epoch: 1, history, stopped_by: None }
    }

    fn progress(epochs: usize) -> Progress {
        let history = (1..=epochs).map(|epoch| EpochRecord { epoch, ..EpochRecord::default() }).collect();
        Progress { recipe: "r".into(), best_epoch: 1, history, begun: None }
    }

    #[test]
    fn the_older_of_two_is_taken_if_the_newer_is_damaged() {
        let place = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(place.path());
        assert!(checkpoints.newest("r").unwrap().is_none());
        let state = State { model: norm(3.0).train(), optimizer: None, slow: None, average: None, sum: None };
        for epochs in 1..=3 {
            checkpoints.save(&state, &fitted(norm(1.0), norm(2.0)), &progress(epochs)).unwrap();
        }
        let begun = Some(Tally::default().stopped(4).unwrap());
        checkpoints.save(&state, &fitted(norm(1.0), norm(2.0)), &Progress { begun, ..progress(3) }).unwrap();
        let names: Vec<_> = checkpoints.all().into_iter().map(|(place, _)| place).collect();
        assert_eq!(names, [(3, 0), (3, 4)]);
        let newest = || checkpoints.newest("r").map(|found| found.unwrap().progress.begun.is_some());
        assert!(newest().unwrap());
        // Every byte of every file counts, those of the digests included.
        let folder = place.path().join("epoch-3-step-4");
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let whole = std::fs::read(&path).unwrap();
            for at in (0..whole.len()).step_by(97) {
                let mut bytes = whole.clone();
                bytes[at] ^= 1;
                std::fs::write(&path, bytes).unwrap();
                assert!(!newest().unwrap(), "byte {at} of {}", path.display());
                std::fs::write(&path, &whole[..at]).unwrap();
                assert!(!newest().unwrap(), "{at} bytes of {}", path.display());
            }
            std::fs::remove_file(&path).unwrap();
            assert!(!newest().unwrap(), "without {}", path.display());
            std::fs::write(&path, whole).unwrap();
        }
        assert!(newest().unwrap());
        assert!(checkpoints.newest("other").unwrap_err().to_string().contains("of another recipe"));
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::write(place.path().join("epoch-3/state.json"), "").unwrap();
        let error = checkpoints.newest("r").unwrap_err().to_string();
        assert!(error.contains("state.json: it is damaged"), "{error}");
    }

    #[test]
    fn each_of_the_best_models_has_its_own_running_statistics() {
        let place = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(place.path());
        let state = State { model: norm(3.0).train(), optimizer: None, slow: None, average: None, sum: None };
        checkpoints.save(&state, &fitted(norm(1.0), norm(2.0)), &progress(1)).unwrap();
        // As training starts: the one is a clone of the other.
        let plain = norm(0.0);
        let checkpoint = checkpoints.newest("r").unwrap().unwrap();
        let (model, fitted) = checkpoint.models(norm(0.0).train(), fitted(plain.clone(), plain)).unwrap();
        let mean = |norm: &BatchNorm| norm.running_mean.value_sync().into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(mean(&model.valid()), [3.0; 2]);
        assert_eq!(
            (mean(&fitted.model), mean(fitted.without_ema.as_ref().unwrap())),
            (vec![1.0; 2], vec![2.0; 2])
        );
    }
}
