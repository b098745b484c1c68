//! JSON Schemas: `docs/schema` has what `zoo schema` prints; results and recipes are valid by them, and what the program refuses is not.

use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use toml::Table;

use crate::common::{fail, files, json, succeed};

const IMAGES: [&str; 3] = ["--data=shapes10", "--limit-train=80", "--limit-test=20"];

/// A schema of `docs/schema`.
struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    /// That of `document`, `result`.
    fn of(document: &str) -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let schema = serde_json::from_str(&read(&schema_path(document))).expect("it is JSON");
        compiler.add_resource("schema.json", schema).unwrap();
        let index = compiler.compile("schema.json", &mut schemas);
        Self { index: index.unwrap_or_else(|error| panic!("{document}: {error:#}")), schemas }
    }

    /// What is wrong with `document`, if anything is.
    fn refusal(&self, document: &Value) -> Option<String> {
        self.schemas.validate(document, self.index).err().map(|error| format!("{error:#}"))
    }

    /// Fails if `document`, which is from `origin`, is not valid.
    fn accept(&self, origin: &str, document: &Value) {
        if let Some(refusal) = self.refusal(document) {
            panic!("{origin}: {refusal}");
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn schema_path(document: &str) -> PathBuf {
    root().join(format!("docs/schema/{document}.schema.json"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read_json(path: &Path) -> Value {
    serde_json::from_str(&read(path)).unwrap()
}

/// A recipe as the schema sees it.
fn recipe(text: &str) -> Value {
    serde_json::to_value(text.parse::<Table>().unwrap_or_else(|error| panic!("{text}: {error}"))).unwrap()
}

#[test]
fn the_book_has_what_is_printed() {
    let place = tempfile::tempdir().unwrap();
    for document in ["result", "search", "reproduction", "recipe"] {
        let printed = succeed(place.path(), &["schema", document]);
        let command =
            format!("cargo run --release -- schema {document} > docs/schema/{document}.schema.json");
        assert!(printed == read(&schema_path(document)), "docs/schema is not up to date; {command}");
    }
}

#[test]
fn results_are_valid() {
    let place = tempfile::tempdir().unwrap();
    let (out, schema) = (place.path(), Schema::of("result"));
    let few = ["--set=softmax.train.epochs=1", "--seeds=2"];
    let compared = json(out, &[&["compare", "knn", "softmax"], &few[..], &IMAGES].concat());
    schema.accept("compare --json", &compared);
    let untested = json(out, &[&["compare", "majority", "knn", "--no-test"], &IMAGES[..]].concat());
    schema.accept("compare --no-test --json", &untested);
    succeed(out, &[&["train", "softmax", "--set=train.epochs=2"], &IMAGES[..]].concat());
    let written: Vec<PathBuf> = files(out).into_iter().filter(|path| path.ends_with("result.json")).collect();
    assert!(written.len() >= 3, "{written:?}");
    for path in written {
        schema.accept(&path.display().to_string(), &read_json(&path));
    }

    let mut wrong = compared.clone();
    wrong["results"][0]["model"] = Value::Null;
    assert!(schema.refusal(&wrong).is_some(), "a model has a name");
    wrong = compared.clone();
    wrong.as_object_mut().unwrap().remove("dataset");
    assert!(schema.refusal(&wrong).is_some(), "there is a dataset");
    wrong = compared;
    wrong["schema"] = 2.into();
    assert!(schema.refusal(&wrong).is_some(), "it is the schema of version 1");
}

#[test]
fn results_of_searches_are_valid() {
    let place = tempfile::tempdir().unwrap();
    let schema = Schema::of("search");
    let search = ["tune", "knn", "--set=k=1,3,1000", "--folds=2", "--jobs=1"];
    let found = json(place.path(), &[&search[..], &IMAGES].concat());
    assert!(found["trials"][2]["error"].is_string(), "one has failed");
    schema.accept("tune --json", &found);
    schema.accept("result.json", &read_json(&place.path().join("runs/0001-tune-knn-shapes10/result.json")));
    let best = read(&place.path().join("runs/0001-tune-knn-shapes10/best.toml"));
    Schema::of("recipe").accept("best.toml", &recipe(&best));
}

#[test]
fn results_of_suites_are_valid() {
    let place = tempfile::tempdir().unwrap();
    let rows = ["--only=softmax", "--only=knn-5000-k1", "--data=shapes10"];
    let measured = json(place.path(), &[&["reproduce", "cs231n", "--quick"], &rows[..]].concat());
    assert_eq!(measured["rows"].as_array().unwrap().len(), 2);
    Schema::of("reproduction").accept("reproduce --json", &measured);
}

#[test]
fn recipes_of_the_zoo_are_valid() {
    let schema = Schema::of("recipe");
    let is_recipe = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "toml");
    let recipes: Vec<PathBuf> = files(&root().join("configs")).into_iter().filter(is_recipe).collect();
    assert!(recipes.len() > 50, "{recipes:?}");
    for path in recipes {
        schema.accept(&path.display().to_string(), &recipe(&read(&path)));
    }
}

#[test]
fn configs_of_runs_are_valid_recipes() {
    let place = tempfile::tempdir().unwrap();
    let schema = Schema::of("recipe");
    succeed(place.path(), &[&["train", "knn"], &IMAGES[..]].concat());
    succeed(place.path(), &[&["compare", "knn", "majority"], &IMAGES[..]].concat());
    let configs: Vec<PathBuf> =
        files(place.path()).into_iter().filter(|path| path.ends_with("config.toml")).collect();
    assert!(configs.len() >= 2, "{configs:?}");
    for path in configs {
        schema.accept(&path.display().to_string(), &recipe(&read(&path)));
    }
}

#[test]
fn a_recipe_says_what_it_changes() {
    let schema = Schema::of("recipe");
    for text in [
        "model = 'knn'\nk = 3",
        "model = 'cnn'\noptimizer.learning_rate = 1",
        "model = 'cnn'\narchitecture.widths = [8, 8, 8]",
        "model = 'mlp'\noptimizer = { kind = 'adamw', groups.biases.weight_decay = 0.1 }",
        "model = 'mlp'\nloss = { kind = 'hinge', class_weights = [1, 2.5] }\nschedule.kind = 'one_cycle'",
        "model = 'svm'\noptimizer = { kind = 'random_local_search', step = 0.1 }",
        "model = 'softmax'\nsearch = { trials = 3, space.train.epochs = [1, 2] }",
        "cnn.train.epochs = 3\nsearch.trials = 3",
        "mine = { model = 'mlp', architecture.hidden = [8] }\n[knn]\n[cnn]\nmodel = 'cnn'\n[run]\nseed = 3",
        "svm = { model = 'softmax' }",
    ] {
        schema.accept(text, &recipe(text));
    }
}

#[test]
fn what_the_program_refuses_is_not_valid() {
    let place = tempfile::tempdir().unwrap();
    let schema = Schema::of("recipe");
    for text in [
        // Keys.
        "model = 'knn'\nkk = 3",
        "model = 'softmax'\noptimizr.learning_rate = 0.1",
        "model = 'svm'\nsvm.train.epochs = 3",
        "model = 'mlp'\narchitecture.hiden = [8]",
        "model = 'cnn'\ntrain.epoch = 3",
        "model = 'majority'\nk = 3",
        "model = 'cnn'\narchitecture = { kind = 'vgg', kernel = 3 }",
        "model = 'cnn'\noptimizer = { kind = 'sgd', beta_1 = 0.9 }",
        "model = 'cnn'\noptimizer = { kind = 'sgd', groups.biases.decay = 0.9 }",
        "model = 'cnn'\nschedule = { kind = 'constant', factor = 0.1 }",
        "model = 'cnn'\nlookahead.evry = 3\nema.decay = 0.9",
        // Types.
        "model = 'knn'\nk = 'three'",
        "model = 'knn'\nk = 1.5",
        "model = 'knn'\nk = -1",
        "model = 'mlp'\narchitecture.hidden = 8",
        "model = 'softmax'\noptimizer = 0.1",
        "model = 'softmax'\ntrain.drop_last = 1",
        "model = 'cnn'\nschedule = { kind = 'piecewise', points = [[0, 1, 2]] }",
        // Names.
        "model = 'cmm'",
        "model = 'knn'\nmetric = 'l3'",
        "model = 'cnn'\nschedule.kind = 'linear'",
        "model = 'cnn'\narchitecture.activation = 'swish'",
        "model = 'cnn'\naugment.flip = 'up'",
        "model = 'cnn'\nevaluate.test_time_augmentation = 'shifts'",
        "model = 'svm'\nloss.class_weights = 'equal'",
        // Tables.
        "cmm.train.epochs = 3",
        "mine.k = 3",
        "mine = { model = 'knn', kk = 3 }",
        "knn = { k = 3, search.trials = 3 }",
        "knn.k = 3\nseed = 3",
        "reproduce.suite = 'cs231n'\nknn.k = 3",
    ] {
        assert!(schema.refusal(&recipe(text)).is_some(), "{text}");
        std::fs::write(place.path().join("recipe.toml"), text).unwrap();
        fail(place.path(), 2, &["train", "recipe.toml"]);
    }
}
