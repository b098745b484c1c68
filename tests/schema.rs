//! JSON Schemas: `docs/schema` has what `zoo schema` prints; results and recipes are valid by them, and what the program refuses is not.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use toml::Table;

use crate::common::{fail, files, json, succeed};

const IMAGES: [&str; 3] = ["--data=shapes10", "--limit-train=80", "--limit-test=20"];

/// A schema of `docs/schema`, and a validator of what it has. One from crates.io would change features that Burn is built with, so that
/// tests would compile all of it a second time.
struct Schema(Value);

impl Schema {
    /// That of `document`, `result`.
    fn of(document: &str) -> Self {
        Self(read_json(&schema_path(document)))
    }

    /// Fails if `document`, which is from `origin`, is not valid.
    fn accept(&self, origin: &str, document: &Value) {
        if let Err(refusal) = self.check(&self.0, document) {
            panic!("{origin}: {refusal}");
        }
    }

    fn refuses(&self, document: &Value) -> bool {
        self.check(&self.0, document).is_err()
    }

    /// Checks `value` by `schema`, a part of this one. The error says what doesn't hold.
    fn check(&self, schema: &Value, value: &Value) -> Result<(), String> {
        let Value::Object(keywords) = schema else {
            return if schema == true { Ok(()) } else { Err(format!("{value} should not be there")) };
        };
        for (keyword, expected) in keywords {
            let holds = match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" | "default" => true,
                "type" => one_or_more(expected).iter().any(|name| is_of_type(value, name)),
                "const" => value == expected,
                "minimum" => value.as_f64().is_none_or(|value| Some(value) >= expected.as_f64()),
                "minItems" => length(value).is_none_or(|length| Some(length) >= expected.as_u64()),
                "maxItems" => length(value).is_none_or(|length| Some(length) <= expected.as_u64()),
                "required" => {
                    let has = |key: &Value| value.get(key.as_str().expect("a key")).is_some();
                    !value.is_object() || one_or_more(expected).iter().all(has)
                }
                "anyOf" => self.count(expected, value) > 0,
                "oneOf" => self.count(expected, value) == 1,
                "$ref" | "items" | "properties" | "additionalProperties" => {
                    self.check_parts(keywords, keyword, value)?;
                    true
                }
                other => panic!("{other} is a keyword that this test doesn't know"),
            };
            if !holds {
                return Err(format!("{value} doesn't have {keyword}: {expected}"));
            }
        }
        Ok(())
    }

    /// Checks what is in `value` by a keyword that has schemas for it, or all of it by the schema that is referred to.
    fn check_parts(&self, keywords: &Map<String, Value>, keyword: &str, value: &Value) -> Result<(), String> {
        let expected = &keywords[keyword];
        let known = |key: &str| keywords.get("properties").and_then(|properties| properties.get(key));
        let wrong = |key: &str, refusal: String| format!("{key}: {refusal}");
        match (keyword, value) {
            ("$ref", _) => {
                let pointer = expected.as_str().and_then(|reference| reference.strip_prefix('#'));
                let definition = pointer.and_then(|pointer| self.0.pointer(pointer));
                self.check(definition.unwrap_or_else(|| panic!("{expected} is not defined")), value)
            }
            ("items", Value::Array(items)) => items.iter().try_for_each(|item| self.check(expected, item)),
            ("properties", Value::Object(values)) => values.iter().try_for_each(|(key, value)| {
                known(key).map_or(Ok(()), |schema| self.check(schema, value)).map_err(|why| wrong(key, why))
            }),
            ("additionalProperties", Value::Object(values)) => {
                let mut others = values.iter().filter(|(key, _)| known(key).is_none());
                others.try_for_each(|(key, value)| self.check(expected, value).map_err(|why| wrong(key, why)))
            }
            _ => Ok(()),
        }
    }

    /// How many of `schemas` accept `value`.
    fn count(&self, schemas: &Value, value: &Value) -> usize {
        one_or_more(schemas).iter().filter(|schema| self.check(schema, value).is_ok()).count()
    }
}

fn one_or_more(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn length(value: &Value) -> Option<u64> {
    value.as_array().map(|items| items.len() as u64)
}

fn is_of_type(value: &Value, name: &Value) -> bool {
    match name.as_str().expect("a type has a name") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("there is no type {other}"),
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
    for document in ["result", "search", "reproduction", "audit", "recipe"] {
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
    assert!(schema.refuses(&wrong), "a model has a name");
    wrong = compared.clone();
    wrong.as_object_mut().unwrap().remove("dataset");
    assert!(schema.refuses(&wrong), "there is a dataset");
    wrong = compared;
    wrong["schema"] = 2.into();
    assert!(schema.refuses(&wrong), "it is the schema of version 1");
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
    let rows = ["--only=no-shuffling", "--only=chosen-by-test", "--data=shapes10"];
    let measured = json(place.path(), &[&["reproduce", "mistakes", "--quick"], &rows[..]].concat());
    assert_eq!(measured["rows"].as_array().unwrap().len(), 3);
    Schema::of("reproduction").accept("reproduce mistakes --json", &measured);
}

#[test]
fn audits_are_valid() {
    let place = tempfile::tempdir().unwrap();
    let found = json(place.path(), &[&["data", "audit"], &IMAGES[..]].concat());
    assert!(!found["findings"].as_array().unwrap().is_empty(), "classes are small");
    Schema::of("audit").accept("data audit --json", &found);
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
        "model = 'mlp'\nmistake = 'labels_off_by_one'",
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
        "model = 'mlp'\nmistake = 'no_shufling'",
        "model = 'knn'\nmistake = 'no_shuffling'",
        "model = 'cmm'",
        "model = 'knn'\nmetric = 'l3'",
        "model = 'cnn'\nschedule.kind = 'linear'",
        "model = 'cnn'\narchitecture = { kind = 'vgg', activation = 'swish' }",
        "model = 'cnn'\naugment.flip = 'up'",
        "model = 'cnn'\nevaluate.test_time_augmentation = 'rotations'",
        "model = 'svm'\nloss.class_weights = 'equal'",
        // Tables.
        "cmm.train.epochs = 3",
        "mine.k = 3",
        "mine = { model = 'knn', kk = 3 }",
        "knn = { k = 3, search.trials = 3 }",
        "knn.k = 3\nseed = 3",
        "reproduce.suite = 'cs231n'\nknn.k = 3",
    ] {
        assert!(schema.refuses(&recipe(text)), "{text}");
        std::fs::write(place.path().join("recipe.toml"), text).unwrap();
        fail(place.path(), 2, &["train", "recipe.toml"]);
    }
}
