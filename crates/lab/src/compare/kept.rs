//! A comparison that keeps its models, and can go on after it was interrupted.

use std::path::Path;

use zoo_backends::Machine;
use zoo_data::Splits;
use zoo_schema::{Answers, Comparison};

use crate::answers::{read_answers, write_answers};
use crate::compare::{Comparing, Member, Trained};
use crate::error::LabError;
use crate::lab::Lab;
use crate::page::write_comparison;
use crate::run::{
    ComparisonRun, MODEL_FILE, RESULT, create_member, is_finished, lock, read_result,
    remove_if_nothing_was_saved, write, write_picture, write_result,
};
use crate::summary::dataset;
use crate::watch::Watch;

/// Does what [`compare`](crate::compare()) does, in the folder of `run`: every model is a training run there, and the results are written
/// again whenever there is one more, with a page for people at the end. What is there already is not done again, so that a comparison that was interrupted ends like one that
/// was not.
///
/// # Errors
/// [`LabError`] for a recipe that the images don't suit, before anything is fitted, or a file that can't be read or written.
pub fn compare_in(
    run: &ComparisonRun,
    splits: &Splits,
    machines: &[Machine],
    watch: &dyn Watch,
) -> Result<Comparison, LabError> {
    let _lock = lock(&run.path)?;
    watch.run(&run.path);
    let protocol = run.config.protocol();
    let dataset = dataset(splits, protocol);
    let comparing = Comparing { contenders: &run.contenders, splits, dataset, machines, protocol, watch };
    let train = |member: &Member<'_>| {
        let mut trained = train_in(run, member, &comparing, machines.len() > 1)?;
        let label = member.folder.split('/').next().unwrap_or(&member.folder);
        trained.result.folder = Some(label.into());
        Ok(trained)
    };
    let written =
        comparing.run(&train, &mut |comparison, answers| write_files(&run.path, comparison, answers));
    let (comparison, _) = written.inspect_err(|_| run.remove_if_nothing_was_saved())?;
    write_comparison(run, splits)?;
    Ok(comparison)
}

/// Trains `member` in its folder, or reads what is there.
fn train_in(
    run: &ComparisonRun,
    member: &Member<'_>,
    comparing: &Comparing<'_>,
    needs_scores: bool,
) -> Result<Trained, LabError> {
    let lab = &comparing.lab(member);
    let Member { contender, machine, seed, ref folder } = *member;
    let path = run.path.join(folder);
    if is_finished(&path) {
        return read(&path, member, lab, needs_scores);
    }
    create_member(&path, &run.config.of_training(contender, machine, seed), contender)?;
    let _lock = lock(&path)?;
    let finished =
        lab.finish(contender, &path, &comparing.dataset).inspect_err(|_| remove_if_nothing_was_saved(&path));
    Ok(Trained::from(finished?.0))
}

/// The finished model in the folder `path`, as it was judged.
fn read(path: &Path, member: &Member<'_>, lab: &Lab<'_>, needs_scores: bool) -> Result<Trained, LabError> {
    let stored: Comparison = read_result(path)?;
    let Ok([result]) = <[_; 1]>::try_from(stored.results) else {
        return Err(LabError::file(path.join(RESULT), "expected the result of one model"));
    };
    let answers = read_answers(path)?;
    let (part, images) = lab.judged();
    let Ok([model]) = <[_; 1]>::try_from(answers.models) else {
        return Err(LabError::run(path, "has the answers of several models in its predictions.csv"));
    };
    if (answers.part, model.answers.len()) != (part, images.len()) {
        return Err(LabError::run(path, "has answers for other images in its predictions.csv"));
    }
    let scores = needs_scores.then(|| {
        let dimensions = zoo_recipes::Dimensions::of(lab.splits);
        let model = member.contender.estimator.load(&path.join(MODEL_FILE), dimensions, member.machine)?;
        Ok::<_, LabError>(zoo_train::score(model.classifier(), images, &member.machine.device)?)
    });
    lab.watch.line(&format!("{}: finished before", member.folder));
    Ok(Trained { result, answers: model, scores: scores.transpose()? })
}

/// Writes what is known so far: `result.json`, the same as Markdown and CSV, `predictions.csv`, and learning curves if there are any.
fn write_files(folder: &Path, comparison: &Comparison, answers: &Answers) -> Result<(), LabError> {
    write_result(folder, comparison)?;
    write(&folder.join(zoo_report::MARKDOWN_FILE), zoo_report::markdown(comparison).as_bytes())?;
    write(&folder.join(zoo_report::CSV_FILE), zoo_report::csv(comparison).as_bytes())?;
    write_answers(folder, answers)?;
    zoo_report::curves(comparison).map_or(Ok(()), |curves| write_picture(folder, "curves", &curves))
}
