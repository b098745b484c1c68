//! `zoo losses`: what cross-entropy and the hinge say of the validation images of trained runs.

use std::path::{Path, PathBuf};

use comfy_table::CellAlignment;
use serde::Serialize;
use zoo_core::information::{cross_entropy, entropy, kl_divergence, log_softmax, target};
use zoo_core::{Loss, Scores, Verdict};
use zoo_data::Subset;
use zoo_train::TestTimeAugmentation;

use crate::backend::Selected;
use crate::cli::{GlobalOptions, UsageError};
use crate::failure;
use crate::output::{print, print_json};
use crate::progress::Progress;
use crate::runs::TrainingRun;

/// How much of the target is spread over all classes: not at all, and as much as recipes usually have.
const SMOOTHINGS: [f64; 2] = [0.0, 0.1];

/// What is printed.
#[derive(Serialize)]
struct Document {
    dataset: String,
    /// How many validation images there are.
    images: usize,
    runs: Vec<RunLosses>,
    examples: Vec<Example>,
}

/// What both losses say of all images.
#[derive(Serialize)]
struct RunLosses {
    run: PathBuf,
    model: &'static str,
    /// What it was trained with.
    loss: &'static str,
    /// The hinge's Δ: that of its recipe, or 1 for a run that was trained with another loss.
    delta: f64,
    all: Means,
    /// Images whose largest score is that of their class.
    right: Means,
    /// Of these, those that are right by Δ and more: their hinge loss is 0, and so is its gradient.
    margin_met: Means,
    decompositions: Vec<Decomposition>,
}

/// Both losses over some of the images; `null` if there is none.
#[derive(Serialize)]
struct Means {
    images: usize,
    hinge: Option<f64>,
    cross_entropy: Option<f64>,
    least_cross_entropy: Option<f64>,
}

/// H(q, p) = H(q) + D_KL(q ‖ p), each a mean over the images, for targets q of one smoothing.
#[derive(Serialize)]
struct Decomposition {
    label_smoothing: f64,
    cross_entropy: f64,
    entropy: f64,
    divergence: f64,
}

/// One image, and what the losses say of each run's scores.
#[derive(Serialize)]
struct Example {
    /// Its place among the validation images, from 0.
    image: usize,
    class: String,
    /// Why it was chosen.
    chosen: &'static str,
    verdicts: Vec<Verdict>,
}

/// A run with its scores of the validation images.
struct Scored {
    run: TrainingRun,
    loss: Loss,
    scores: Scores,
}

/// Shows what the losses say of the validation images of the runs in the folders `paths`.
pub(crate) fn run(options: &GlobalOptions, paths: &[PathBuf]) -> anyhow::Result<()> {
    options.keep_to_the_run()?;
    let runs = paths.iter().map(|path| open(path)).collect::<anyhow::Result<Vec<_>>>()?;
    let (first, _) = &runs[0];
    if let Some((other, _)) = runs.iter().find(|(run, _)| !run.has_the_images_of(first)) {
        let (other, first) = (other.path.display(), first.path.display());
        let advice = "train both with the same --data, --seed, --limit-train, --limit-test and --validation";
        return Err(UsageError(format!("{other} has other images than {first}; {advice}")).into());
    }
    let splits = first.splits(options)?;
    let selected = options.one_backend()?.select()?;
    let progress = Progress::new(options.quiet);
    progress.line(&format!("backend: {selected}"));
    let scored = failure::catch(&selected, || {
        runs.into_iter().map(|(run, loss)| score(run, loss, &splits.validation, &selected)).collect()
    });
    let scored: Vec<Scored> = scored?;

    let labels = splits.validation.labels();
    let document = Document {
        dataset: splits.name,
        images: labels.len(),
        runs: scored.iter().map(|scored| RunLosses::new(scored, &labels)).collect(),
        examples: examples(&scored, &labels, &splits.classes),
    };
    if options.json { print_json(&document) } else { print(&document.to_text(&splits.classes)) }
}

/// Opens a run that has a loss and validation images.
fn open(path: &Path) -> anyhow::Result<(TrainingRun, Loss)> {
    let run = TrainingRun::open(path)?;
    run.model_file()?;
    let Some(loss) = run.contender.recipe.loss() else {
        let (path, model) = (path.display(), run.contender.entry.name);
        return Err(
            UsageError(format!("{path}: {model} minimises no loss; name a run that was trained")).into()
        );
    };
    if !run.config.dimensions().has_validation {
        let path = path.display();
        return Err(UsageError(format!("{path} holds out no images; train with --validation 0.1")).into());
    }
    Ok((run, loss))
}

fn score(run: TrainingRun, loss: Loss, images: &Subset, selected: &Selected) -> anyhow::Result<Scored> {
    let dimensions = run.config.dimensions();
    let model = run.contender.recipe.load(&run.model_file()?, dimensions, selected)?;
    let plain = TestTimeAugmentation::None;
    let (classifier, classes, device) = (model.classifier(), dimensions.classes, &selected.device);
    let scores = zoo_train::score(classifier, images, classes, plain, device, &mut |_| {})?;
    Ok(Scored { run, loss, scores })
}

impl Scored {
    /// The hinge's Δ.
    fn delta(&self) -> f64 {
        match self.loss {
            Loss::Hinge { margin } => margin,
            _ => 1.0,
        }
    }

    fn verdicts(&self, labels: &[usize]) -> Vec<Verdict> {
        let rows = self.scores.rows().zip(labels);
        rows.map(|(scores, &label)| Verdict::new(scores, label, self.delta())).collect()
    }
}

impl RunLosses {
    fn new(scored: &Scored, labels: &[usize]) -> Self {
        let verdicts = scored.verdicts(labels);
        let answers = scored.scores.predictions().into_iter().zip(labels);
        let right = verdicts.iter().zip(answers).filter(|(_, (answer, label))| answer == *label);
        let right: Vec<&Verdict> = right.map(|(verdict, _)| verdict).collect();
        let margin_met: Vec<&Verdict> =
            right.iter().copied().filter(|verdict| verdict.hinge == 0.0).collect();
        Self {
            run: scored.run.path.clone(),
            model: scored.run.contender.entry.name,
            loss: scored.loss.name(),
            delta: scored.delta(),
            all: Means::of(&verdicts.iter().collect::<Vec<_>>()),
            right: Means::of(&right),
            margin_met: Means::of(&margin_met),
            decompositions: SMOOTHINGS.map(|smoothing| Decomposition::new(scored, labels, smoothing)).into(),
        }
    }

    /// A row of the table: the means over some of `of` images.
    fn row(&self, which: &str, means: &Means, of: usize) -> Vec<String> {
        let share = 100.0 * means.images as f64 / of.max(1) as f64;
        let number = |value: Option<f64>| value.map_or_else(|| "–".into(), |value| format!("{value:.4}"));
        vec![
            self.name(),
            self.loss.replace('_', "-"),
            which.into(),
            format!("{share:.1} %"),
            number(means.hinge),
            number(means.cross_entropy),
            number(means.least_cross_entropy),
        ]
    }

    /// The run folder's own name.
    fn name(&self) -> String {
        self.run.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl Means {
    fn of(verdicts: &[&Verdict]) -> Self {
        let mean = |of: fn(&Verdict) -> f64| {
            let sum: f64 = verdicts.iter().map(|verdict| of(verdict)).sum();
            (!verdicts.is_empty()).then(|| sum / verdicts.len() as f64)
        };
        Self {
            images: verdicts.len(),
            hinge: mean(|verdict| verdict.hinge),
            cross_entropy: mean(|verdict| verdict.cross_entropy),
            least_cross_entropy: verdicts.iter().map(|verdict| verdict.cross_entropy).reduce(f64::min),
        }
    }
}

impl Decomposition {
    fn new(scored: &Scored, labels: &[usize], label_smoothing: f64) -> Self {
        let classes = scored.scores.classes();
        let mean = |of: fn(&[f64], &[f64]) -> f64| {
            let rows = scored.scores.rows().zip(labels);
            let sum: f64 = rows
                .map(|(scores, &label)| of(&target(label, classes, label_smoothing), &log_softmax(scores)))
                .sum();
            sum / labels.len() as f64
        };
        Self {
            label_smoothing,
            cross_entropy: mean(cross_entropy),
            entropy: mean(|q, _| entropy(q)),
            divergence: mean(kl_divergence),
        }
    }
}

/// The images that the first run gets right or wrong by most and least, with what the losses say of each run's scores.
fn examples(scored: &[Scored], labels: &[usize], classes: &[String]) -> Vec<Example> {
    let verdicts: Vec<Vec<Verdict>> = scored.iter().map(|scored| scored.verdicts(labels)).collect();
    let example = |(chosen, image): (&'static str, Option<usize>)| {
        let image = image?;
        let verdicts = verdicts.iter().map(|verdicts| verdicts[image].clone()).collect();
        Some(Example { image, class: classes[labels[image]].clone(), chosen, verdicts })
    };
    extremes(&verdicts[0], labels).into_iter().filter_map(example).collect()
}

/// The image that is right by the most, the one that is right by the least, and the one that is wrong by the most, as far as
/// there are such.
fn extremes(verdicts: &[Verdict], labels: &[usize]) -> [(&'static str, Option<usize>); 3] {
    let margins: Vec<f64> = verdicts.iter().zip(labels).map(|(one, &label)| one.margin(label)).collect();
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

impl Document {
    fn to_text(&self, classes: &[String]) -> String {
        let mut parts = vec![
            format!("{}: {} validation images\n{}", self.dataset, self.images, self.images_table()),
            format!("H(q, p) = H(q) + D_KL(q‖p), means over the images\n{}", self.decomposition_table()),
        ];
        for example in &self.examples {
            for (run, verdict) in self.runs.iter().zip(&example.verdicts) {
                parts.push(example.table(classes, run, verdict));
            }
        }
        parts.join("\n\n")
    }

    fn images_table(&self) -> String {
        let titles = ["run", "trained with", "images", "share", "mean hinge", "mean cross-entropy"];
        let rows = self.runs.iter().flat_map(|run| {
            let right = run.right.images;
            [
                run.row("all", &run.all, self.images),
                run.row("right", &run.right, self.images),
                run.row("of these: margin met", &run.margin_met, right),
            ]
        });
        table([&titles[..], &["least cross-entropy"]].concat(), 3, rows)
    }

    fn decomposition_table(&self) -> String {
        let titles = vec!["run", "target", "H(q, p)", "H(q)", "D_KL(q‖p)", "difference"];
        let rows = self.runs.iter().flat_map(|run| run.decompositions.iter().map(|one| (run.name(), one)));
        let rows = rows.map(|(name, one)| {
            let smoothing = one.label_smoothing;
            let kind =
                if smoothing == 0.0 { "one-hot".into() } else { format!("smoothed, ε = {smoothing}") };
            let difference = (one.cross_entropy - one.entropy - one.divergence).abs();
            let numbers = [one.cross_entropy, one.entropy, one.divergence, difference];
            [name, kind].into_iter().chain(numbers.map(|number| format!("{number:.6}"))).collect()
        });
        table(titles, 2, rows)
    }
}

impl Example {
    fn table(&self, classes: &[String], run: &RunLosses, verdict: &Verdict) -> String {
        let rows = classes.iter().enumerate().map(|(class, name)| {
            let right = *name == self.class;
            let margin = verdict.margins[class];
            vec![
                if right { format!("{name} ←") } else { name.clone() },
                format!("{:.3}", verdict.scores[class]),
                if right { "–".into() } else { format!("{margin:.3}") },
                format!("{:.4}", verdict.probabilities[class]),
                format!("{:+.4}", verdict.cross_entropy_gradient[class]),
                signed(verdict.hinge_gradient[class]),
            ]
        });
        let titles = ["class", "score s", "margin s_y − s", "p", "∂cross-entropy/∂s", "∂hinge/∂s"];
        format!(
            "image {}, {} ({}): {}, cross-entropy {:.4}, hinge {:.4}\n{}",
            self.image,
            self.class,
            self.chosen,
            run.name(),
            verdict.cross_entropy,
            verdict.hinge,
            table(titles.into(), 1, rows),
        )
    }
}

/// A whole number with its sign; 0 has none.
fn signed(number: f64) -> String {
    if number == 0.0 { "0".into() } else { format!("{number:+}") }
}

/// A table whose first `names` columns hold names and the others figures.
fn table(titles: Vec<&str>, names: usize, rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut table = zoo_report::table(titles);
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(names) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three images of three classes: right by more than 1, right by ½, wrong.
    fn verdicts() -> Vec<Verdict> {
        let scores = [([3.0, 0.0, 1.0], 0), ([0.0, 1.0, 0.5], 1), ([2.0, 0.0, 0.0], 2)];
        scores.iter().map(|(scores, label)| Verdict::new(scores, *label, 1.0)).collect()
    }

    #[test]
    fn means_over_some_of_the_images() {
        let verdicts = verdicts();
        let all: Vec<&Verdict> = verdicts.iter().collect();
        let means = Means::of(&all);
        // 0, ½, and 3 + 1: the right class is behind by 2 and level with the other.
        assert_eq!((means.images, means.hinge), (3, Some(1.5)));
        assert_eq!(means.least_cross_entropy, Some(verdicts[0].cross_entropy));
        let none = Means::of(&[]);
        assert_eq!((none.images, none.hinge, none.least_cross_entropy), (0, None, None));
    }

    #[test]
    fn extremes_are_chosen_once_each() {
        let verdicts = verdicts();
        let labels = [0, 1, 2];
        let found = |count: usize| {
            let chosen = extremes(&verdicts[..count], &labels[..count]);
            chosen.map(|(_, image)| image)
        };
        assert_eq!(found(3), [Some(0), Some(1), Some(2)]);
        // An image that is alone in being right is not shown twice.
        assert_eq!(found(1), [Some(0), None, None]);
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!([-9.0, -0.0, 1.0].map(signed), ["-9", "0", "+1"]);
    }
}
