//! The answer of a comparison in a sentence or two.

use zoo_schema::{Comparison, Interval, ModelResult, Pair};

use crate::column::{judged_interval, several_trainings};
use crate::figure::{percent, thousands};
use crate::summary::{listed, name_of, name_on};

/// Which model is the best, how good it is, whether chance explains that, and what guessing comes to. Empty if all models failed.
pub(crate) fn answer(comparison: &Comparison) -> Vec<String> {
    // Where test images were left alone, models are judged by validation images.
    let has_test = comparison.results.iter().any(|result| result.accuracy().is_some());
    let Some(leader) = leader(comparison, has_test) else { return Vec::new() };
    let (images, part) = if has_test {
        (comparison.dataset.test, "test")
    } else {
        (comparison.dataset.validation, "validation")
    };
    let accuracy = accuracy(leader, has_test).map(|accuracy| percent(accuracy, 1)).unwrap_or_default();
    let around = match (judged_interval(leader), several_trainings(leader)) {
        (_, Some(seeds)) => format!(" (the mean of {} trainings)", seeds.trainings.len()),
        (Some(Interval { low, high }), None) => {
            format!(" (95 % interval {:.1} to {:.1} %)", 100.0 * low, 100.0 * high)
        }
        (None, None) => String::new(),
    };
    let name = name_on(comparison, leader);
    let figure = format!("{accuracy} of {} {part} images{around}", thousands(images));
    let mut sentences = vec![lead(comparison, leader, &name, &figure)];
    if let Some(majority) = &comparison.majority
        && let Some(share) = if has_test { majority.test_accuracy } else { majority.validation_accuracy }
    {
        sentences.push(format!("Always answering “{}” would get {}.", majority.class, percent(share, 1)));
    }
    sentences
}

fn accuracy(result: &ModelResult, test: bool) -> Option<f64> {
    if test { result.accuracy() } else { result.validation_accuracy() }
}

/// The most accurate model.
fn leader(comparison: &Comparison, test: bool) -> Option<&ModelResult> {
    let judged = comparison.results.iter().filter_map(|result| Some((result, accuracy(result, test)?)));
    judged.reduce(|best, other| if other.1 > best.1 { other } else { best }).map(|(result, _)| result)
}

/// What is said of the leader next to the others.
fn lead(comparison: &Comparison, leader: &ModelResult, name: &str, figure: &str) -> String {
    let is_leader = |label: &String| label == leader.label();
    let own = comparison.pairs.iter().filter(|pair| is_leader(&pair.a) || is_leader(&pair.b));
    let (told, alike): (Vec<&Pair>, Vec<&Pair>) = own.partition(|pair| pair.is_told_apart());
    let is_tie = alike.iter().any(|pair| pair.difference == 0.0);
    let other = |pair: &&Pair| name_of(comparison, if is_leader(&pair.a) { &pair.b } else { &pair.a });
    let alike: Vec<String> = alike.iter().map(other).collect();
    match (told.len(), alike.is_empty()) {
        _ if is_tie => format!(
            "{name} gets {figure} right, and chance explains whatever lead it has over {}.",
            listed(&alike)
        ),
        (0, true) => format!("{name} is right on {figure}."),
        (_, true) => format!("{name} is the most accurate, by more than chance explains: {figure}."),
        (_, false) => {
            let alike = listed(&alike);
            format!("{name} has the highest accuracy, {figure}, but chance explains its lead over {alike}.")
        }
    }
}

#[cfg(test)]
mod tests {
    use zoo_schema::PairTest;

    use super::*;
    use crate::sample::{comparison, judged as figures};

    fn pair(a: &str, b: &str, p: f64) -> Pair {
        let (a, b) = (a.into(), b.into());
        Pair {
            a,
            b,
            difference: 0.1,
            only_a: 9,
            only_b: 1,
            test: PairTest::McNemar,
            p,
            p_holm: p,
            images_needed: None,
        }
    }

    #[test]
    fn the_best_is_named_with_what_chance_allows() {
        let model = |name: &str, test: f64| figures(name, [0.8, test, 0.9, 0.8], 10, 1.0, 100.0);
        let mut comparison = comparison(vec![model("svm", 0.8), model("cnn", 0.9)]);
        comparison.pairs = vec![pair("cnn", "svm", 0.001)];
        let said = answer(&comparison);
        assert_eq!(
            said,
            [
                "cnn is the most accurate, by more than chance explains: 90.0 % of 4 test images (95 % interval 89.4 to 90.6 %)."
            ]
        );
        comparison.pairs[0].p_holm = 0.4;
        assert!(
            answer(&comparison)[0].ends_with("but chance explains its lead over svm."),
            "{:?}",
            answer(&comparison)
        );
        comparison.results.truncate(1);
        comparison.pairs.clear();
        assert!(answer(&comparison)[0].starts_with("svm is right on 80.0 % of 4 test images"));
    }

    #[test]
    fn without_figures_nothing_is_said() {
        assert!(answer(&comparison(vec![crate::sample::named("svm")])).is_empty());
    }
}
