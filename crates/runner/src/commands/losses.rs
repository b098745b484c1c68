//! `zoo losses`: what cross-entropy and the hinge say of the validation images of trained runs.

use std::path::PathBuf;

use zoo_lab::losses;
use zoo_report::or_dash;
use zoo_schema::{Example, ImageLosses, LossReport, Means, RunLosses};

use crate::failure::Failure;
use crate::options::Options;
use crate::output::{print, print_json};

/// Shows what the losses say of the validation images of the runs in the folders `paths`.
pub(crate) fn run(options: &Options, paths: &[PathBuf]) -> Result<(), Failure> {
    options.refuse_overrides_of_run()?;
    let runs = options.open_runs(paths)?;
    zoo_lab::check_losses(&runs)?;
    let splits = runs[0].splits(&options.relocation, &options.watch())?;
    let report = losses(&runs, &splits, &options.machine()?)?;
    if options.json { print_json(&report) } else { print(&text(&report, &splits.classes)) }
}

fn text(report: &LossReport, classes: &[String]) -> String {
    let mut parts = vec![
        format!("{}: {} validation images\n{}", report.dataset, report.images, images_table(report)),
        format!("H(q, p) = H(q) + D_KL(q‖p), means over the images\n{}", decomposition_table(report)),
    ];
    for example in &report.examples {
        for (run, losses) in report.runs.iter().zip(&example.verdicts) {
            parts.push(example_table(example, classes, run, losses));
        }
    }
    parts.join("\n\n")
}

fn images_table(report: &LossReport) -> String {
    let titles = ["run", "trained with", "images", "share", "mean hinge", "mean cross-entropy"];
    let rows = report.runs.iter().flat_map(|run| {
        [
            row(run, "all", &run.all, report.images),
            row(run, "right", &run.right, report.images),
            row(run, "of these: margin met", &run.margin_met, run.right.images),
        ]
    });
    table([&titles[..], &["least cross-entropy"]].concat(), 3, rows)
}

/// The means over some of `of` images.
fn row(run: &RunLosses, which: &str, means: &Means, of: usize) -> Vec<String> {
    let share = means.images as f64 / of.max(1) as f64;
    let number = |value: Option<f64>| or_dash(value, |value| format!("{value:.4}"));
    vec![
        name(run),
        run.loss.replace('_', "-"),
        which.into(),
        zoo_report::percent(share, 1),
        number(means.hinge),
        number(means.cross_entropy),
        number(means.least_cross_entropy),
    ]
}

/// The run folder's own name.
fn name(run: &RunLosses) -> String {
    run.run.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn decomposition_table(report: &LossReport) -> String {
    let titles = vec!["run", "target", "H(q, p)", "H(q)", "D_KL(q‖p)", "difference"];
    let rows = report.runs.iter().flat_map(|run| run.decompositions.iter().map(|one| (name(run), one)));
    let rows = rows.map(|(name, one)| {
        let smoothing = one.label_smoothing;
        let kind = if smoothing == 0.0 { "one-hot".into() } else { format!("smoothed, ε = {smoothing}") };
        let difference = (one.cross_entropy - one.entropy - one.divergence).abs();
        let numbers = [one.cross_entropy, one.entropy, one.divergence, difference];
        [name, kind].into_iter().chain(numbers.map(|number| format!("{number:.6}"))).collect()
    });
    table(titles, 2, rows)
}

fn example_table(example: &Example, classes: &[String], run: &RunLosses, losses: &ImageLosses) -> String {
    let rows = classes.iter().enumerate().map(|(class, name)| {
        let right = *name == example.class;
        let margin = losses.margins[class];
        vec![
            if right { format!("{name} ←") } else { name.clone() },
            format!("{:.3}", losses.scores[class]),
            if right { "–".into() } else { format!("{margin:.3}") },
            format!("{:.4}", losses.probabilities[class]),
            format!("{:+.4}", losses.cross_entropy_gradient[class]),
            signed(losses.hinge_gradient[class]),
        ]
    });
    let titles = ["class", "score s", "margin s_y − s", "p", "∂cross-entropy/∂s", "∂hinge/∂s"];
    format!(
        "image {}, {} ({}): {}, cross-entropy {:.4}, hinge {:.4}\n{}",
        example.image,
        example.class,
        example.chosen,
        name(run),
        losses.cross_entropy,
        losses.hinge,
        table(titles.into(), 1, rows),
    )
}

/// A whole number with its sign; 0 has none.
fn signed(number: f64) -> String {
    if number == 0.0 { "0".into() } else { format!("{number:+}") }
}

/// A table whose first `names` columns hold names and the others figures.
fn table(titles: Vec<&str>, names: usize, rows: impl Iterator<Item = Vec<String>>) -> String {
    let figures = names..titles.len();
    let mut table = zoo_report::table(titles, figures);
    table.add_rows(rows);
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_has_no_sign() {
        assert_eq!([-9.0, -0.0, 1.0].map(signed), ["-9", "0", "+1"]);
    }
}
