//! `zoo gradcheck`: analytic gradients beside numerical ones.

use anyhow::bail;
use comfy_table::CellAlignment;
use serde::{Deserialize, Serialize};
use serde_json::json;
use toml::Table;
use zoo_kernels::Activation;
use zoo_train::{GradientReport, Sampling};

use crate::cli::GlobalOptions;
use crate::config::{Contender, within};
use crate::output::{print, print_json};
use crate::progress::Progress;
use crate::recipes::{self, Dimensions};
use crate::source::Source;

/// The check of one recipe.
#[derive(Serialize)]
struct Check {
    recipe: String,
    passes: bool,
    #[serde(flatten)]
    report: GradientReport,
}

/// Checks the gradients of `models`: names, or files with recipes. Each recipe is checked as it is, and once more with smooth parts
/// where it has others: max-pooling has no smooth counterpart and keeps its kinks.
pub(crate) fn run(options: &GlobalOptions, models: &[String], samples: u16) -> anyhow::Result<()> {
    let contenders = recipes::all_trained(options, models)?;
    let splits = Source::new(options).splits(options.seed())?;
    let sampling = Sampling { values: samples.into(), seed: options.seed() };
    let progress = Progress::new(options.quiet);
    let dimensions = Dimensions::of(&splits);
    let mut checks: Vec<Check> = Vec::new();
    for contender in &contenders {
        contender.validate(dimensions)?;
    }
    for contender in contenders {
        let smooth = smooth(&contender)?.filter(|smooth| smooth.recipe.validate(dimensions).is_ok());
        for contender in [Some(contender), smooth].into_iter().flatten() {
            progress.line(&format!("checking {}", contender.name()));
            let report = contender.recipe.check_gradients(&splits, sampling)?;
            checks.push(Check { recipe: contender.name().into(), passes: report.passes(), report });
        }
    }
    if options.json {
        print_json(&json!({ "dataset": splits.name, "seed": options.seed(), "checks": checks }))?;
    } else {
        print(&table(&checks))?;
    }
    let wrong: Vec<String> = checks.iter().filter(|check| !check.passes).map(describe).collect();
    if wrong.is_empty() { Ok(()) } else { bail!(wrong.join("\n")) }
}

/// The same recipe with GELU for an activation that has a kink, and cross-entropy for the hinge; `None` if it has neither.
fn smooth(contender: &Contender) -> anyhow::Result<Option<Contender>> {
    let config = contender.recipe.config()?;
    let value = |table: &str, key: &str| config.get(table).and_then(|table| table.get(key)).cloned();
    let activation = value("architecture", "activation").and_then(|name| Activation::deserialize(name).ok());
    let mut over = Table::new();
    let mut name = contender.name().to_string();
    if activation.is_some_and(|activation| activation.kink().is_some()) {
        over.extend(within("architecture", "activation", "gelu".into()));
        name += ", gelu";
    }
    if value("loss", "kind").is_some_and(|kind| kind.as_str() == Some("hinge")) {
        over.extend(within("loss", "kind", "cross_entropy".into()));
        name += ", cross_entropy";
    }
    if over.is_empty() { Ok(None) } else { contender.varied(&name, over).map(Some) }
}

fn table(checks: &[Check]) -> String {
    let header =
        ["recipe", "kinks", "loss", "parameters", "derivatives", "on kinks", "largest error", "of", ""];
    let mut table = zoo_report::table(header);
    for (place, column) in table.column_iter_mut().enumerate() {
        let figures = (2..=6).contains(&place);
        column.set_cell_alignment(if figures { CellAlignment::Right } else { CellAlignment::Left });
    }
    for Check { recipe, passes, report } in checks {
        table.add_row([
            recipe.clone(),
            if report.kinks.is_empty() { "smooth".into() } else { report.kinks.join(", ") },
            format!("{:.4}", report.loss),
            report.parameters.to_string(),
            report.derivatives.to_string(),
            report.on_kinks.to_string(),
            format!("{:.1e}", report.worst.error),
            report.worst.parameter.clone(),
            if *passes { "right" } else { "wrong" }.into(),
        ]);
    }
    table.to_string()
}

/// What is wrong.
fn describe(Check { recipe, report, .. }: &Check) -> String {
    let worst = &report.worst;
    format!(
        "{recipe}: the gradient of {} is wrong: {:.6e} analytically and {:.6e} numerically, a relative error of {:.1e} where {:.0e} \
         is accepted",
        worst.parameter, worst.analytic, worst.numerical, worst.error, report.tolerance
    )
}
