//! The registry of models: a new one is a line in [`ENTRIES`].

mod knn;
mod trained;

use std::path::Path;

use toml::Table;
use zoo_cnn::CnnConfig;
use zoo_core::result::EpochRecord;
use zoo_core::{Classifier, InvalidConfig, Loss};
use zoo_data::Splits;
use zoo_knn::KnnConfig;
use zoo_mlp::MlpConfig;
use zoo_softmax::SoftmaxConfig;
use zoo_svm::SvmConfig;
use zoo_train::{Checkpoints, GradientReport, Sampling, SanityReport, TestTimeAugmentation};

use crate::backend::Selected;
use crate::cli::{GlobalOptions, UsageError};
use crate::config::{self, Contender, parse};
use crate::nearest::unknown;
use crate::progress::Progress;

/// A recipe, or the key that is wrong and why.
pub(crate) type Parsed = Result<Box<dyn Recipe>, serde_path_to_error::Error<toml::de::Error>>;

/// A model that can be asked for by name.
pub(crate) struct Entry {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// Its default recipe, TOML.
    pub(crate) defaults: &'static str,
    /// Reads a recipe.
    pub(crate) parse: fn(Table) -> Parsed,
}

/// Every model.
pub(crate) static ENTRIES: [Entry; 5] = [
    Entry { name: "knn", defaults: include_str!("../../../../configs/knn.toml"), parse: read::<KnnConfig> },
    Entry {
        name: "softmax",
        defaults: include_str!("../../../../configs/softmax.toml"),
        parse: read::<zoo_train::Recipe<SoftmaxConfig>>,
    },
    Entry {
        name: "svm",
        defaults: include_str!("../../../../configs/svm.toml"),
        parse: read::<zoo_train::Recipe<SvmConfig>>,
    },
    Entry {
        name: "cnn",
        defaults: include_str!("../../../../configs/cnn.toml"),
        parse: read::<zoo_train::Recipe<CnnConfig>>,
    },
    Entry {
        name: "mlp",
        defaults: include_str!("../../../../configs/mlp.toml"),
        parse: read::<zoo_train::Recipe<MlpConfig>>,
    },
];

fn read<R: Recipe + serde::de::DeserializeOwned + 'static>(table: Table) -> Parsed {
    Ok(Box::new(parse::<R>(table)?))
}

/// The names of all models.
pub(crate) fn names() -> Vec<&'static str> {
    ENTRIES.iter().map(|entry| entry.name).collect()
}

/// The model of that name.
pub(crate) fn find(name: &str) -> Result<&'static Entry, UsageError> {
    ENTRIES.iter().find(|entry| entry.name == name).ok_or_else(|| unknown("model", name, &names()))
}

/// What is checked if nothing is named: the default recipe of each model that is trained, and one of each other kind of network.
const TRAINED: [&str; 4] = ["softmax", "svm", "mlp", "cnn"];
static OTHER_NETWORKS: [(&str, &str); 3] = [
    ("vgg", include_str!("../../../../configs/vgg.toml")),
    ("lenet", include_str!("../../../../configs/lenet.toml")),
    ("resnet20", include_str!("../../../../configs/resnet20.toml")),
];

/// The recipes of `arguments`, names of models or files; by default one of every kind that is trained.
///
/// # Errors
/// [`UsageError`] as for any recipe, and for k-nearest neighbours, which has no gradient.
pub(crate) fn all_trained(options: &GlobalOptions, arguments: &[String]) -> anyhow::Result<Vec<Contender>> {
    let named: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if !named.is_empty() {
        let contenders = config::contenders(options, &named)?;
        return match contenders.iter().find(|contender| contender.recipe.loss().is_none()) {
            Some(knn) => {
                let name = knn.name();
                Err(UsageError(format!("{name}: k-nearest neighbours has no gradient; leave it out")).into())
            }
            None => Ok(contenders),
        };
    }
    let mut contenders = config::contenders(options, &TRAINED)?;
    for (name, recipe) in &OTHER_NETWORKS {
        let mut recipe: Table = recipe.parse().expect("recipes in configs are valid TOML");
        recipe.remove(config::MODEL);
        contenders.push(contenders[TRAINED.len() - 1].varied(name, recipe)?);
    }
    Ok(contenders)
}

/// What a model is fitted to, and how.
pub(crate) struct Job<'a> {
    /// What it is called while it works.
    pub(crate) name: &'a str,
    pub(crate) splits: &'a Splits,
    pub(crate) selected: &'a Selected,
    pub(crate) seed: u64,
    pub(crate) progress: Progress,
    pub(crate) checkpoints: Option<&'a Checkpoints>,
    /// Hears of every epoch, with the records of all before it.
    pub(crate) on_epoch: &'a dyn Fn(&[EpochRecord]) -> anyhow::Result<()>,
}

/// The images that a recipe is to work with.
#[derive(Clone, Copy)]
pub(crate) struct Dimensions {
    /// Channels, height, width.
    pub(crate) shape: [usize; 3],
    pub(crate) classes: usize,
    /// Training images, those held out for validation included.
    pub(crate) images: usize,
    /// Whether some are held out.
    pub(crate) has_validation: bool,
}

impl Dimensions {
    pub(crate) fn of(splits: &Splits) -> Self {
        let shape = splits.shape();
        Self {
            shape: [shape.channels, shape.height, shape.width],
            classes: splits.classes.len(),
            images: splits.train.len() + splits.validation.len(),
            has_validation: !splits.validation.is_empty(),
        }
    }
}

/// How to make one model, checked for types but not yet against data.
pub(crate) trait Recipe {
    /// Every key with its value.
    fn config(&self) -> anyhow::Result<Table>;

    /// Accepts a recipe that can be followed with such images.
    fn validate(&self, dimensions: Dimensions) -> Result<(), InvalidConfig>;

    /// Follows it.
    fn fit(&self, job: &Job<'_>) -> anyhow::Result<Fitted>;

    /// Reads a model that was fitted before.
    fn load(
        &self,
        path: &Path,
        dimensions: Dimensions,
        selected: &Selected,
    ) -> anyhow::Result<Box<dyn Model>>;

    /// Reads weights that may have been trained elsewhere, on the training images of `splits`.
    fn load_weights(
        &self,
        path: &Path,
        splits: &Splits,
        selected: &Selected,
    ) -> anyhow::Result<Box<dyn Model>>;

    /// Sets analytic gradients beside numerical ones, on some training images of `splits`.
    fn check_gradients(&self, splits: &Splits, sampling: Sampling) -> anyhow::Result<GradientReport>;

    /// What must hold before training is worth its time. The recipe should be without dropout.
    fn check_sanity(&self, splits: &Splits, selected: &Selected, seed: u64) -> anyhow::Result<SanityReport>;

    /// The loss that it minimises, if it does.
    fn loss(&self) -> Option<Loss>;

    /// How test images are varied for scores that are reported beside the plain ones.
    fn test_time_augmentation(&self) -> TestTimeAugmentation {
        TestTimeAugmentation::None
    }
}

/// A fitted model and how it came about.
pub(crate) struct Fitted {
    pub(crate) model: Box<dyn Model>,
    /// The weights that the model's are an average of, if they are.
    pub(crate) without_ema: Option<Box<dyn Model>>,
    pub(crate) seconds: f64,
    pub(crate) history: Vec<EpochRecord>,
}

/// A classifier that can be kept.
pub(crate) trait Model {
    /// The classifier.
    fn classifier(&self) -> &dyn Classifier;

    /// How many numbers training changes; for k-NN, how many it keeps.
    fn parameters(&self) -> usize;

    /// A SafeTensors file with PyTorch's names and layouts.
    fn to_safetensors(&self) -> anyhow::Result<Vec<u8>>;
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use clap::Parser;

    use super::*;
    use crate::cli::Cli;
    use crate::config;

    /// Every file below `folder`.
    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn all_recipes_in_configs_can_be_followed() {
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
        let base = configs.join("ablation/base.toml");
        let cifar10 = Dimensions { shape: [3, 32, 32], classes: 10, images: 50_000, has_validation: true };
        let files = files(&configs);
        assert!(files.len() > 40, "{files:?}");
        for file in files {
            let mut arguments = vec!["zoo", "compare"];
            if file.parent() == base.parent() {
                arguments.extend(["--config", base.to_str().unwrap()]);
            }
            let options = Cli::parse_from(arguments).global;
            let found = config::contenders(&options, &[file.to_str().unwrap()]);
            for contender in found.unwrap_or_else(|error| panic!("{error}")) {
                let valid = contender.recipe.validate(cifar10);
                valid.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            }
        }
    }

    #[test]
    fn default_recipes_parse_and_show_every_key() {
        for entry in &ENTRIES {
            let mut table: Table = entry.defaults.parse().unwrap();
            assert_eq!(table.remove("model").unwrap().as_str(), Some(entry.name));
            let recipe =
                (entry.parse)(table.clone()).unwrap_or_else(|error| panic!("{}: {error}", entry.name));
            assert_eq!(recipe.config().unwrap(), table, "{}", entry.name);
        }
    }
}
