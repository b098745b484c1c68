//! Which models can be told apart, and which only differ by chance.

use zoo_schema::{Pair, PairTest, Part};
use zoo_statistics::{holm, images_needed, mcnemar, min_f};

/// One model as it is compared with others.
pub(crate) struct Compared {
    /// [`ModelResult::label`](zoo_schema::ModelResult::label).
    pub(crate) label: String,
    /// For each training, whether each image is right.
    pub(crate) right: Vec<Vec<bool>>,
}

impl Compared {
    /// The mean accuracy over the trainings.
    fn accuracy(&self) -> f64 {
        let right = self.right.iter().flatten().filter(|&&right| right).count();
        right as f64 / self.right.iter().map(Vec::len).sum::<usize>().max(1) as f64
    }
}

/// Every pair of `models`, the more accurate model first; the p of all pairs are corrected together.
pub(crate) fn pairs(models: &[Compared]) -> Vec<Pair> {
    let order = by_accuracy(models);
    let mut pairs = Vec::new();
    for (place, a) in order.iter().enumerate() {
        pairs.extend(order[place + 1..].iter().map(|b| pair(a, b)));
    }
    let corrected = holm(&pairs.iter().map(|pair| pair.p).collect::<Vec<_>>());
    for (pair, p_holm) in pairs.iter_mut().zip(corrected) {
        pair.p_holm = p_holm;
        if pair.is_told_apart() {
            pair.images_needed = None;
        }
    }
    pairs
}

fn by_accuracy(models: &[Compared]) -> Vec<&Compared> {
    let mut order: Vec<&Compared> = models.iter().collect();
    order.sort_by(|a, b| b.accuracy().total_cmp(&a.accuracy()));
    order
}

fn pair(a: &Compared, b: &Compared) -> Pair {
    let discordant =
        |left: &[bool], right: &[bool]| left.iter().zip(right).filter(|&(l, r)| *l && !*r).count();
    let (only_a, only_b) = (discordant(&a.right[0], &b.right[0]), discordant(&b.right[0], &a.right[0]));
    let (test, p) = if a.right.len() + b.right.len() > 2 {
        (PairTest::MinF, min_f(&a.right, &b.right).p)
    } else {
        (PairTest::McNemar, mcnemar(only_a, only_b))
    };
    Pair {
        a: a.label.clone(),
        b: b.label.clone(),
        difference: a.accuracy() - b.accuracy(),
        only_a,
        only_b,
        test,
        p,
        p_holm: p,
        images_needed: images_needed(only_a, only_b, a.right[0].len()),
    }
}

/// One sentence that says which of `models` can be told apart on the images of `part`; `None` for fewer than two.
pub(crate) fn verdict(models: &[Compared], pairs: &[Pair], part: Part) -> Option<String> {
    if pairs.is_empty() {
        return None;
    }
    let order: Vec<&str> = by_accuracy(models).into_iter().map(|model| model.label.as_str()).collect();
    let told_apart = |a: usize, b: usize| {
        let pair = pairs.iter().find(|pair| pair.a == order[a] && pair.b == order[b]);
        pair.is_some_and(Pair::is_told_apart)
    };
    let sign = |told_apart: bool| if told_apart { " > " } else { " ~ " };
    let mut chain = String::new();
    for (place, label) in order.iter().enumerate() {
        if place > 0 {
            chain += sign(told_apart(place - 1, place));
        }
        chain += label;
    }
    // What a reader takes from the chain for two that are not next to each other: `>` if there is one between them.
    for a in 0..order.len() {
        for b in a + 2..order.len() {
            let read = (a..b).any(|place| told_apart(place, place + 1));
            if told_apart(a, b) != read {
                chain.extend([", ", order[a], sign(!read), order[b]]);
            }
        }
    }
    // Models that depend on no seed are judged by McNemar's test, also where others are trained several times.
    let is_several = pairs.iter().any(|pair| pair.test == PairTest::MinF);
    let test = if is_several { "min F′ over trainings and images" } else { "McNemar's exact test" };
    let meaning = if chain.contains('~') { "; ~: chance explains the difference" } else { "" };
    Some(format!("told apart on the {} images ({test}, Holm, 5 %): {chain}{meaning}", part.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model that is right on these of 1,000 images.
    fn model(label: &str, right: std::ops::Range<usize>) -> Compared {
        Compared { label: label.into(), right: vec![(0..1000).map(|image| right.contains(&image)).collect()] }
    }

    fn said(models: &[Compared]) -> String {
        let pairs = pairs(models);
        let verdict = verdict(models, &pairs, Part::Test).unwrap();
        verdict.split_once("5 %): ").unwrap().1.to_string()
    }

    #[test]
    fn the_more_accurate_model_comes_first() {
        let models = [model("knn", 0..300), model("cnn", 0..800)];
        let pairs = pairs(&models);
        assert_eq!((pairs[0].a.as_str(), pairs[0].b.as_str()), ("cnn", "knn"));
        assert_eq!((pairs[0].only_a, pairs[0].only_b, pairs[0].test), (500, 0, PairTest::McNemar));
        assert!((pairs[0].difference - 0.5).abs() < 1e-12 && pairs[0].p < 1e-100);
        assert_eq!(pairs[0].images_needed, None);
        assert_eq!(said(&models), "cnn > knn");
    }

    #[test]
    fn what_chance_explains_is_no_order() {
        let models = [model("softmax", 0..410), model("svm", 5..412), model("cnn", 0..800)];
        assert_eq!(said(&models), "cnn > softmax ~ svm; ~: chance explains the difference");
        let pairs = pairs(&models);
        let close = pairs.iter().find(|pair| pair.a == "softmax").unwrap();
        assert!(close.p_holm >= close.p && close.images_needed.unwrap() > 1000, "{close:?}");
    }

    #[test]
    fn ends_of_a_chain_may_differ_where_its_links_do_not() {
        // Each is right on four images more than the next: that is chance; eight are not.
        let models = [model("a", 0..508), model("b", 0..504), model("c", 0..500)];
        assert_eq!(said(&models), "a ~ b ~ c, a > c; ~: chance explains the difference");
    }

    #[test]
    fn one_model_is_told_apart_from_none() {
        assert_eq!(verdict(&[], &[], Part::Test), None);
        let one = [model("a", 0..5)];
        assert_eq!(verdict(&one, &pairs(&one), Part::Test), None);
    }

    #[test]
    fn several_trainings_are_judged_together() {
        let mut a = model("a", 0..505);
        a.right.push((0..1000).map(|image| image < 495).collect());
        let mut b = model("b", 0..500);
        b.right.push((0..1000).map(|image| image < 490).collect());
        let pairs = pairs(&[a, b]);
        assert_eq!(pairs[0].test, PairTest::MinF);
        assert!(pairs[0].p > 0.05, "trainings differ by more than models: {pairs:?}");
    }
}
