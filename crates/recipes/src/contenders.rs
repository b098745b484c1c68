//! What is asked for, resolved.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use toml::Table;
use zoo_train::search::Space;

use crate::contender::{Contender, SearchTable};
use crate::entry::Entry;
use crate::error::RecipeError;
use crate::file::{FileRecipe, FileRecipes, is_file};
use crate::layer::{Layer, kinds_first};
use crate::registry::Registry;
use crate::set::{Assignment, Target, search_space};

/// Recipes that were asked for together, each resolved. [`set`](Self::set) changes keys of them.
#[derive(Debug)]
pub struct Contenders {
    registry: Registry,
    asked: Vec<Asked>,
    /// What is set on top.
    above: Vec<Layer>,
    resolved: Vec<Contender>,
}

/// What is asked for, before its recipe is resolved.
#[derive(Debug)]
struct Asked {
    entry: Entry,
    recipe_name: Option<String>,
    /// What the recipe's own file changes.
    layer: Option<Layer>,
    search: Option<SearchTable>,
    /// Whether what is set for its model is set for it, too.
    follows_model: bool,
}

impl Asked {
    /// The name of the recipe, or of the model.
    fn name(&self) -> &str {
        self.recipe_name.as_deref().unwrap_or(self.entry.name)
    }

    fn is(&self, name: &str) -> bool {
        self.name() == name || self.follows_model && self.entry.name == name
    }
}

impl Registry {
    /// Resolves the recipe of each of `arguments`: names of models or recipes, or files with recipes.
    ///
    /// # Errors
    /// [`RecipeError`] for an unknown name or key, a wrong type, a name that is there twice, or a file that can't be read or
    /// parsed.
    pub fn contenders<S: AsRef<str>>(&self, arguments: &[S]) -> Result<Contenders, RecipeError> {
        let mut asked: Vec<Asked> = Vec::new();
        for argument in arguments.iter().map(AsRef::as_ref) {
            for one in self.asked(argument)? {
                if asked.iter().any(|other| other.name() == one.name()) {
                    return Err(RecipeError::layer(argument, format!("{} is named twice", one.name())));
                }
                asked.push(one);
            }
        }
        self.warn_of_idle_changes(&asked);
        Contenders { registry: self.clone(), asked, above: Vec::new(), resolved: Vec::new() }.resolve()
    }

    /// The same models with what the files at `paths` change about the default recipes of their models. What a recipe's own file says
    /// lies above that.
    ///
    /// # Errors
    /// [`RecipeError`] for a file that can't be read or parsed, or a recipe in it that can't be.
    pub fn with_config(self, paths: &[PathBuf]) -> Result<Self, RecipeError> {
        let mut changes = Vec::new();
        for path in paths {
            let origin = path.display().to_string();
            let recipes = FileRecipes::read(&self, path)?.recipes.into_iter();
            changes.extend(recipes.map(|FileRecipe { entry, table, .. }| {
                Layer::of_file(origin.clone(), entry.name.into(), table)
            }));
        }
        self.with_changes(changes)
    }

    /// Warns of a file with one recipe, for a model that isn't among those asked for.
    fn warn_of_idle_changes(&self, asked: &[Asked]) {
        let changes = self.changes();
        for Layer { origin, target, .. } in changes {
            let is_single = changes.iter().filter(|other| other.origin == *origin).count() == 1;
            if is_single && asked.iter().all(|one| one.entry.name != target) {
                log::warn!("{origin} is a recipe for {target}, which is not asked for; it changes nothing");
            }
        }
    }

    /// One recipe of each kind of network or other model that learns: the default ones, and of the others those whose kind isn't
    /// there yet. What is [set](Contenders::set) for `cnn` is set for its default recipe only.
    ///
    /// # Errors
    /// [`RecipeError::Layer`] for a default recipe that is wrong.
    pub fn trainable(&self) -> Result<Contenders, RecipeError> {
        let names: Vec<&str> = self.names().collect();
        let mut kinds = Vec::new();
        let mut trainable = Vec::new();
        // Which they are doesn't depend on changes to them.
        for (name, contender) in names.iter().zip(self.unchanged().contenders(&names)?.iter()) {
            let Some(learns) = contender.estimator.trainable() else { continue };
            if !kinds.contains(&learns.architecture()) {
                kinds.push(learns.architecture());
                trainable.push(*name);
            }
        }
        let mut contenders = self.contenders(&trainable)?;
        contenders.asked.iter_mut().for_each(|asked| asked.follows_model = false);
        Ok(contenders)
    }

    /// The recipe that `table`, a whole file from `origin`, makes of its model's default one. It is called `name`.
    ///
    /// # Errors
    /// [`RecipeError`] as [`contenders`](Self::contenders).
    pub fn contender(&self, origin: &str, name: &str, table: Table) -> Result<Contender, RecipeError> {
        let file = FileRecipes::of_table(self, origin, Some(name), table)?.not_empty(origin)?;
        let [asked]: [Asked; 1] = asked_of_file(origin, file)?
            .try_into()
            .map_err(|_| RecipeError::layer(origin, "expected one recipe, with `model = …` at its top"))?;
        let estimator = self.resolve(asked.entry, asked.layer.iter())?;
        let Asked { entry, recipe_name, search, .. } = asked;
        Ok(Contender { entry, recipe_name, estimator, search })
    }

    /// The model that `files` have a recipe for.
    ///
    /// # Errors
    /// [`RecipeError::Layer`] if there is not exactly one.
    pub fn only_model(&self, files: &[PathBuf]) -> Result<&'static str, RecipeError> {
        let mut models = Vec::new();
        for path in files {
            models.extend(FileRecipes::read(self, path)?.recipes.into_iter().map(|one| one.entry.name));
        }
        models.dedup();
        if let [model] = models[..] {
            return Ok(model);
        }
        Err(RecipeError::layer("--config", "expected the recipe of one model, whose weights they are"))
    }

    /// What an argument asks for.
    fn asked(&self, argument: &str) -> Result<Vec<Asked>, RecipeError> {
        if is_file(argument) {
            let file = FileRecipes::read(self, Path::new(argument))?.not_empty(argument)?;
            return asked_of_file(argument, file);
        }
        if let Some(text) = self.recipe(argument) {
            let wrong = |error: toml::de::Error| RecipeError::layer(argument, error.to_string().trim());
            let table = text.parse::<Table>().map_err(wrong)?;
            return asked_of_file(argument, FileRecipes::of_table(self, argument, Some(argument), table)?);
        }
        let entry = self.find(argument)?;
        let search = search_of_model(entry)?;
        Ok(vec![Asked { entry, recipe_name: None, layer: None, search, follows_model: true }])
    }

    /// What to search for `contender`: `--set KEY=V1,V2,…` and `--set KEY=LOW..HIGH`; a key with one value holds for all trials.
    ///
    /// # Errors
    /// [`RecipeError::Layer`] names the option that is wrong.
    pub fn search_space<S: AsRef<str>>(
        &self,
        contender: &Contender,
        sets: &[S],
    ) -> Result<Space, RecipeError> {
        let known: Vec<&str> = self.names().collect();
        let target = (contender.entry.name, contender.name());
        search_space(sets.iter().map(AsRef::as_ref), target, &known)
    }
}

/// What a file asks for.
fn asked_of_file(origin: &str, file: FileRecipes) -> Result<Vec<Asked>, RecipeError> {
    let search = file.search.map(|value| SearchTable { origin: origin.into(), value });
    let asked = file.recipes.into_iter().map(|FileRecipe { name, entry, table }| {
        let target = name.clone().unwrap_or_else(|| entry.name.into());
        let layer = Some(Layer::of_file(origin.into(), target, table));
        let search = match &search {
            Some(search) => Some(search.clone()),
            None => search_of_model(entry)?,
        };
        Ok(Asked { entry, recipe_name: name, layer, search, follows_model: true })
    });
    asked.collect()
}

fn search_of_model(entry: Entry) -> Result<Option<SearchTable>, RecipeError> {
    let origin = format!("the default recipe of {}", entry.name);
    Ok(entry.search()?.map(|value| SearchTable { origin, value }))
}

impl Contenders {
    /// The same with other values of some keys: `optimizer.learning_rate=0.01`, or `svm.optimizer.learning_rate=0.01` if there are several
    /// models. Keys that are given together may come in any order.
    ///
    /// # Errors
    /// [`RecipeError::Layer`] for a key that a recipe hasn't, or a value of a wrong type.
    pub fn set<S: AsRef<str>>(mut self, sets: impl IntoIterator<Item = S>) -> Result<Self, RecipeError> {
        let known: Vec<&str> = self.registry.names().collect();
        for set in sets {
            let targets: Vec<Target<'_>> =
                self.asked.iter().map(|one| (one.entry.name, one.name())).collect();
            self.above
                .push(Assignment::parse(set.as_ref(), &targets, &known, "expected KEY=VALUE")?.layer()?);
        }
        kinds_first(&mut self.above);
        self.resolve()
    }

    /// The same with each network that a recipe's features are from at the place that `locate` knows for its name, if it knows one.
    ///
    /// # Errors
    /// Those of [`set`](Self::set).
    pub fn with_networks(mut self, locate: impl Fn(&Path) -> Option<PathBuf>) -> Result<Self, RecipeError> {
        let located = self.resolved.iter().map(|contender| contender.with_network(&locate));
        self.resolved = located.collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// The one recipe that was asked for with `argument`.
    ///
    /// # Errors
    /// [`RecipeError::Layer`] if there are several, or none.
    pub fn only(mut self, argument: &str) -> Result<Contender, RecipeError> {
        let count = self.resolved.len();
        match self.resolved.pop() {
            Some(contender) if count == 1 => Ok(contender),
            _ => {
                let reason = format!("expected one recipe, but it has {count}; `zoo compare` takes several");
                Err(RecipeError::layer(argument, reason))
            }
        }
    }

    /// Lays all layers.
    fn resolve(mut self) -> Result<Self, RecipeError> {
        let resolved = self.asked.iter().map(|asked| {
            let layers = asked.layer.iter().chain(self.above.iter().filter(|layer| asked.is(&layer.target)));
            let estimator = self.registry.resolve(asked.entry, layers)?;
            let (recipe_name, search) = (asked.recipe_name.clone(), asked.search.clone());
            Ok(Contender { entry: asked.entry, recipe_name, estimator, search })
        });
        self.resolved = resolved.collect::<Result<_, RecipeError>>()?;
        Ok(self)
    }
}

impl Deref for Contenders {
    type Target = [Contender];

    fn deref(&self) -> &[Contender] {
        &self.resolved
    }
}

impl IntoIterator for Contenders {
    type Item = Contender;
    type IntoIter = std::vec::IntoIter<Contender>;

    fn into_iter(self) -> Self::IntoIter {
        self.resolved.into_iter()
    }
}
