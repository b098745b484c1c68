//! `zoo sanity`: what must hold before training is worth its time.

use anyhow::bail;
use comfy_table::CellAlignment;
use serde::Serialize;
use serde_json::json;
use toml::{Table, Value};
use zoo_train::SanityReport;

use crate::cli::GlobalOptions;
use crate::config::Contender;
use crate::failure;
use crate::output::{print, print_json};
use crate::progress::Progress;
use crate::recipes::{self, Dimensions};
use crate::source::Source;

/// Keys of an architecture that leave something out at random while it is trained.
const RANDOM: [&str; 2] = ["dropout", "stochastic_depth"];

/// The checks of one recipe.
#[derive(Serialize)]
struct Check {
    recipe: String,
    passes: bool,
    #[serde(flatten)]
    report: SanityReport,
}

/// Checks `models`: names, or files with recipes; by default one recipe of every kind that is trained.
pub(crate) fn run(options: &GlobalOptions, models: &[String]) -> anyhow::Result<()> {
    let contenders = recipes::all_trained(options, models)?;
    let splits = Source::new(options).splits(options.seed())?;
    for contender in &contenders {
        contender.validate(Dimensions::of(&splits))?;
    }
    let selected = options.one_backend()?.select()?;
    let progress = Progress::new(options.quiet);
    progress.line(&format!("backend: {selected}"));
    let mut checks: Vec<Check> = Vec::new();
    for contender in contenders {
        progress.line(&format!("checking {}", contender.name()));
        let plain = without_dropout(&contender)?;
        let report =
            failure::catch(&selected, || plain.recipe.check_sanity(&splits, &selected, options.seed()))?;
        checks.push(Check { recipe: contender.name().into(), passes: report.passes(), report });
    }
    if options.json {
        print_json(&json!({ "dataset": splits.name, "seed": options.seed(), "checks": checks }))?;
    } else {
        print(&table(&checks))?;
    }
    let wrong: Vec<String> = checks.iter().flat_map(failures).collect();
    if wrong.is_empty() { Ok(()) } else { bail!(wrong.join("\n")) }
}

/// The same recipe with whatever its architecture leaves out at random kept.
fn without_dropout(contender: &Contender) -> anyhow::Result<Contender> {
    let config = contender.recipe.config()?;
    let has =
        |key: &&str| config.get("architecture").is_some_and(|architecture| architecture.get(key).is_some());
    let rates = RANDOM.iter().filter(|key| has(key)).map(|key| ((*key).to_string(), Value::Float(0.0)));
    let over = Table::from_iter([("architecture".to_string(), Value::Table(rates.collect()))]);
    contender.varied(contender.name(), over)
}

fn table(checks: &[Check]) -> String {
    let header =
        ["recipe", "chance", "first loss", "with λ = 1", "learnt by heart", "steps", "their loss", ""];
    let mut table = zoo_report::table(header);
    for (place, column) in table.column_iter_mut().enumerate() {
        let figures = (1..=6).contains(&place);
        column.set_cell_alignment(if figures { CellAlignment::Right } else { CellAlignment::Left });
    }
    for Check { recipe, passes, report } in checks {
        table.add_row([
            recipe.clone(),
            format!("{:.4}", report.chance_loss),
            format!("{:.4}", report.first_loss),
            report.penalised_loss.map_or_else(|| "–".into(), |loss| format!("{loss:.4}")),
            by_heart(report),
            report.few_steps.to_string(),
            format!("{:.4}", report.few_loss),
            if *passes { "sane" } else { "not sane" }.into(),
        ]);
    }
    table.to_string()
}

/// "38 of 40".
fn by_heart(report: &SanityReport) -> String {
    let right = report.few_accuracy * report.few_images as f64;
    format!("{right:.0} of {}", report.few_images)
}

/// What doesn't hold.
fn failures(Check { recipe, report, .. }: &Check) -> Vec<String> {
    let mut failures = Vec::new();
    if !report.starts_at_chance() {
        failures.push(format!(
            "{recipe}: fresh weights lose {:.4} where chance loses {:.4}: first scores are too large",
            report.first_loss, report.chance_loss
        ));
    }
    if !report.penalty_raises_the_loss() {
        failures.push(format!("{recipe}: a penalty does not raise the loss of {:.4}", report.first_loss));
    }
    if !report.descends_the_penalty() {
        failures.push(format!("{recipe}: a step of the optimizer does not lower the penalty"));
    }
    if !report.overfits() {
        failures.push(format!(
            "{recipe}: of a few images it learns {} by heart in {} steps",
            by_heart(report),
            report.few_steps
        ));
    }
    failures
}
