use std::fs;

use super::*;
use crate::export::export_folder;
use crate::shapes10;

/// Loads with `reading`, and what was noted meanwhile.
fn load_noting(path: &Path, reading: &Reading) -> (Result<Loaded>, Vec<String>) {
    let mut notes = Vec::new();
    let mut hear = |event: Event<'_>| {
        if let Event::Note(note) = event {
            notes.push(note.to_owned());
        }
    };
    let loaded = load(path, reading, &mut Workshop { cache: None, memory: u64::MAX, hear: &mut hear });
    (loaded, notes)
}

fn loaded(path: &Path, reading: &Reading) -> Dataset {
    load_noting(path, reading).0.unwrap().dataset
}

fn stored(path: &Path, cache: Option<&Path>, memory: u64) -> (Dataset, usize) {
    let mut decoded = 0;
    let mut hear = |event: Event<'_>| {
        if let Event::Decoded(count) = event {
            decoded = count;
        }
    };
    let mut workshop = Workshop { cache: cache.map(Path::to_owned), memory, hear: &mut hear };
    (load(path, &Reading::default(), &mut workshop).unwrap().dataset, decoded)
}

fn error(path: &Path, reading: &Reading) -> String {
    load_noting(path, reading).0.unwrap_err().to_string()
}

/// A file of a grey picture.
fn photo(path: &Path, (width, height): (u32, u32), grey: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::GrayImage::from_pixel(width, height, image::Luma([grey])).save(path).unwrap();
}

fn names(subset: &Subset) -> Vec<String> {
    (0..subset.len()).map(|position| subset.name(position).into_owned()).collect()
}

/// Names without what is behind the last dash.
fn objects(subset: &Subset) -> std::collections::BTreeSet<String> {
    names(subset).iter().filter_map(|name| Some(name.rsplit_once('-')?.0.to_owned())).collect()
}

fn same(left: &Dataset, right: &Dataset) {
    for (left, right) in [(&left.train, &right.train), (&left.test, &right.test)] {
        assert_eq!((names(left), left.labels()), (names(right), right.labels()));
        assert!((0..left.len()).all(|position| left.pixels(position) == right.pixels(position)));
    }
}

#[test]
fn reads_back_what_is_exported() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("shapes");
    let original = shapes10::generate(40, 20, 1);
    export_folder(&original, &path).unwrap();
    let read = loaded(&path, &Reading::default());
    assert_eq!((&read.classes, read.name.as_str()), (&original.classes, "shapes"));
    assert_eq!((read.train.len(), read.test.len()), (40, 20));
    let sorted = |subset: &Subset| {
        let mut images: Vec<_> =
            (0..subset.len()).map(|i| (subset.label(i), subset.pixels(i).to_vec())).collect();
        images.sort();
        images
    };
    assert_eq!(sorted(&read.train), sorted(&original.train));
    assert_eq!(sorted(&read.test), sorted(&original.test));
    // Sorted by class, then by the number.
    let first = (0..20).find(|&position| original.test.label(position) == 0).unwrap();
    assert_eq!(read.test.name(0), format!("test/arrow/test-{first:05}.png"));
}

#[test]
fn grey_photos_have_one_channel_and_others_are_left_out() {
    let place = tempfile::tempdir().unwrap();
    for (class, grey) in [("dark", 10), ("light", 240)] {
        for number in 0..5 {
            photo(&place.path().join(class).join(format!("deep/er/{number}.PNG")), (50 + number, 70), grey);
        }
    }
    for other in ["dark/a.heic", "dark/deep/notes.txt", "light/.hidden.png", "readme.md"] {
        fs::write(place.path().join(other), "x").unwrap();
    }
    fs::create_dir(place.path().join("empty")).unwrap();
    let (loaded, notes) = load_noting(place.path(), &Reading::default());
    let Loaded { dataset, .. } = loaded.unwrap();
    assert_eq!(dataset.shape().to_string(), "1×32×32");
    assert_eq!((dataset.train.len(), dataset.test.class_counts(2)), (8, vec![1, 1]));
    assert!(dataset.train.pixels(0).iter().all(|&value| value == 10));
    let sizes = [dataset.train.original_sizes(), dataset.test.original_sizes()].concat();
    assert!(sizes.len() == 10 && sizes.contains(&(54, 70)), "{sizes:?}");
    assert_eq!(
        notes,
        [
            "left out: 1 .heic (dark/a.heic), 1 .txt (dark/deep/notes.txt), 1 folder without photos (empty), \
             1 hidden (light/.hidden.png), 1 outside of a class folder (readme.md)",
            "images: 32×32, grey, cropped to the centre; the photos have 50×70 to 54×70 (--image-size, --resize)"
        ]
    );
    // One in colour, and all have colours.
    image::RgbImage::new(50, 50).save(place.path().join("dark/colour.png")).unwrap();
    let reading = Reading { image_size: ImageSize::Square(16), ..Reading::default() };
    assert_eq!(self::loaded(place.path(), &reading).shape().to_string(), "3×16×16");
}

#[test]
fn test_images_follow_from_names_and_another_photo_changes_little() {
    let place = tempfile::tempdir().unwrap();
    for number in 0..40 {
        photo(&place.path().join(format!("{}/{number}.png", ["a", "b"][number % 2])), (8, 8), number as u8);
    }
    let before = names(&loaded(place.path(), &Reading::default()).test);
    assert_eq!(before.len(), 8);
    photo(&place.path().join("a/another.png"), (8, 8), 99);
    let after = names(&loaded(place.path(), &Reading::default()).test);
    let kept = before.iter().filter(|name| after.contains(name)).count();
    assert!(kept >= 7, "{before:?} and {after:?}");
}

#[test]
fn objects_stay_together_in_every_split() {
    let place = tempfile::tempdir().unwrap();
    for number in 0..120 {
        let name = format!("{}/cup{}-{number}.png", ["a", "b"][number % 4 / 2], number / 4);
        photo(&place.path().join(name), (8, 8), number as u8);
    }
    photo(&place.path().join("a/other.png"), (8, 8), 7);
    let reading = Reading { group_by: Some(r"cup\d+".into()), ..Reading::default() };
    let (found, notes) = load_noting(place.path(), &reading);
    assert!(notes[1].contains("says nothing of 1 of 121 photos"), "{notes:?}");
    let dataset = found.unwrap().dataset;
    let splits = dataset.clone().hold_out(0.2, 1).unwrap();
    let parts = [&splits.train, &splits.validation, &splits.test].map(objects);
    assert!(parts.iter().all(|part| part.len() > 3));
    // An object has photos of both classes here: names begin with the class.
    let cups = parts.map(|part| {
        part.into_iter().map(|name| name[2..].to_owned()).collect::<std::collections::BTreeSet<_>>()
    });
    assert!(cups[0].is_disjoint(&cups[1]) && cups[0].is_disjoint(&cups[2]) && cups[1].is_disjoint(&cups[2]));
    for fold in dataset.folds(3, 1).unwrap() {
        assert!(objects(&fold.train).is_disjoint(&objects(&fold.validation)));
    }
    assert!(
        error(place.path(), &Reading { group_by: Some("(".into()), ..Reading::default() })
            .contains("--group-by")
    );
}

#[test]
fn folders_of_validation_images_are_those() {
    let place = tempfile::tempdir().unwrap();
    for (part, count) in [("train", 6), ("valid", 2), ("test", 3)] {
        for number in 0..count {
            for class in ["a", "b"] {
                photo(&place.path().join(format!("{part}/{class}/{number}.png")), (8, 8), number);
            }
        }
    }
    let dataset = loaded(place.path(), &Reading::default());
    let splits = dataset.clone().hold_out(0.1, 1).unwrap();
    assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len()), (12, 4, 6));
    assert!(names(&splits.validation).iter().all(|name| name.starts_with("valid/")));
    let all = dataset.hold_out(0.0, 1).unwrap();
    assert_eq!((all.train.len(), all.validation.len()), (16, 0));
    // Without test images, a fifth of the training images become those.
    fs::remove_dir_all(place.path().join("test")).unwrap();
    let dataset = loaded(place.path(), &Reading::default());
    assert_eq!((dataset.train.len(), dataset.test.len()), (10, 2));
    // A class that is called "train" is one.
    fs::remove_dir_all(place.path().join("train")).unwrap();
    photo(&place.path().join("train/1.png"), (8, 8), 1);
    photo(&place.path().join("train/2.png"), (8, 8), 1);
    assert_eq!(loaded(place.path(), &Reading::default()).classes, ["train", "valid"]);
}

#[test]
fn a_table_may_say_which_class_a_photo_is_of() {
    let place = tempfile::tempdir().unwrap();
    for part in ["train", "test"] {
        for number in 0..12 {
            photo(&place.path().join(format!("{part}/all/{number}.png")), (8, 8), number);
        }
        let rows: Vec<String> =
            (0..11).map(|number| format!("all/{number}.png,{}\n", [10, 9][number % 2])).collect();
        let table = format!("file_name,label\n{}", rows.concat());
        fs::write(place.path().join(part).join("metadata.csv"), table).unwrap();
    }
    let (found, notes) = load_noting(place.path(), &Reading::default());
    let dataset = found.unwrap().dataset;
    assert_eq!((dataset.classes, dataset.train.len()), (vec!["9".to_owned(), "10".into()], 11));
    assert_eq!(notes[0], "left out: 2 not in metadata.csv (such as train/all/11.png)");
    fs::remove_file(place.path().join("train/all/3.png")).unwrap();
    assert!(error(place.path(), &Reading::default()).contains("train/all/3.png"));
}

#[test]
fn decoded_photos_are_kept_and_found_until_one_changes() {
    let [place, cache] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let path = place.path().join("shapes");
    export_folder(&shapes10::generate(300, 20, 1), &path).unwrap();
    let (first, decoded) = stored(&path, Some(cache.path()), u64::MAX);
    assert_eq!(decoded, 320);
    let (second, decoded) = stored(&path, Some(cache.path()), u64::MAX);
    assert_eq!(decoded, 0);
    same(&first, &second);
    // From the file, in pieces; and the same without a place to keep it.
    for cache in [Some(cache.path()), None] {
        same(&first, &stored(&path, cache, 1000).0);
    }
    image::RgbImage::new(32, 32).save(path.join("train").join(&first.classes[0]).join("new.png")).unwrap();
    let (third, decoded) = stored(&path, Some(cache.path()), u64::MAX);
    assert_eq!((third.train.len(), decoded), (301, 321));
    assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 1);
    // A place that can't be written to costs nothing but time.
    let file = cache.path().join("file");
    fs::write(&file, "").unwrap();
    same(&third, &stored(&path, Some(&file), u64::MAX).0);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_unicode_are_still_different() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let place = tempfile::tempdir().unwrap();
    for class in ["cat", "dog"] {
        fs::create_dir(place.path().join(class)).unwrap();
        for name in [&b"\xfe.png"[..], b"\xff.png"] {
            let path = place.path().join(class).join(OsStr::from_bytes(name));
            image::GrayImage::new(1, 1).save_with_format(path, image::ImageFormat::Png).unwrap();
        }
    }
    let dataset = loaded(place.path(), &Reading::default());
    let mut names = [names(&dataset.train), names(&dataset.test)].concat();
    names.sort();
    let expected = ["cat", "dog"].map(|class| ["", "-2"].map(|end| format!("{class}/\u{fffd}.png{end}")));
    assert_eq!(names, expected.concat());
}

#[test]
fn says_which_folder_is_wrong_and_names_all_broken_files() {
    let place = tempfile::tempdir().unwrap();
    let message = |part: &str| {
        let error = error(place.path(), &Reading::default());
        assert!(error.contains(part), "{error}");
    };
    message("has no class folders with photos");
    photo(&place.path().join("cat/1.png"), (8, 8), 1);
    message("has only one class (cat)");
    photo(&place.path().join("dog/1.png"), (8, 8), 1);
    message("has too few photos to test by");
    for class in ["cat", "dog"] {
        photo(&place.path().join(class).join("2.png"), (8, 8), 1);
        fs::write(place.path().join(class).join("text.png"), "not an image").unwrap();
    }
    message("2 of 6 photos can't be decoded");
    message("cat/text.png: ");
    message("dog/text.png: ");
    let skipping = Reading { skip_broken: true, ..Reading::default() };
    let (loaded, notes) = load_noting(place.path(), &skipping);
    assert!(notes[0].starts_with("skipped 2 broken: ") && notes[0].ends_with("dog/text.png"), "{notes:?}");
    let Loaded { dataset, broken, .. } = loaded.unwrap();
    assert_eq!((dataset.train.len(), dataset.test.len(), broken.len()), (2, 2, 2));
    fs::create_dir_all(place.path().join("train/cat")).unwrap();
    message("has no class folders");
}
