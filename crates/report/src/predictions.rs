//! What trained models see in image files, runs side by side.

use csv::Writer;
use zoo_schema::{Guess, Measure, NearestImage, Prediction};

use crate::figure::{percent, thousands};
use crate::notes::wrapped;
use crate::table::table;

/// How many columns of the terminal an error may take.
const ERROR: usize = 40;

/// A run next to others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PredictionColumn {
    /// What it is called; no two are called the same.
    pub name: String,
    /// What tells how sure it is of a class.
    pub measure: Measure,
    /// The most classes that it names for an image.
    pub classes: usize,
    /// The most training images that it names, if it has nearest ones.
    pub nearest: usize,
}

/// A table for the terminal: a row per image, a column per run with the classes that it names and how sure it is of each, and one with the
/// nearest training images, if it has any. `predictions` are image by image, those of an image in the order of `columns`.
#[must_use]
pub fn predictions_table(columns: &[PredictionColumn], predictions: &[Prediction]) -> String {
    let has_errors = predictions.iter().any(|prediction| prediction.error.is_some());
    let mut titles = vec!["\nimage".to_owned()];
    for PredictionColumn { name, measure, nearest, .. } in columns {
        titles.push(format!("{name}\n{}", measure.name()));
        titles.extend((*nearest > 0).then(|| format!("{name}\nnearest, distance")));
    }
    titles.extend(has_errors.then(|| "\nerror".into()));
    // Next to each other lists are narrow.
    let separator = if columns.len() == 1 { ", " } else { "\n" };
    let mut table = table(titles, []);
    for row in images(columns, predictions) {
        let mut cells = vec![row[0].image.display().to_string()];
        for (PredictionColumn { measure, nearest, .. }, prediction) in columns.iter().zip(row) {
            let classes = prediction.classes.iter().map(|guess| sure(guess, *measure));
            cells.push(classes.collect::<Vec<_>>().join(separator));
            let near = || prediction.nearest.iter().map(near).collect::<Vec<_>>().join(separator);
            cells.extend((*nearest > 0).then(near));
        }
        cells.extend(has_errors.then(|| wrapped(error(row).unwrap_or_default(), ERROR)));
        table.add_row(cells);
    }
    table.trim_fmt()
}

/// The titles of [`predictions_csv`], a line.
#[must_use]
pub fn predictions_csv_titles(columns: &[PredictionColumn]) -> String {
    let ranked = |title: &str, rank: usize| if rank == 1 { title.into() } else { format!("{title} {rank}") };
    let mut titles = vec!["image".to_owned()];
    for PredictionColumn { name, measure, classes, nearest } in columns {
        for rank in 1..=*classes {
            let name = ranked(name, rank);
            titles.extend([name.clone(), format!("{name} {}", measure.name())]);
        }
        for rank in 1..=*nearest {
            let name = ranked(&format!("{name} nearest"), rank);
            titles.extend([name.clone(), format!("{name} class"), format!("{name} distance")]);
        }
    }
    titles.push("error".into());
    csv_lines(std::iter::once(titles))
}

/// The same as [`predictions_table`] as CSV, a line per image, without a line of titles. What isn't there is empty; numbers have as many
/// digits as it takes to read the same number again.
#[must_use]
pub fn predictions_csv(columns: &[PredictionColumn], predictions: &[Prediction]) -> String {
    csv_lines(images(columns, predictions).map(|row| {
        let mut fields = vec![row[0].image.display().to_string()];
        for (column, prediction) in columns.iter().zip(row) {
            let PredictionColumn { measure, classes, nearest, .. } = column;
            let guess = |guess: &Guess| [guess.class.clone(), text(value(guess, *measure))];
            fields.extend(filled(&prediction.classes, *classes, guess));
            let near = |near: &NearestImage| {
                [near.image.clone().unwrap_or_default(), near.class.clone(), near.distance.to_string()]
            };
            fields.extend(filled(&prediction.nearest, *nearest, near));
        }
        fields.push(error(row).unwrap_or_default().into());
        fields
    }))
}

/// The predictions of each image, one per column.
fn images<'a>(
    columns: &[PredictionColumn],
    predictions: &'a [Prediction],
) -> impl Iterator<Item = &'a [Prediction]> {
    predictions.chunks_exact(columns.len().max(1))
}

/// Why an image can't be read: every run says the same.
fn error(row: &[Prediction]) -> Option<&str> {
    row.iter().find_map(|prediction| prediction.error.as_deref())
}

fn value(guess: &Guess, measure: Measure) -> Option<f32> {
    match measure {
        Measure::Probability => guess.probability,
        Measure::Score => guess.score,
    }
}

/// A class in a cell: `star 85.3 %`.
fn sure(guess: &Guess, measure: Measure) -> String {
    let value = value(guess, measure).map(|value| match measure {
        Measure::Probability => percent(f64::from(value), 1),
        Measure::Score => format!("{value:.2}"),
    });
    [Some(guess.class.clone()), value].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// A training image in a cell: `train/17 (star) 1,234`.
fn near(NearestImage { image, class, distance }: &NearestImage) -> String {
    let name = image.as_ref().map_or_else(|| class.clone(), |name| format!("{name} ({class})"));
    format!("{name} {}", thousands(distance.round() as usize))
}

/// The fields of `items`, and empty ones up to `count` items.
fn filled<T, const FIELDS: usize>(
    items: &[T],
    count: usize,
    fields: impl Fn(&T) -> [String; FIELDS],
) -> Vec<String> {
    let empty = || [const { String::new() }; FIELDS];
    (0..count).flat_map(|place| items.get(place).map_or_else(empty, &fields)).collect()
}

fn text(value: Option<f32>) -> String {
    value.map(|value| format!("{value:?}")).unwrap_or_default()
}

/// Lines without the last line's end.
fn csv_lines(rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).expect("memory takes all rows, and each has the same number of fields");
    }
    let bytes = writer.into_inner().expect("memory takes all bytes");
    let text = String::from_utf8(bytes).expect("fields are text, and so is what is between them");
    text.trim_end_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, measure: Measure, nearest: usize) -> PredictionColumn {
        PredictionColumn { name: name.into(), measure, classes: 2, nearest }
    }

    fn columns() -> [PredictionColumn; 2] {
        [column("knn", Measure::Probability, 1), column("svm", Measure::Score, 0)]
    }

    fn prediction(image: &str, classes: &[(&str, Option<f32>, f32)]) -> Prediction {
        let guess = |&(class, probability, score): &(&str, Option<f32>, f32)| Guess {
            class: class.into(),
            probability,
            score: Some(score),
        };
        Prediction {
            image: image.into(),
            run: "runs/0001".into(),
            model: "any".into(),
            classes: classes.iter().map(guess).collect(),
            nearest: Vec::new(),
            error: None,
        }
    }

    fn predictions() -> Vec<Prediction> {
        let near = NearestImage { image: Some("train/17".into()), class: "star".into(), distance: 1234.5 };
        let broken = Prediction { error: Some("cannot decode b.png".into()), ..prediction("b.png", &[]) };
        vec![
            Prediction { nearest: vec![near], ..prediction("a, 1.png", &[("star", Some(1.0), 1.5)]) },
            prediction("a, 1.png", &[("heart", None, 0.5), ("star", None, -0.25)]),
            broken.clone(),
            broken,
        ]
    }

    #[test]
    fn a_row_per_image_and_a_column_per_run() {
        let text = predictions_table(&columns(), &predictions());
        let lines: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let expected = ["knn knn svm", "image probability nearest, distance score error"];
        assert_eq!(lines[1..3], expected, "{text}");
        assert_eq!(lines[4], "a, 1.png star 100.0 % train/17 (star) 1,235 heart 0.50", "{text}");
        assert_eq!(lines[5..7], ["star -0.25", "b.png cannot decode b.png"], "{text}");
    }

    #[test]
    fn a_single_run_is_in_one_line_and_errors_have_a_column_only_if_there_are_any() {
        let svm = [predictions().swap_remove(1)];
        let text = predictions_table(&columns()[1..], &svm);
        assert!(text.contains("heart 0.50, star -0.25") && !text.contains("error"), "{text}");
    }

    #[test]
    fn every_line_of_csv_has_as_many_fields_as_there_are_titles() {
        let titles = "image,knn,knn probability,knn 2,knn 2 probability,knn nearest,knn nearest class,knn nearest distance,\
                      svm,svm score,svm 2,svm 2 score,error";
        assert_eq!(predictions_csv_titles(&columns()), titles);
        let expected = "\"a, 1.png\",star,1.0,,,train/17,star,1234.5,heart,0.5,star,-0.25,\n\
                        b.png,,,,,,,,,,,,cannot decode b.png";
        assert_eq!(predictions_csv(&columns(), &predictions()), expected);
    }

    #[test]
    fn what_has_no_name_has_its_class() {
        let near = |image: Option<&str>| {
            near(&NearestImage { image: image.map(Into::into), class: "cat".into(), distance: 2.0 })
        };
        assert_eq!([near(None), near(Some("train/1"))], ["cat 2", "train/1 (cat) 2"]);
    }
}
