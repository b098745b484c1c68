//! Of a search: validation accuracy against what was tried.

use std::path::Path;

use anyhow::Context;
use zoo_core::search::Trial;

use super::Named;

/// A line a trial.
pub(super) const TRIALS: &str = "trials.jsonl";

/// The scatter or the map of the search in folder `path`.
pub(super) fn draw(path: &Path) -> anyhow::Result<Named> {
    let file = path.join(TRIALS);
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let parse = |(place, line): (usize, &str)| -> anyhow::Result<Trial> {
        serde_json::from_str(line).map_err(|error| {
            anyhow::anyhow!("{}, line {}: it is no trial: {error}", file.display(), place + 1)
        })
    };
    let trials = text.lines().enumerate().map(parse).collect::<anyhow::Result<Vec<_>>>()?;
    let folder = path.canonicalize().unwrap_or_else(|_| path.into());
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let (kind, picture) = zoo_report::search(&name, &trials).with_context(|| {
        format!("{} has nothing to draw: no trial has settings and an accuracy", file.display())
    })?;
    Ok((kind.into(), picture))
}
