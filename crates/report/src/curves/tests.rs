//! Pictures as text: what must be in them, and that nothing makes them fail.

use super::*;
use crate::sample::{self, dataset};

/// The strokes of the first two results.
const FIRST: &str = "stroke=\"#0072B2\"";
const SECOND: &str = "stroke=\"#D55E00\"";

fn record(epoch: usize, train_loss: f64, train_accuracy: f64, validation: Option<f64>) -> EpochRecord {
    EpochRecord {
        epoch,
        train_loss,
        train_accuracy,
        validation_accuracy: validation,
        ..EpochRecord::default()
    }
}

fn result(name: &str, history: Vec<EpochRecord>) -> ModelResult {
    ModelResult { history, ..ModelResult::new(name, "flex", serde_json::Value::Null) }
}

fn learning(name: &str) -> ModelResult {
    let records = [(1, 2.1, 0.2, Some(0.3)), (2, 1.4, 0.5, Some(0.45)), (3, 1.1, 0.6, Some(0.5))];
    result(
        name,
        records.map(|(epoch, loss, train, validation)| record(epoch, loss, train, validation)).into(),
    )
}

fn comparison(results: Vec<ModelResult>) -> Comparison {
    Comparison { dataset: dataset([1234, 100, 10], &["cat"]), ..sample::comparison(results) }
}

fn svg(results: Vec<ModelResult>) -> String {
    let picture = curves(&comparison(results)).expect("there is a history");
    let svg = picture.svg().to_owned();
    assert_eq!(svg.matches('<').count(), svg.matches('>').count(), "tags are whole in\n{svg}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "only numbers in\n{svg}");
    svg
}

/// The points of a line; none of anything else.
fn points_of(element: &str) -> Vec<Point> {
    let points = element.split("points=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("");
    let point = |point: &str| {
        let (x, y) = point.split_once(',').unwrap();
        (x.parse().unwrap(), y.parse().unwrap())
    };
    points.split_whitespace().map(point).collect()
}

/// How many lines there are in a colour, that of the legend included.
fn lines(svg: &str, stroke: &str) -> usize {
    svg.lines().filter(|line| line.starts_with("<polyline") && line.contains(stroke)).count()
}

/// The points of the thick lines in a colour: of loss, of accuracy and in the legend.
fn thick_lines(svg: &str, stroke: &str) -> Vec<Vec<Point>> {
    let lines = svg.lines().filter(|line| line.starts_with("<polyline") && line.contains(stroke));
    lines.filter(|line| !line.contains("opacity")).map(points_of).collect()
}

#[test]
fn every_result_has_a_line_per_quantity() {
    let mut named = learning("cnn");
    named.recipe = Some("cnn_wide".into());
    let svg = svg(vec![learning("svm"), named, ModelResult::new("knn", "flex", serde_json::Value::Null)]);
    // Loss, training accuracy, validation accuracy and the legend's.
    assert_eq!((lines(&svg, FIRST), lines(&svg, SECOND)), (4, 4));
    let words =
        ["Learning curves on pets", "1,234 training and 100 validation images", "Training loss", "Accuracy"];
    let labels = ["epoch", "loss", "accuracy, %", "svm", "cnn_wide", "validation images", "training images"];
    for word in words.iter().chain(&labels) {
        assert!(svg.contains(&format!(">{word}</text>")), "{word:?} is not in\n{svg}");
    }
    assert!(
        !svg.contains("knn") && !svg.contains("flex"),
        "knn has no history and one backend needs no name"
    );
}

#[test]
fn the_same_comparison_gives_the_same_text() {
    assert_eq!(svg(vec![learning("a"), learning("b")]), svg(vec![learning("a"), learning("b")]));
}

#[test]
fn names_are_escaped() {
    let svg = svg(vec![learning("a<b>&c"), learning("\"d'\u{1}")]);
    assert!(svg.contains(">a&lt;b&gt;&amp;c<") && svg.contains(">&quot;d&apos;\u{fffd}<"), "{svg}");
    assert!(!svg.contains('\u{1}'));
    let mut named = comparison(vec![learning("a")]);
    named.dataset.name = "</svg>&\u{2}".into();
    assert!(curves(&named).unwrap().svg().contains("Learning curves on &lt;/svg&gt;&amp;\u{fffd}<"));
}

#[test]
fn several_backends_are_named() {
    let other = ModelResult { backend: "wgpu".into(), ..learning("cnn") };
    let svg = svg(vec![learning("cnn"), other]);
    assert!(svg.contains(">cnn on flex<") && svg.contains(">cnn on wgpu<"), "{svg}");
}

#[test]
fn without_two_epochs_there_is_no_picture() {
    let one = result("svm", vec![record(1, 2.0, 0.2, None)]);
    let nothing =
        result("mlp", vec![record(1, f64::NAN, f64::NAN, None), record(2, f64::NAN, f64::NAN, None)]);
    assert_eq!(curves(&comparison(vec![])), None);
    assert_eq!(curves(&comparison(vec![one.clone(), nothing, result("knn", vec![])])), None);
    assert!(curves(&comparison(vec![one, learning("cnn")])).is_some());
}

#[test]
fn without_validation_there_is_only_training_accuracy() {
    let history = vec![record(1, 2.0, 0.2, None), record(2, 1.0, 0.4, None)];
    let svg = svg(vec![result("svm", history)]);
    assert!(svg.contains(">Accuracy on training images<") && !svg.contains(">validation images<"), "{svg}");
    assert_eq!(lines(&svg, FIRST), 3);
    assert!(!svg.contains("stroke-opacity"), "nothing is pale");
}

#[test]
fn averaged_weights_come_before_others() {
    let mut averaged = learning("cnn");
    for record in &mut averaged.history {
        record.ema_validation_accuracy = Some(0.25);
    }
    let flat = &thick_lines(&svg(vec![averaged]), FIRST)[1];
    assert!(flat.windows(2).all(|pair| pair[0].1 == pair[1].1), "{flat:?}");
    let rising = &thick_lines(&svg(vec![learning("cnn")]), FIRST)[1];
    assert!(rising.windows(2).all(|pair| pair[0].1 > pair[1].1), "{rising:?}");
}

#[test]
fn what_diverges_is_cut_off_and_said() {
    let mut diverging = learning("mlp");
    (diverging.history[1].train_loss, diverging.history[2].train_loss) = (1e9, f64::INFINITY);
    let mut results = vec![diverging; 2];
    // The eighth, in the first one's colour, has markers.
    results.splice(1..1, (0..6).map(|place| learning(&format!("fine_{place}"))));
    let with = svg(results);
    assert!(with.contains(">Training loss (cut off at 2.2)<"), "{with}");
    let second_epoch = thick_lines(&with, SECOND)[0][1].0;
    for line in thick_lines(&with, FIRST).iter().filter(|line| line.len() == 2).take(2) {
        assert!(line[1].0 < second_epoch, "{line:?} leaves the panel between the first epoch and the second");
    }
    // At one epoch's loss, three accuracies and in the legend.
    assert_eq!(with.matches("<polygon").count(), 5);
    assert!(!svg(vec![learning("a")]).contains("cut off"));
}

#[test]
fn no_history_makes_it_fail() {
    let values = [f64::NAN, f64::INFINITY, f64::MIN, f64::MAX, -1.0, 0.0, f64::MIN_POSITIVE, 0.5];
    let epochs = [0, 1, 2, usize::MAX];
    let mut pictures = 0;
    for first in values {
        for second in values {
            for third in values {
                let place = pictures % epochs.len();
                let history = vec![
                    record(epochs[place], first, third, Some(second)),
                    record(epochs[(place + 1) % epochs.len()], second, first, None),
                    record(epochs[(place / 2) % epochs.len()], third, second, Some(first)),
                ];
                let nasty = result("nasty", history);
                assert_eq!(lines(&svg(vec![learning("fine"), nasty.clone()]), FIRST), 4);
                pictures += usize::from(curves(&comparison(vec![nasty])).is_some());
            }
        }
    }
    assert_eq!(pictures, 8 * 8 * 8 - 8, "all except those of nothing but NaN and infinity");
}

#[test]
fn forty_results_make_a_higher_picture() {
    let results = (0..40).map(|place| learning(&format!("recipe_{place}"))).collect();
    let picture = curves(&comparison(results)).unwrap();
    let height = crate::rendered::rendered(&picture).height() / 2;
    let svg = picture.svg();
    assert!(svg.contains(">recipe_39<") && svg.contains("<polygon"), "markers where colours repeat");
    let last = svg.lines().find(|line| line.ends_with(">training images</text>")).unwrap();
    let y: f64 = last.split(" y=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
    assert!(y < f64::from(height), "the legend is within the picture");
    assert!(height > 800);
}
