//! `zoo data`: fetch, inspect, verify, audit and export datasets.

use std::cell::OnceCell;
use std::io::{Read, stdin};
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use zoo_core::Unknown;
use zoo_data::fetch::{Fetched, Patience, Progress as FetchProgress, Published, fetch};
use zoo_data::{
    DataError, Dataset, PUBLISHED, Statistics, export_binary, export_folder, export_present, published,
};
use zoo_lab::pictures::keep_audit;
use zoo_lab::run::check_writable;
use zoo_lab::{LabError, Watch, audit};
use zoo_report::audit_tables;
use zoo_schema::Severity;

use crate::cli::{AuditArguments, DataCommand, ExportFormat};
use crate::failure::Failure;
use crate::options::Options;
use crate::output::{print, print_json};
use crate::progress::Bar;

pub(crate) fn run(options: &Options, command: &DataCommand) -> Result<(), Failure> {
    match command {
        DataCommand::Fetch { dataset, url, timeout } => run_fetch(options, dataset, url.as_deref(), *timeout),
        DataCommand::Info => info(options, &open(options)?),
        DataCommand::Verify => verify(options, &open(options)?),
        DataCommand::Audit(arguments) => run_audit(options, *arguments),
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
    Ok(options.source.read(&options.watch()).dataset(options.seed)?)
}

fn run_fetch(
    options: &Options,
    dataset: &str,
    url: Option<&str>,
    timeout: NonZeroU32,
) -> Result<(), Failure> {
    let published = published(dataset).ok_or_else(|| {
        let names: Vec<&str> = PUBLISHED.iter().map(Published::name).collect();
        LabError::from(Unknown::new("dataset to fetch", dataset, &names))
    })?;
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
        FetchProgress::Retrying => progress.line("the download broke off; trying again"),
        FetchProgress::StartingOver => {
            progress.line("what was there is not of the official file; starting over");
        }
        FetchProgress::Checking => progress.line("checking SHA-256"),
        FetchProgress::Unpacking => progress.line("unpacking"),
    };
    let patience = Patience { silence: Duration::from_secs(timeout.get().into()), ..Patience::default() };
    let fetched = fetch(published, url, options.data_dir(), patience, &mut observe)?;
    let (folder, present) = match &fetched {
        Fetched::Present(folder) => (folder, true),
        Fetched::Downloaded(folder) => (folder, false),
        Fetched::Repaired { folder, damaged } => {
            progress.line(&format!("what was there is damaged, and is kept as {}", damaged.display()));
            (folder, false)
        }
    };
    let name = published.name();
    if options.json {
        return print_json(
            &json!({ "dataset": name, "folder": folder.to_string_lossy(), "already_there": present }),
        );
    }
    let verb = if present { "is already in" } else { "is now in" };
    let uses = published.names.join(" or --data ");
    print(&format!("{name} {verb} {}; use it with --data {uses}", folder.display()))
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

/// Loading has read every image and checked every label; what is left is how many there are.
fn verify(options: &Options, dataset: &Dataset) -> Result<(), Failure> {
    let mut problems = Vec::new();
    // A limit leaves images out.
    let is_whole = options.source.limit_train.is_none() && options.source.limit_test.is_none();
    let published = published(&options.source.data).filter(|_| is_whole);
    for (place, (part, subset)) in
        [("training", &dataset.train), ("test", &dataset.test)].into_iter().enumerate()
    {
        let classes = dataset.classes.len();
        let whole = published.map_or(subset.len(), |published| published.images[place]);
        if whole != subset.len() {
            problems.push(format!("{} {part} images, expected {whole}", subset.len()));
        }
        let is_even = whole == subset.len() && published.is_some_and(|published| published.is_balanced);
        let each = is_even.then_some(whole / classes);
        for (class, count) in dataset.classes.iter().zip(subset.class_counts(classes)) {
            if count == 0 || each.is_some_and(|each| each != count) {
                let expected = each.map_or_else(|| "some".into(), |each| each.to_string());
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

/// Findings are what was asked for, so they are no failure unless that was asked for, too.
fn run_audit(options: &Options, arguments: AuditArguments) -> Result<(), Failure> {
    let whole = open(options)?;
    check_writable(&options.out)?;
    // Those that a folder has for validation are learnt from as well, in the end.
    let dataset = Dataset { train: whole.all_train(), validation: None, ..whole };
    let found = audit(&dataset, &options.watch());
    let folder = keep_audit(&options.out, &dataset, &found, arguments.top)?;
    if options.json {
        print_json(&found)?;
    } else if arguments.csv {
        print(found.to_csv().trim_end())?;
    } else {
        print(&format!(
            "{}\n\nall findings and sheets of the images: {}",
            audit_tables(&found, arguments.top),
            folder.display()
        ))?;
    }
    let warnings = found.findings.iter().filter(|finding| finding.severity == Severity::Warning).count();
    if arguments.strict && warnings > 0 {
        let plural = if warnings == 1 { "" } else { "s" };
        return Err(Failure::Findings(vec![format!("{}: {warnings} warning{plural}", dataset.name)]));
    }
    Ok(())
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
    zoo_files::open(path).map_err(|source| DataError::Io { action: "read", path: path.into(), source })
}

/// Says how many images are in `destination` now.
fn exported(options: &Options, dataset: &Dataset, destination: &Path, what: &str) -> Result<(), Failure> {
    let (train, test) = (dataset.train.len(), dataset.test.len());
    if options.json {
        return print_json(&json!({ "folder": destination, "train": train, "test": test }));
    }
    print(&format!("{train} training and {test} test images {what}"))
}
