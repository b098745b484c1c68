//! What a page says of how its results came about.

use std::path::Path;

use toml::{Table, Value};
use zoo_recipes::{REPRODUCE, RUN, Registry, parse};
use zoo_report::{Provenance, thousands};
use zoo_schema::{Comparison, DatasetSummary, Reproduction, SearchResult};

use crate::error::LabError;
use crate::page::Run;
use crate::reproduce::Suite;
use crate::run::{CONFIG, RunConfig, read_config, read_text};
use crate::source::Source;

/// The `[run]` of the config in folder `path`, and the rest of it.
pub(crate) fn described(path: &Path) -> Result<(RunConfig, Table), LabError> {
    let (file, mut table) = read_config(path)?;
    let Some(Value::Table(run)) = table.remove(RUN) else {
        return Err(LabError::file(&file, "it has no [run]"));
    };
    let config = parse(run).map_err(|error| LabError::file(&file, format!("[run]: {error}")))?;
    Ok((config, table))
}

/// Of one run, or of several that are shown together.
pub(crate) fn of_runs(runs: &[Run]) -> Provenance {
    let mut provenance = Provenance::default();
    let Some(first) = runs.first() else { return provenance };
    provenance.run = name(&first.path);
    let names: Vec<String> = runs.iter().map(|run| name(&run.path)).collect();
    provenance.facts.push((if runs.len() > 1 { "runs" } else { "run" }.into(), names.join(", ")));
    provenance.facts.extend(images(&first.config.source, &first.comparison.dataset));
    let seeds: Vec<String> = runs.iter().map(|run| run.config.seed.to_string()).collect();
    provenance.facts.push(("seed".into(), unique(seeds.iter().map(String::as_str))));
    let split_seeds: Vec<String> =
        runs.iter().filter_map(|run| run.config.split_seed()).map(|seed| seed.to_string()).collect();
    if !split_seeds.is_empty() {
        provenance.facts.push(("seed of the split".into(), unique(split_seeds.iter().map(String::as_str))));
    }
    for run in runs {
        let trainings = run.config.protocol().trainings;
        if trainings > 1 {
            provenance
                .facts
                .push(("trainings".into(), format!("{trainings} per recipe of {}", name(&run.path))));
        }
    }
    let every = |fact: fn(&Comparison) -> &str| unique(runs.iter().map(|run| fact(&run.comparison)));
    let machine = every(|comparison| comparison.machine.as_deref().unwrap_or_default());
    provenance.facts.extend(machine_facts(
        &every(|comparison| &comparison.backend),
        &every(|comparison| &comparison.adapter),
        Some(machine.as_str()).filter(|machine| !machine.is_empty()),
        &every(|comparison| &comparison.zoo_version),
        &every(|comparison| &comparison.burn_version),
    ));
    provenance.command = command(runs);
    for run in runs {
        for member in &run.members {
            provenance.recipes.push((member.label.clone(), member.recipe.clone()));
        }
    }
    provenance
}

/// Of a search.
pub(crate) fn of_search(path: &Path, config: &RunConfig, result: &SearchResult) -> Provenance {
    let SearchResult { zoo_version, burn_version, backend, adapter, dataset, machine, seed, .. } = result;
    let measured = machine_facts(backend, adapter, machine.as_deref(), zoo_version, burn_version);
    let facts = facts_of_one(path, config, dataset, *seed, measured);
    Provenance { run: name(path), facts, command: again("tune", path, backend), recipes: whole_config(path) }
}

/// Of a suite.
pub(crate) fn of_suite(
    path: &Path,
    config: &RunConfig,
    table: &Table,
    reproduction: &Reproduction,
) -> Provenance {
    let Reproduction { zoo_version, burn_version, backend, adapter, dataset, machine, seed, suite, .. } =
        reproduction;
    let measured = machine_facts(backend, adapter, machine.as_deref(), zoo_version, burn_version);
    let facts = facts_of_one(path, config, dataset, *seed, measured);
    let quick = if reproduction.quick { " --quick" } else { "" };
    let given = table.get(REPRODUCE).and_then(|reproduce| reproduce.get("folder")?.as_str()).unwrap_or(suite);
    let mut command = format!("zoo reproduce {}{quick}", quoted(Path::new(given)));
    command.extend(rows_of(given, table).into_iter().map(|row| format!(" --only {row}")));
    command.extend(data_options(&config.source));
    command.extend([format!(" --seed {seed} --backend {backend}")]);
    Provenance { run: name(path), facts, command, recipes: whole_config(path) }
}

/// The facts of a run that isn't of models side by side; `measured` says what it was measured with.
fn facts_of_one(
    path: &Path,
    config: &RunConfig,
    dataset: &DatasetSummary,
    seed: u64,
    measured: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let mut facts = vec![("run".into(), name(path))];
    facts.extend(images(&config.source, dataset));
    facts.push(("seed".into(), seed.to_string()));
    facts.extend(measured);
    facts
}

/// The rows that a run measured, if they are not all of its suite; `table` is its config.
fn rows_of(suite: &str, table: &Table) -> Vec<String> {
    let rows = table.get(REPRODUCE).and_then(|reproduce| reproduce.get("only")?.as_array());
    let rows: Vec<String> =
        rows.into_iter().flatten().filter_map(|row| row.as_str().map(String::from)).collect();
    let all = Suite::open(&Registry::zoo(), suite).map(|suite| suite.rows.len());
    if all.is_ok_and(|all| rows.len() == all) { Vec::new() } else { rows }
}

/// The config of a run as it is.
fn whole_config(path: &Path) -> Vec<(String, String)> {
    let text = read_text(&path.join(CONFIG)).ok();
    text.map(|text| (CONFIG.to_owned(), text)).into_iter().collect()
}

/// The command that does the same again.
fn command(runs: &[Run]) -> String {
    if let [run] = runs {
        let is_training = run.members.iter().any(|member| member.folder == run.path);
        return again(if is_training { "train" } else { "compare" }, &run.path, &run.config.backend);
    }
    let paths: Vec<String> = runs.iter().map(|run| quoted(&run.path)).collect();
    format!("zoo report {}", paths.join(" "))
}

/// The subcommand that follows the config of the run in folder `path` again.
fn again(subcommand: &str, path: &Path, backends: &str) -> String {
    format!("zoo {subcommand} {} --backend {}", quoted(&path.join(CONFIG)), backends.replace(", ", ","))
}

/// Where images are from and how they are divided.
fn images(source: &Source, dataset: &DatasetSummary) -> Vec<(String, String)> {
    let limit = |limit: Option<usize>, part: &str| {
        limit.map(|limit| format!(", at most {} for {part}", thousands(limit)))
    };
    let limits = [limit(source.limit_train, "training"), limit(source.limit_test, "the test")];
    let data = format!("{}{}", source.data, limits.into_iter().flatten().collect::<String>());
    let how = if source.in_order { "the last ones" } else { "at random, each class in proportion" };
    let held_out = if dataset.validation > 0 { format!(" (held out: {how})") } else { String::new() };
    let split = format!(
        "{} training, {} validation{held_out} and {} test images",
        thousands(dataset.train),
        thousands(dataset.validation),
        thousands(dataset.test)
    );
    vec![
        ("data".into(), data),
        ("images".into(), split),
        ("classes".into(), dataset.classes.len().to_string()),
    ]
}

fn machine_facts(
    backend: &str,
    adapter: &str,
    machine: Option<&str>,
    zoo: &str,
    burn: &str,
) -> Vec<(String, String)> {
    let mut facts = vec![("backend".into(), backend.into()), ("adapter".into(), adapter.into())];
    facts.extend(machine.map(|machine| ("machine".into(), machine.into())));
    facts.push(("versions".into(), format!("zoo {zoo}, Burn {burn}")));
    facts
}

/// Options of the command that name the images.
fn data_options(source: &Source) -> Vec<String> {
    let folder = source.data_dir.to_string_lossy();
    let mut options = vec![format!(" --data {}", quoted(Path::new(&source.data)))];
    if folder != "data" {
        options.push(format!(" --data-dir {}", quoted(&source.data_dir)));
    }
    // What is not as by default, by the names that options have as well.
    for (key, value) in Table::try_from(&source.photos).unwrap_or_default() {
        let option = key.replace('_', "-");
        options.push(match value {
            Value::String(text) => format!(" --{option} {}", quoted(Path::new(&text))),
            Value::Boolean(true) => format!(" --{option}"),
            other => format!(" --{option} {other}"),
        });
    }
    options
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+,:@%".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn name(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.into());
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Values without repetitions, with commas between them.
pub(crate) fn unique<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_would_take_them_apart() {
        let quoted = |path: &str| quoted(Path::new(path));
        assert_eq!(quoted("runs/0001-train-cnn-x/config.toml"), "runs/0001-train-cnn-x/config.toml");
        assert_eq!(quoted("my runs/it's"), "'my runs/it'\\''s'");
        assert_eq!(quoted("$(x)"), "'$(x)'");
    }
}
