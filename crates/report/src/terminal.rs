//! Pictures for a terminal: learning curves and confusion matrices in letters, which need no colour.

use std::fmt::Write;

use console::{Style, style};
use zoo_files::printable;
use zoo_schema::{Comparison, ConfusionMatrix, ModelResult, TestMetrics};

use crate::axis::{Axis, below};
use crate::curves::{Lines, lines};
use crate::figure::{percent, thousands};
use crate::notes::wrapped;
use crate::primitives::Point;
use crate::summary::name_on;
use crate::table::width;
use crate::words::without_middle;

/// Rows of a plot.
const HEIGHT: usize = 15;
/// The fewest columns of a plot.
const LEAST_WIDTH: usize = 20;
/// A class's name takes this many columns at most.
const WIDEST_NAME: usize = 14;
/// Where a matrix doesn't fit, this many of the pairs that are confused most often are listed.
const MOST_FREQUENT: usize = 15;
/// What a line about two classes has besides their names.
const LINE: usize = 20;
/// What lines are drawn with, one per model.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

/// Learning curves and the confusion matrix of each model in lines of at most `columns` columns; with `colour`, cells are shaded and lines
/// coloured in addition. Empty if there is neither.
#[must_use]
pub fn terminal_pictures(comparison: &Comparison, columns: usize, colour: bool) -> String {
    let mut parts: Vec<String> = lines(comparison).iter().map(|lines| plot(lines, columns, colour)).collect();
    parts.extend(comparison.results.iter().filter_map(|result| matrix(comparison, result, columns, colour)));
    parts.join("\n")
}

/// A letter of a plot.
#[derive(Clone, Copy)]
struct Mark {
    letter: char,
    line: usize,
}

/// Lines over epochs.
fn plot(lines: &Lines, columns: usize, colour: bool) -> String {
    let labels = lines.axis.labels().map(width).max().unwrap_or(0);
    let room = columns.saturating_sub(labels + 2).max(LEAST_WIDTH);
    let epochs = Axis::of_epochs(lines.all().map(|point| point.0));
    let mut cells: Vec<Vec<Option<Mark>>> = vec![vec![None; room]; HEIGHT];
    // The first is drawn last and lies above the others.
    for (line, (_, points)) in lines.named.iter().enumerate().rev() {
        let letter = char::from(LETTERS[line % LETTERS.len()]);
        for part in below(points, lines.axis.end()) {
            for (column, row) in places(&part, &epochs, &lines.axis, room) {
                cells[row][column] = Some(Mark { letter, line });
            }
        }
    }
    let mut text = format!("{}\n", lines.title);
    for (row, cells) in cells.iter().enumerate() {
        let is_at = |tick: &&crate::axis::Tick| row_of(lines.axis.share(tick.value)) == row;
        let label = lines.axis.ticks().iter().find(is_at).map_or("", |tick| tick.label.as_str());
        let drawn: String =
            cells.iter().map(|mark| mark.map_or_else(|| " ".into(), |mark| painted(mark, colour))).collect();
        let tick = if label.is_empty() { '│' } else { '┤' };
        text += format!("{label:>labels$} {tick}{}", drawn.trim_end()).as_str();
        text.push('\n');
    }
    let _ = writeln!(text, "{:labels$} └{}", "", "─".repeat(room));
    let _ = writeln!(text, "{:labels$}  {}", "", epoch_labels(&epochs, room));
    for (line, (name, _)) in lines.named.iter().enumerate() {
        let mark = Mark { letter: char::from(LETTERS[line % LETTERS.len()]), line };
        let _ = writeln!(text, "{:labels$}  {} {}", "", painted(mark, colour), printable(name));
    }
    text
}

fn painted(Mark { letter, line }: Mark, colour: bool) -> String {
    let colours = [
        Style::new().blue(),
        Style::new().red(),
        Style::new().green(),
        Style::new().yellow(),
        Style::new().cyan(),
        Style::new().magenta(),
    ];
    let style = colours[line % colours.len()].clone().bold().force_styling(true);
    if colour { style.apply_to(letter).to_string() } else { letter.to_string() }
}

/// The row of a share of the axis.
fn row_of(share: f64) -> usize {
    let row = (1.0 - share.clamp(0.0, 1.0)) * (HEIGHT - 1) as f64;
    row.round() as usize
}

/// Columns and rows that a line goes through, between its points along straight lines.
fn places(line: &[Point], epochs: &Axis, axis: &Axis, room: usize) -> Vec<(usize, usize)> {
    let column = |epoch: f64| (epochs.share(epoch).clamp(0.0, 1.0) * (room - 1) as f64).round() as usize;
    let row = |value: f64| row_of(axis.share(value));
    let mut places: Vec<(usize, usize)> = line.iter().map(|&(x, y)| (column(x), row(y))).collect();
    for pair in line.windows(2) {
        let (from, to) = (column(pair[0].0), column(pair[1].0));
        for at in from + 1..to {
            let share = (at - from) as f64 / (to - from) as f64;
            places.push((at, row(pair[0].1 + share * (pair[1].1 - pair[0].1))));
        }
    }
    places
}

/// Numbers of epochs below their places.
fn epoch_labels(epochs: &Axis, room: usize) -> String {
    let mut text = vec![' '; room + 8];
    let mut free = 0;
    for tick in epochs.ticks() {
        let at = (epochs.share(tick.value).clamp(0.0, 1.0) * (room - 1) as f64).round() as usize;
        if at >= free {
            text.splice(at..at + tick.label.len(), tick.label.chars());
            free = at + tick.label.len() + 1;
        }
    }
    let text: String = text.into_iter().collect();
    text.trim_end().to_owned()
}

/// The matrix of a result, or the pairs that are confused most often where it doesn't fit; `None` if it wasn't tested.
fn matrix(comparison: &Comparison, result: &ModelResult, columns: usize, colour: bool) -> Option<String> {
    let test = result.test.as_ref()?;
    let name = printable(&name_on(comparison, result)).into_owned();
    let right = percent(test.accuracy, 1);
    let title =
        format!("{name}: {right} of the test images right; a row is a class, a column what it was taken for");
    let title = wrapped(&title, columns) + "\n";
    let classes: Vec<String> =
        test.class_names()?.into_iter().map(|name| printable(name).into_owned()).collect();
    let names: Vec<String> =
        classes.iter().map(|class| without_middle(class, |words| width(words) <= WIDEST_NAME)).collect();
    let left = names.iter().map(|name| width(name)).max().unwrap_or(0);
    let largest = test.confusion.counts().iter().flatten().max().copied().unwrap_or(0);
    let least = largest.to_string().len().max(3) + 1;
    let room = columns.saturating_sub(left) / classes.len().max(1);
    let fits = room >= least;
    // Names above take what there is, and no more than they need.
    let cell = room.min(left + 1).max(least);
    Some(
        title
            + &if fits {
                cells(test, &names, left, cell, colour)
            } else {
                frequent(&test.confusion, &classes, columns)
            },
    )
}

fn cells(test: &TestMetrics, names: &[String], left: usize, cell: usize, colour: bool) -> String {
    let short = |name: &String| without_middle(name, |words| width(words) < cell);
    let padded =
        |text: String, room: usize| format!("{}{text}", " ".repeat(room.saturating_sub(width(&text))));
    let mut text = " ".repeat(left);
    text.extend(names.iter().map(|name| padded(short(name), cell)));
    text.push('\n');
    for (counts, name) in test.confusion.counts().iter().zip(names) {
        let of = counts.iter().sum::<usize>().max(1);
        text += &padded(name.clone(), left);
        for &count in counts {
            let figure = padded(if count == 0 { "·".into() } else { count.to_string() }, cell);
            text += &if colour { shaded(&figure, count as f64 / of as f64) } else { figure };
        }
        text.push('\n');
    }
    text
}

/// Blue, the darker the larger the share; the colours of 256 that terminals agree on.
fn shaded(figure: &str, share: f64) -> String {
    const BLUES: [u8; 5] = [17, 18, 19, 20, 26];
    if share == 0.0 {
        return style(figure).dim().force_styling(true).to_string();
    }
    let shade = BLUES[((share * BLUES.len() as f64) as usize).min(BLUES.len() - 1)];
    style(figure).color256(231).on_color256(shade).force_styling(true).to_string()
}

fn frequent(confusion: &ConfusionMatrix, classes: &[String], columns: usize) -> String {
    let pairs = confusion.confused();
    let shown = pairs.iter().take(MOST_FREQUENT);
    let line = |&(row, column, count): &(usize, usize, usize)| {
        let short = |class: &str| without_middle(class, |words| 2 * width(words) + LINE <= columns);
        format!("{:>6} × {} taken for {}\n", thousands(count), short(&classes[row]), short(&classes[column]))
    };
    let mut text: String = shown.map(line).collect();
    if pairs.len() > MOST_FREQUENT {
        let _ = writeln!(text, "       and {} more pairs", thousands(pairs.len() - MOST_FREQUENT));
    }
    text
}

#[cfg(test)]
mod tests {
    use zoo_schema::EpochRecord;

    use super::*;
    use crate::sample::{comparison, tested};

    fn trained(name: &str, losses: &[f64]) -> ModelResult {
        let record = |(place, &train_loss): (usize, &f64)| EpochRecord {
            epoch: place + 1,
            train_loss,
            train_accuracy: 0.5,
            validation_accuracy: Some(0.1 * (place + 1) as f64),
            ..EpochRecord::default()
        };
        ModelResult { history: losses.iter().enumerate().map(record).collect(), ..tested(name) }
    }

    #[test]
    fn lines_and_cells_fit_and_need_no_colour() {
        let comparison = comparison(vec![trained("cnn", &[2.0, 1.0, 0.5]), trained("svm", &[2.0, 1.9, 1.8])]);
        let text = terminal_pictures(&comparison, 80, false);
        assert!(text.lines().all(|line| width(line) <= 80) && !text.contains('\u{1b}'), "{text}");
        for part in [
            "Training loss, by epoch\n",
            "Accuracy on validation images in %, by epoch\n",
            "a cnn\n",
            "b svm\n",
            "cat   1   ·\n",
            "dog   1   2\n",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        let plot: Vec<&str> = text.lines().skip(1).take(HEIGHT).collect();
        // Both begin at the top; the svm's stays there, the cnn's ends far below.
        assert!(plot[0].contains('a'), "{text}");
        let last = |letter: char| plot.iter().rposition(|line| line.contains(letter)).unwrap();
        assert!(last('a') > 9 && last('b') < 4, "{text}");
        assert!(terminal_pictures(&comparison, 80, true).contains('\u{1b}'));
    }

    #[test]
    fn what_does_not_fit_is_a_list() {
        let classes: Vec<String> = (0..40).map(|class| format!("class {class}")).collect();
        let labels: Vec<usize> = (0..80).map(|image| image % 40).collect();
        let answers: Vec<usize> = labels.iter().map(|&label| if label == 7 { 8 } else { label }).collect();
        let test = TestMetrics::new(ConfusionMatrix::new(&labels, &answers, 40), None, None, &classes);
        let text = terminal_pictures(
            &comparison(vec![ModelResult { test: Some(test), ..tested("svm") }]),
            80,
            false,
        );
        assert!(text.contains("     2 × class 7 taken for class 8\n"), "{text}");
    }

    #[test]
    fn models_that_failed_have_none() {
        assert_eq!(terminal_pictures(&comparison(vec![crate::sample::named("svm")]), 80, false), "");
    }
}
