//! What can go wrong in the lab.

use std::error::Error;
use std::path::PathBuf;

use zoo_backends::BackendError;
use zoo_core::Unknown;
use zoo_data::DataError;
use zoo_recipes::RecipeError;
use zoo_report::PictureError;
use zoo_schema::AnswersError;
use zoo_train::TrainError;
use zoo_train::search::SearchError;

/// Advice where nothing is searched.
const SEARCH_EXAMPLE: &str =
    "give a key several values or a range, --set optimizer.learning_rate=0.01,0.1 or 0.001..0.1";

/// Why something could not be done, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// A recipe is wrong, or a model can't be read or written.
    #[error(transparent)]
    Recipe(RecipeError),
    /// There is no machine to compute on.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// Images can't be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Training failed, or was stopped by its listener.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Training failed, or was stopped; what it had saved is kept.
    #[error("{}; {}", in_words(&**error), kept_words(kept.as_ref()))]
    Training {
        /// Why.
        error: Box<LabError>,
        /// The newest checkpoint, and the number of epochs that it has behind it.
        kept: Option<(PathBuf, usize)>,
    },
    /// A GPU refused something.
    #[error(
        "{adapter} failed: {reason}; lower train.batch_size or the sizes of the network, or use --backend cpu"
    )]
    Adapter {
        /// The adapter, as the driver names it.
        adapter: String,
        /// The driver's reason.
        reason: String,
    },
    /// A recipe that doesn't fit into memory.
    #[error(
        "{recipe} would need about {needed} of memory, and this machine has {most}; lower the sizes of its network, or train.batch_size"
    )]
    Memory {
        /// The recipe.
        recipe: String,
        /// How much it needs, in words.
        needed: String,
        /// How much there is, in words.
        most: String,
    },
    /// A name is not known.
    #[error(transparent)]
    Unknown(#[from] Unknown),
    /// `--data` is neither a named dataset nor a path.
    #[error(
        "--data {data}: no such dataset or path{}; named datasets: {}",
        suggestion.as_ref().map_or_else(String::new, |name| format!(" (did you mean {name}?)")),
        names.join(", ")
    )]
    NoDataset {
        /// What was asked for.
        data: String,
        /// The name that was probably meant.
        suggestion: Option<&'static str>,
        /// The names that there are.
        names: Vec<&'static str>,
    },
    /// The path in `--data` has no images that can be used.
    #[error("--data")]
    Folder(#[source] DataError),
    /// The operating system refused something.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: "read", "write", …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A process can't be started or waited for.
    #[error("cannot {action}")]
    Process {
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The content of a file is not what it should be.
    #[error("cannot {action} {}: {reason}", path.display())]
    Content {
        /// What was tried: "parse", "load".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong, and where in it.
        reason: String,
    },
    /// A line of a file is not as it should be.
    #[error("{}, line {line}: {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A file is not as it should be.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where in it.
        reason: String,
    },
    /// A folder is not that of a run that this can be done with.
    #[error("{} {reason}", path.display())]
    Run {
        /// The folder.
        path: PathBuf,
        /// What it is instead, and what to do.
        reason: String,
    },
    /// A run that is asked for by name isn't there.
    #[error("{}: {advice}", name.display())]
    NoRun {
        /// What was asked for.
        name: PathBuf,
        /// What it is instead, and what to do.
        advice: String,
    },
    /// Seeds beyond what a config can have.
    #[error("{trainings} trainings from --seed {seed} on need seeds up to {}: choose smaller ones", i64::MAX)]
    Seeds {
        /// The first seed.
        seed: u64,
        /// How many follow it, itself included.
        trainings: usize,
    },
    /// Neither test images nor validation images are there to judge by.
    #[error(
        "without test images models are judged on validation images; use --validation above 0, or leave out --no-test"
    )]
    NothingJudged,
    /// The images of a run are not what they were: a model must not be tested on what it was trained on.
    #[error("the images of {} have changed: {data} has others now, or in another order", path.display())]
    Changed {
        /// The run.
        path: PathBuf,
        /// Where its images are.
        data: String,
    },
    /// Two runs were made from different images.
    #[error(
        "{} has other images than {}; train both with the same --data, --seed, --limit-train, --limit-test and --validation",
        other.display(), first.display()
    )]
    OtherImages {
        /// One run.
        other: PathBuf,
        /// The other.
        first: PathBuf,
    },
    /// Answers of several runs can't be put side by side.
    #[error("these runs can't be put side by side: {0}")]
    Answers(AnswersError),
    /// A run has no loss to look at.
    #[error("{}: {model} minimises no loss; name a run that was trained", path.display())]
    NoLoss {
        /// The run.
        path: PathBuf,
        /// Its model.
        model: &'static str,
    },
    /// A run has no validation images.
    #[error("{} holds out no images; train with --validation 0.1", path.display())]
    NoValidation {
        /// The run.
        path: PathBuf,
    },
    /// A recipe has nothing to check.
    #[error("{name}: {} has no gradient; leave it out", in_full(model))]
    NoGradient {
        /// The recipe.
        name: String,
        /// Its model.
        model: &'static str,
    },
    /// A model has no weights to read.
    #[error("{name}: {} has no weights; `zoo train {name}` keeps its images", in_full(model))]
    NoWeights {
        /// The recipe.
        name: String,
        /// Its model.
        model: &'static str,
    },
    /// Nothing is searched.
    #[error("nothing is searched: {SEARCH_EXAMPLE}")]
    NothingSearched,
    /// There are no images that trials could be judged by.
    #[error("without validation images there is nothing to judge by; use --validation above 0, or --folds")]
    NothingToJudgeBy,
    /// The space of a search has no such plan.
    #[error("{error}{}", remedy(error))]
    Plan {
        /// Why.
        error: SearchError,
    },
    /// The `[search]` of a recipe is wrong.
    #[error("{origin}: [search] {reason}")]
    Search {
        /// The file or the recipe.
        origin: String,
        /// What is wrong, and where in it.
        reason: String,
    },
    /// No trial of a search has succeeded.
    #[error("no trial has succeeded; trial {trial}: {reason}")]
    NoTrial {
        /// The first trial.
        trial: usize,
        /// Why it failed.
        reason: String,
    },
    /// Fields of a suite are wrong.
    #[error("{origin}: {reason}")]
    Suite {
        /// The suite or the row.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// A trial was stopped from outside: taken as a wish to stop the search.
    #[error("stopped")]
    Interrupted,
    /// Training was stopped by its listener.
    #[error(
        "stopped{}",
        run.as_ref().map_or_else(
            || " in the first epoch; nothing was saved".into(),
            |run| format!("; go on with zoo train --resume {}", run.display())
        )
    )]
    TrainingStopped {
        /// The run, if it has a checkpoint to go on from.
        run: Option<PathBuf>,
    },
    /// A search was stopped.
    #[error("stopped; go on with zoo tune --resume {}", folder.display())]
    SearchStopped {
        /// The folder of the search.
        folder: PathBuf,
    },
    /// A suite was stopped.
    #[error("stopped; the rows before {row} are in {}", folder.display())]
    SuiteStopped {
        /// The row that was being measured.
        row: String,
        /// The folder with what was measured.
        folder: PathBuf,
    },
    /// A picture can't be rendered.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

impl LabError {
    /// Whether what was asked for is wrong, so that nothing was tried.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        match self {
            Self::Recipe(error) => error.is_usage(),
            Self::Backend(error) => error.is_usage(),
            Self::Unknown(_)
            | Self::NoDataset { .. }
            | Self::OtherImages { .. }
            | Self::NoRun { .. }
            | Self::NothingJudged
            | Self::Memory { .. }
            | Self::Seeds { .. }
            | Self::Answers(_)
            | Self::NoLoss { .. }
            | Self::NoValidation { .. }
            | Self::NoGradient { .. }
            | Self::NothingSearched
            | Self::NothingToJudgeBy
            | Self::Plan { .. }
            | Self::Search { .. }
            | Self::Suite { .. } => true,
            _ => false,
        }
    }

    /// Whether the work was stopped from outside: not a failure, but it isn't done either.
    #[must_use]
    pub const fn is_stop(&self) -> bool {
        matches!(
            self,
            Self::Interrupted
                | Self::Train(TrainError::Stopped { .. })
                | Self::TrainingStopped { .. }
                | Self::SearchStopped { .. }
                | Self::SuiteStopped { .. }
        )
    }

    /// Whether training came to nothing, as a learning rate that is too large has it.
    pub(crate) const fn is_divergence(&self) -> bool {
        matches!(self, Self::Train(TrainError::Diverged { .. } | TrainError::NotFinite))
    }

    /// Whether the listener of a training run has asked for its end.
    pub(crate) const fn is_training_stop(&self) -> bool {
        matches!(self, Self::Train(TrainError::Stopped { .. }))
    }

    /// The operating system refused to `action` the file or folder `path`.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// The folder at `path` is not that of a run that this can be done with.
    pub(crate) fn run(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Run { path: path.into(), reason: reason.into() }
    }

    /// The content of the file at `path` can't be parsed or loaded.
    pub(crate) fn content<E: std::fmt::Display>(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(E) -> Self {
        let path = path.into();
        move |error| Self::Content { action, path, reason: error.to_string() }
    }

    /// The file at `path` is not as it should be.
    pub(crate) fn file(path: impl Into<PathBuf>, reason: impl std::fmt::Display) -> Self {
        Self::File { path: path.into(), reason: reason.to_string().trim().into() }
    }
}

impl From<RecipeError> for LabError {
    fn from(error: RecipeError) -> Self {
        match error {
            RecipeError::Train(error) => Self::Train(error),
            error => Self::Recipe(error),
        }
    }
}

impl From<serde_json::Error> for LabError {
    fn from(error: serde_json::Error) -> Self {
        Self::Recipe(RecipeError::Write { what: "JSON", reason: error.to_string() })
    }
}

impl From<toml::ser::Error> for LabError {
    fn from(error: toml::ser::Error) -> Self {
        Self::Recipe(RecipeError::Write { what: "TOML", reason: error.to_string() })
    }
}

/// An error and its causes in one line: `cannot write runs/x: no space left on device`.
#[must_use]
pub fn in_words(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// What a model is called in a sentence.
fn in_full(model: &str) -> &str {
    if model == "knn" { "k-nearest neighbours" } else { model }
}

fn kept_words(kept: Option<&(PathBuf, usize)>) -> String {
    match kept {
        Some((path, epochs)) => format!("epoch {epochs} is kept in {}", path.display()),
        None => "nothing was saved".into(),
    }
}

/// What to do about a space that has no such plan.
const fn remedy(error: &SearchError) -> &'static str {
    match error {
        SearchError::NoGrid { .. } => ": --trials 20",
        SearchError::TooFew { .. } => "; lower --trials, or leave it out for the whole grid",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_in_one_line() {
        let error = LabError::io("write", "x/y")(std::io::Error::other("full"));
        assert_eq!(in_words(&error), "cannot write x/y: full");
        assert_eq!(in_words(&LabError::Interrupted), "stopped");
    }

    #[test]
    fn what_was_asked_for_is_told_from_what_failed() {
        assert!(LabError::NothingSearched.is_usage());
        assert!(LabError::from(RecipeError::layer("--set k", "no")).is_usage());
        let failed = LabError::from(RecipeError::Train(TrainError::NotFinite));
        assert!(!failed.is_usage() && matches!(failed, LabError::Train(_)));
        assert!(failed.is_divergence() && !LabError::Interrupted.is_divergence());
        assert!(LabError::SearchStopped { folder: "runs/1".into() }.is_stop());
    }
}
