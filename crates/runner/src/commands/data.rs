//! `zoo data`: fetch, inspect, verify and export datasets.

use std::cell::OnceCell;
use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

use serde_json::json;
use zoo_core::Unknown;
use zoo_data::cifar10::{ARCHIVE, Fetched, Progress as FetchProgress, fetch};
use zoo_data::{DataError, Dataset, Statistics, export_binary, export_folder, export_present};
use zoo_lab::{LabError, Watch};

use crate::cli::{DataCommand, ExportFormat};
use crate::failure::Failure;
use crate::options::Options;
use crate::output::{print, print_json};
use crate::progress::Bar;

pub(crate) fn run(options: &Options, command: &DataCommand) -> Result<(), Failure> {
    match command {
        DataCommand::Fetch { dataset, url } => run_fetch(options, dataset, url.as_deref()),
        DataCommand::Info => info(options, &open(options)?),
        DataCommand::Verify => verify(options, &open(options)?),
        DataCommand::Export { destination, format: ExportFormat::Folder, only: Some(only) } => {
            export_only(options, only, destination)
        }
        DataCommand::Export { format: ExportFormat::Binary, only: Some(_), .. } => Err(Failure::Usage(
            "--only writes a file for each image, which --format binary does not; leave out one of the two"
                .into(),
        )),
        DataCommand::Export { destination, format, only: None } => {
            export(options, &open(options)?, destination, *format)
        }
    }
}

fn open(options: &Options) -> Result<Dataset, Failure> {
    Ok(options.source.dataset(options.seed)?)
}

fn run_fetch(options: &Options, dataset: &str, url: Option<&str>) -> Result<(), Failure> {
    if dataset != "cifar10" {
        return Err(LabError::from(Unknown::new("dataset to fetch", dataset, &["cifar10"])).into());
    }
    let progress = options.watch();
    let bar: OnceCell<Bar> = OnceCell::new();
    let mut observe = |event| match event {
        FetchProgress::Waiting => {
            progress.line("another process is fetching into the same folder; waiting for it");
        }
        FetchProgress::Downloading { received, total } => {
            let template = "{bytes}/{total_bytes} {wide_bar} {bytes_per_sec} {eta}";
            bar.get_or_init(|| progress.bar(total, template)).set(received);
        }
        FetchProgress::Checking => progress.line("checking MD5"),
        FetchProgress::Unpacking => progress.line("unpacking"),
    };
    let fetched = fetch(&ARCHIVE, url, options.data_dir(), &mut observe)?;
    let (folder, present) = match &fetched {
        Fetched::Present(folder) => (folder, true),
        Fetched::Downloaded(folder) => (folder, false),
    };
    if options.json {
        print_json(&json!({ "dataset": dataset, "folder": folder, "already_there": present }))?;
    } else {
        let verb = if present { "is already in" } else { "is now in" };
        print(&format!("{dataset} {verb} {}; use it with --data cifar10", folder.display()))?;
    }
    Ok(())
}

fn info(options: &Options, dataset: &Dataset) -> Result<(), Failure> {
    let statistics = Statistics::of(&dataset.train);
    let classes = dataset.classes.len();
    let (train, test) = (dataset.train.class_counts(classes), dataset.test.class_counts(classes));
    if options.json {
        let document = json!({
            "name": dataset.name,
            "shape": dataset.shape(),
            "train": dataset.train.len(),
            "test": dataset.test.len(),
            "classes": dataset.classes.iter().zip(train.iter().zip(&test))
                .map(|(class, (train, test))| json!({ "class": class, "train": train, "test": test }))
                .collect::<Vec<_>>(),
            "channel_mean": statistics.channel_mean,
            "channel_deviation": statistics.channel_deviation,
        });
        return print_json(&document);
    }
    let mut table = zoo_report::table(["class", "training images", "test images"], [1, 2]);
    for (class, (train, test)) in dataset.classes.iter().zip(train.iter().zip(&test)) {
        table.add_row([class.clone(), train.to_string(), test.to_string()]);
    }
    let numbers =
        |values: &[f64]| values.iter().map(|value| format!("{value:.2}")).collect::<Vec<_>>().join(", ");
    print(&format!(
        "{}: {} training and {} test images of {}\n\
         channel means {} and deviations {} over the training images, 0 to 255\n{table}",
        dataset.name,
        dataset.train.len(),
        dataset.test.len(),
        dataset.shape(),
        numbers(&statistics.channel_mean),
        numbers(&statistics.channel_deviation),
    ))
}

/// Loading has read every image and checked every label; what is left is the balance of classes.
fn verify(options: &Options, dataset: &Dataset) -> Result<(), Failure> {
    let mut problems = Vec::new();
    for (part, subset) in [("training", &dataset.train), ("test", &dataset.test)] {
        for (class, count) in dataset.classes.iter().zip(subset.class_counts(dataset.classes.len())) {
            let expected = (options.given_data() == Some("cifar10") && subset.len().is_multiple_of(10_000))
                .then_some(subset.len() / dataset.classes.len());
            if count == 0 || expected.is_some_and(|expected| expected != count) {
                let expected = expected.map_or_else(|| "some".into(), |expected| expected.to_string());
                problems.push(format!("{class}: {count} {part} images, expected {expected}"));
            }
        }
    }
    if options.json {
        print_json(&json!({ "name": dataset.name, "problems": problems }))?;
    } else if problems.is_empty() {
        let images = dataset.train.len() + dataset.test.len();
        let name = &dataset.name;
        print(&format!(
            "{name}: all {images} images are readable, every label is a class, every class has images"
        ))?;
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Failure::Findings([vec![format!("{}:", dataset.name)], problems].concat()))
}

fn export(
    options: &Options,
    dataset: &Dataset,
    destination: &Path,
    format: ExportFormat,
) -> Result<(), Failure> {
    match format {
        ExportFormat::Folder => export_folder(dataset, destination)?,
        ExportFormat::Binary => export_binary(dataset, destination)?,
    }
    let path = destination.display();
    exported(options, dataset, destination, &format!("written; use them with --data {path}"))
}

/// Writes the images that a table names.
fn export_only(options: &Options, table: &Path, destination: &Path) -> Result<(), Failure> {
    let dataset = open(options)?;
    let listed = if table == Path::new("-") {
        dataset.listed_in(stdin().lock(), Path::new("stdin"))?
    } else {
        dataset.listed_in(open_table(table)?, table)?
    };
    export_present(&listed, destination)?;
    exported(options, &listed, destination, &format!("written to {}", destination.display()))
}

fn open_table(path: &Path) -> Result<impl Read, DataError> {
    File::open(path).map_err(|source| DataError::Io { action: "read", path: path.into(), source })
}

/// Says how many images are in `destination` now.
fn exported(options: &Options, dataset: &Dataset, destination: &Path, what: &str) -> Result<(), Failure> {
    let (train, test) = (dataset.train.len(), dataset.test.len());
    if options.json {
        return print_json(&json!({ "folder": destination, "train": train, "test": test }));
    }
    print(&format!("{train} training and {test} test images {what}"))
}
