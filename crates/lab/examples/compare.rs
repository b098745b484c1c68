//! Compares three models on the same images: `cargo run --release -p zoo-lab --example compare`.
#![expect(clippy::print_stdout, reason = "an example prints")]

use zoo_backends::Backend;
use zoo_lab::{LabError, Protocol, Silent, Source, compare};
use zoo_recipes::Registry;

fn main() -> Result<(), LabError> {
    let splits = Source::named("shapes10").splits(42)?;
    let machine = "auto".parse::<Backend>()?.select()?;
    let contenders = Registry::zoo().contenders(&["knn", "softmax", "vgg"])?.set(["vgg.train.epochs=4"])?;
    let comparison = compare(&contenders, &splits, &[machine], Protocol::new(42), &Silent)?;
    println!("{}", zoo_report::describe(&comparison));
    println!("{}", zoo_report::terminal_table(&comparison));
    Ok(())
}
