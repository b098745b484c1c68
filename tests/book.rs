//! The book in `docs/`: every command in it runs, on shapes10 and in small, and every link leads somewhere.

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use crate::common::{LONG_DEADLINE, files, run_within, text};

/// What each command is made small by, where it reads images: the most that it may ask for.
const LIMITS: [(&str, usize); 2] = [("--limit-train", 300), ("--limit-test", 100)];

/// The classes of shapes10 that are asked for instead of CIFAR-10's.
const CLASSES: [(&str, &str); 2] = [("cat", "star"), ("dog", "heart")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Every page of the book.
fn pages() -> Vec<PathBuf> {
    let mut pages = files(&root().join("docs"));
    pages.retain(|path| has_extension(path, "md"));
    pages
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

fn name(page: &Path) -> String {
    page.strip_prefix(root()).unwrap().display().to_string()
}

/// The lines that begin with `zoo` in the blocks of a page that are marked `sh`, with their numbers.
fn commands(page: &str) -> Vec<(usize, &str)> {
    let mut fence = None;
    let mut found = Vec::new();
    for (number, line) in (1..).zip(page.lines()) {
        if let Some(language) = line.strip_prefix("```") {
            fence = if fence.is_some() { None } else { Some(language) };
        } else if fence == Some("sh") && line.starts_with("zoo ") {
            found.push((number, line));
        }
    }
    found
}

/// The arguments of a command as it is tested; `None` if it needs the network.
///
/// shapes10 stands for CIFAR-10; a few images, one epoch, two seeds and two trials for many; options come after models
/// and files.
fn arguments(command: &str) -> Option<Vec<String>> {
    if command.starts_with("zoo data fetch") {
        return None;
    }
    let command = command.split(" #").next().unwrap_or_default().replace("cifar10", "shapes10");
    let mut words: Vec<String> = command.split_whitespace().skip(1).map(Into::into).collect();
    let is = |names: &[&str]| names.contains(&words[0].as_str());
    let resumes = words.iter().any(|word| word == "--resume");
    // Of a run or a search `pictures` draws what there is.
    let draws_a_run = is(&["pictures"]) && !words.iter().any(|word| word == "--data");
    if is(&["compare", "train", "tune", "sanity", "data", "pictures"]) && !resumes && !draws_a_run {
        for (option, most) in LIMITS {
            limit(&mut words, option, most);
        }
    }
    if words[0] == "mistakes" {
        for word in &mut words {
            if let Some((_, class)) = CLASSES.iter().find(|(class, _)| word == class) {
                *word = (*class).into();
            }
        }
    }
    if words[0] == "reproduce" && !words.iter().any(|word| word == "--quick") {
        words.push("--quick".into());
    }
    for option in ["--trials", "--seeds"] {
        if let Some(place) = words.iter().position(|word| word == option) {
            words[place + 1] = "2".into();
        }
    }
    let trains = ["compare", "train", "tune"].contains(&words[0].as_str()) && !resumes;
    if trains {
        let one_epoch = models(&words).map(|model| format!("--set={model}.train.epochs=1"));
        words.extend(one_epoch.collect::<Vec<_>>());
    }
    Some(words)
}

/// Takes care that `option` is there and no larger than `most`.
fn limit(words: &mut Vec<String>, option: &str, most: usize) {
    if let Some(place) = words.iter().position(|word| word == option) {
        let asked: usize = words[place + 1].parse().expect("the book's limits are numbers");
        words[place + 1] = asked.min(most).to_string();
    } else {
        words.extend([option.into(), most.to_string()]);
    }
}

/// The models that a command trains by gradient descent, by the names that `--set` knows them by.
fn models(words: &[String]) -> impl Iterator<Item = String> {
    let named = words[1..].iter().take_while(|word| !word.starts_with("--"));
    let mut models: Vec<String> = named
        .map(|word| Path::new(word).file_stem().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    if models.is_empty() {
        models = ["softmax", "svm", "cnn"].map(Into::into).into();
    }
    models.into_iter().filter(|model| !["knn", "majority"].contains(&model.as_str()))
}

/// The pages in the order of the table of contents.
fn in_order() -> Vec<PathBuf> {
    let docs = root().join("docs");
    let summary = read_to_string(docs.join("SUMMARY.md")).unwrap();
    links(&summary).into_iter().map(|(_, target)| docs.join(target)).collect()
}

/// Runs the commands of pages one after another in one folder, with `configs` in it. What failed, and how.
fn follow(pages: &[PathBuf]) -> Vec<String> {
    let place = tempfile::tempdir().unwrap();
    let configs = root().join("configs");
    for file in files(&configs).into_iter().filter(|file| file.is_file()) {
        let copy = place.path().join("configs").join(file.strip_prefix(&configs).unwrap());
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::copy(file, copy).unwrap();
    }
    pages.iter().flat_map(|page| follow_page(page, place.path())).collect()
}

/// Runs the commands of a page in `place`. What failed, and how.
fn follow_page(page: &Path, place: &Path) -> Vec<String> {
    let page_text = read_to_string(page).unwrap();
    let attempts = commands(&page_text).into_iter().filter_map(|(line, command)| {
        let arguments = arguments(command)?;
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = run_within(LONG_DEADLINE, place, &words);
        let failed = !output.status.success();
        let place = format!("{}:{line}: {command}", name(page));
        failed.then(|| format!("{place}\n  as zoo {}\n  {}", arguments.join(" "), text(&output.stderr)))
    });
    attempts.collect()
}

/// A reader follows the pages in one folder, and in an order of their own. So half of the pages are followed from the
/// first to the last and the others from the last to the first, each half in a folder.
#[test]
fn every_command_runs() {
    let pages = in_order();
    let count: usize = pages.iter().map(|page| commands(&read_to_string(page).unwrap()).len()).sum();
    assert!(count > 40, "only {count} commands were found");
    let forwards: Vec<PathBuf> = pages.iter().step_by(2).cloned().collect();
    let backwards: Vec<PathBuf> = pages.iter().skip(1).step_by(2).rev().cloned().collect();
    // Threads of its own: they wait for programs, and other tests compute on the global ones.
    let threads = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let (mut failures, others) = threads.join(|| follow(&forwards), || follow(&backwards));
    failures.extend(others);
    assert!(failures.is_empty(), "{} of {count} commands failed:\n{}", failures.len(), failures.join("\n"));
}

/// The commands of a page that choose by test images: those that compare settings and look at the test images each time.
fn choices_by_test_images(page: &str) -> Vec<(usize, &str)> {
    let comparisons = commands(page).into_iter().filter(|(_, command)| command.starts_with("zoo compare"));
    let settings: Vec<(usize, &str)> =
        comparisons.filter(|(_, command)| command.contains(" --set ")).collect();
    let one_setting = settings.len() < 2;
    settings.into_iter().filter(|(_, command)| !one_setting && !command.contains(" --no-test")).collect()
}

#[test]
fn settings_are_chosen_by_validation_images() {
    let mut wrong = Vec::new();
    for page in pages() {
        for (line, command) in choices_by_test_images(&read_to_string(&page).unwrap()) {
            wrong.push(format!("{}:{line}: {command}: without --no-test", name(&page)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The numbers of run folders depend on what was run before, and the names of recipes don't.
#[test]
fn no_command_names_a_numbered_run() {
    let mut wrong = Vec::new();
    for page in pages() {
        let page_text = read_to_string(&page).unwrap();
        let numbered = |line: &str| line.contains("zoo ") && line.contains("runs/0");
        // What a program has printed may name its run.
        let mut is_output = false;
        let lines = (1..).zip(page_text.lines()).filter(|(_, line)| {
            is_output = if line.starts_with("```") { *line == "```text" } else { is_output };
            numbered(line) && !is_output
        });
        wrong.extend(lines.map(|(number, line)| format!("{}:{number}: {line}", name(&page))));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The texts and targets of the links in a page.
fn links(page: &str) -> Vec<(&str, &str)> {
    let ends = page.match_indices("](").map(|(place, _)| place);
    let link = |place: usize| {
        let start = page[..place].rfind('[')?;
        let end = page[place..].find(')')?;
        Some((&page[start + 1..place], &page[place + 2..place + end]))
    };
    ends.filter_map(link).collect()
}

/// What is wrong with a link from `page`, if something is.
fn broken(page: &Path, label: &str, target: &str) -> Option<String> {
    let target = target.split('#').next().unwrap_or_default();
    if target.is_empty() || target.starts_with("http") {
        return None;
    }
    let path = page.parent().unwrap().join(target);
    if !path.exists() {
        return Some(format!("{}: {target} does not exist", name(page)));
    }
    // mdBook takes every link to Markdown for one to a chapter.
    let docs = root().join("docs");
    let is_chapter = path.canonicalize().unwrap().starts_with(&docs);
    if page.starts_with(&docs) && has_extension(&path, "md") && !is_chapter {
        return Some(format!("{}: {target} is no chapter, so the book can't link to it", name(page)));
    }
    // Where the text of a link to code is the name of an item, the file has it.
    let item = label.strip_prefix('`')?.strip_suffix('`')?.rsplit("::").next()?;
    let names_an_item = has_extension(&path, "rs") && !has_extension(Path::new(item), "rs");
    (names_an_item && !read_to_string(&path).unwrap().contains(item))
        .then(|| format!("{}: {target} has no {item}", name(page)))
}

#[test]
fn every_link_leads_somewhere() {
    let mut pages = pages();
    pages.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name)));
    let mut count = 0;
    let mut wrong = Vec::new();
    for page in &pages {
        let page_text = read_to_string(page).unwrap();
        let links = links(&page_text);
        count += links.len();
        wrong.extend(links.into_iter().filter_map(|(label, target)| broken(page, label, target)));
    }
    assert!(count > 100, "only {count} links were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// "As a library" is the example that CI runs, line for line.
#[test]
fn the_readme_shows_the_example_of_the_library() {
    let example = read_to_string(root().join("crates/lab/examples/compare.rs")).unwrap();
    let code = &example[example.find("use ").unwrap()..];
    let readme = read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&format!("```rust\n{code}```\n")), "README.md has other lines than\n{code}");
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let docs = root().join("docs");
    let summary = read_to_string(docs.join("SUMMARY.md")).unwrap();
    for page in pages() {
        let path = page.strip_prefix(&docs).unwrap().to_string_lossy().replace('\\', "/");
        assert!(
            path == "SUMMARY.md" || summary.contains(&format!("({path})")),
            "{path} is not in SUMMARY.md"
        );
    }
}

#[test]
fn commands_are_made_small() {
    let words = |command: &str| arguments(command).map(|words| words.join(" "));
    assert_eq!(words("zoo data fetch cifar10"), None);
    assert_eq!(words("zoo losses last/svm # of the newest comparison"), Some("losses last/svm".into()));
    assert_eq!(
        words("zoo compare knn configs/vgg.toml --data cifar10").unwrap(),
        "compare knn configs/vgg.toml --data shapes10 --limit-train 300 --limit-test 100 --set=vgg.train.epochs=1"
    );
    assert_eq!(
        words("zoo tune svm --limit-train 5000 --trials 50").unwrap(),
        "tune svm --limit-train 300 --trials 2 --limit-test 100 --set=svm.train.epochs=1"
    );
    assert_eq!(
        words("zoo compare majority svm --seeds 5").unwrap(),
        "compare majority svm --seeds 2 --limit-train 300 --limit-test 100 --set=svm.train.epochs=1"
    );
    assert_eq!(words("zoo mistakes last --class cat --top 3").unwrap(), "mistakes last --class star --top 3");
    let page = "```sh\nzoo a\n$ zoo b\n```\n\n```\nzoo c\n```\n```sh\nzoo d\n```\n";
    assert_eq!(commands(page), [(2, "zoo a"), (10, "zoo d")]);
    let page =
        "```sh\nzoo compare knn --set k=1\nzoo compare knn --set k=2 --no-test\nzoo compare knn\n```\n";
    assert_eq!(choices_by_test_images(page), [(2, "zoo compare knn --set k=1")]);
    assert_eq!(choices_by_test_images("```sh\nzoo compare knn --set k=1\n```\n"), []);
    assert_eq!(links("see [`x`](a.rs) and [b](c.md#d)"), [("`x`", "a.rs"), ("b", "c.md#d")]);
}
