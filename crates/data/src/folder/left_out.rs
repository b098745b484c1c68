//! What a folder holds besides the photos that are read.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Counts of what is left out, by kind, each with the first example.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut(BTreeMap<String, (usize, String)>);

impl LeftOut {
    /// Counts one of `kind`.
    pub(crate) fn add(&mut self, kind: &str, example: impl Into<String>) {
        self.0.entry(kind.into()).or_insert_with(|| (0, example.into())).0 += 1;
    }

    /// Counts a file that isn't a photo, by its ending.
    pub(crate) fn add_file(&mut self, path: &Path, name: &str) {
        match path.extension() {
            Some(ending) => self.add(&format!(".{}", ending.to_string_lossy().to_lowercase()), name),
            None => self.add("without ending", name),
        }
    }

    /// Whether nothing is left out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `12 .heic, 1 hidden (cat/.DS_Store)`.
impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (kind, (count, example))) in self.0.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{count} {kind} ({}{example})", if *count > 1 { "such as " } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_with_an_example() {
        let mut left_out = LeftOut::default();
        assert!(left_out.is_empty());
        for name in ["cat/1.HEIC", "cat/2.heic", "README"] {
            left_out.add_file(Path::new(name), name);
        }
        left_out.add("hidden", ".DS_Store");
        assert_eq!(
            left_out.to_string(),
            "2 .heic (such as cat/1.HEIC), 1 hidden (.DS_Store), 1 without ending (README)"
        );
    }
}
