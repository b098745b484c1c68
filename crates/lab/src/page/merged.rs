//! Several runs as one comparison.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use zoo_recipes::Registry;
use zoo_report::{CSV_FILE, MARKDOWN_FILE, PAGE_FILE, Provenance};
use zoo_schema::{Answers, Comparison};

use crate::answers::{read_answers, write_answers};
use crate::chance::{Compared, pairs, verdict};
use crate::error::LabError;
use crate::page::comparison::{Member, Shown};
use crate::page::{Run, of_run, origin};
use crate::run::{create, write, write_result};
use crate::source::Relocation;
use crate::summary::pareto_front;
use crate::watch::Watch;

/// Writes what the runs in `paths` have found, as one comparison, to a new run folder in `out`; returns where its page is.
pub(super) fn report(
    registry: &Registry,
    paths: &[PathBuf],
    relocation: &Relocation,
    out: &Path,
    watch: &dyn Watch,
) -> Result<PathBuf, LabError> {
    let runs = open(registry, paths)?;
    if let [run] = &runs[..] {
        return of_run(registry, &run.path, relocation, watch);
    }
    let (splits, missing) = runs[0].splits(relocation, watch);
    let (comparison, answers, members) = merge(&runs)?;
    let recipes = members.iter().map(|member| (member.label.clone(), member.recipe.clone())).collect();
    let shown = Shown {
        comparison: comparison.clone(),
        answers: Some(answers.clone()),
        members,
        splits: splits.as_ref(),
        provenance: Provenance { recipes, ..origin::of_runs(&runs) },
        missing,
        config: runs[0].config.clone(),
    };
    let page = shown.html();
    let folder = create(out, &format!("report-{}", comparison.dataset.name), |folder| {
        write_result(folder, &comparison)?;
        write(&folder.join(MARKDOWN_FILE), zoo_report::markdown(&comparison).as_bytes())?;
        write(&folder.join(CSV_FILE), zoo_report::csv(&comparison).as_bytes())?;
        write_answers(folder, &answers)?;
        write(&folder.join(PAGE_FILE), page.as_bytes())
    })?;
    Ok(folder.join(PAGE_FILE))
}

/// Opens runs that are of the same images.
fn open(registry: &Registry, paths: &[PathBuf]) -> Result<Vec<Run>, LabError> {
    let mut runs: Vec<Run> = Vec::new();
    let mut seen = HashSet::new();
    for path in paths {
        if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
            continue;
        }
        let run = Run::open(registry, path)?;
        if let Some(first) = runs.first()
            && !run.config.has_same_images(&first.config)
        {
            return Err(LabError::OtherImages { other: run.path, first: first.path.clone() });
        }
        runs.push(run);
    }
    Ok(runs)
}

/// The models of `runs` as one comparison. Where two have the same name each is called by its run, too.
fn merge(runs: &[Run]) -> Result<(Comparison, Answers, Vec<Member>), LabError> {
    let mut taken = HashSet::new();
    let (mut results, mut members, mut tables, mut judged) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for run in runs {
        let mut answers = read_answers(&run.path)?;
        for result in &run.comparison.results {
            let label = result.label().to_owned();
            let name = free_name(&label, &run.path, &mut taken);
            for model in answers.models.iter_mut().filter(|model| model.is_of(&label)) {
                model.model.replace_range(..label.len(), &name);
            }
            let member = run.members.iter().find(|member| member.label == label);
            members.extend(member.map(|member| Member { label: name.clone(), ..member.clone() }));
            let mut result = result.clone();
            result.recipe = (name != result.model).then(|| name.clone());
            result.folder = None;
            // On further backends the same model is not another one.
            let is_first = Some(result.backend.as_str()) == run.comparison.backend.split(", ").next();
            judged.extend((is_first && result.error.is_none()).then_some(name));
            results.push(result);
        }
        tables.push(answers);
    }
    let answers = Answers::join(tables).map_err(LabError::Answers)?;
    let compared: Vec<Compared> = judged.iter().filter_map(|label| compared(&answers, label)).collect();
    let pairs = pairs(&compared);
    let first = &runs[0].comparison;
    let mut comparison = Comparison {
        verdict: verdict(&compared, &pairs, answers.part),
        pareto_front: pareto_front(
            results.iter().filter(|result| judged.iter().any(|label| label == result.label())),
        ),
        backend: origin::unique(runs.iter().map(|run| run.comparison.backend.as_str())),
        adapter: origin::unique(runs.iter().map(|run| run.comparison.adapter.as_str())),
        results,
        pairs,
        checks: Vec::new(),
        ..first.clone()
    };
    comparison.sort();
    comparison.checks = zoo_findings::of_comparison(&comparison);
    Ok((comparison, answers, members))
}

/// What a model is called next to others: by its label, or if that is taken by its run, too, with the folders that it is in as far as that is
/// needed, or else with a number.
fn free_name(label: &str, run: &Path, taken: &mut HashSet<String>) -> String {
    let path = run.canonicalize().unwrap_or_else(|_| run.into());
    let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let within =
        (1..=parts.len()).map(|count| format!("{label} of {}", parts[parts.len() - count..].join("/")));
    let numbered = (2..).map(|number| format!("{label} {number}"));
    let mut names = std::iter::once(label.to_owned()).chain(within).chain(numbered);
    names.find(|name| taken.insert(name.clone())).expect("there is no end of numbers")
}

/// All trainings of the model with the label `label`.
fn compared(answers: &Answers, label: &str) -> Option<Compared> {
    let models = (0..answers.models.len()).filter(|&model| answers.models[model].is_of(label));
    let right: Vec<Vec<bool>> = models.map(|model| answers.right(model)).collect();
    (!right.is_empty()).then(|| Compared { label: label.into(), right })
}
