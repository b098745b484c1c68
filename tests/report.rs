//! `report.html`, in a real browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

use crate::browser::{Browser, axe};
use crate::common::{fail, json, succeed, without_times};

/// Keys, as WebDriver names them.
const ENTER: &str = "\u{e007}";
const TAB: &str = "\u{e004}";
const ESCAPE: &str = "\u{e00c}";
const RIGHT: &str = "\u{e014}";

/// Names that a page must show, and not take for its own.
const CLASS: &str = "<img src=x onerror=alert(1)>";
const FILE: &str = "\"><script>";

/// Runs that pages are of, made once for all tests here.
struct Pages {
    place: PathBuf,
}

impl Pages {
    fn get() -> &'static Self {
        static PAGES: OnceLock<Pages> = OnceLock::new();
        PAGES.get_or_init(|| {
            let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
            let _ = fs::remove_dir_all(&place);
            fs::create_dir_all(&place).unwrap();
            let limits = ["--limit-train=600", "--limit-test=300"];
            let run = |arguments: &[&str]| succeed(&place, &[arguments, &limits[..]].concat());
            run(&[
                "compare",
                "knn",
                "softmax",
                "cnn",
                "--set=cnn.train.epochs=2",
                "--set=softmax.train.epochs=3",
            ]);
            run(&["train", "softmax", "--set=train.epochs=2"]);
            run(&[
                "tune",
                "softmax",
                "--set=optimizer.learning_rate=0.01,0.1",
                "--set=optimizer.weight_decay=0.0,0.1",
                "--set=train.epochs=1",
                "--jobs=1",
            ]);
            succeed(
                &place,
                &["reproduce", "cs231n", "--quick", "--data=shapes10", "--only=softmax", "--only=svm"],
            );
            photos(&place.join("photos"));
            succeed(&place, &["compare", "knn", "softmax", "--data=photos", "--image-size=native"]);
            Self { place }
        })
    }

    fn run(&self, number: usize) -> PathBuf {
        let prefix = format!("{number:04}-");
        let entries = fs::read_dir(self.place.join("runs")).unwrap().map(|entry| entry.unwrap().path());
        let is_it = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(&prefix);
        entries.into_iter().find(is_it).unwrap_or_else(|| panic!("there is no run {number}"))
    }

    fn page(&self, number: usize) -> PathBuf {
        self.run(number).join("report.html")
    }
}

/// Photos of two classes that can't be told apart, wider than high, in a folder for training and one for the test. One class, and a file of
/// each in both folders, are called what no page wants.
fn photos(place: &Path) {
    for (part, class, base) in
        [("train", CLASS, 20), ("train", "plain", 25), ("test", CLASS, 30), ("test", "plain", 15)]
    {
        let place = place.join(part);
        fs::create_dir_all(place.join(class)).unwrap();
        for number in 0..20_u8 {
            let noise = |x: u32, y: u32| (x * 7 + y * 13 + u32::from(number) * 31) as u8 % 120;
            let picture =
                image::RgbImage::from_fn(40, 16, |x, y| image::Rgb([base + noise(x, y), base, noise(y, x)]));
            let name = if number == 3 { format!("{FILE}.png") } else { format!("{number}.png") };
            picture.save(place.join(class).join(name)).unwrap();
        }
    }
}

#[test]
fn pages_open_from_disk_without_network_or_complaint() {
    let Some(browser) = Browser::start("report") else { return };
    let pages = Pages::get();
    for number in 1..=5 {
        browser.open(&pages.page(number));
        let complaints: Vec<Value> = browser.console();
        assert!(complaints.is_empty(), "page {number}: {complaints:?}");
        let asked = browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)");
        let outside: Vec<&str> = asked
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| !name.starts_with("data:"))
            .collect();
        assert!(outside.is_empty(), "page {number} asks for {outside:?}");
        assert!(
            browser.run("return document.title").as_str().unwrap().contains(" on "),
            "page {number} has a title"
        );
        let broken = "return [...document.querySelectorAll('a[href^=\"#\"]')].filter(link => !document.querySelector(link.hash)).length";
        assert_eq!(browser.run(broken), 0, "page {number}: each link leads somewhere");
    }
}

#[test]
fn tables_are_sorted_by_keyboard() {
    let Some(browser) = Browser::start("report") else { return };
    browser.open(&Pages::get().page(1));
    let column = |title: &str| {
        let script = format!(
            "const table = document.querySelector('table.sortable');
             const at = [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent.trim() === '{title}');
             return [...table.tBodies[0].rows].map(row => row.cells[at].dataset.value ?? row.cells[at].textContent.trim())"
        );
        let cells = browser.run(&script);
        cells.as_array().unwrap().iter().map(|cell| cell.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let focus = |title: &str| {
        let script = format!(
            "[...document.querySelectorAll('th button')].find(button => button.textContent === '{title}').focus()"
        );
        browser.run(&script);
    };
    let figures = |title: &str| column(title).iter().map(|cell| cell.parse().unwrap()).collect::<Vec<f64>>();
    focus("images/s");
    browser.press(ENTER);
    assert!(figures("images/s").is_sorted_by(|a, b| a >= b), "{:?}", figures("images/s"));
    browser.press(ENTER);
    assert!(figures("images/s").is_sorted(), "{:?}", figures("images/s"));
    focus("model");
    browser.press(ENTER);
    assert_eq!(column("model"), ["cnn", "knn", "softmax"]);
    assert_eq!(browser.run("return document.querySelector('th[aria-sort]').textContent"), "model");
}

/// The images that `model` takes for `answer` though they are of `class`, in predictions.csv.
fn in_cell(run: &Path, model: &str, class: &str, answer: &str) -> Vec<String> {
    let text = fs::read_to_string(run.join("predictions.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let headings = lines.next().unwrap();
    let column = headings.iter().position(|heading| *heading == model).unwrap();
    let mut names: Vec<String> = lines
        .filter(|line| line[2] == class && line[column] == answer)
        .map(|line| line[1].to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_cell_of_a_confusion_matrix_opens_its_images() {
    let Some(browser) = Browser::start("report") else { return };
    let pages = Pages::get();
    browser.open(&pages.page(1));
    let opened = browser.run(
        "const table = [...document.querySelectorAll('.matrix')].find(matrix => matrix.querySelector('h3').textContent === 'softmax').querySelector('table');
         const cells = [...table.querySelectorAll('[data-cell]')].filter(cell => { const [r, c] = cell.dataset.cell.split(','); return r !== c; });
         cells.sort((a, b) => a.textContent - b.textContent);
         const cell = cells[0];
         cell.querySelector('button').focus();
         return [cell.title, cell.textContent]",
    );
    browser.press(ENTER);
    let (title, count) = (opened[0].as_str().unwrap(), opened[1].as_str().unwrap().parse::<usize>().unwrap());
    let (class, rest) = title.split_once(" taken for ").unwrap();
    let answer = rest.rsplit_once(": ").unwrap().0;
    let said = browser.run("return document.querySelector('dialog[open] h2').textContent");
    assert_eq!(said.as_str().unwrap(), format!("softmax: {title}"));
    let shown = browser
        .run("return [...document.querySelectorAll('dialog .name')].map(name => name.textContent).sort()");
    let shown: Vec<String> = serde_json::from_value(shown).unwrap();
    assert_eq!((shown.len(), &shown), (count, &in_cell(&pages.run(1), "softmax", class, answer)));
    let drawn = browser.run(
        "return [...document.querySelectorAll('dialog .thumb')].every(thumb => document.querySelector(thumb.querySelector('use').getAttribute('href')) && thumb.getBoundingClientRect().width > 40)",
    );
    assert_eq!(drawn, true, "each with its picture");
    browser.press(ESCAPE);
    assert_eq!(browser.run("return document.querySelector('dialog').open"), false);
    // The tabulator meets one cell per matrix; arrow keys reach every other one.
    let reached = browser.run(
        "const table = document.querySelector('.confusion');
         const buttons = [...table.querySelectorAll('button')];
         const stops = buttons.filter(button => button.tabIndex === 0).length;
         const seen = new Set([buttons[0]]);
         const queue = [buttons[0]];
         while (queue.length) {
           const from = queue.pop();
           for (const key of ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown']) {
             from.focus();
             from.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
             const to = document.activeElement;
             if (!seen.has(to)) { seen.add(to); queue.push(to); }
           }
         }
         return [stops, seen.size, buttons.length]",
    );
    assert_eq!((&reached[0], &reached[1]), (&Value::from(1), &reached[2]), "{reached}");
    browser.run("document.querySelector('.confusion button').focus()");
    browser.press(RIGHT);
    let moved = browser.run("return document.activeElement !== document.querySelector('.confusion button') && !!document.activeElement.closest('.confusion')");
    assert_eq!(moved, true, "a real key moves, too");
    browser.press(TAB);
    let inside = browser
        .run("return document.activeElement.closest('.confusion') === document.querySelector('.confusion')");
    assert_eq!(inside, false);
}

#[test]
fn what_is_large_is_said_to_be_left_out() {
    let Some(browser) = Browser::start("report") else { return };
    let pages = Pages::get();
    browser.open(&pages.page(1));
    let cells = browser.run(
        "const data = JSON.parse(document.getElementById('data').textContent);
         const names = data.images.map(image => image.name);
         return [names.length, new Set(names).size]",
    );
    assert_eq!(cells[0], cells[1], "no image is there twice");
    let said = browser.run("return document.querySelector('header').textContent");
    let count = cells[0].as_u64().unwrap();
    assert!(
        count == 300
            || said.as_str().unwrap().contains(&format!("This page has {count} of the 300 test images")),
        "{said}"
    );
}

#[test]
fn nothing_overflows_sideways() {
    let Some(browser) = Browser::start("report") else { return };
    let pages = Pages::get();
    for width in [360, 800, 1600] {
        browser.set_width(width);
        for number in 1..=5 {
            browser.open(&pages.page(number));
            let wide = browser.run("return document.documentElement.scrollWidth");
            let widest = browser.run(
                "return [...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, pre, .sheets') && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 90)).slice(0, 3)",
            );
            assert!(
                wide.as_u64().unwrap() <= width.into(),
                "page {number} at {width}: {wide} wide: {widest}"
            );
        }
    }
}

#[test]
fn nothing_keeps_people_out() {
    let Some(browser) = Browser::start("report") else { return };
    let Some(axe) = axe("report::nothing_keeps_people_out") else { return };
    let pages = Pages::get();
    for is_dark in [false, true] {
        browser.set_dark(is_dark);
        for number in 1..=5 {
            browser.open(&pages.page(number));
            browser.run("document.querySelectorAll('details').forEach(details => details.open = true)");
            browser.run(&axe);
            let found = browser.run_until_called(
                "const done = arguments[arguments.length - 1];
                 axe.run(document).then(result => done(result.violations.map(violation => [violation.impact, violation.id, violation.nodes.length, violation.nodes[0].html.slice(0, 200), violation.nodes[0].failureSummary])))",
            );
            assert_eq!(found, Value::Array(Vec::new()), "page {number}, dark: {is_dark}");
        }
    }
}

#[test]
fn without_its_script_a_page_still_says_everything() {
    let Some(browser) = Browser::start("report") else { return };
    let pages = Pages::get();
    let content =
        "return [...document.querySelectorAll('h1, h2, h3, caption, figcaption, li, td, .plot, .thumb')]
                   .filter(e => !e.closest('dialog') && e.getBoundingClientRect().height > 0).length";
    for number in 1..=5 {
        browser.set_scripts(true);
        browser.open(&pages.page(number));
        let with = browser.run(content);
        assert!(browser.run("return document.querySelectorAll('th button').length").as_u64() > Some(0));
        browser.set_scripts(false);
        browser.open(&pages.page(number));
        assert_eq!(browser.run(content), with, "page {number}");
        assert_eq!(
            browser.run("return document.querySelectorAll('button').length"),
            0,
            "nothing that can't be used"
        );
    }
}

#[test]
fn names_are_text_whatever_they_are() {
    let Some(browser) = Browser::start("report") else { return };
    let pages = Pages::get();
    browser.open(&pages.page(5));
    assert!(browser.console().is_empty());
    assert_eq!(browser.run("return document.querySelectorAll('img').length"), 0);
    assert_eq!(browser.run("return document.querySelectorAll('script').length"), 2);
    let text = browser.run("return document.body.textContent");
    assert!(text.as_str().unwrap().contains(CLASS), "the class is named");
    browser.run("document.querySelector('[data-cell] button').click()");
    let opened = browser.run("return document.querySelector('dialog').textContent");
    assert!(opened.as_str().unwrap().contains(CLASS), "{opened}");
    assert!(text.as_str().unwrap().contains(FILE), "the file is named, too");
    let kept = fs::read_to_string(pages.run(5).join("predictions.csv")).unwrap();
    assert!(kept.contains("<script>"), "{kept}");
    // A window shows its own image and nothing of those above and below it: it is as wide as the image, and clipped.
    let windows = browser.run(
        "const inner = [...document.querySelectorAll('.thumb > svg')];
         return inner.length > 10 && inner.every(svg => getComputedStyle(svg).overflow === 'hidden' && svg.getAttribute('viewBox').endsWith(` ${svg.getAttribute('width')} ${svg.getAttribute('height')}`))",
    );
    assert_eq!(windows, true);
}

#[test]
fn pages_are_small() {
    let pages = Pages::get();
    for number in 1..=5 {
        let bytes = fs::metadata(pages.page(number)).unwrap().len();
        assert!(bytes < 1_000_000, "page {number} has {bytes} bytes");
    }
}

#[test]
fn runs_of_the_same_images_become_one_comparison() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let limits = ["--limit-train=300", "--limit-test=100"];
    let train = |arguments: &[&str]| succeed(place, &[&["train"], arguments, &limits].concat());
    train(&["softmax", "--set=train.epochs=1"]);
    train(&["softmax", "--set=train.epochs=4"]);
    train(&["knn"]);
    // One run twice is that run.
    assert_eq!(succeed(place, &["report", "knn", "knn"]).trim(), "runs/0003-train-knn-shapes10/report.html");
    let made = json(
        place,
        &["report", "runs/0001-train-softmax-shapes10", "runs/0002-train-softmax-shapes10", "knn"],
    );
    assert_eq!(made["report"], "runs/0004-report-shapes10/report.html");
    let folder = place.join("runs/0004-report-shapes10");
    let result: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("result.json")).unwrap()).unwrap();
    let mut names: Vec<&str> = result["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["recipe"].as_str().unwrap_or(one["model"].as_str().unwrap()))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["knn", "softmax", "softmax of 0002-train-softmax-shapes10"]);
    assert_eq!(result["pairs"].as_array().unwrap().len(), 3, "each pair is judged");
    let answers = fs::read_to_string(folder.join("predictions.csv")).unwrap();
    assert!(
        answers.lines().next().unwrap().contains("softmax of 0002-train-softmax-shapes10 right"),
        "{answers}"
    );
    // Others are refused by name, and nothing is written.
    succeed(place, &["train", "svm", "--limit-train=200", "--limit-test=100", "--set=train.epochs=1"]);
    let refused = fail(place, 2, &["report", "softmax", "svm"]);
    assert!(refused.contains("0005-train-svm-shapes10") && refused.contains("other images"), "{refused}");
    // `last` is the newest run, not the newest page.
    assert!(succeed(place, &["report", "last"]).contains("runs/0005-train-svm-shapes10/report.html"));
}

#[test]
fn runs_that_have_no_page_get_one() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &["train", "softmax", "--limit-train=300", "--limit-test=100", "--set=train.epochs=2"]);
    let run = place.join("runs/0001-train-softmax-shapes10");
    let first = fs::read_to_string(run.join("report.html")).unwrap();
    fs::remove_file(run.join("report.html")).unwrap();
    assert_eq!(succeed(place, &["report", "softmax"]).trim(), "runs/0001-train-softmax-shapes10/report.html");
    assert_eq!(fs::read_to_string(run.join("report.html")).unwrap(), first, "the same page again");
    // As zoo made them before it kept answers.
    fs::remove_file(run.join("predictions.csv")).unwrap();
    succeed(place, &["report", "softmax"]);
    let page = fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("has no predictions.csv") && page.contains("id=\"confusion\""));
    fs::remove_file(run.join("result.json")).unwrap();
    let refused = fail(place, 1, &["report", "softmax"]);
    assert!(refused.contains("is not finished"), "{refused}");
}

#[test]
fn where_the_images_are_gone_the_page_has_the_rest() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    photos(&place.join("photos"));
    succeed(
        place,
        &["compare", "softmax", "--data=photos", "--image-size=16", "--set=softmax.train.epochs=1"],
    );
    fs::rename(place.join("photos"), place.join("moved")).unwrap();
    let page = || fs::read_to_string(place.join("runs/0001-compare-photos/report.html")).unwrap();
    assert!(page().contains("<use href"));
    succeed(place, &["report", "last"]);
    assert!(page().contains("The images can&#39;t be shown: ") && page().contains("id=\"confusion\""));
    // From where they are now they are there again.
    succeed(place, &["report", "last", "--data=moved"]);
    assert!(!page().contains("The images can&#39;t be shown: "));
}

#[test]
fn what_a_stranger_writes_is_checked() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &["train", "softmax", "--limit-train=300", "--limit-test=100", "--set=train.epochs=1"]);
    let file = place.join("runs/0001-train-softmax-shapes10/result.json");
    let whole: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    for confusion in [serde_json::json!([[1, 2], [3]]), serde_json::json!([[1, 2, 3]])] {
        let mut changed = whole.clone();
        changed["results"][0]["test"]["confusion"] = confusion;
        fs::write(&file, changed.to_string()).unwrap();
        let refused = fail(place, 1, &["report", "last"]);
        assert!(refused.contains("confusion matrix"), "{refused}");
    }
    // Fewer names than rows, or no rows: there is no matrix to show.
    let mut fewer = whole.clone();
    fewer["results"][0]["test"]["per_class"].as_array_mut().unwrap().pop();
    let mut none = whole;
    none["results"][0]["test"]["confusion"] = serde_json::json!([]);
    for changed in [fewer, none] {
        fs::write(&file, changed.to_string()).unwrap();
        succeed(place, &["report", "last"]);
        succeed(place, &["pictures", "last", "--terminal"]);
        succeed(place, &["pictures", "last"]);
    }
}

/// The command that a page says does the same again.
fn command(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let command = text.split("<p>The same again:</p>").nth(1).unwrap();
    let command = command.split("<code>").nth(1).unwrap().split("</code>").next().unwrap();
    command.split_whitespace().skip(1).map(String::from).collect()
}

#[test]
fn the_command_on_a_page_does_the_same_again() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let limits = ["--limit-train=300", "--limit-test=100", "--seed=7"];
    let runs: [&[&str]; 3] = [
        &["compare", "knn", "softmax", "--seeds=2", "--set=softmax.train.epochs=2", "--set=knn.k=3"],
        &["train", "mlp", "--set=train.epochs=1", "--set=architecture.hidden=[12]", "--no-test"],
        &[
            "tune",
            "softmax",
            "--set=optimizer.learning_rate=0.001..0.1",
            "--trials=2",
            "--set=train.epochs=1",
            "--jobs=1",
        ],
    ];
    let suite = ["reproduce", "cs231n", "--quick", "--only=softmax", "--data=shapes10", "--seed=7"];
    let mut all: Vec<Vec<&str>> = runs.iter().map(|run| [*run, &limits[..]].concat()).collect();
    all.push(suite.to_vec());
    for (number, arguments) in all.into_iter().enumerate() {
        let first = json(place, &arguments);
        let run = fs::read_dir(place.join("runs")).unwrap().map(|entry| entry.unwrap().path());
        let run = run
            .into_iter()
            .find(|path| path.to_string_lossy().contains(&format!("/{:04}-", 2 * number + 1)))
            .unwrap();
        let again = command(&run.join("report.html"));
        let again = json(place, &again.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(without_times(again), without_times(first), "{arguments:?}");
    }
}

#[test]
fn the_terminal_shows_curves_and_matrices() {
    let pages = Pages::get();
    let run = pages.run(1);
    let text = succeed(&pages.place, &["pictures", "--terminal", run.to_str().unwrap()]);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours where there is no terminal");
    for part in
        ["Training loss, by epoch", "Accuracy on validation images in %, by epoch", "knn: ", "taken for"]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert_eq!(text.matches("of the test images right").count(), 3);
}
