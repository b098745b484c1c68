use proptest::prelude::*;

use super::*;

fn image(name: &str, class: &str) -> AnsweredImage {
    AnsweredImage { name: name.into(), class: class.into() }
}

fn model(name: &str, measure: Measure, answers: &[(&str, f32)]) -> ModelAnswers {
    let answers = answers.iter().map(|&(class, value)| Answer { class: class.into(), value }).collect();
    ModelAnswers { model: name.into(), measure, answers }
}

fn pets() -> Answers {
    Answers {
        part: Part::Test,
        images: vec![image("cats/1.png", "cat"), image("dogs/1.png", "dog")],
        models: vec![
            model("cnn", Measure::Probability, &[("cat", 0.75), ("cat", 0.1)]),
            model("knn", Measure::Score, &[("dog", -1e-20), ("dog", 3.0)]),
        ],
    }
}

const TABLE: &str = "\
part,image,class,cnn,cnn probability,cnn right,knn,knn score,knn right
test,cats/1.png,cat,cat,0.75,true,dog,-1e-20,false
test,dogs/1.png,dog,cat,0.1,false,dog,3.0,true
";

/// What is said of a table in which `from` is `to`.
fn refused(from: &str, to: &str) -> String {
    assert!(TABLE.contains(from), "{from:?}");
    Answers::from_csv(&TABLE.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn a_table() {
    assert_eq!(pets().to_csv(), TABLE);
    assert_eq!(Answers::from_csv(TABLE).unwrap(), pets());
    assert_eq!((pets().right(0), pets().right(1)), (vec![true, false], vec![false, true]));
    assert!(pets().is_right(1, 1));
}

#[test]
fn a_spreadsheet_may_have_had_it_open() {
    let table =
        format!("\u{feff}{}", TABLE.replace('\n', "\r\n").replace("true", "TRUE").replace("false", "FALSE"));
    assert_eq!(Answers::from_csv(&table).unwrap(), pets());
}

#[test]
fn names_may_be_of_any_characters() {
    let mut answers = pets();
    answers.images[0].name = "a,b\"c\"\r\nd{}{0}'".into();
    answers.images[0].class = " \n".into();
    answers.images[1].name = String::new();
    answers.models[1].model = "cnn right, \"{knn}\"\n".into();
    assert_eq!(Answers::from_csv(&answers.to_csv()).unwrap(), answers);
}

#[test]
fn headings_are_checked() {
    for (from, to, reason) in [
        ("part", "parts", "column 1: the heading is \"parts\", expected \"part\";"),
        (",knn right", ",knn", "column 9: the heading is \"knn\", expected \"knn right\";"),
        (",knn right", "", "column 9: the heading is \"\", expected \"knn right\";"),
        (
            "knn score",
            "score",
            "column 8: the heading is \"score\", expected \"knn probability\" or \"knn score\";",
        ),
        ("knn,knn score,knn right", "cnn,cnn score,cnn right", "there are two models \"cnn\""),
    ] {
        let message = refused(from, to);
        assert!(message.contains(reason), "{message}");
    }
    let message = Answers::from_csv("part,image,class\ntest,1,cat\n").unwrap_err().to_string();
    assert!(message.contains("column 4: the heading is \"\", expected \"NAME\""), "{message}");
    for empty in ["", "\n\n", "\u{feff}", TABLE.lines().next().unwrap()] {
        assert!(matches!(Answers::from_csv(empty), Err(AnswersError::Empty)), "{empty:?}");
    }
}

#[test]
fn lines_are_checked() {
    for (from, to, message) in [
        (
            "\ntest,dogs",
            "\ntrain,dogs",
            "line 3, column \"part\": \"train\" is neither \"test\" nor \"validation\"",
        ),
        (
            "\ntest,dogs",
            "\nvalidation,dogs",
            "line 3, column \"part\": a validation image in a table of test images; a table has images of one part",
        ),
        ("dogs/1", "cats/1", "line 3, column \"image\": \"cats/1.png\" is there already, in line 2"),
        ("0.75", "much", "line 2, column \"cnn probability\": \"much\" is no finite number"),
        ("3.0", "NaN", "line 3, column \"knn score\": \"NaN\" is no finite number"),
        ("3.0", "1e99", "line 3, column \"knn score\": \"1e99\" is no finite number"),
        ("true,dog", "yes,dog", "line 2, column \"cnn right\": \"yes\" is neither \"true\" nor \"false\""),
        (
            "true,dog",
            "false,dog",
            "line 2, column \"cnn right\": \"false\", but the class is \"cat\", and the answer \"cat\"",
        ),
        ("3.0,true", "3.0", "line 3 has 8 fields, but there are 9 headings"),
    ] {
        assert_eq!(refused(from, to), message);
    }
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    for (from, to, line) in [
        ("\ntest,cats", "\r\ntest,cats", 3),
        ("\ntest,cats", "\n\n\r\n\ntest,cats", 6),
        ("cats/1.png", "\"cats/\n1.png\"", 4),
    ] {
        let table = TABLE.replacen(from, to, 1).replacen("3.0", "x", 1);
        let message = Answers::from_csv(&table).unwrap_err().to_string();
        assert!(message.starts_with(&format!("line {line}, ")), "{message}");
    }
}

/// Another model on the images of [`pets`], the other way round.
fn others() -> Answers {
    let images = pets().images.into_iter().rev().collect();
    let answers = [("dog", 0.25), ("cat", 0.5)];
    Answers { part: Part::Test, images, models: vec![model("svm", Measure::Score, &answers)] }
}

#[test]
fn runs_are_joined_by_the_names_of_images() {
    let joined = Answers::join(vec![pets(), others()]).unwrap();
    assert_eq!(joined.images, pets().images);
    let names: Vec<_> = joined.models.iter().map(|model| model.model.as_str()).collect();
    assert_eq!(names, ["cnn", "knn", "svm"]);
    assert_eq!(joined.models[2], model("svm", Measure::Score, &[("cat", 0.5), ("dog", 0.25)]));
    assert_eq!(joined.models[..2], pets().models);
    assert_eq!(joined.right(2), [true, true]);
    assert_eq!(Answers::join(vec![pets()]).unwrap(), pets());
}

#[test]
fn what_is_not_comparable_is_not_joined() {
    let refused = |change: fn(&mut Answers)| {
        let mut others = others();
        change(&mut others);
        Answers::join(vec![pets(), others]).unwrap_err().to_string()
    };
    let extra = |answers: &mut Answers| answers.images.push(image("x", "cat"));
    let renamed = |answers: &mut Answers| answers.images[0].name = "cats/1.png".into();
    let lacking = |answers: &mut Answers| drop(answers.images.pop());
    let of_a_class = |answers: &mut Answers| answers.images[1].class = "dog".into();
    let of_a_part = |answers: &mut Answers| answers.part = Part::Validation;
    let same = |answers: &mut Answers| answers.models[0].model = "knn".into();
    for (change, reason) in [
        (extra as fn(&mut Answers), "\"svm\" was judged on image \"x\", \"cnn\" was not"),
        (renamed, "\"svm\" was judged on two images \"cats/1.png\""),
        (lacking, "\"cnn\" was judged on image \"cats/1.png\", \"svm\" was not"),
        (
            of_a_class,
            "image \"cats/1.png\" is of class \"dog\" for \"svm\", and of class \"cat\" for \"cnn\"",
        ),
        (of_a_part, "\"svm\" was judged on validation images, \"cnn\" on test images"),
        (same, "there are two models \"knn\""),
    ] {
        let message = refused(change);
        assert!(message.starts_with(reason), "{message}");
    }
    assert!(matches!(Answers::join(Vec::new()), Err(AnswersError::NoTables)));
    let mut twice = pets();
    twice.images[1].name = "cats/1.png".into();
    assert!(matches!(Answers::join(vec![twice]), Err(AnswersError::ImageTwice { .. })));
}

/// Names with everything in them that a table might stumble over.
fn name() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just(",".to_string()),
        Just("\"".to_string()),
        Just("\r".to_string()),
        Just("\n".to_string()),
        Just("{}".to_string()),
        Just(" right".to_string()),
        Just("\u{feff}".to_string()),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn finite() -> impl Strategy<Value = f32> {
    any::<u32>().prop_map(f32::from_bits).prop_filter("a number", |value| value.is_finite())
}

fn table() -> impl Strategy<Value = Answers> {
    let images = proptest::collection::hash_map(name(), name(), 1..6);
    let models = proptest::collection::hash_map(name(), any::<bool>(), 1..4);
    let answers = proptest::collection::vec((name(), any::<bool>(), finite()), 18);
    (any::<bool>(), images, models, answers).prop_map(|(is_test, images, models, answers)| {
        let images: Vec<_> = images.into_iter().map(|(name, class)| AnsweredImage { name, class }).collect();
        let mut answers = answers.into_iter();
        let mut answer = |image: &AnsweredImage| {
            let (class, is_right, value) = answers.next().unwrap();
            Answer { class: if is_right { image.class.clone() } else { class }, value }
        };
        let models = models.into_iter().map(|(model, is_score)| {
            let measure = if is_score { Measure::Score } else { Measure::Probability };
            ModelAnswers { model, measure, answers: images.iter().map(&mut answer).collect() }
        });
        let models = models.collect();
        Answers { part: if is_test { Part::Test } else { Part::Validation }, images, models }
    })
}

fn bits(answers: &Answers) -> Vec<u32> {
    answers.models.iter().flat_map(|model| &model.answers).map(|answer| answer.value.to_bits()).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read(answers in table()) {
        let read = Answers::from_csv(&answers.to_csv()).unwrap();
        prop_assert_eq!(&read, &answers);
        prop_assert_eq!(bits(&read), bits(&answers));
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = Answers::from_csv(&text);
    }

    #[test]
    fn no_broken_table_panics(start in 0..TABLE.len(), length in 0..12_usize, piece in name()) {
        let end = (start + length).min(TABLE.len());
        let read = Answers::from_csv(&format!("{}{piece}{}", &TABLE[..start], &TABLE[end..]));
        // What is accepted is a table that can be written and read again.
        if let Ok(read) = read {
            prop_assert_eq!(Answers::from_csv(&read.to_csv()).unwrap(), read);
        }
    }
}
