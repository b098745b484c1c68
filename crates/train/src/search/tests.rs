use proptest::prelude::*;

use super::*;

fn space(text: &str) -> Result<Space, SearchError> {
    Space::from_table(&text.parse().unwrap(), &[])
}

fn list(values: &[i64]) -> Choice {
    Choice::List(values.iter().copied().map(Value::Integer).collect())
}

/// Draws of the one key `x`.
fn draws(range: &str, trials: usize, seed: u64) -> Vec<Value> {
    let space = space(&format!("x = \"{range}\"")).unwrap();
    space.plan(Some(trials), seed).unwrap().into_iter().map(|settings| settings["x"].clone()).collect()
}

#[test]
fn ranges_are_read_and_written() {
    assert_eq!(Choice::range("1..30"), Ok(Choice::Integers { low: 1, high: 30 }));
    assert_eq!(Choice::range("1e-4 .. 0.1"), Ok(Choice::Floats { low: 1e-4, high: 0.1 }));
    assert_eq!(Choice::range("1..2.5"), Ok(Choice::Floats { low: 1.0, high: 2.5 }));
    for range in ["1..30", "1.0..30.0", "1e-5..0.1"] {
        assert_eq!(Choice::range(&Choice::range(range).unwrap().to_string()), Choice::range(range));
    }
    for range in
        ["0..1", "0.0..1", "-1..1", "2..1", "1..1", "a..b", "1..", "..1", "1..inf", "NaN..1", "1", "1...2"]
    {
        let error = Choice::range(range).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{range} is no range")), "{error}");
    }
}

#[test]
fn a_table_is_read_and_written() {
    let nested = space("k = [1, 3]\n[optimizer]\nlearning_rate = \"0.01..1\"\nkind = [\"sgd\"]\n").unwrap();
    let keys: Vec<&str> = nested.keys().collect();
    assert_eq!(keys, ["k", "optimizer.kind", "optimizer.learning_rate"]);
    assert_eq!(nested.searched().collect::<Vec<_>>(), ["k", "optimizer.learning_rate"]);
    let order = ["optimizer.learning_rate".to_string()];
    let table = nested.to_table().to_string().parse().unwrap();
    let reordered = Space::from_table(&table, &order).unwrap();
    assert_eq!(reordered.keys().collect::<Vec<_>>(), ["optimizer.learning_rate", "k", "optimizer.kind"]);
    let same: Vec<String> = nested.keys().map(String::from).collect();
    assert_eq!(Space::from_table(&table, &same), Ok(nested));
}

#[test]
fn mistakes_in_a_table_are_named() {
    let error = |text| space(text).unwrap_err().to_string();
    assert_eq!(error("k = []"), "k has no values");
    assert_eq!(error("k = [1, 3, 1]"), "k has the value 1 twice");
    assert!(error("train.epochs = 3").starts_with("train.epochs = 3: expected a list"));
    assert!(error("k = \"many\"").starts_with("many is no range"));
}

#[test]
fn the_last_key_of_a_grid_is_the_fastest() {
    let mut space = Space::default();
    space.set("b".into(), list(&[1, 2])).unwrap();
    space.set("a".into(), list(&[3, 4, 5])).unwrap();
    let grid = space.plan(None, 0).unwrap();
    let pairs: Vec<_> =
        grid.iter().map(|one| (one["b"].as_integer().unwrap(), one["a"].as_integer().unwrap())).collect();
    assert_eq!(pairs, [(1, 3), (1, 4), (1, 5), (2, 3), (2, 4), (2, 5)]);
    space.set("b".into(), list(&[7])).unwrap();
    assert_eq!(space.plan(None, 0).unwrap()[2]["b"].as_integer(), Some(7));
    assert_eq!(space.keys().collect::<Vec<_>>(), ["b", "a"]);
}

#[test]
fn what_cannot_be_planned_is_refused() {
    let error = |text: &str, trials| space(text).unwrap().plan(trials, 0).unwrap_err();
    assert_eq!(error("a = [1]\nx = \"1..2\"", None), SearchError::NoGrid { key: "x".into() });
    assert_eq!(error("a = [1, 2]\nb = [1, 2]", Some(5)), SearchError::TooFew { settings: 4, trials: 5 });
    assert_eq!(error("x = \"1..3\"", Some(4)), SearchError::TooFew { settings: 3, trials: 4 });
    let digits = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]";
    let large: Vec<String> = (0..30).map(|key| format!("k{key} = {digits}")).collect();
    assert_eq!(error(&large.join("\n"), None), SearchError::TooMany { settings: usize::MAX });
    assert!(matches!(error("x = \"0.1..3\"", Some(MOST_SETTINGS + 1)), SearchError::TooMany { .. }));
}

#[test]
fn ranges_are_drawn_by_logarithm() {
    let drawn = draws("0.001..10", 4000, 1);
    for decade in 0..4 {
        let low = 10f64.powi(decade - 3);
        let of_decade = drawn.iter().filter(|value| (low..10.0 * low).contains(&value.as_float().unwrap()));
        let share = of_decade.count() as f64 / 4000.0;
        assert!((share - 0.25).abs() < 0.03, "{share} from {low}");
    }
    // P(1) of 1..3 is ln 3 / ln 7: all three are drawn of three, and 1 is the first most often.
    let first = (0..4000).filter(|&seed| draws("1..3", 3, seed)[0].as_integer() == Some(1)).count();
    assert!((first as f64 / 4000.0 - 3f64.ln() / 7f64.ln()).abs() < 0.03, "{first}");
}

proptest! {
    #[test]
    fn draws_stay_in_their_range_and_follow_from_the_seed(
        low in 1e-6..1.0f64, factor in 1.001..1e6f64, integers: bool, seed: u64,
    ) {
        let (low, high) = (if integers { (low * 1e6).ceil() } else { low }, low * factor);
        let high = if integers { low + factor.ceil() } else { high };
        let range = if integers { format!("{low}..{high}") } else { format!("{low:?}..{high:?}") };
        let trials = if integers { 2 } else { 20 };
        let drawn = draws(&range, trials, seed);
        prop_assert_eq!(drawn.len(), trials);
        for value in &drawn {
            let number = value.as_float().or(value.as_integer().map(|number| number as f64)).unwrap();
            prop_assert!((low..=high).contains(&number), "{} is not in {}", number, range);
            prop_assert_eq!(value.is_integer(), integers);
        }
        prop_assert_eq!(drawn, draws(&range, trials, seed));
    }

    #[test]
    fn the_end_of_a_range_is_in_it(low in 1..1000i64, size in 1..1000i64) {
        let choice = Choice::Integers { low, high: low + size };
        prop_assert_eq!(choice.at(0.0), Value::Integer(low));
        prop_assert_eq!(choice.at(1.0 - f64::EPSILON / 2.0), Value::Integer(low + size));
    }

    #[test]
    fn draws_of_lists_are_settings_of_the_grid_without_repetition(
        sizes in proptest::collection::vec(1..5i64, 1..4), share in 0.0..=1.0f64, seed: u64,
    ) {
        let mut space = Space::default();
        for (key, size) in sizes.iter().enumerate() {
            space.set(format!("k{key}"), list(&(0..*size).collect::<Vec<_>>())).unwrap();
        }
        let grid = space.plan(None, seed).unwrap();
        prop_assert_eq!(Some(grid.len()), space.size());
        let trials = (share * grid.len() as f64) as usize;
        let drawn = space.plan(Some(trials), seed).unwrap();
        prop_assert_eq!(drawn.len(), trials);
        for (place, settings) in drawn.iter().enumerate() {
            prop_assert!(grid.contains(settings) && !drawn[..place].contains(settings));
        }
    }
}
