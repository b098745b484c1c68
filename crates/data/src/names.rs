//! What images are called.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

/// The name of each image of an [`Images`](crate::Images): one per image, all different.
///
/// Names that are counted through are not held as text: `data_batch_2/17` is the eighteenth of a group, and 60,000 of
/// its kind take six words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(Form);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// Groups one after the other, and how many names there are in all of them.
    Numbered { groups: Vec<Group>, count: usize },
    /// Each by itself.
    Listed(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    /// What is before the number, or nothing.
    prefix: String,
    /// The image that has number 0.
    first: usize,
}

impl Names {
    /// Groups of (prefix, count), one after the other. Those of a group are `prefix/0`, `prefix/1`, …; without a prefix, `0`,
    /// `1`, …
    #[must_use]
    pub fn numbered<P: Into<String>>(groups: impl IntoIterator<Item = (P, usize)>) -> Self {
        let mut count = 0;
        let group = |(prefix, length): (P, usize)| {
            let first = count;
            count += length;
            Group { prefix: prefix.into(), first }
        };
        let groups = groups.into_iter().map(group).collect();
        Self(Form::Numbered { groups, count })
    }

    /// A name for each image. One that is there twice gets a number the second time: `cat.png`, `cat.png-2`.
    #[must_use]
    pub fn listed(names: Vec<String>) -> Self {
        Self(Form::Listed(distinct(names, str::to_owned)))
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match &self.0 {
            Form::Numbered { count, .. } => *count,
            Form::Listed(names) => names.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of image `index`.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    #[must_use]
    pub fn get(&self, index: usize) -> Cow<'_, str> {
        match &self.0 {
            Form::Listed(names) => Cow::Borrowed(&names[index]),
            Form::Numbered { groups, count } => {
                assert!(index < *count, "name {index} of {count}");
                Cow::Owned(match place(groups, index) {
                    ("", number) => number.to_string(),
                    (prefix, number) => format!("{prefix}/{number}"),
                })
            }
        }
    }

    /// What a file with image `index` is called, without folder and extension. Numbers have five digits at least, so that files
    /// are sorted by them.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub(crate) fn file_stem(&self, index: usize) -> String {
        match &self.0 {
            Form::Listed(names) => match Path::new(&names[index]).file_stem() {
                Some(stem) => stem.to_string_lossy().into_owned(),
                None => format!("{index:05}"),
            },
            Form::Numbered { groups, count } => {
                assert!(index < *count, "name {index} of {count}");
                match place(groups, index) {
                    ("", number) => format!("{number:05}"),
                    (prefix, number) => format!("{}-{number:05}", prefix.replace('/', "-")),
                }
            }
        }
    }
}

/// The prefix and the number of image `index`.
fn place(groups: &[Group], index: usize) -> (&str, usize) {
    // The last group that starts at or before the image; an empty one before it starts there, too.
    let group = &groups[groups.partition_point(|group| group.first <= index) - 1];
    (&group.prefix, index - group.first)
}

/// The same names, except that one that is alike to an earlier one, by its key, gets a number: `-2`, `-3`, …
pub(crate) fn distinct(names: Vec<String>, key: impl Fn(&str) -> String) -> Vec<String> {
    let mut taken = HashSet::with_capacity(names.len());
    let free = |name: String| {
        if taken.insert(key(&name)) {
            return name;
        }
        let mut others = (2..).map(|number| format!("{name}-{number}"));
        others.find(|other| taken.insert(key(other))).expect("numbers don't end")
    };
    names.into_iter().map(free).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(names: &Names) -> Vec<String> {
        (0..names.len()).map(|index| names.get(index).into_owned()).collect()
    }

    fn stems(names: &Names) -> Vec<String> {
        (0..names.len()).map(|index| names.file_stem(index)).collect()
    }

    #[test]
    fn groups_are_counted_one_after_the_other() {
        let names = Names::numbered([("a", 2), ("none", 0), ("b", 1), ("", 2)]);
        assert_eq!(all(&names), ["a/0", "a/1", "b/0", "0", "1"]);
        assert_eq!(stems(&names), ["a-00000", "a-00001", "b-00000", "00000", "00001"]);
        assert!(Names::numbered([("a", 0)]).is_empty() && !names.is_empty());
        let many = Names::numbered([("data_batch_1", 10_000), ("data_batch_2", 10_000)]);
        assert_eq!(
            (many.get(9_999), many.get(10_017)),
            ("data_batch_1/9999".into(), "data_batch_2/17".into())
        );
    }

    #[test]
    #[should_panic(expected = "name 3 of 3")]
    fn there_is_no_name_past_the_last() {
        let _ = Names::numbered([("a", 3)]).get(3);
    }

    #[test]
    fn listed_names_are_different_and_so_are_they_as_files() {
        let names = ["cat/1.png", "cat/1.png", "dog/1.b.jpg", "cat/1.png", ".."].map(String::from).to_vec();
        let names = Names::listed(names);
        assert_eq!(all(&names), ["cat/1.png", "cat/1.png-2", "dog/1.b.jpg", "cat/1.png-3", ".."]);
        assert_eq!(stems(&names), ["1", "1", "1.b", "1", "00004"]);
        let alike = ["a", "A", "a-2", "b"].map(String::from).to_vec();
        assert_eq!(distinct(alike, str::to_lowercase), ["a", "A-2", "a-2-2", "b"]);
    }
}
