use clap::Parser;

use super::*;
use crate::cli::Cli;

fn resolve_with(models: &[&str], arguments: &[&str]) -> anyhow::Result<Vec<Table>> {
    let cli = Cli::parse_from(["zoo", "compare"].iter().chain(arguments));
    contenders(&cli.global, models)?.iter().map(|contender| contender.recipe.config()).collect()
}

fn error(models: &[&str], arguments: &[&str]) -> String {
    let error = resolve_with(models, arguments).unwrap_err();
    assert!(error.is::<UsageError>());
    error.to_string()
}

#[test]
fn set_changes_one_key() {
    let table = &resolve_with(&["svm"], &["--set", "optimizer.learning_rate=0.5"]).unwrap()[0];
    assert_eq!(table["optimizer"]["learning_rate"].as_float(), Some(0.5));
    assert_eq!(table["optimizer"]["kind"].as_str(), Some("sgd"));
    let tables =
        resolve_with(&["knn", "svm"], &["--set", "knn.metric=l1", "--set", "svm.train.epochs=3"]).unwrap();
    assert_eq!(tables[0]["metric"].as_str(), Some("l1"));
    assert_eq!(tables[1]["train"]["epochs"].as_float(), Some(3.0));
}

#[test]
fn another_kind_starts_anew() {
    let table = &resolve_with(&["cnn"], &["--set", "optimizer.kind=adam"]).unwrap()[0];
    assert_eq!(table["optimizer"]["beta_1"].as_float(), Some(0.9));
    assert_eq!(table["optimizer"]["learning_rate"].as_float(), Some(0.001));
    assert!(table["optimizer"].get("momentum").is_none());
    let keys = ["--set", "optimizer.learning_rate=0.5", "--set", "optimizer.kind=adam"];
    let table = &resolve_with(&["cnn"], &keys).unwrap()[0];
    assert_eq!(table["optimizer"]["learning_rate"].as_float(), Some(0.5), "in whichever order");
}

#[test]
fn files_lie_below_options() {
    let place = tempfile::tempdir().unwrap();
    let (one, many) = (place.path().join("one.toml"), place.path().join("many.toml"));
    std::fs::write(&one, "model = \"knn\"\nk = 3\nmetric = \"l1\"\n").unwrap();
    std::fs::write(&many, "[knn]\nk = 4\n[svm.train]\nepochs = 2\n").unwrap();
    let (one, many) = (one.to_str().unwrap(), many.to_str().unwrap());
    let tables =
        resolve_with(&["knn", "svm"], &["--config", one, "--config", many, "--set", "knn.k=5"]).unwrap();
    assert_eq!(tables[0]["k"].as_integer(), Some(5));
    assert_eq!(tables[0]["metric"].as_str(), Some("l1"));
    assert_eq!(tables[1]["train"]["epochs"].as_float(), Some(2.0));
}

#[test]
fn recipes_in_files_stand_beside_each_other() {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_string()
    };
    let adam = write("adam.toml", "model = \"cnn\"\n[optimizer]\nkind = \"adam\"\n");
    let many = write("many.toml", "[slow]\nmodel = \"cnn\"\ntrain.epochs = 9\n[knn]\nk = 3\n");
    let cli = |arguments: &[&str]| Cli::parse_from(["zoo", "compare"].iter().chain(arguments)).global;
    let found = contenders(
        &cli(&["--set", "cnn.train.batch_size=7", "--set", "slow.train.epochs=8"]),
        &["cnn", &adam, &many],
    );
    let found = found.unwrap();
    let names: Vec<&str> = found.iter().map(Contender::name).collect();
    assert_eq!(names, ["cnn", "adam", "knn", "slow"]);
    let tables: Vec<Table> = found.iter().map(|one| one.recipe.config().unwrap()).collect();
    let of_cnn = [&tables[0], &tables[1], &tables[3]];
    let kinds = of_cnn.map(|table| table["optimizer"]["kind"].as_str().unwrap());
    assert_eq!(kinds, ["sgd", "adam", "sgd"]);
    assert!(of_cnn.iter().all(|table| table["train"]["batch_size"].as_integer() == Some(7)));
    assert_eq!(tables[3]["train"]["epochs"].as_float(), Some(8.0));
    assert_eq!(tables[2]["k"].as_integer(), Some(3));

    // Recipes of one model alone need no name in front of a key.
    let found = contenders(&cli(&["--set", "train.epochs=2"]), &["cnn", &adam]).unwrap();
    let epochs = |one: &Contender| one.recipe.config().unwrap()["train"]["epochs"].as_float();
    assert!(found.iter().all(|one| epochs(one) == Some(2.0)));
    let error = contenders(&cli(&[]), &[&adam, &adam]).err().unwrap().to_string();
    assert!(error.ends_with("adam is named twice"), "{error}");
    let wrong = write("wrong.toml", "[fast]\nepochs = 9\n");
    let error = contenders(&cli(&[]), &[&wrong]).err().unwrap().to_string();
    assert!(error.contains("unknown model \"fast\""), "{error}");
}

#[test]
fn errors_name_origin_key_and_nearest_choice() {
    assert_eq!(
        error(&["svm"], &["--set", "optimizer.momentun=0.5"]),
        "--set optimizer.momentun=0.5: optimizer: unknown field `momentun`, expected one of `learning_rate`, \
         `momentum`, `nesterov`, `weight_decay`, `groups`; did you mean `momentum`?"
    );
    let message = error(&["svm"], &["--set", "optimizer.kind=adma"]);
    assert!(message.ends_with("did you mean `adam`?"), "{message}");
    let message = error(&["knn"], &["--set", "k=many"]);
    assert_eq!(message, "--set k=many: k is the string \"many\"; expected: integer, as in 10");
    let message = error(&["svm"], &["--set", "optimizer.learning_rate=fast"]);
    assert!(message.contains("optimizer.learning_rate is the string \"fast\"; expected: float"), "{message}");
    assert!(
        error(&["svm"], &["--set", "loss=hinge"]).contains("loss is the string \"hinge\"; expected: table")
    );
    assert!(error(&["knn"], &["--set", "svm.train.epochs=1"]).contains("svm is not among the models"));
    let message = error(&["knn"], &["--set", "kk=1"]);
    assert!(message.contains("unknown field `kk`"), "{message}");
    assert!(error(&["knn", "svm"], &["--set", "k=1"]).contains("with several models"));
    assert!(error(&["knn"], &["--set", "k"]).contains("expected KEY=VALUE"));
    let place = tempfile::tempdir().unwrap();
    let other = place.path().join("other.toml");
    std::fs::write(&other, "[cnn]\nbogus = 1\n").unwrap();
    assert!(error(&["knn"], &["--config", other.to_str().unwrap()]).contains("unknown field `bogus`"));
    assert!(error(&["knn"], &["--config", "/no/such.toml"]).contains("/no/such.toml: cannot read it"));
}
