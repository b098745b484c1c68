//! What cross-entropy and the hinge say of the validation images of trained runs.

use zoo_backends::Machine;
use zoo_core::information::{cross_entropy, entropy, kl_divergence, log_softmax, target};
use zoo_core::{Loss, Scores, image_losses};
use zoo_data::{Splits, Subset};
use zoo_schema::{Decomposition, Example, ImageLosses, LossReport, Means, RunLosses};

use crate::error::LabError;
use crate::failure::catch;
use crate::run::TrainingRun;

/// How much of the target is spread over all classes: nothing, and as much as recipes usually have.
const SMOOTHINGS: [f64; 2] = [0.0, 0.1];

/// A run with its scores of the validation images.
struct Scored<'a> {
    run: &'a TrainingRun,
    loss: Loss,
    scores: Scores,
}

/// What both losses say of the validation images of `runs`, all together and one by one. `splits` are the images of all of them.
///
/// # Errors
/// [`LabError`] if a run has no loss, no validation images, other images than the first, or can't be loaded.
pub fn losses(runs: &[TrainingRun], splits: &Splits, machine: &Machine) -> Result<LossReport, LabError> {
    let losses = accept(runs)?;
    let scored = catch(machine, || {
        runs.iter().zip(losses).map(|(run, loss)| score(run, loss, &splits.validation, machine)).collect()
    });
    let scored: Vec<Scored<'_>> = scored?;
    let labels = splits.validation.labels();
    Ok(LossReport {
        dataset: splits.name.clone(),
        images: labels.len(),
        runs: scored.iter().map(|scored| run_losses(scored, &labels)).collect(),
        examples: examples(&scored, &labels, &splits.classes),
    })
}

/// Refuses runs that can't be compared by their losses.
///
/// # Errors
/// Those of [`losses`], before anything is loaded.
pub fn check_losses(runs: &[TrainingRun]) -> Result<(), LabError> {
    accept(runs).map(|_| ())
}

/// The losses of runs that can be compared.
fn accept(runs: &[TrainingRun]) -> Result<Vec<Loss>, LabError> {
    let mut losses = Vec::new();
    for run in runs {
        run.model_file()?;
        let Some(trainable) = run.contender.estimator.trainable() else {
            return Err(LabError::NoLoss { path: run.path.clone(), model: run.contender.entry.name });
        };
        if !run.config.dimensions().has_validation {
            return Err(LabError::NoValidation { path: run.path.clone() });
        }
        losses.push(trainable.loss());
    }
    if let Some(other) = runs.iter().find(|run| !run.has_same_images(&runs[0])) {
        return Err(LabError::OtherImages { other: other.path.clone(), first: runs[0].path.clone() });
    }
    Ok(losses)
}

fn score<'a>(
    run: &'a TrainingRun,
    loss: Loss,
    images: &Subset,
    machine: &Machine,
) -> Result<Scored<'a>, LabError> {
    let model = run.model(machine)?;
    let scores = zoo_train::score(model.classifier(), images, &machine.device)?;
    Ok(Scored { run, loss, scores })
}

impl Scored<'_> {
    /// The hinge's Δ: that of its recipe, or 1 for a run that was trained with another loss.
    fn delta(&self) -> f64 {
        self.loss.margin().unwrap_or(1.0)
    }

    fn image_losses(&self, labels: &[usize]) -> Vec<ImageLosses> {
        let rows = self.scores.rows().zip(labels);
        rows.map(|(scores, &label)| image_losses(scores, label, self.delta())).collect()
    }
}

fn run_losses(scored: &Scored<'_>, labels: &[usize]) -> RunLosses {
    let of_images = scored.image_losses(labels);
    let answers = scored.scores.predictions().into_iter().zip(labels);
    let right = of_images.iter().zip(answers).filter(|(_, (answer, label))| answer == *label);
    let right: Vec<&ImageLosses> = right.map(|(losses, _)| losses).collect();
    let margin_met: Vec<&ImageLosses> = right.iter().copied().filter(|losses| losses.hinge == 0.0).collect();
    RunLosses {
        run: scored.run.path.clone(),
        model: scored.run.contender.entry.name.into(),
        loss: scored.loss.name().into(),
        delta: scored.delta(),
        all: Means::of(&of_images.iter().collect::<Vec<_>>()),
        right: Means::of(&right),
        margin_met: Means::of(&margin_met),
        decompositions: SMOOTHINGS.map(|smoothing| decomposition(scored, labels, smoothing)).into(),
    }
}

fn decomposition(scored: &Scored<'_>, labels: &[usize], label_smoothing: f64) -> Decomposition {
    let classes = scored.scores.classes();
    let mean = |of: fn(&[f64], &[f64]) -> f64| {
        let rows = scored.scores.rows().zip(labels);
        let sum: f64 = rows
            .map(|(scores, &label)| of(&target(label, classes, label_smoothing), &log_softmax(scores)))
            .sum();
        sum / labels.len() as f64
    };
    Decomposition {
        label_smoothing,
        cross_entropy: mean(cross_entropy),
        entropy: mean(|q, _| entropy(q)),
        divergence: mean(kl_divergence),
    }
}

/// The images that the first run gets right or wrong by most and least, with what the losses say of each run's scores.
fn examples(scored: &[Scored<'_>], labels: &[usize], classes: &[String]) -> Vec<Example> {
    let of_runs: Vec<Vec<ImageLosses>> = scored.iter().map(|scored| scored.image_losses(labels)).collect();
    let Some(first) = of_runs.first() else { return Vec::new() };
    let example = |(chosen, image): (&'static str, Option<usize>)| {
        let image = image?;
        let verdicts = of_runs.iter().map(|losses| losses[image].clone()).collect();
        Some(Example { image, class: classes[labels[image]].clone(), chosen: chosen.into(), verdicts })
    };
    extremes(first, labels).into_iter().filter_map(example).collect()
}

/// The image that is right by the most, the one that is right by the least, and the one that is wrong by the most, as far as
/// there are such.
fn extremes(losses: &[ImageLosses], labels: &[usize]) -> [(&'static str, Option<usize>); 3] {
    let margins: Vec<f64> = losses.iter().zip(labels).map(|(one, &label)| one.margin(label)).collect();
    let (right, wrong): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(|&image| margins[image] > 0.0);
    let order = |a: &usize, b: &usize| margins[*a].total_cmp(&margins[*b]);
    let most = right.iter().copied().max_by(order);
    let least = right.iter().copied().min_by(order).filter(|_| right.len() > 1);
    [
        ("right by the most", most),
        ("right by the least", least),
        ("wrong by the most", wrong.iter().copied().min_by(order)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three images of three classes: right by more than 1, right by ½, wrong.
    fn losses() -> Vec<ImageLosses> {
        let scores = [([3.0, 0.0, 1.0], 0), ([0.0, 1.0, 0.5], 1), ([2.0, 0.0, 0.0], 2)];
        scores.iter().map(|(scores, label)| image_losses(scores, *label, 1.0)).collect()
    }

    #[test]
    fn extremes_are_chosen_once_each() {
        let losses = losses();
        let labels = [0, 1, 2];
        let found = |count: usize| {
            let chosen = extremes(&losses[..count], &labels[..count]);
            chosen.map(|(_, image)| image)
        };
        assert_eq!(found(3), [Some(0), Some(1), Some(2)]);
        // An image that is the only one that is right is not shown twice.
        assert_eq!(found(1), [Some(0), None, None]);
    }
}
