//! A network of one's own, compared with the zoo's models and tuned: `cargo run --release -p zoo-lab --example own_network`.
#![expect(clippy::print_stdout, reason = "an example prints")]

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use zoo_backends::Backend;
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss, Normalizer};
use zoo_lab::tune::{Plan, tune};
use zoo_lab::{LabError, Protocol, Silent, Source, compare};
use zoo_recipes::{Entry, Registry};
use zoo_train::Recipe;
use zoo_train::search::Space;

/// The `[architecture]` of its recipe.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StridedConfig {
    /// Channels of the first convolution; the second has twice as many.
    width: usize,
}

/// Two convolutions that halve height and width, the most that is found of each feature, and a linear layer.
#[derive(Module, Debug)]
struct Strided {
    normalizer: Normalizer,
    first: Conv2d,
    first_norm: BatchNorm,
    second: Conv2d,
    second_norm: BatchNorm,
    linear: Linear,
}

impl Architecture for StridedConfig {
    type Model = Strided;

    fn init(&self, input: &InputSpec, device: &Device) -> Strided {
        let convolution =
            |channels, size| Conv2dConfig::new(channels, [size; 2]).with_stride([2, 2]).init(device);
        Strided {
            normalizer: Normalizer::channels(input, device),
            first: convolution([input.shape[0], self.width], 5),
            first_norm: BatchNormConfig::new(self.width).init(device),
            second: convolution([self.width, 2 * self.width], 5),
            second_norm: BatchNormConfig::new(2 * self.width).init(device),
            linear: LinearConfig::new(2 * self.width, input.classes).init(device),
        }
    }

    fn kinks(&self) -> Vec<&'static str> {
        vec!["relu", "max"]
    }

    fn validate(&self, _input: &InputSpec, _loss: &Loss) -> Result<(), InvalidConfig> {
        InvalidConfig::check(self.width > 0, "architecture.width", self.width, "at least 1")
    }
}

impl Classifier for Strided {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let features = self.first.forward(self.normalizer.forward(images));
        let features = self.second.forward(relu(self.first_norm.forward(features)));
        let features = relu(self.second_norm.forward(features));
        self.linear.forward(features.flatten::<3>(2, 3).max_dim(2).flatten(1, 2))
    }
}

/// Every key of a recipe with its value, and what a search over it tries.
const RECIPE: &str = "
architecture.width = 32
loss = { kind = \"cross_entropy\", label_smoothing = 0.0 }
optimizer = { kind = \"adam\", learning_rate = 0.003 }
schedule = { kind = \"cosine\" }
train = { epochs = 6.0, batch_size = 64 }
search.space.optimizer.learning_rate = [0.001, 0.003, 0.01]
";

fn main() -> Result<(), LabError> {
    let registry = Registry::zoo().with(Entry::new::<Recipe<StridedConfig>>("strided", RECIPE));
    let source = Source::named("shapes10").limited(6000, 1000);
    let machine = "auto".parse::<Backend>()?.select()?;

    let contenders = registry.contenders(&["strided", "softmax", "knn"])?;
    let comparison = compare(
        &contenders,
        &source.splits(42)?,
        std::slice::from_ref(&machine),
        Protocol::new(42),
        &Silent,
    )?;
    println!("{}", zoo_report::terminal_table(&comparison));

    let contender = registry.contenders(&["strided"])?.set(["train.epochs=1"])?.only("strided")?;
    let plan = Plan::new(&contender, Space::default(), None, None)?;
    let found = tune(&contender, &plan, &source, &machine, 42, &Silent)?;
    println!("{}", zoo_report::search_markdown(&found.result, &found.searched));
    Ok(())
}
