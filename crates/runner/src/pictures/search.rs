//! Of a search: validation accuracy against what was tried.

use std::path::Path;

use anyhow::Context;

use super::Named;
use crate::runs;
use crate::tune::read_trials;

/// The scatter or the map of the search in folder `path`.
pub(super) fn draw(path: &Path) -> anyhow::Result<Named> {
    let file = path.join(runs::TRIALS);
    let trials = read_trials(&file)?;
    let folder = path.canonicalize().unwrap_or_else(|_| path.into());
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let (kind, picture) = zoo_report::search(&name, &trials).with_context(|| {
        format!("{} has nothing to draw: no trial has settings and an accuracy", file.display())
    })?;
    Ok((kind.into(), picture))
}
