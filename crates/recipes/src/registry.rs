//! The registry of models: a new one is a line in [`Registry::zoo`].

use zoo_cnn::CnnConfig;
use zoo_core::Unknown;
use zoo_knn::KnnConfig;
use zoo_majority::MajorityConfig;
use zoo_mlp::MlpConfig;
use zoo_softmax::SoftmaxConfig;
use zoo_svm::SvmConfig;
use zoo_train::Recipe;
use zoo_vit::VitConfig;

use crate::entry::Entry;
use crate::error::RecipeError;
use crate::estimator::Estimator;
use crate::layer::{Layer, lay};
use crate::text::recipe;

/// A model of the zoo, whose default recipe is named like it.
macro_rules! entry {
    ($name:literal, $estimator:ty) => {
        Entry::with_schema::<$estimator>($name, recipe!($name))
    };
}

/// The models that can be asked for by name, and other recipes of them that have names.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    models: Vec<Entry>,
    /// Names, and TOML with the model at its top.
    recipes: Vec<(&'static str, &'static str)>,
    /// What `--config` files change about the default recipes.
    changes: Vec<Layer>,
}

impl Registry {
    /// The models of this project. Those that learn are checked in this order.
    #[must_use]
    pub fn zoo() -> Self {
        Self {
            models: vec![
                entry!("knn", KnnConfig),
                entry!("softmax", Recipe<SoftmaxConfig>),
                entry!("svm", Recipe<SvmConfig>),
                entry!("mlp", Recipe<MlpConfig>),
                entry!("cnn", Recipe<CnnConfig>),
                entry!("vit", Recipe<VitConfig>),
                entry!("majority", MajorityConfig),
            ],
            recipes: vec![
                ("hog", recipe!("hog")),
                ("vgg", recipe!("vgg")),
                ("lenet", recipe!("lenet")),
                ("resnet20", recipe!("resnet20")),
                ("airbench93", recipe!("airbench/93")),
                ("airbench94", recipe!("airbench/94")),
                ("airbench94-muon", recipe!("airbench/94-muon")),
                ("airbench96", recipe!("airbench/96")),
            ],
            changes: Vec::new(),
        }
    }

    /// No models yet.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// The same with one more model; it replaces a model or a recipe of the same name.
    #[must_use]
    pub fn with(mut self, entry: Entry) -> Self {
        self.recipes.retain(|(other, _)| *other != entry.name);
        match self.models.iter_mut().find(|other| other.name == entry.name) {
            Some(other) => *other = entry,
            None => self.models.push(entry),
        }
        self
    }

    /// The same with one more recipe, TOML that names its model at its top; it replaces one of the same name. A model of that name
    /// can't be asked for any more.
    #[must_use]
    pub fn with_recipe(mut self, name: &'static str, recipe: &'static str) -> Self {
        self.recipes.retain(|(other, _)| *other != name);
        self.recipes.push((name, recipe));
        self
    }

    /// The same with changes to the default recipes of models, each checked by itself.
    ///
    /// # Errors
    /// [`RecipeError::Layer`] for a key that a recipe hasn't, or a value of a wrong type.
    pub(crate) fn with_changes(mut self, changes: Vec<Layer>) -> Result<Self, RecipeError> {
        self.changes.extend(changes);
        for entry in &self.models {
            self.resolve(*entry, std::iter::empty())?;
        }
        Ok(self)
    }

    /// The same without changes to the default recipes.
    pub(crate) fn unchanged(&self) -> Self {
        Self { changes: Vec::new(), ..self.clone() }
    }

    /// What was changed about the default recipes.
    pub(crate) fn changes(&self) -> &[Layer] {
        &self.changes
    }

    /// The default recipe of a model, as it was changed, with `layers` laid upon it.
    pub(crate) fn resolve<'a>(
        &'a self,
        entry: Entry,
        layers: impl Iterator<Item = &'a Layer>,
    ) -> Result<Box<dyn Estimator>, RecipeError> {
        let changes = self.changes.iter().filter(|layer| layer.target == entry.name);
        lay(entry, entry.defaults()?, changes.chain(layers))
    }

    /// The models.
    #[must_use]
    pub fn models(&self) -> &[Entry] {
        &self.models
    }

    /// The names of all models.
    pub fn model_names(&self) -> impl Iterator<Item = &'static str> {
        self.models.iter().map(|entry| entry.name)
    }

    /// The names of all recipes that are not a model's default one.
    pub fn recipe_names(&self) -> impl Iterator<Item = &'static str> {
        self.recipes.iter().map(|(name, _)| *name)
    }

    /// The names of all models, then those of all other recipes.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.model_names().chain(self.recipe_names())
    }

    /// The model of that name, where a recipe of it would do as well.
    ///
    /// # Errors
    /// [`RecipeError::Unknown`] if there is none.
    pub fn find(&self, name: &str) -> Result<Entry, RecipeError> {
        self.find_among(name, &self.names().collect::<Vec<_>>())
    }

    /// The model of that name, where it must be a model.
    ///
    /// # Errors
    /// [`RecipeError::Unknown`] if there is none.
    pub(crate) fn find_model(&self, name: &str) -> Result<Entry, RecipeError> {
        self.find_among(name, &self.model_names().collect::<Vec<_>>())
    }

    fn find_among(&self, name: &str, valid: &[&str]) -> Result<Entry, RecipeError> {
        let found = self.models.iter().find(|entry| entry.name == name).copied();
        found.ok_or_else(|| Unknown::new("model", name, valid).into())
    }

    /// The text of the recipe of that name, if there is one.
    pub(crate) fn recipe(&self, name: &str) -> Option<&'static str> {
        self.recipes.iter().find(|(other, _)| *other == name).map(|(_, text)| *text)
    }
}
