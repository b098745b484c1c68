//! How wide the table is, and what is left out so that it fits.

use super::*;
use crate::sample::{comparison, judged, named, trained};

/// Figures as large as CIFAR-10's, with a name of 24 letters.
fn large() -> Vec<ModelResult> {
    vec![
        judged("airbench", [0.897, 0.8972, 0.973, 0.8971], 1_972_792, 843.2, 1_234_567.4),
        judged("cnn_regularised_strongly", [0.871, 0.8705, 0.994, 0.8698], 497_240, 292.0, 3374.0),
        judged("softmax", [0.412, 0.4121, 0.424, 0.4081], 30_730, 4.83, 268_077.0),
        judged("svm", [0.396, 0.3958, 0.405, 0.3942], 30_730, 4.5, 248_913.0),
        judged("knn", [0.349, 0.3489, 0.4512, 0.3372], 153_600_000, 75.04, 2451.0),
        ModelResult { error: Some("out of memory".into()), ..named("cnn_too_large") },
    ]
}

/// Each of `results` on two backends.
fn on_two_backends(results: Vec<ModelResult>) -> Vec<ModelResult> {
    let both = results.into_iter().flat_map(|result| {
        let other = ModelResult { backend: "wgpu".into(), score_difference: Some(0.0421), ..result.clone() };
        [result, other]
    });
    both.collect()
}

fn assert_fits(table: &str, columns: usize) {
    assert!(table.lines().all(|line| width(line) <= columns), "more than {columns} columns:\n{table}");
}

#[test]
fn a_wide_table_has_everything() {
    let expected = "\
────────────────────────────────────────────────────────────────────────────────────────────────────
                                                                  macro
model                    validation                test   train      F1  parameters    fit  images/s
════════════════════════════════════════════════════════════════════════════════════════════════════
airbench                    89.7 %* 89.7 %* (89.1–90.3)  97.3 %  89.7 %*    1.97 M   843 s   1.23 M*
cnn_regularised_strongly    87.1 %  87.1 %  (86.4–87.7)  99.4 %* 87.0 %    497,240   292 s    3,374
softmax                     41.2 %  41.2 %  (40.2–42.2)  42.4 %  40.8 %     30,730* 4.83 s  268,077
svm                         39.6 %  39.6 %  (38.6–40.5)  40.5 %  39.4 %     30,730* 4.50 s* 248,913
knn                         34.9 %  34.9 %  (34.0–35.8)  45.1 %  33.7 %      154 M  75.0 s    2,451
cnn_too_large                    –                    –       –       –          –       –        –
────────────────────────────────────────────────────────────────────────────────────────────────────";
    let table = terminal_table(&comparison(large()));
    assert_fits(&table, WIDE);
    assert_eq!(table, expected);
}

#[test]
fn a_narrow_table_leaves_columns_out() {
    let expected = "\
────────────────────────────────────────────────────────────────────────────────
model                validation                test  parameters    fit  images/s
════════════════════════════════════════════════════════════════════════════════
airbench                89.7 %* 89.7 %* (89.1–90.3)     1.97 M   843 s   1.23 M*
cnn_regula…_strongly    87.1 %  87.1 %  (86.4–87.7)    497,240   292 s    3,374
softmax                 41.2 %  41.2 %  (40.2–42.2)     30,730* 4.83 s  268,077
svm                     39.6 %  39.6 %  (38.6–40.5)     30,730* 4.50 s* 248,913
knn                     34.9 %  34.9 %  (34.0–35.8)      154 M  75.0 s    2,451
cnn_too_large                –                    –          –       –        –
────────────────────────────────────────────────────────────────────────────────";
    let table = table_within(&comparison(large()), 80);
    assert_fits(&table, 80);
    assert_eq!(table, expected);
}

#[test]
fn with_room_titles_are_in_one_line() {
    let table = terminal_table(&comparison(large().split_off(2)));
    assert!(table.lines().nth(1).unwrap().contains("macro F1"), "{table}");
    assert_fits(&table, WIDE);
}

#[test]
fn names_that_are_too_long_lose_their_middle() {
    let mut results = large();
    results[1].model = "regularization_alternating_flip_and_more".into();
    results[1].fit_seconds = Some(9999.0);
    for columns in [80, WIDE] {
        let table = table_within(&comparison(results.clone()), columns);
        assert_fits(&table, columns);
        assert!(table.contains("regulariz") && table.contains("…") && table.contains("_more "), "{table}");
    }
    let letters = ModelResult { model: "漢字".repeat(20), ..large().remove(0) };
    assert_fits(&table_within(&comparison(vec![letters]), 60), 60);
}

#[test]
fn backends_are_in_the_names() {
    let comparison = comparison(on_two_backends(large()));
    for columns in [80, WIDE] {
        let table = table_within(&comparison, columns);
        assert_fits(&table, columns);
        assert!(table.contains("airbench on wgpu ") && table.contains("4.2e-2"), "{table}");
        assert!(table.lines().nth(2).unwrap().ends_with("images/s  difference"), "{table}");
    }
}

#[test]
fn several_trainings_have_a_mean_and_a_deviation() {
    let mut results = large();
    results[0] = trained(results[0].clone(), 5, 0.0034);
    results[2] = trained(results[2].clone(), 10, 0.1);
    results[4] = trained(results[4].clone(), 1, 0.0);
    let text = comparison(results.clone());
    let table = terminal_table(&text);
    assert!(table.contains("\nairbench ×5 ") && table.contains("\nsoftmax ×10 "), "{table}");
    assert!(table.contains(" 89.7 ± 0.3 %* ") && table.contains(" 41.2 ± 10.0 % "), "{table}");
    let knn = table.lines().find(|line| line.starts_with("knn ")).unwrap();
    assert!(knn.contains("34.9 %  (34.0–35.8)"), "one training is as it is: {knn}");
    for columns in [80, WIDE] {
        assert_fits(&table_within(&text, columns), columns);
        assert_fits(&table_within(&comparison(on_two_backends(results.clone())), columns), columns);
    }
}

#[test]
fn columns_without_figures_are_not_there() {
    let mut results = large().split_off(2);
    for result in &mut results {
        result.test = None;
    }
    let titles =
        |results: Vec<ModelResult>| terminal_table(&comparison(results)).lines().nth(1).unwrap().to_owned();
    let words = |line: String| line.split_whitespace().map(String::from).collect::<Vec<_>>();
    let expected = ["model", "validation", "train", "parameters", "fit", "images/s"];
    assert_eq!(words(titles(results.clone())), expected, "without test figures");
    for result in &mut results {
        result.validation = None;
    }
    assert_eq!(words(titles(results)), ["model", "train", "parameters", "fit", "images/s"]);
}

#[test]
fn only_what_is_better_than_something_is_the_best() {
    let stars = |results: &[ModelResult]| terminal_table(&comparison(results.to_vec())).matches('*').count();
    let results = large();
    assert_eq!(stars(&results[..1]), 0, "nothing to compare with");
    // softmax and svm have equally many parameters.
    assert_eq!(stars(&results[2..4]), 6);
    assert_eq!(stars(&[results[5].clone(), results[0].clone()]), 0, "the other one failed");
    let table = terminal_table(&comparison(results));
    assert_eq!(table.matches("30,730*").count(), 2, "both are the smallest:\n{table}");
}

#[test]
fn however_little_room_there_is_something_is_shown() {
    for columns in [0, 1, 20, 40] {
        let table = table_within(&comparison(large()), columns);
        assert!(table.contains("89.7 %* (89.1–90.3)") && table.contains("sv"), "{table}");
        assert!(!table.contains("fit"), "{table}");
    }
    assert!(terminal_table(&comparison(Vec::new())).contains("model"));
}
