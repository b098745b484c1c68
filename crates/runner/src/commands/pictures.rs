//! `zoo pictures`: what the course shows of data, models and searches, drawn from one's own.

use std::path::PathBuf;

use zoo_backends::Kind;
use zoo_lab::pictures::{Written, keep, keep_in_run, of_dataset, of_run};
use zoo_lab::run::{MODEL_FILE, check_writable, read_comparison};
use zoo_report::{describe, terminal_pictures, wrapped};

use crate::failure::Failure;
use crate::options::{NARROW, Options};
use crate::output::{print, print_coloured, print_json};

/// Draws what there is to see in each of the runs in `paths`; in the images of `--data` if there is none.
pub(crate) fn run(options: &Options, paths: &[PathBuf], terminal: bool) -> Result<(), Failure> {
    if terminal {
        return show(options, paths);
    }
    let written = if paths.is_empty() { dataset(options)? } else { runs(options, paths)? };
    if options.json {
        return print_json(&written);
    }
    let lines: Vec<String> = written
        .iter()
        .map(|Written { svg, png, .. }| format!("{}\n{}", svg.display(), png.display()))
        .collect();
    print(&lines.join("\n"))
}

/// Learning curves and confusion matrices in letters; in colours, too, where they are seen.
fn show(options: &Options, paths: &[PathBuf]) -> Result<(), Failure> {
    let colour = console::colors_enabled();
    let mut parts = Vec::new();
    for path in paths {
        let path = options.find(path)?;
        let comparison = read_comparison(&path)?;
        parts.push(wrapped(&describe(&comparison), NARROW));
        parts.push(terminal_pictures(&comparison, options.width().min(NARROW), colour));
    }
    print_coloured(&parts.join("\n"))
}

/// Pictures of the images themselves, in a new run folder.
fn dataset(options: &Options) -> Result<Vec<Written>, Failure> {
    let (source, seed) = (&options.source, options.seed);
    let dataset = source.read(&options.watch()).open()?.limit(source.limit_train, source.limit_test, seed)?;
    check_writable(&options.out)?;
    Ok(keep(&options.out, &dataset.name, &of_dataset(&dataset, seed))?)
}

/// Pictures of each run, in its own folder; none is written before all are drawn.
fn runs(options: &Options, paths: &[PathBuf]) -> Result<Vec<Written>, Failure> {
    options.refuse_overrides_of_run()?;
    let paths = paths.iter().map(|path| options.find(path)).collect::<Result<Vec<_>, _>>()?;
    // Only a model is looked at on a backend.
    let has_model = paths.iter().any(|path| path.join(MODEL_FILE).is_file());
    let backend = if has_model { options.one_backend()? } else { Kind::Auto.into() };
    let draw =
        |path: &PathBuf| of_run(&options.registry, path, &options.relocation, backend, &options.watch());
    let drawn = paths.iter().map(draw).collect::<Result<Vec<_>, _>>()?;
    let mut written = Vec::new();
    for (path, pictures) in paths.iter().zip(&drawn) {
        written.extend(keep_in_run(path, pictures)?);
    }
    Ok(written)
}
