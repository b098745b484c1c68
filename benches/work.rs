//! One piece of work, done once by one process: `scripts/bench/run` compares it with Python's libraries.
//!
//! ```text
//! cargo build --release --bench work
//! target/release/deps/work-… knn-l2 --data-dir data --threads 2
//! ```
//!
//! prints a line of JSON: `row`, `program`, `seconds` of the timed part (a row of steps: the median step),
//! `peak_bytes` of the process, `check` (an accuracy, a loss or a mean: wrong work shows) and `threads`. The
//! timed part takes `u8` images from memory, except that of `load`, which gets them there.

#![expect(clippy::print_stdout, reason = "prints its line of JSON")]
#![expect(clippy::disallowed_methods, reason = "reads the loss of each step")]

use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use clap::{Parser, ValueEnum};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zoo_cnn::{CnnConfig, Pool, ResnetConfig, VggConfig};
use zoo_core::{Architecture, Classifier, Features, Loss};
use zoo_data::{Augment, Epoch, ImageShape, Images, Splits, Subset, cifar10};
use zoo_knn::{Knn, KnnConfig, Metric, Ties};
use zoo_softmax::SoftmaxConfig;
use zoo_svm::SvmConfig;
use zoo_train::{Fitted, Optimizer, Recipe, Sgd, Training, input_spec};

// As in the `zoo` command, and so is what `main` begins with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// First weights and the order of images follow from it.
const SEED: u64 = 42;

/// Classes of CIFAR-10.
const CLASSES: usize = cifar10::CLASSES.len();

/// Neighbours that vote.
const K: usize = 10;

/// Answers whose median counts.
const ANSWERS: usize = 20;

/// Steps that come before those that count: memory is new, caches are cold.
const WARM_UP: usize = 5;

/// Steps that count.
const STEPS: usize = 20;

/// Does one piece of work, once, and prints what it took as a line of JSON.
#[derive(Parser)]
#[command(name = "work")]
struct Arguments {
    /// What to do.
    row: Row,
    /// CIFAR-10's binary batches, or the folder that has them.
    #[arg(long, default_value = "data")]
    data_dir: PathBuf,
    /// Use only the first training images, this many.
    #[arg(long, value_name = "IMAGES")]
    limit_train: Option<usize>,
    /// Use only the first test images, this many.
    #[arg(long, value_name = "IMAGES")]
    limit_test: Option<usize>,
    /// How many times over the training images are used.
    #[arg(long, value_name = "TIMES", default_value_t = 1)]
    repeat_images: usize,
    /// Images per step, for the rows that train; otherwise the row's own number.
    #[arg(long, value_name = "IMAGES")]
    batch: Option<usize>,
    /// Threads to work with; otherwise all cores, or what RAYON_NUM_THREADS says.
    #[arg(long)]
    threads: Option<usize>,
    /// What `cargo bench` appends to a benchmark's arguments.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Row {
    /// The classes of the test images by their ten nearest training images, Euclidean.
    KnnL2,
    /// The same by sums of absolute differences.
    KnnL1,
    /// The neighbours of one image, Euclidean: how long an answer takes.
    KnnL2One,
    /// The neighbours of ten.
    KnnL2Ten,
    /// The neighbours of one image by sums of absolute differences.
    KnnL1One,
    /// The neighbours of ten.
    KnnL1Ten,
    /// configs/softmax.toml, shortened to one epoch.
    SoftmaxEpoch,
    /// configs/svm.toml, shortened to one epoch.
    SvmEpoch,
    /// configs/softmax.toml until loss and penalty are within 0.1 % of the least that there is.
    SoftmaxOptimum,
    /// A training step of a VGG-like network of widths 32-64-128.
    VggStep,
    /// The scores of the test images by that network.
    VggPredict,
    /// A training step of ResNet-20.
    ResnetStep,
    /// CIFAR-10 from its files into memory.
    Load,
    /// The first epoch of configs/airbench/narrow-32-64-64.toml.
    AirbenchEpoch,
}

/// λ of the penalty whose optimum is looked for, that of configs/softmax.toml.
const PENALTY: f64 = 1e-3;

/// Epochs after which loss and penalty are within 0.1 % of the optimum,
const OPTIMUM_EPOCHS: f64 = 48.0;

/// and the learning rate that this takes.
const OPTIMUM_RATE: f64 = 0.02;

/// A k-NN classifier of the training images.
fn neighbours(metric: Metric, train: &Subset, device: &Device) -> Knn {
    let config = KnnConfig { features: Features::Pixels, k: K, metric, ties: Ties::Nearest };
    let mut knn = config.init(CLASSES);
    let portion = Knn::portion(train.shape().values(), device);
    knn.extend(train.batches(portion, device).map(|batch| batch.images), &train.labels());
    knn
}

/// Seconds of the timed part, and the check.
type Measured = anyhow::Result<(f64, f64)>;

fn main() -> anyhow::Result<()> {
    zoo_kernels::keep_freed_memory();
    let arguments = Arguments::parse();
    if let Some(threads) = arguments.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    }
    let row = arguments.row;
    let (seconds, check) = rayon::scope(|_| arguments.work())?;
    let report = serde_json::json!({
        "row": row,
        "program": "zoo",
        "seconds": seconds,
        "peak_bytes": peak_bytes(),
        "check": check,
        "threads": rayon::current_num_threads(),
    });
    println!("{report}");
    Ok(())
}

/// Two convolutions per block, pooled at its end.
fn vgg() -> CnnConfig {
    let (widths, depths) = (vec![32, 64, 128], vec![2, 2, 2]);
    CnnConfig::Vgg(VggConfig { widths, depths, pool: Pool::Last, ..VggConfig::default() })
}

impl Arguments {
    /// Does the row's work.
    fn work(&self) -> Measured {
        match self.row {
            Row::KnnL2 => self.knn(Metric::L2),
            Row::KnnL1 => self.knn(Metric::L1),
            Row::KnnL2One => self.answers(Metric::L2, 1),
            Row::KnnL2Ten => self.answers(Metric::L2, 10),
            Row::KnnL1One => self.answers(Metric::L1, 1),
            Row::KnnL1Ten => self.answers(Metric::L1, 10),
            Row::SoftmaxEpoch => {
                self.epoch::<SoftmaxConfig>(include_str!("../configs/softmax.toml"), Some(1.0))
            }
            Row::SvmEpoch => self.epoch::<SvmConfig>(include_str!("../configs/svm.toml"), Some(1.0)),
            Row::SoftmaxOptimum => self.optimum(),
            Row::VggStep => self.steps(&vgg()),
            Row::VggPredict => self.predict(&vgg()),
            Row::ResnetStep => self.steps(&CnnConfig::Resnet(ResnetConfig::default())),
            Row::Load => self.load(),
            Row::AirbenchEpoch => {
                self.epoch::<CnnConfig>(include_str!("../configs/airbench/narrow-32-64-64.toml"), None)
            }
        }
    }

    /// Makes a classifier of the training images, which labels the test images. The check is the accuracy.
    fn knn(&self, metric: Metric) -> Measured {
        let (train, test) = self.images()?;
        let device = Device::flex();
        let start = Instant::now();
        let knn = neighbours(metric, &train, &device);
        let scores = zoo_train::score(&knn, &test, &device)?;
        let predictions = scores.predictions();
        let seconds = start.elapsed().as_secs_f64();
        let right =
            predictions.into_iter().zip(test.labels()).filter(|(found, label)| found == label).count();
        Ok((seconds, right as f64 / test.len() as f64))
    }

    /// Finds the neighbours of a few test images at a time; the median time. The check is the mean distance of the nearest.
    fn answers(&self, metric: Metric, queries: usize) -> Measured {
        let (train, test) = self.images()?;
        let device = Device::flex();
        let knn = neighbours(metric, &train, &device);
        let (mut seconds, mut nearest) = (Vec::new(), 0.0);
        for answer in 0..ANSWERS {
            let images = test.batch(answer * queries..(answer + 1) * queries, &device).images;
            let start = Instant::now();
            let neighbours = knn.neighbours(images);
            seconds.push(start.elapsed().as_secs_f64());
            nearest += neighbours.iter().map(|neighbours| neighbours[0].distance as f64).sum::<f64>();
        }
        Ok((median(&mut seconds), nearest / (ANSWERS * queries) as f64))
    }

    /// Follows a recipe for the first of its epochs, or of as many as told here. The check is the mean loss over it.
    fn epoch<A: Architecture + DeserializeOwned>(&self, text: &str, epochs: Option<f64>) -> Measured {
        let mut recipe = self.recipe::<A>(text)?;
        recipe.train.epochs = epochs.unwrap_or(recipe.train.epochs);
        let (seconds, fitted) = fit(&recipe, &self.splits()?, 1)?;
        Ok((seconds, fitted.history[0].train_loss))
    }

    /// Trains a softmax classifier until no more is to be had. The check is what was minimised, over all training images.
    fn optimum(&self) -> Measured {
        let mut recipe = self.recipe::<SoftmaxConfig>(include_str!("../configs/softmax.toml"))?;
        recipe.train.epochs = OPTIMUM_EPOCHS;
        recipe.learning = Optimizer::Sgd(Sgd {
            learning_rate: OPTIMUM_RATE,
            momentum: 0.9,
            weight_decay: PENALTY,
            ..Sgd::default()
        })
        .into();
        let splits = self.splits()?;
        let (seconds, fitted) = fit(&recipe, &splits, usize::MAX)?;
        let device = Device::flex();
        let scores = zoo_train::score(&fitted.model, &splits.train, &device)?;
        let loss = zoo_train::mean_loss(&recipe.loss.kind, &scores, &splits.train.labels(), &device)?
            .context("images")?;
        let mut squares = Squares(0.0);
        fitted.model.visit(&mut squares);
        Ok((seconds, loss + PENALTY / 2.0 * squares.0))
    }

    /// A recipe for all images, as they are, however few there are.
    fn recipe<A: Architecture + DeserializeOwned>(&self, text: &str) -> anyhow::Result<Recipe<A>> {
        let mut table: toml::Table = text.parse()?;
        for key in ["model", "search"] {
            table.remove(key);
        }
        let mut recipe: Recipe<A> = table.try_into()?;
        recipe.train.batch_size = self.batch.unwrap_or(recipe.train.batch_size);
        (recipe.train.few_images, recipe.train.least_batches) = (0, 0);
        Ok(recipe)
    }

    /// CIFAR-10 without validation images.
    fn splits(&self) -> anyhow::Result<Splits> {
        let (train, test) = self.images()?;
        let (nothing, train) = train.stratified(0, SEED);
        let (name, classes) = ("cifar10".into(), cifar10::CLASSES.map(String::from).to_vec());
        Ok(Splits { name, classes, train, validation: nothing, test })
    }

    /// Steps of training, from a shuffled batch of `u8` images to new weights. The check is the mean loss.
    fn steps<A: Architecture>(&self, architecture: &A) -> Measured {
        let batch_size = self.batch.unwrap_or(128);
        let (train, _) = self.images()?;
        let (steps, images) = (WARM_UP + STEPS, train.len());
        ensure!(
            steps * batch_size <= images,
            "{steps} steps of {batch_size} images need more than {images} images"
        );
        let device = seeded();
        let training = device.clone().autodiff();
        let loss = Loss::CrossEntropy { label_smoothing: 0.0 };
        let optimizer = Optimizer::Sgd(Sgd {
            learning_rate: 0.05,
            momentum: 0.9,
            nesterov: true,
            weight_decay: 5e-4,
            ..Sgd::default()
        });
        let mut model = architecture.init(&input_spec(architecture, &train, CLASSES), &device).train();
        let mut state = optimizer.init(&model)?;
        let mut batches = Epoch::new(&train, batch_size, Augment::default(), (SEED, 0), &training);
        let (mut seconds, mut losses) = (Vec::new(), Vec::new());
        for _ in 0..steps {
            let start = Instant::now();
            let batch = batches.next().context("an epoch is longer than this")?;
            let value = loss.forward(model.forward(batch.images), batch.labels);
            let gradients = GradientsParams::from_grads(value.backward(), &model);
            model = state.step(optimizer.learning_rate(), model, gradients);
            losses.push(f64::from(value.into_scalar::<f32>()));
            seconds.push(start.elapsed().as_secs_f64());
        }
        let mean = losses[WARM_UP..].iter().sum::<f64>() / STEPS as f64;
        Ok((median(&mut seconds[WARM_UP..]), mean))
    }

    /// Scores the test images by fresh weights. The check is the mean loss.
    fn predict<A: Architecture>(&self, architecture: &A) -> Measured {
        let (_, test) = self.images()?;
        let device = seeded();
        let model = architecture.init(&input_spec(architecture, &test, CLASSES), &device);
        // Weights are drawn when they are first needed.
        let _ = model.forward(test.batch([0], &device).images);
        let start = Instant::now();
        let scores = zoo_train::score(&model, &test, &device)?;
        let seconds = start.elapsed().as_secs_f64();
        let loss = Loss::CrossEntropy { label_smoothing: 0.0 };
        let mean = zoo_train::mean_loss(&loss, &scores, &test.labels(), &device)?;
        Ok((seconds, mean.context("no test images")?))
    }

    /// Reads and checks all six files. The check is the mean training pixel.
    fn load(&self) -> Measured {
        let start = Instant::now();
        let dataset = cifar10::load(&self.data_dir)?;
        let seconds = start.elapsed().as_secs_f64();
        let sum: u64 = (0..dataset.train.len())
            .flat_map(|position| dataset.train.pixels(position).into_owned())
            .map(u64::from)
            .sum();
        Ok((seconds, sum as f64 / (dataset.train.len() * dataset.shape().values()) as f64))
    }

    /// Training and test images: as the library loads them, if it is all of them.
    fn images(&self) -> anyhow::Result<(Subset, Subset)> {
        if (self.limit_train, self.limit_test, self.repeat_images) == (None, None, 1) {
            let dataset = cifar10::load(&self.data_dir)?;
            return Ok((dataset.train, dataset.test));
        }
        let source = cifar10::Source::find(&self.data_dir).with_context(|| {
            format!("no CIFAR-10 in {}; fetch it with `zoo data fetch cifar10`", self.data_dir.display())
        })?;
        let train: Vec<PathBuf> =
            (1..=5).map(|number| source.path().join(format!("data_batch_{number}.bin"))).collect();
        let test = [source.path().join("test_batch.bin")];
        Ok((read(&train, self.limit_train, self.repeat_images)?, read(&test, self.limit_test, 1)?))
    }
}

/// The first `limit` images of batch files, `times` over. Reads no more than that, so that a small run's peak
/// memory is its own.
fn read(files: &[PathBuf], limit: Option<usize>, times: usize) -> anyhow::Result<Subset> {
    let values = ImageShape::CIFAR10.values();
    let count = limit.unwrap_or(10_000 * files.len());
    let mut pixels = Vec::with_capacity(count * times * values);
    let mut labels = Vec::with_capacity(count * times);
    for path in files {
        let mut bytes = Vec::new();
        let wanted = (count - labels.len()) * (1 + values);
        File::open(path)
            .and_then(|file| file.take(wanted as u64).read_to_end(&mut bytes))
            .with_context(|| format!("cannot read {}", path.display()))?;
        for record in bytes.chunks_exact(1 + values) {
            labels.push(u32::from(record[0]));
            pixels.extend_from_slice(&record[1..]);
        }
    }
    ensure!(labels.len() == count, "asked for {count} images, but there are {}", labels.len());
    for _ in 1..times {
        pixels.extend_from_within(..count * values);
        labels.extend_from_within(..count);
    }
    Ok(Subset::all(Arc::new(Images::new(ImageShape::CIFAR10, pixels, labels)?)))
}

/// Follows a recipe for at most `epochs` of its epochs. Returns the seconds that this took as well.
fn fit<A: Architecture>(
    recipe: &Recipe<A>,
    splits: &Splits,
    epochs: usize,
) -> anyhow::Result<(f64, Fitted<A::Model>)> {
    let device = Device::flex();
    let training = Training::new(recipe, splits, &device, SEED)?.stop_after(epochs);
    let model = recipe.architecture.draw(training.input(), &device, SEED);
    let start = Instant::now();
    let fitted = training.fit(model, &mut |_| ControlFlow::Continue(()))?;
    Ok((start.elapsed().as_secs_f64(), fitted))
}

/// The CPU, about to draw the first weights.
fn seeded() -> Device {
    let device = Device::flex();
    device.seed(SEED);
    device
}

/// The middle value, or the mean of the two in the middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) { f64::midpoint(values[half - 1], values[half]) } else { values[half] }
}

/// The most memory that this process has held, where the system tells (Linux).
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Σ W², of the matrix of weights only: the mean image has four dimensions, biases have one.
struct Squares(f64);

impl ModuleVisitor for Squares {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if D == 2 {
            self.0 += f64::from(parameter.val().square().sum().into_scalar::<f32>());
        }
    }
}
