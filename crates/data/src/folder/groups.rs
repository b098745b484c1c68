//! Which photos show the same object, and which photos become test images.

use std::collections::HashMap;

use md5::{Digest, Md5};
use regex::Regex;

use crate::error::{DataError, Result};

/// The share of the images that become test images where a folder has no `test`.
pub(crate) const TEST_SHARE: f64 = 0.2;

/// The group of each image.
pub(crate) struct Groups {
    /// What the images of each group have in common.
    keys: Vec<String>,
    /// By image.
    of_image: Vec<u32>,
    /// How many images the pattern says nothing of; each is a group of its own.
    pub(crate) unmatched: usize,
}

impl Groups {
    /// Images in one group if their names give the same first group of `pattern`, or the same match if it has no groups.
    ///
    /// # Errors
    /// [`DataError::Pattern`] if `pattern` is no regular expression, or no name matches it.
    pub(crate) fn of(names: &[String], pattern: &str) -> Result<Self> {
        let wrong = |reason: String| DataError::Pattern { pattern: pattern.into(), reason };
        let expression = Regex::new(pattern).map_err(|error| wrong(error.to_string()))?;
        let mut groups = Self { keys: Vec::new(), of_image: Vec::with_capacity(names.len()), unmatched: 0 };
        let mut known: HashMap<&str, u32> = HashMap::new();
        for name in names {
            let captures = expression.captures(name);
            let key = captures.and_then(|captures| captures.get(1).or_else(|| captures.get(0)));
            groups.unmatched += usize::from(key.is_none());
            let new = groups.keys.len() as u32;
            // A name can't be the key of another group's: nothing in front of it matches.
            let group = key.map_or(new, |key| *known.entry(key.as_str()).or_insert(new));
            if group == new {
                groups.keys.push(key.map_or(name.as_str(), |key| key.as_str()).to_owned());
            }
            groups.of_image.push(group);
        }
        if groups.unmatched == names.len() {
            let example = names.first().map_or("", String::as_str);
            return Err(wrong(format!("it matches no name; names are like {example:?}")));
        }
        Ok(groups)
    }

    /// Each image by itself.
    pub(crate) fn single(names: &[String]) -> Self {
        Self { keys: names.to_vec(), of_image: (0..names.len() as u32).collect(), unmatched: 0 }
    }

    /// A number for each group that follows from what its images have in common: in their order, groups become test images.
    pub(crate) fn ranks(&self) -> Vec<u64> {
        let rank = |key: &String| {
            let digest = Md5::digest(key.as_bytes());
            digest.iter().take(8).fold(0, |rank, &byte| rank << 8 | u64::from(byte))
        };
        self.keys.iter().map(rank).collect()
    }

    /// The group of each image.
    pub(crate) fn into_images(self) -> Vec<u32> {
        self.of_image
    }

    /// How many of the groups have images on both sides of `is_test`.
    pub(crate) fn torn(&self, is_test: impl Fn(usize) -> bool) -> usize {
        let mut sides = vec![(false, false); self.keys.len()];
        for (image, &group) in self.of_image.iter().enumerate() {
            let side = &mut sides[group as usize];
            if is_test(image) { side.1 = true } else { side.0 = true }
        }
        sides.into_iter().filter(|&side| side == (true, true)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn images_with_the_same_match_are_a_group() {
        let names = names(&["cat/tom-1.png", "cat/tom-2.png", "dog/rex-1.png", "dog/2.png", "dog/tom-9.png"]);
        let groups = Groups::of(&names, r"/([a-z]+)-\d").unwrap();
        assert_eq!((groups.of_image.clone(), groups.unmatched), (vec![0, 0, 1, 2, 0], 1));
        assert_eq!(groups.torn(|image| image == 1 || image == 2), 1);
        let whole = Groups::of(&names, r"[a-z]+-").unwrap();
        assert_eq!(whole.of_image, groups.of_image);
        assert_ne!(whole.ranks(), groups.ranks());
        assert_eq!(Groups::single(&names).into_images(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_pattern_that_is_none_or_matches_nothing_is_an_error() {
        let names = names(&["cat/1.png"]);
        let error = |pattern| Groups::of(&names, pattern).err().unwrap().to_string();
        assert!(error("(").contains("unclosed group"));
        assert!(error("x").contains("it matches no name; names are like \"cat/1.png\""));
    }
}
