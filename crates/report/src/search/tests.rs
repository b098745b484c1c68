use serde_json::json;

use super::*;
use crate::rendered::rendered;

fn trial(number: usize, settings: &Value, accuracies: &[f64]) -> Trial {
    let settings = settings.as_object().unwrap().iter().map(|(key, value)| (key.clone(), value.clone()));
    Trial {
        trial: number,
        settings: settings.collect(),
        validation_accuracies: accuracies.into(),
        ..Trial::default()
    }
}

/// A search over the values of `k`, in three folds.
fn of_k(values: &[usize]) -> Vec<Trial> {
    let of = |(place, k): (usize, &usize)| {
        let accuracy = 0.25 + 0.01 * (place % 4) as f64;
        trial(place + 1, &json!({ "k": k }), &[accuracy, accuracy + 0.01, accuracy + 0.03])
    };
    values.iter().enumerate().map(of).collect()
}

/// The picture's kind and its text, if it can be drawn.
fn drawn(trials: &[Trial]) -> (&'static str, String) {
    let (kind, picture) = search("0001-tune-knn", trials).expect("there are figures");
    rendered(&picture);
    assert_eq!(search("0001-tune-knn", trials).unwrap().1, picture, "the same trials give the same bytes");
    (kind, picture.svg().to_owned())
}

fn dots(svg: &str, radius: &str) -> usize {
    svg.matches(&format!(" r=\"{radius}\" fill=\"#")).count()
}

#[test]
fn one_key_is_a_scatter_with_a_line_through_the_means() {
    let (kind, svg) = drawn(&of_k(&[1, 3, 5, 8, 10]));
    assert_eq!(kind, "scatter");
    assert_eq!((dots(&svg, "2.5"), dots(&svg, "3.5")), (15, 5), "a dot a fold and one a mean");
    for words in
        ["Validation accuracy against k<", ">k<", ">validation accuracy, %<", "Best: 29.3 % at k = 8"]
    {
        assert!(svg.contains(words), "{words:?} is not in\n{svg}");
    }
}

#[test]
fn means_and_deviations_are_those_of_the_folds() {
    let trial = trial(1, &json!({}), &[0.25, 0.75]);
    let line = Line { name: String::new(), trials: vec![(1.0, &trial)] };
    assert_eq!(line.means().collect::<Vec<_>>(), [((1.0, 50.0), 25.0)]);
    assert_eq!(line.folds().collect::<Vec<_>>(), [(1.0, 25.0), (1.0, 75.0)]);
}

#[test]
fn two_keys_are_a_map() {
    let rates = [1e-5, 1e-4, 1e-3, 1e-2];
    let trials: Vec<Trial> = rates
        .iter()
        .enumerate()
        .map(|(place, rate)| {
            let settings = json!({ "weight_decay": rates[3 - place], "learning_rate": rate, "epochs": 3 });
            trial(place + 1, &settings, &[0.1 * place as f64])
        })
        .collect();
    let (kind, svg) = drawn(&trials);
    assert_eq!(kind, "map");
    assert_eq!(dots(&svg, "6.5"), 4);
    assert!(svg.contains(">Validation accuracy against learning_rate and weight_decay<"), "{svg}");
    assert!(svg.contains(">0.0001<") && svg.contains("#FDE725") && svg.contains("#440154"), "{svg}");
}

#[test]
fn of_three_keys_the_two_with_most_values_are_the_axes() {
    let settings = |place: usize| json!({ "a": place % 2, "b": place % 4, "c": place });
    let trials: Vec<Trial> = (0..8).map(|place| trial(place, &settings(place), &[0.5])).collect();
    assert!(drawn(&trials).1.contains(">Validation accuracy against b and c<"));
}

#[test]
fn names_are_lines_or_places_on_the_axis() {
    let settings = |metric: &str, k: usize| json!({ "metric": metric, "k": k });
    let both: Vec<Trial> = [("l1", 1), ("l2", 1), ("l1", 5), ("l2", 5)]
        .iter()
        .enumerate()
        .map(|(place, (metric, k))| trial(place, &settings(metric, *k), &[0.3, 0.4]))
        .collect();
    let (kind, svg) = drawn(&both);
    assert_eq!(kind, "scatter");
    assert!(svg.contains(">metric = l1<") && svg.contains(">metric = l2<"), "{svg}");
    let (kind, svg) = drawn(&both[..2]);
    assert_eq!(kind, "scatter");
    assert!(svg.contains(">l1<") && svg.contains(">l2<"), "{svg}");
}

#[test]
fn failures_are_left_out_and_counted() {
    let mut trials = of_k(&[1, 3, 5]);
    trials.push(trial(4, &json!({ "k": 7 }), &[]));
    trials.push(trial(5, &json!({ "k": 9 }), &[f64::NAN, 0.5]));
    let (_, svg) = drawn(&trials);
    assert_eq!(dots(&svg, "3.5"), 3);
    assert!(svg.contains("2 of 5 trials failed"), "{svg}");
}

#[test]
fn without_a_figure_there_is_no_picture() {
    assert_eq!(search("none", &[]), None);
    assert_eq!(
        search("none", &[trial(1, &json!({ "k": 1 }), &[]), trial(2, &json!({ "k": 2 }), &[f64::NAN])]),
        None
    );
    assert_eq!(search("none", &[trial(1, &json!({}), &[0.5])]), None);
}

#[test]
fn extreme_values_can_be_drawn() {
    for values in [
        &json!([1]),
        &json!([0, 0.0001, 10]),
        &json!([1e-300, 1e300]),
        &json!([-1e300, 1e300]),
        &json!([true, null, "<x>"]),
    ] {
        let trials: Vec<Trial> = values
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
            .map(|(place, value)| trial(place, &json!({ "a <key> & more": value }), &[0.0, 1.0]))
            .collect();
        let (kind, svg) = drawn(&trials);
        assert_eq!(kind, "scatter");
        assert!(svg.contains("a &lt;key&gt; &amp; more"), "{svg}");
        let both: Vec<Trial> = values
            .as_array()
            .unwrap()
            .iter()
            .map(|value| trial(1, &json!({ "x": value, "y": value }), &[0.5]))
            .collect();
        drawn(&both);
    }
    drawn(&of_k(&(1..200).collect::<Vec<_>>()));
    assert_eq!(short(0.012_345), "0.0123");
    assert_eq!(short(1.5e-7), "1.5e-7");
}
