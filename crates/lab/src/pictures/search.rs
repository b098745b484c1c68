//! Of a search: validation accuracy against what was tried.

use std::path::Path;

use crate::error::LabError;
use crate::pictures::image::Named;
use crate::run::TRIALS;
use crate::tune::read_trials;

/// The scatter or the map of the search in folder `path`.
pub(crate) fn draw(path: &Path) -> Result<Named, LabError> {
    let file = path.join(TRIALS);
    let trials = read_trials(&file)?;
    let folder = path.canonicalize().unwrap_or_else(|_| path.into());
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let nothing = || LabError::run(file, "has nothing to draw: no trial has settings and an accuracy");
    let (kind, picture) = zoo_report::search(&name, &trials).ok_or_else(nothing)?;
    Ok((kind.into(), picture))
}
