//! Weights in SafeTensors files: of a stranger, and of a run.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use zoo_backends::{Backend, Machine};
use zoo_data::Splits;
use zoo_recipes::{Contenders, Dimensions, Registry};

static MACHINE: LazyLock<Machine> = LazyLock::new(|| "flex".parse::<Backend>().expect("it is one").select().expect("it is there"));
static SPLITS: LazyLock<Splits> = LazyLock::new(|| zoo_lab::Source::named("shapes10").limited(20, 10).splits(1).expect("images"));

fn contenders() -> Contenders {
    Registry::zoo().contenders(&["softmax", "knn", "majority"]).expect("they are there")
}

fuzz_target!(|bytes: &[u8]| {
    zoo_fuzz::with_file("weights.safetensors", bytes, |path| {
        for contender in &*contenders() {
            let _ = contender.estimator.load(path, Dimensions::of(&SPLITS), &MACHINE);
            if let Some(trainable) = contender.estimator.trainable() {
                let _ = trainable.load_weights(path, &SPLITS, &MACHINE);
            }
        }
    });
});
