//! Arguments and files that nobody has thought of: every one is read right or refused, and none ends in a panic or never.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use zoo_backends::{Backend, Machine};
use zoo_data::folder::{self, Reading, Workshop};
use zoo_data::{Splits, cifar10, mnist};
use zoo_lab::read_answers;
use zoo_lab::run::{ComparisonRun, TrainingRun, read_comparison};
use zoo_lab::tune::{SearchFolder, read_trials};
use zoo_recipes::{Dimensions, Registry};

use crate::common::{Running, poll, succeed, text, zoo};

/// Numbers that look random, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // Steele, Lea and Flood's SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % sides as u64) as usize
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len())]
    }
}

const COMMANDS: &[&str] = &[
    "compare",
    "train",
    "evaluate",
    "tune",
    "predict",
    "report",
    "pictures",
    "losses",
    "mistakes",
    "reproduce",
    "gradcheck",
    "sanity",
    "backends",
    "schema",
    "completions",
    "data info",
    "data verify",
    "data audit",
    "data export",
    "data fetch",
    "help",
    "trial",
    "nonsense",
    "",
];
const OPTIONS: &[&str] = &[
    "--data",
    "--data-dir",
    "--seed",
    "--seeds",
    "--backend",
    "--threads",
    "--out",
    "--config",
    "--set",
    "--validation",
    "--limit-train",
    "--limit-test",
    "--budget",
    "--weights",
    "--scores",
    "--image",
    "--top",
    "--folds",
    "--trials",
    "--jobs",
    "--resume",
    "--format",
    "--only",
    "--image-size",
    "--resize",
    "--background",
    "--cache-dir",
    "--samples",
    "--near",
    "--csv",
    "--json",
    "-q",
    "-v",
    "--help",
    "--quick",
    "--no-test",
    "--terminal",
    "--tui",
    "--url",
    "--timeout",
    "--nonsense",
    "--",
];
const VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "-1",
    "7",
    "4096",
    "18446744073709551615",
    "18446744073709551616",
    "9223372036854775808",
    "1e999",
    "-1e999",
    "nan",
    "inf",
    "0.5",
    "1.0",
    "a=b",
    "k=",
    "=",
    "train.epochs=1",
    "train.epochs=nan",
    "train.epochs=1e-9",
    "optimizer.learning_rate=1e300",
    "train.batch_size=18446744073709551615",
    "architecture.hidden=[4096,4096]",
    "optimizer.kind=nonsense",
    "a.b.c.d.e=1",
    "..",
    ".",
    "/",
    "/dev/null",
    "/dev/zero",
    "runs",
    "last",
    "knn",
    "softmax",
    "svm",
    "majority",
    "shapes10",
    "cifar10",
    "flex",
    "cpu",
    "file.toml",
    "file.png",
    "folder",
    "pipe",
    "1,2,3",
    "1..3",
    "3..1",
    "[1,2",
    "\"",
    "'",
    "{",
    "}",
    "{a:z}",
    "x}",
    "a\nb",
    "\u{1b}[31m",
    "\u{202e}",
    "漢字",
    "10s",
    "99999999999h",
    "http://127.0.0.1:9/",
    "png",
    "binary",
    "result",
];

/// A few words after `zoo`, as nobody would type them.
fn arguments(dice: &mut Dice) -> Vec<String> {
    let mut words: Vec<String> =
        dice.pick(COMMANDS).split(' ').filter(|word| !word.is_empty()).map(String::from).collect();
    for _ in 0..dice.roll(6) {
        let word = match dice.roll(4) {
            0 => dice.pick(VALUES).to_owned(),
            1 => dice.pick(OPTIONS).to_owned(),
            2 => format!("{}={}", dice.pick(OPTIONS), dice.pick(VALUES)),
            _ => {
                words.push(dice.pick(OPTIONS).into());
                dice.pick(VALUES).to_owned()
            }
        };
        words.push(word);
    }
    words
}

/// How often something is tried: `usual`, or as often as is asked for.
fn tries(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|tries| tries.parse().ok()).unwrap_or(usual)
}

#[test]
fn any_arguments_end_in_order() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    std::fs::write(place.join("file.toml"), "model = \"softmax\"\n[train]\nepochs = 1\n").unwrap();
    image::RgbImage::new(3, 2).save(place.join("file.png")).unwrap();
    std::fs::create_dir(place.join("folder")).unwrap();
    let _ = std::process::Command::new("mkfifo").arg(place.join("pipe")).status();
    let deadline = std::time::Duration::from_mins(1);
    for number in 0..tries("ZOO_ARGUMENTS", 150) {
        let words = arguments(&mut Dice(number as u64));
        let mut command = zoo(place);
        // Of what is asked for, a small part: defaults come from a recipe, which is no option and contradicts none.
        command.env("ZOO_BACKEND", "flex").env("RAYON_NUM_THREADS", "2").args(&words);
        // Nothing is downloaded: the proxy isn't there.
        command.env("ALL_PROXY", "http://127.0.0.1:9").env("HTTPS_PROXY", "http://127.0.0.1:9");
        if words.iter().any(|word| {
            ["compare", "train", "tune", "sanity", "gradcheck", "reproduce"].contains(&word.as_str())
        }) {
            command.args(["--limit-train=30", "--limit-test=10"]);
        }
        let mut running = Running::start(&mut command);
        // Training may take as long as it likes, if it can be ended.
        let ended = poll(std::time::Duration::from_secs(2), || running.has_ended().then_some(()));
        if ended.is_none() {
            running.interrupt();
        }
        let output = running.wait(deadline);
        let message = text(&output.stderr);
        let code = output.status.code();
        let is_in_order = matches!(code, Some(0..=2)) || (ended.is_none() && code == Some(130));
        assert!(
            is_in_order && !message.contains("panicked"),
            "{number}: {words:?} ends with {code:?}: {message}"
        );
    }
}

/// A kind of file, one that is in order, and what reads it.
struct Kind<'a> {
    path: PathBuf,
    read: Box<dyn Fn(&Path) + 'a>,
}

impl Kind<'_> {
    /// Reads prefixes of the file, and the file with single bytes changed. What comes of it doesn't matter, if something does.
    fn damage(&self) {
        let whole = std::fs::read(&self.path).unwrap();
        let attempt = |bytes: &[u8], what: &str| {
            std::fs::write(&self.path, bytes).unwrap();
            let outcome = catch_unwind(AssertUnwindSafe(|| (self.read)(&self.path)));
            assert!(outcome.is_ok(), "{} with {what} ends in a panic", self.path.display());
        };
        for part in 0..64 {
            let length = whole.len() * part / 64;
            attempt(&whole[..length], &format!("{length} bytes"));
        }
        // Every byte of the first 4 kB if it is asked for, else some.
        let step = 4096_usize.div_ceil(tries("ZOO_FLIPS", 100)).max(1);
        for at in (0..whole.len().min(4096)).step_by(step) {
            for flip in [1, 0x80, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                attempt(&bytes, &format!("byte {at} changed"));
            }
        }
        std::fs::write(&self.path, whole).unwrap();
    }
}

fn copy(from: &Path, to: &Path) -> PathBuf {
    std::fs::copy(from, to).unwrap();
    to.to_owned()
}

#[test]
fn damaged_datasets() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let small = ["--limit-train=10", "--limit-test=4"];
    succeed(place, &[&["data", "export", "batches", "--format=binary"], &small[..]].concat());
    let batches = place.join("batches");
    let read_batches =
        |_: &Path| drop(cifar10::Source::find(&batches).map(|source| cifar10::load_batches(&source)));
    for file in ["data_batch_1.bin", "batches.meta.txt"] {
        Kind { path: batches.join(file), read: Box::new(read_batches) }.damage();
    }
    let archive = place.join("batches.tar.gz");
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(
        std::fs::File::create(&archive).unwrap(),
        flate2::Compression::best(),
    ));
    tar.append_dir_all("batches", &batches).unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    let read_archive =
        |path: &Path| drop(cifar10::Source::find(path).map(|source| cifar10::load_batches(&source)));
    Kind { path: archive, read: Box::new(read_archive) }.damage();

    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/src/cifar10/golden");
    for dialect in ["python2.pickle", "protocol2.pickle", "protocol4.pickle"] {
        let folder = place.join(dialect);
        std::fs::create_dir(&folder).unwrap();
        for name in ["data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"] {
            copy(&golden.join(dialect), &folder.join(name));
        }
        let path = copy(&golden.join(dialect), &folder.join("data_batch_1"));
        let whole = cifar10::load_batches(&cifar10::Source::find(&folder).unwrap()).unwrap();
        assert_eq!((whole.train.len(), whole.test.len()), (10, 2), "{dialect}");
        let read =
            |_: &Path| drop(cifar10::Source::find(&folder).map(|source| cifar10::load_batches(&source)));
        Kind { path, read: Box::new(read) }.damage();
    }

    let digits = place.join("digits");
    std::fs::create_dir(&digits).unwrap();
    let idx = |sizes: &[u32], values: &[u8]| {
        let sizes: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
        [&[0, 0, 8, (sizes.len() / 4) as u8], &sizes[..], values].concat()
    };
    for (name, images) in [("train", 6_u32), ("t10k", 4)] {
        std::fs::write(
            digits.join(format!("{name}-images-idx3-ubyte")),
            idx(&[images, 4, 4], &vec![7; 16 * images as usize]),
        )
        .unwrap();
        let labels: Vec<u8> = (0..images as u8).collect();
        std::fs::write(digits.join(format!("{name}-labels-idx1-ubyte")), idx(&[images], &labels)).unwrap();
    }
    for file in ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"] {
        let read = |_: &Path| drop(mnist::find(&digits).map(|folder| mnist::load_folder(&folder)));
        Kind { path: digits.join(file), read: Box::new(read) }.damage();
    }
}

#[test]
fn damaged_photos() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    succeed(place, &["data", "export", "photos", "--limit-train=20", "--limit-test=10"]);
    let photos = place.join("photos");
    let read = |_: &Path| {
        drop(folder::load(
            &photos,
            &Reading::default(),
            &mut Workshop { cache: None, memory: 1 << 30, hear: &mut |_| {} },
        ));
    };
    let class = photos.join("train").join("circle");
    for ending in ["png", "jpg", "gif", "bmp", "webp", "tiff"] {
        let path = class.join(format!("photo.{ending}"));
        let pixels = image::RgbImage::from_fn(9, 7, |x, y| image::Rgb([20 * x as u8, 30 * y as u8, 100]));
        pixels.save(&path).unwrap();
        Kind { path: path.clone(), read: Box::new(read) }.damage();
        std::fs::remove_file(path).unwrap();
    }
    let path = photos.join("train/metadata.csv");
    let names = ["circle", "square"].map(|class| {
        let first =
            std::fs::read_dir(photos.join("train").join(class)).unwrap().next().unwrap().unwrap().file_name();
        format!("{class}/{},{class}", first.to_string_lossy())
    });
    std::fs::write(&path, format!("file_name,label\n{}\n", names.join("\n"))).unwrap();
    Kind { path, read: Box::new(read) }.damage();
}

fn images() -> (Splits, Machine) {
    let source = zoo_lab::Source::named("shapes10").limited(60, 20);
    (source.splits(42).unwrap(), "flex".parse::<Backend>().unwrap().select().unwrap())
}

#[test]
fn damaged_runs() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let small =
        ["--limit-train=60", "--limit-test=20", "--set=softmax.train.epochs=2", "--set=cnn.train.epochs=1"];
    succeed(place, &[&["compare", "softmax", "knn", "cnn"], &small[..]].concat());
    let tune = ["tune", "softmax", "--set=optimizer.learning_rate=0.01,0.1", "--set=train.epochs=1"];
    succeed(place, &[&tune[..], &small[..2]].concat());
    let (splits, machine) = images();
    let registry = Registry::zoo();
    let compared = place.join("runs/0001-compare-shapes10");
    let searched = place.join("runs/0002-tune-softmax-shapes10");
    let open_search = || drop(SearchFolder::open(&registry, &searched));
    let evaluate = |folder: &Path| {
        if let Ok(run) = TrainingRun::open(&registry, folder)
            && let Ok(model) = run.model(&machine)
            && run.config.dimensions().shape == Dimensions::of(&splits).shape
        {
            let _ = zoo_train::score(model.classifier(), &splits.test, &machine.device);
        }
    };
    for model in ["softmax", "knn", "cnn"] {
        for file in ["config.toml", "model.safetensors"] {
            let folder = compared.join(model);
            Kind { path: folder.join(file), read: Box::new(|_| evaluate(&folder)) }.damage();
        }
    }
    let kinds = [
        Kind {
            path: compared.join("config.toml"),
            read: Box::new(|_| drop(ComparisonRun::open(&registry, &compared))),
        },
        Kind { path: compared.join("result.json"), read: Box::new(|_| drop(read_comparison(&compared))) },
        Kind { path: compared.join("predictions.csv"), read: Box::new(|_| drop(read_answers(&compared))) },
        Kind { path: searched.join("config.toml"), read: Box::new(|_| open_search()) },
        Kind { path: searched.join("trials.jsonl"), read: Box::new(|path| drop(read_trials(path))) },
        Kind {
            path: compared.join("config.toml"),
            read: Box::new(|path| drop(registry.contenders(&[path.to_str().unwrap()]))),
        },
    ];
    for kind in kinds {
        kind.damage();
    }
}

/// What reads results draws and writes of them: pages, tables and pictures of a stranger's `result.json`.
#[test]
fn damaged_results_are_shown_or_refused() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let small = ["--limit-train=60", "--limit-test=20", "--set=train.epochs=1"];
    succeed(place, &[&["compare", "softmax"], &small[..]].concat());
    let compared = place.join("runs/0001-compare-shapes10");
    let show = |_: &Path| {
        if let Ok(comparison) = read_comparison(&compared) {
            let _ = (
                zoo_report::markdown(&comparison),
                zoo_report::csv(&comparison),
                zoo_report::table_within(&comparison, 80),
            );
            let _ = (zoo_report::terminal_pictures(&comparison, 80, true), zoo_report::details(&comparison));
            let _ = zoo_report::curves(&comparison).map(|picture| picture.png());
        }
    };
    Kind { path: compared.join("result.json"), read: Box::new(show) }.damage();
}

#[test]
fn damaged_weights_and_recipes() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let (splits, machine) = images();
    let registry = Registry::zoo();
    let recipe = golden.join("lenet.toml");
    let contenders = registry.contenders(&[recipe.to_str().unwrap()]).unwrap();
    let load = |path: &Path| {
        let trainable = contenders[0].estimator.trainable().unwrap();
        drop(trainable.load_weights(path, &splits, &machine));
    };
    for file in ["lenet.pt", "lenet.safetensors"] {
        Kind { path: copy(&golden.join(file), &place.join(file)), read: Box::new(load) }.damage();
    }
    let path = copy(&recipe, &place.join("lenet.toml"));
    let read = |path: &Path| drop(registry.contenders(&[path.to_str().unwrap()]));
    Kind { path, read: Box::new(read) }.damage();
}
