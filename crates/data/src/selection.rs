//! Images that a table names.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use crate::images::Subset;

/// The column that has the names.
const COLUMN: &str = "image";

impl Dataset {
    /// The images that a CSV table names in its column `image`, in their order in the dataset and once each. `path` is where the
    /// table is from, for messages.
    ///
    /// # Errors
    /// [`DataError::Table`] if it is not such a table, or names nothing; [`DataError::UnknownImage`] for a name that no image
    /// has; [`DataError::Io`] if it can't be read.
    pub fn listed_in(&self, table: impl Read, path: &Path) -> Result<Self> {
        let mut lines = read_names(table, path)?;
        let mut listed = |subset: &Subset| {
            let is_listed = |&position: &usize| lines.remove(&*subset.name(position)).is_some();
            subset.select((0..subset.len()).filter(is_listed))
        };
        let (train, test) = (listed(&self.train), listed(&self.test));
        let validation = self.validation.as_ref().map(&mut listed);
        if let Some((name, line)) = lines.into_iter().min_by_key(|(_, line)| *line) {
            return Err(DataError::UnknownImage {
                path: path.into(),
                line,
                name,
                dataset: self.name.clone(),
                images: self.train.len() + self.validation.as_ref().map_or(0, Subset::len) + self.test.len(),
                example: if self.test.is_empty() { self.train.name(0) } else { self.test.name(0) }.into(),
            });
        }
        Ok(Self { name: self.name.clone(), classes: self.classes.clone(), train, validation, test })
    }
}

/// The names in a table, and the line in which each is first.
fn read_names(table: impl Read, path: &Path) -> Result<HashMap<String, u64>> {
    let wrong = |reason: String| DataError::Table { path: path.into(), reason };
    let broken = |error: csv::Error| {
        let words = error.to_string();
        match error.into_kind() {
            csv::ErrorKind::Io(source) => DataError::io("read", path)(source),
            _ => wrong(words),
        }
    };
    let mut reader = csv::Reader::from_reader(table);
    let column = reader.headers().map_err(broken)?.iter().position(|header| header == COLUMN);
    let column = column.ok_or_else(|| wrong(format!("there is no column {COLUMN:?}")))?;
    let mut lines = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, csv::Position::line);
        lines.entry(record[column].to_owned()).or_insert(line);
    }
    if lines.is_empty() {
        return Err(wrong("it names no image".into()));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes10;

    fn list(dataset: &Dataset, table: &str) -> Result<Vec<String>> {
        let listed = dataset.listed_in(table.as_bytes(), Path::new("list.csv"))?;
        let names = |subset: &Subset| -> Vec<String> {
            (0..subset.len()).map(|position| subset.name(position).into_owned()).collect()
        };
        Ok([names(&listed.train), names(&listed.test)].concat())
    }

    #[test]
    fn images_are_in_the_order_of_the_dataset_and_once_each() {
        let dataset = shapes10::generate(20, 10, 1);
        let table = "model,image\nknn,test/3\n\"a, b\",train/17\ncnn,test/3\nknn,test/0\n";
        assert_eq!(list(&dataset, table).unwrap(), ["train/17", "test/0", "test/3"]);
        assert_eq!(list(&dataset, "\u{feff}image\r\ntest/9\r\n").unwrap(), ["test/9"]);
    }

    #[test]
    fn an_unknown_name_is_named_with_its_line() {
        let dataset = shapes10::generate(20, 10, 1);
        let error = list(&dataset, "image\ntest/0\ntest/10\nother\n").unwrap_err().to_string();
        assert_eq!(
            error,
            "list.csv, line 3: \"test/10\" is none of the 30 images of shapes10, which have names like \"test/0\"; \
             the table must be of the same --data, and a limit leaves images out"
        );
        let limited = dataset.limit_in_order(None, Some(3)).unwrap();
        assert!(list(&limited, "image\ntest/2\n").is_ok() && list(&limited, "image\ntest/3\n").is_err());
    }

    #[test]
    fn what_is_no_such_table_is_an_error() {
        let dataset = shapes10::generate(20, 10, 1);
        for (table, part) in [
            ("", "there is no column \"image\""),
            ("test/0\ntest/1\n", "there is no column \"image\""),
            ("image,label\n", "it names no image"),
            ("image,label\ntest/0,star\ntest/1\n", "line: 3"),
        ] {
            let error = list(&dataset, table).unwrap_err();
            assert!(matches!(error, DataError::Table { .. }) && error.to_string().contains(part), "{error}");
        }
    }
}
