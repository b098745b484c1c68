use zoo_schema::{
    Answer, AnsweredImage, Answers, Comparison, ConfusionMatrix, EpochRecord, Finding, Measure, ModelAnswers,
    ModelResult, Part, Severity, TestMetrics,
};

use super::*;
use crate::grid::{Grid, Row, Tile};
use crate::raster::Raster;
use crate::sample;

const CLASSES: [&str; 2] = ["<img src=x onerror=alert(1)>", "dog & \"cat\""];

/// Two models on `images` test images of two classes with names that a page must not take for its own: one is right about all, the other
/// wrong about every third.
fn compared(images: usize) -> (Comparison, Answers) {
    let labels: Vec<usize> = (0..images).map(|image| image % 2).collect();
    let said = |wrong: usize| -> Vec<usize> {
        labels
            .iter()
            .enumerate()
            .map(|(image, &label)| if image % 3 < wrong { 1 - label } else { label })
            .collect()
    };
    let names: Vec<String> = CLASSES.map(String::from).into();
    let model = |name: &str, wrong: usize| {
        let answers = said(wrong);
        let confusion = ConfusionMatrix::new(&labels, &answers, 2);
        let record = |epoch: usize| EpochRecord {
            epoch,
            train_loss: 2.0 / epoch as f64,
            validation_accuracy: Some(0.5),
            ..EpochRecord::default()
        };
        let result = ModelResult {
            test: Some(TestMetrics::new(confusion, None, None, &names)),
            history: (1..4).map(record).collect(),
            ..sample::judged(name, [0.8, 0.7, 0.9, 0.7], 10, 1.0 + wrong as f64, 1000.0)
        };
        let class =
            |answer: &usize| Answer { class: names[*answer].clone(), value: 0.5 + 0.1 * (*answer as f32) };
        let answers = ModelAnswers {
            model: name.into(),
            measure: Measure::Probability,
            answers: answers.iter().map(class).collect(),
        };
        (result, answers)
    };
    let ((first, first_says), (second, second_says)) = (model("cnn", 0), model("</script><b>", 1));
    let image = |(place, &label): (usize, &usize)| AnsweredImage {
        name: if place == 0 { "\"><script>".into() } else { format!("test/{place}") },
        class: names[label].clone(),
    };
    let answers = Answers {
        part: Part::Test,
        images: labels.iter().enumerate().map(image).collect(),
        models: vec![first_says, second_says],
    };
    let mut comparison = sample::comparison(vec![first, second]);
    comparison.dataset = sample::dataset([90, 10, images], &CLASSES);
    comparison.checks = vec![Finding {
        code: "few <images>".into(),
        severity: Severity::Warning,
        model: None,
        says: "there are <few>".into(),
    }];
    (comparison, answers)
}

fn page(comparison: &Comparison, answers: Option<&Answers>, side: usize) -> String {
    page_with(comparison, answers, side, &[])
}

fn page_with(
    comparison: &Comparison,
    answers: Option<&Answers>,
    side: usize,
    decisions: &[Decision],
) -> String {
    // Noise, which takes as many bytes as images can.
    let noise = |place: usize, at: usize| (((place + 1) * (at + 7) * 2_654_435_761) >> 13) as u8;
    let image = |place: usize| {
        let pixels: Vec<u8> = (0..3 * side * side).map(|at| noise(place, at)).collect();
        Some(Raster::new(&pixels, [3, side, side]))
    };
    let provenance = Provenance { command: "zoo compare <x>".into(), ..Provenance::default() };
    let explain: Explain = |_| Some("**What** it means");
    let missing = ["nothing <b>".to_owned()];
    ComparisonPage {
        comparison,
        answers,
        image: &image,
        decisions,
        provenance: &provenance,
        explain,
        missing: &missing,
    }
    .html()
}

#[test]
fn whatever_comes_from_data_is_text() {
    let (comparison, answers) = compared(40);
    let html = page(&comparison, Some(&answers), 4);
    for forbidden in [
        "<img src=x",
        "\"><script>",
        "<b>\"",
        "</script><b>",
        "compare <x>",
        "nothing <b>",
        "are <few>",
        "few <images>",
    ] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    for escaped in ["&#60;img src=x onerror=alert(1)&#62;", "&#34;&#62;&#60;script&#62;", "\\u003cimg src=x"]
    {
        assert!(html.contains(escaped), "{escaped}");
    }
    assert_eq!(html.matches("<script").count(), 2, "the data and the script");
}

#[test]
fn a_page_asks_for_nothing() {
    let (comparison, answers) = compared(40);
    let html = page(&comparison, Some(&answers), 4);
    // What SVG is called is no address.
    let html = html.replace("http://www.w3.org/2000/svg", "");
    assert!(!html.contains("http://") && !html.contains("https://"), "no address in the page");
    assert!(
        html.contains("default-src &#39;none&#39;; img-src data:; style-src &#39;sha256-"),
        "{}",
        &html[..900]
    );
    assert!(
        !html.contains(" style=") && !html.contains(" onclick="),
        "the policy forbids styles and scripts of elements"
    );
    assert!(include_str!("../../templates/page.js").len() < 15_000);
}

#[test]
fn a_page_has_all_that_there_is_to_say() {
    let (comparison, answers) = compared(40);
    let html = page(&comparison, Some(&answers), 4);
    for part in [
        "id=\"results\"",
        "id=\"time\"",
        "id=\"curves\"",
        "id=\"classes\"",
        "id=\"confusion\"",
        "id=\"disagreements\"",
        "id=\"mistakes\"",
        "id=\"checks\"",
        "id=\"origin\"",
        "On 14 of 40 test images",
        "8 of 14 mistakes",
        "What <code>few &#60;images&#62;</code> means",
        "<strong>What</strong> it means",
    ] {
        assert!(html.contains(part), "{part} is not in the page");
    }
    assert_eq!(
        html.matches("data-cell=").count(),
        6,
        "cells with images, two of one model and four of the other"
    );
    let without = page(&comparison, None, 4);
    assert!(!without.contains("id=\"mistakes\"") && without.contains("id=\"confusion\""));
}

#[test]
fn pages_stay_small() {
    let (comparison, answers) = compared(20_000);
    for side in [4, 32, 400] {
        let html = page(&comparison, Some(&answers), side);
        assert!(html.len() < 2_500_000, "{} bytes with images of {side} pixels", html.len());
        assert!(html.contains("are left out to keep it small"), "what is left out is said");
    }
}

#[test]
fn pages_of_many_models_and_classes_stay_small() {
    for (models, classes) in [(24, 25), (4, 1000), (40, 10)] {
        let names: Vec<String> =
            (0..classes).map(|class| format!("a class with a long name {class}")).collect();
        let labels: Vec<usize> = (0..10_000).map(|image| image % classes).collect();
        let (mut results, mut says) = (Vec::new(), Vec::new());
        for model in 0..models {
            let said: Vec<usize> = (0..10_000).map(|image| (image * (model + 7) / 5) % classes).collect();
            let test = TestMetrics::new(ConfusionMatrix::new(&labels, &said, classes), None, None, &names);
            let name = format!("model_{model}");
            results.push(ModelResult {
                test: Some(test),
                ..sample::judged(&name, [0.8, 0.7, 0.9, 0.7], 10, 1.0, 100.0)
            });
            let answers =
                said.into_iter().map(|class| Answer { class: names[class].clone(), value: 0.5 }).collect();
            says.push(ModelAnswers { model: name, measure: Measure::Probability, answers });
        }
        let image = |(place, &label): (usize, &usize)| AnsweredImage {
            name: format!("{place}.png"),
            class: names[label].clone(),
        };
        let images = labels.iter().enumerate().map(image).collect();
        let answers = Answers { part: Part::Test, images, models: says };
        let mut comparison = sample::comparison(results);
        comparison.dataset =
            sample::dataset([90, 10, 10_000], &names.iter().map(String::as_str).collect::<Vec<_>>());
        let tile = |place: usize| {
            let pixels: Vec<u8> =
                (0..3072).map(|at| (((place + 1) * (at + 3) * 40_503) >> 7) as u8).collect();
            Tile::new(Raster::new(&pixels, [3, 32, 32]), "a class")
        };
        let row = Row { label: String::new(), tiles: (0..classes).map(tile).collect() };
        let grid = Grid { title: "Templates".into(), rows: vec![row], ..Grid::default() };
        let decision = |result: &ModelResult| Decision { model: result.label().into(), grid: grid.clone() };
        let decisions: Vec<Decision> = comparison.results.iter().map(decision).collect();
        let html = page_with(&comparison, Some(&answers), 32, &decisions);
        assert!(html.contains("data-cell") && html.contains("\"view\":"), "single images have room, too");
        assert!(html.len() < 3_000_000, "{} bytes with {models} models and {classes} classes", html.len());
    }
}
