//! Names, files and options, resolved.

mod fitted;
mod frozen;

use std::path::{Path, PathBuf};

use toml::Table;

use crate::contender::Contender;
use crate::error::RecipeError;
use crate::estimator::Dimensions;
use crate::registry::Registry;

/// The recipes of `models`, with `--config` files and `--set` options.
fn contenders(models: &[&str], config: &[&str], set: &[&str]) -> Result<Vec<Contender>, RecipeError> {
    let config: Vec<PathBuf> = config.iter().map(PathBuf::from).collect();
    Ok(Registry::zoo().with_config(&config)?.contenders(models)?.set(set)?.into_iter().collect())
}

fn tables(models: &[&str], config: &[&str], set: &[&str]) -> Result<Vec<Table>, RecipeError> {
    contenders(models, config, set)?.iter().map(|contender| contender.estimator.config()).collect()
}

fn resolve_with(models: &[&str], set: &[&str]) -> Result<Vec<Table>, RecipeError> {
    tables(models, &[], set)
}

fn error(models: &[&str], set: &[&str]) -> String {
    usage(resolve_with(models, set))
}

fn config_error(models: &[&str], config: &str) -> String {
    usage(tables(models, &[config], &[]))
}

fn usage<T>(result: Result<T, RecipeError>) -> String {
    let error = result.err().expect("it is refused");
    assert!(error.is_usage());
    error.to_string()
}

#[test]
fn set_changes_one_key() {
    let table = &resolve_with(&["svm"], &["optimizer.learning_rate=0.5"]).unwrap()[0];
    assert_eq!(table["optimizer"]["learning_rate"].as_float(), Some(0.5));
    assert_eq!(table["optimizer"]["kind"].as_str(), Some("sgd"));
    let tables = resolve_with(&["knn", "svm"], &["knn.metric=l1", "svm.train.epochs=3"]).unwrap();
    assert_eq!(tables[0]["metric"].as_str(), Some("l1"));
    assert_eq!(tables[1]["train"]["epochs"].as_float(), Some(3.0));
}

#[test]
fn another_kind_starts_anew() {
    let table = &resolve_with(&["cnn"], &["optimizer.kind=adam"]).unwrap()[0];
    assert_eq!(table["optimizer"]["beta_1"].as_float(), Some(0.9));
    assert_eq!(table["optimizer"]["learning_rate"].as_float(), Some(0.001));
    assert!(table["optimizer"].get("momentum").is_none());
    let keys = ["optimizer.learning_rate=0.5", "optimizer.kind=adam"];
    let table = &resolve_with(&["cnn"], &keys).unwrap()[0];
    assert_eq!(table["optimizer"]["learning_rate"].as_float(), Some(0.5), "in whichever order");
}

#[test]
fn who_sets_epochs_or_batches_gets_these() {
    let found = |set: &[&str]| {
        let table = resolve_with(&["vgg"], set).unwrap().remove(0);
        ["few_images", "least_batches"].map(|key| table["train"][key].as_integer().unwrap())
    };
    assert_eq!(found(&[]), [9000, 16]);
    assert_eq!(found(&["optimizer.learning_rate=0.1", "train.drop_last=true"]), [9000, 16]);
    assert_eq!(found(&["train.epochs=3"]), [0, 0]);
    assert_eq!(found(&["train.batch_size=3"]), [0, 0]);
    assert_eq!(found(&["train.few_images=0"]), [0, 16]);
    // In whichever order.
    assert_eq!(found(&["train.few_images=500", "train.epochs=3"]), [500, 0]);
    assert_eq!(found(&["train.epochs=3", "train.few_images=500"]), [500, 0]);
    // A recipe of its own that says nothing of few images.
    let table = resolve_with(&["airbench94"], &[]).unwrap().remove(0);
    assert_eq!(table["train"]["few_images"].as_integer(), Some(0));
    // What one run has resolved, another takes as it is.
    let cnn = contenders(&["cnn"], &[], &[]).unwrap().remove(0);
    let table = cnn.table().unwrap();
    let again = Registry::zoo().contender("config.toml", "cnn", table.clone()).unwrap();
    assert_eq!(again.table().unwrap(), table);
    let tuned = cnn.with(&[("train.epochs".to_string(), 3.into())].into()).unwrap();
    assert_eq!(tuned.table().unwrap()["train"]["few_images"].as_integer(), Some(0));
}

#[test]
fn files_lie_below_options() {
    let place = tempfile::tempdir().unwrap();
    let (one, many) = (place.path().join("one.toml"), place.path().join("many.toml"));
    std::fs::write(&one, "model = \"knn\"\nk = 3\nmetric = \"l1\"\n").unwrap();
    std::fs::write(&many, "[knn]\nk = 4\n[svm.train]\nepochs = 2\n").unwrap();
    let (one, many) = (one.to_str().unwrap(), many.to_str().unwrap());
    let tables = tables(&["knn", "svm"], &[one, many], &["knn.k=5"]).unwrap();
    assert_eq!(tables[0]["k"].as_integer(), Some(5));
    assert_eq!(tables[0]["metric"].as_str(), Some("l1"));
    assert_eq!(tables[1]["train"]["epochs"].as_float(), Some(2.0));
}

#[test]
fn recipes_in_files_take_part_side_by_side() {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    };
    let adam = write("adam.toml", "model = \"cnn\"\n[optimizer]\nkind = \"adam\"\n");
    let many = write("many.toml", "[slow]\nmodel = \"cnn\"\ntrain.epochs = 9\n[knn]\nk = 3\n");
    let set = ["cnn.train.batch_size=7", "slow.train.epochs=8"];
    let found = contenders(&["cnn", &adam, &many], &[], &set).unwrap();
    let names: Vec<&str> = found.iter().map(Contender::name).collect();
    assert_eq!(names, ["cnn", "adam", "knn", "slow"]);
    let tables: Vec<Table> = found.iter().map(|one| one.estimator.config().unwrap()).collect();
    let of_cnn = [&tables[0], &tables[1], &tables[3]];
    let kinds = of_cnn.map(|table| table["optimizer"]["kind"].as_str().unwrap());
    assert_eq!(kinds, ["sgd", "adam", "sgd"]);
    assert!(of_cnn.iter().all(|table| table["train"]["batch_size"].as_integer() == Some(7)));
    assert_eq!(tables[3]["train"]["epochs"].as_float(), Some(8.0));
    assert_eq!(tables[2]["k"].as_integer(), Some(3));

    // Recipes of one model need no name in front of a key.
    let found = contenders(&["cnn", &adam], &[], &["train.epochs=2"]).unwrap();
    let epochs = |one: &Contender| one.estimator.config().unwrap()["train"]["epochs"].as_float();
    assert!(found.iter().all(|one| epochs(one) == Some(2.0)));
    let error = contenders(&[&adam, &adam], &[], &[]).err().unwrap().to_string();
    assert!(error.ends_with("adam is named twice"), "{error}");
    let wrong = write("wrong.toml", "[fast]\nepochs = 9\n");
    let error = contenders(&[&wrong], &[], &[]).err().unwrap().to_string();
    assert!(error.contains("unknown model \"fast\""), "{error}");
}

#[test]
fn errors_name_origin_key_and_nearest_choice() {
    assert_eq!(
        error(&["svm"], &["optimizer.momentun=0.5"]),
        "--set optimizer.momentun=0.5: optimizer: unknown field `momentun`, expected one of `learning_rate`, \
         `momentum`, `nesterov`, `weight_decay`, `groups`; did you mean `momentum`?"
    );
    let message = error(&["svm"], &["optimizer.kind=adma"]);
    assert!(message.ends_with("did you mean `adam`?"), "{message}");
    let message = error(&["knn"], &["k=many"]);
    assert_eq!(message, "--set k=many: k is the string \"many\"; expected: integer, as in 1");
    let message = error(&["svm"], &["optimizer.learning_rate=fast"]);
    assert!(message.contains("optimizer.learning_rate is the string \"fast\"; expected: float"), "{message}");
    assert!(error(&["svm"], &["loss=hinge"]).contains("loss is the string \"hinge\"; expected: table"));
    assert!(error(&["knn"], &["svm.train.epochs=1"]).contains("svm is not among the models"));
    let message = error(&["knn"], &["kk=1"]);
    assert!(message.contains("unknown field `kk`"), "{message}");
    assert!(error(&["knn", "svm"], &["k=1"]).contains("with several models"));
    assert!(error(&["knn"], &["k"]).contains("expected KEY=VALUE"));
    let place = tempfile::tempdir().unwrap();
    let other = place.path().join("other.toml");
    std::fs::write(&other, "[cnn]\nbogus = 1\n").unwrap();
    assert!(config_error(&["knn"], other.to_str().unwrap()).contains("unknown field `bogus`"));
    assert!(config_error(&["knn"], "/no/such.toml").contains("/no/such.toml: cannot read it"));
}

#[test]
fn class_weights_are_words_or_lists() {
    let weights = |set: &[&str]| resolve_with(&["mlp"], set).unwrap()[0]["loss"]["class_weights"].to_string();
    assert_eq!(weights(&[]), "\"none\"");
    assert_eq!(weights(&["loss.class_weights=balanced"]), "\"balanced\"");
    assert_eq!(weights(&["loss.class_weights=[1, 2.5]", "loss.label_smoothing=0.1"]), "[1.0, 2.5]");
    assert_eq!(weights(&["loss.class_weights=[1, 2.5]", "loss.class_weights=none"]), "\"none\"");
    for kind in ["hinge", "mean_squared_error"] {
        let kind = format!("loss.kind={kind}");
        assert_eq!(weights(&["loss.class_weights=balanced", &kind]), "\"balanced\"", "in whichever order");
    }
    let error = |set| error(&["mlp"], &[set]);
    assert_eq!(
        error("loss.class_weights=balance"),
        "--set loss.class_weights=balance: loss: unknown class_weights `balance`, expected `none`, `balanced` or a list of \
         numbers, one per class; did you mean `balanced`?"
    );
    assert_eq!(
        error("loss.class_weights=3"),
        "--set loss.class_weights=3: loss: invalid type: integer `3`, expected class_weights to be \"none\", \"balanced\" or a \
         list of numbers, one per class"
    );
    let message = error("loss.class_weight=balanced");
    assert!(message.ends_with("did you mean `class_weights`?"), "{message}");
    let message = error("loss.label_smoothin=0.1");
    assert!(
        message.ends_with("expected `label_smoothing` or `class_weights`; did you mean `label_smoothing`?"),
        "{message}"
    );
    let contender = contenders(&["mlp"], &[], &["loss.class_weights=[1,2]"]).unwrap().remove(0);
    let message = contender.check(CIFAR10).unwrap_err().to_string();
    assert!(message.starts_with("mlp: loss.class_weights = [1.0, 2.0]: must be "), "{message}");
    assert!(message.ends_with("a list of 10 numbers, one per class"), "{message}");
}

const CIFAR10: Dimensions =
    Dimensions { shape: [3, 32, 32], classes: 10, images: 50_000, has_validation: true };

/// Every file below `folder`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn all_recipes_in_configs_can_be_followed() {
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let base = configs.join("ablation/base.toml");
    let files = files(&configs);
    assert!(files.len() > 40, "{files:?}");
    for file in files {
        let config = if file.parent() == base.parent() { vec![base.to_str().unwrap()] } else { Vec::new() };
        let found = contenders(&[file.to_str().unwrap()], &config, &[]);
        for contender in found.unwrap_or_else(|error| panic!("{error}")) {
            let valid = contender.check(CIFAR10);
            valid.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
    }
}

#[test]
fn default_recipes_show_every_key() {
    let registry = Registry::zoo();
    for entry in registry.models() {
        let estimator = entry.read(entry.defaults().unwrap()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(estimator.config().unwrap(), entry.defaults().unwrap(), "{}", entry.name);
        let has_keys = !entry.defaults().unwrap().is_empty();
        assert_eq!(entry.search().unwrap().is_some(), has_keys, "{} has a search", entry.name);
        assert_eq!(registry.find(entry.name).unwrap().name, entry.name);
    }
}

#[test]
fn recipes_have_names_wherever_the_program_is_started() {
    let names: Vec<&str> = Registry::zoo().recipe_names().collect();
    assert!(["vgg", "lenet", "resnet20", "airbench94"].iter().all(|name| names.contains(name)));
    let found = contenders(&names, &[], &["lenet.train.epochs=3"]).unwrap();
    for (contender, name) in found.iter().zip(&names) {
        let model = if *name == "hog" { "softmax" } else { "cnn" };
        assert_eq!((contender.name(), contender.entry.name), (*name, model));
        contender.check(CIFAR10).unwrap();
    }
    let epochs = |name: &str| {
        let contender = found.iter().find(|contender| contender.name() == name).unwrap();
        contender.estimator.config().unwrap()["train"]["epochs"].as_float()
    };
    assert_eq!(epochs("lenet"), Some(3.0));
    assert_ne!(epochs("vgg"), Some(3.0));
    let message = error(&["resnet2"], &[]);
    assert!(message.contains("unknown model \"resnet2\"; did you mean \"resnet20\"?"), "{message}");
}

#[test]
fn one_of_each_kind_that_learns() {
    let trainable = Registry::zoo().trainable().unwrap();
    let names: Vec<&str> = trainable.iter().map(Contender::name).collect();
    let known = ["softmax", "svm", "mlp", "cnn", "vit", "vgg", "lenet", "resnet20"];
    let found: Vec<&str> = names.iter().copied().filter(|name| known.contains(name)).collect();
    assert_eq!(found, known, "in this order, whatever else there is");
    assert!(
        ["knn", "majority", "airbench94"].iter().all(|name| !names.contains(name)),
        "nothing to check, and checked as cnn"
    );
}

#[test]
fn a_registry_takes_other_models() {
    use crate::entry::Entry;
    use zoo_mlp::MlpConfig;
    use zoo_train::Recipe;

    let recipe = crate::text::recipe!("mlp");
    let registry = Registry::zoo().with(Entry::new::<Recipe<MlpConfig>>("mine", recipe));
    let found = registry.contenders(&["knn", "mine"]).unwrap().set(["mine.train.epochs=3"]).unwrap();
    assert_eq!((found[1].name(), found[1].entry.name), ("mine", "mine"));
    assert_eq!(found[1].estimator.config().unwrap()["train"]["epochs"].as_float(), Some(3.0));
    let broken = Registry::empty().with(Entry::new::<Recipe<MlpConfig>>("broken", "[train]\nepochs = 1\n"));
    let message = usage(broken.contenders(&["broken"]));
    assert!(message.starts_with("the default recipe of broken: "), "{message}");
}

#[test]
fn a_registry_takes_other_recipes() {
    let registry = Registry::zoo().with_recipe("near", "model = \"knn\"\nk = 3\n");
    let near = registry.contenders(&["near"]).unwrap().only("near").unwrap();
    assert_eq!((near.name(), near.entry.name), ("near", "knn"));
    assert_eq!(near.estimator.config().unwrap()["k"].as_integer(), Some(3));
    let several = registry.contenders(&["near", "knn"]).unwrap().only("both").unwrap_err();
    assert!(several.to_string().contains("both: expected one recipe, but it has 2"), "{several}");
    // A recipe is no model, and isn't offered as one.
    let message = usage(registry.contender("file", "x", "model = \"vgg\"".parse().unwrap()));
    assert!(message.contains("file: unknown model \"vgg\"; valid: knn, softmax"), "{message}");
}

#[test]
fn a_file_lies_above_config_and_config_above_the_default() {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    };
    // A key of a kind that only the config names.
    let base = write("base.toml", "model = \"cnn\"\narchitecture.kind = \"vgg\"\ntrain.epochs = 3\n");
    let tanh = write("tanh.toml", "model = \"cnn\"\narchitecture.activation = \"tanh\"\n");
    let found = &tables(&[&tanh], &[&base], &["train.batch_size=7"]).unwrap()[0];
    assert_eq!(found["architecture"]["activation"].as_str(), Some("tanh"));
    assert_eq!(
        (found["train"]["epochs"].as_float(), found["train"]["batch_size"].as_integer()),
        (Some(3.0), Some(7))
    );
}

#[test]
fn what_is_set_for_cnn_is_checked_of_its_default_recipe_only() {
    let checked = Registry::zoo().trainable().unwrap().set(["cnn.architecture.widths=[8,8,8]"]).unwrap();
    let widths = |name: &str| {
        let contender = checked.iter().find(|contender| contender.name() == name).unwrap();
        contender.estimator.config().unwrap()["architecture"]["widths"].to_string()
    };
    assert_eq!(widths("cnn"), "[8, 8, 8]");
    assert_ne!(widths("vgg"), "[8, 8, 8]");
}
