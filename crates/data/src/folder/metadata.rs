//! `metadata.csv` of Hugging Face's *imagefolder* layout: which class each file of a folder is of.

use std::path::{Component, Path, PathBuf};

use crate::error::{DataError, Result};
use crate::folder::listing::folder_error;

/// The table's name.
const FILE: &str = "metadata.csv";
/// The column with a file's path inside the folder.
const FILE_NAME: &str = "file_name";
/// The column with its class.
const LABEL: &str = "label";

/// The rows of a table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// Path inside the folder, and class.
    pub(crate) rows: Vec<(PathBuf, String)>,
}

/// Whether `path` is such a table by its name.
pub(crate) fn is_table(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == FILE)
}

/// The table of `folder`, if there is one that has labels. One without describes something else, such as captions.
///
/// # Errors
/// [`DataError::Folder`] for a table that can't be read, or names files outside of the folder.
pub(crate) fn find(folder: &Path) -> Result<Option<Table>> {
    let path = folder.join(FILE);
    if !path.is_file() {
        return Ok(None);
    }
    let file = zoo_files::open(&path).map_err(DataError::io("read", &path))?;
    read(file, &path)
}

fn read(file: impl std::io::Read, path: &Path) -> Result<Option<Table>> {
    let broken = |error: csv::Error| folder_error(path, &format!("is not a table: {error}"));
    let mut reader = csv::Reader::from_reader(file);
    let headers = reader.headers().map_err(broken)?;
    let column = |name: &str| headers.iter().position(|header| header.trim_start_matches('\u{feff}') == name);
    let (Some(file_name), Some(label)) = (column(FILE_NAME), column(LABEL)) else { return Ok(None) };
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let file = PathBuf::from(&record[file_name]);
        let is_inside =
            file.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !is_inside || record[file_name].is_empty() {
            let line = record.position().map_or(0, csv::Position::line);
            let reason = format!("line {line}: {:?} is not a file inside the folder", &record[file_name]);
            return Err(folder_error(path, &reason));
        }
        let file = file.components().filter(|part| *part != Component::CurDir).collect();
        rows.push((file, record[label].to_owned()));
    }
    Ok(Some(Table { rows }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Option<Table>> {
        read(text.as_bytes(), Path::new("metadata.csv"))
    }

    #[test]
    fn files_have_the_class_of_their_row() {
        let found =
            table("\u{feff}label,text,file_name\ncat,a cat,a/1.png\n3,\"x, y\",./2.png\n").unwrap().unwrap();
        assert_eq!(found.rows, [("a/1.png".into(), "cat".into()), ("2.png".into(), "3".into())]);
        assert_eq!(table("file_name,caption\n1.png,a cat\n").unwrap(), None);
        assert_eq!(table("").unwrap(), None);
    }

    #[test]
    fn no_row_leads_out_of_the_folder() {
        for file in ["../1.png", "/etc/passwd", "a/../../1.png", ""] {
            let error = table(&format!("file_name,label\n{file},cat\n")).unwrap_err().to_string();
            assert!(error.contains("line 2") && error.contains("not a file inside"), "{error}");
        }
        assert!(table("file_name,label\n1.png\n").unwrap_err().to_string().contains("is not a table"));
    }
}
