//! `zoo gradcheck` and `zoo sanity`: what can be checked of recipes that learn.

use serde::Serialize;
use zoo_lab::{check, check_trainable};
use zoo_schema::{Check, Checks, GradientReport, SanityReport};
use zoo_train::Sampling;

use crate::failure::Failure;
use crate::options::Options;
use crate::output::{print, print_json};

/// Checks the gradients of `models`: names, or files with recipes.
pub(crate) fn gradients(options: &Options, models: &[String], samples: u16) -> Result<(), Failure> {
    let contenders = options.checked(models)?;
    check_trainable(&contenders)?;
    let splits = options.splits()?;
    let sampling = Sampling { values: samples.into(), seed: options.seed };
    check(&contenders, &splits)?;
    let machine = options.machine()?;
    let checks = zoo_lab::gradients(&contenders, &splits, &machine, sampling, &options.watch())?;
    show(options, &checks, gradient_table)?;
    Failure::unless_empty(checks.checks.iter().flat_map(wrong_gradients).collect())
}

/// Checks the first loss of `models`, the effect of a penalty, and whether a few images are memorised.
pub(crate) fn sanity(options: &Options, models: &[String]) -> Result<(), Failure> {
    let contenders = options.checked(models)?;
    check_trainable(&contenders)?;
    let splits = options.splits()?;
    check(&contenders, &splits)?;
    let machine = options.machine()?;
    let checks = zoo_lab::sanity(&contenders, &splits, &machine, options.seed, &options.watch())?;
    show(options, &checks, sanity_table)?;
    Failure::unless_empty(checks.checks.iter().flat_map(failures).collect())
}

/// Prints the document, or the table. The keys of the document are in alphabetical order, those inside a check, too.
fn show<R: Serialize>(
    options: &Options,
    checks: &Checks<R>,
    table: fn(&[Check<R>]) -> String,
) -> Result<(), Failure> {
    if options.json {
        return print_json(&serde_json::to_value(checks)?);
    }
    print(&table(&checks.checks))
}

fn gradient_table(checks: &[Check<GradientReport>]) -> String {
    let header = ["recipe", "kinks", "derivatives", "on kinks", "largest error", "of", "as trained", ""];
    let mut table = zoo_report::table(header, 2..=4);
    for Check { recipe, passes, report } in checks {
        table.add_row([
            recipe.clone(),
            if report.kinks.is_empty() { "smooth".into() } else { report.kinks.join(", ") },
            report.derivatives.to_string(),
            report.on_kinks.to_string(),
            format!("{:.1e}", report.worst.error),
            report.worst.parameter.clone(),
            zoo_report::or_dash(report.trained.as_ref(), |trained| format!("{:.1e}", trained.error)),
            if *passes { "right" } else { "wrong" }.into(),
        ]);
    }
    table.to_string()
}

/// What is wrong with a gradient.
fn wrong_gradients(Check { recipe, report, .. }: &Check<GradientReport>) -> Vec<String> {
    let mut failures = Vec::new();
    let worst = &report.worst;
    if !report.is_right() {
        failures.push(format!(
            "{recipe}: the gradient of {} is wrong: {:.6e} analytically and {:.6e} numerically, a relative error of {:.1e} where \
             {:.0e} is accepted",
            worst.parameter, worst.analytic, worst.numerical, worst.error, report.tolerance
        ));
    }
    if let Some(trained) = report.trained.as_ref().filter(|trained| !trained.passes()) {
        failures.push(format!(
            "{recipe}: training computes another gradient of {} in single precision: a relative error of {:.1e} where {:.0e} is accepted",
            trained.parameter, trained.error, trained.tolerance
        ));
    }
    failures
}

fn sanity_table(checks: &[Check<SanityReport>]) -> String {
    let header = ["recipe", "chance", "first loss", "with λ = 1", "memorised", "steps", "their loss", ""];
    let mut table = zoo_report::table(header, 1..=6);
    for Check { recipe, passes, report } in checks {
        table.add_row([
            recipe.clone(),
            format!("{:.4}", report.chance_loss),
            format!("{:.4}", report.first_loss),
            zoo_report::or_dash(report.penalised_loss, |loss| format!("{loss:.4}")),
            memorised(report),
            report.few_steps.to_string(),
            format!("{:.4}", report.few_loss),
            if *passes { "sane" } else { "not sane" }.into(),
        ]);
    }
    table.to_string()
}

/// "38 of 40".
fn memorised(report: &SanityReport) -> String {
    let right = report.few_accuracy * report.few_images as f64;
    format!("{right:.0} of {}", report.few_images)
}

/// What doesn't hold.
fn failures(Check { recipe, report, .. }: &Check<SanityReport>) -> Vec<String> {
    report.failures().into_iter().map(|(_, says)| format!("{recipe}: {says}")).collect()
}
