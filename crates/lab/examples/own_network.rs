//! A network of one's own, compared with the zoo's models and tuned: `cargo run --release -p zoo-lab --example own_network`.
#![expect(clippy::print_stdout, reason = "an example prints")]

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use zoo_backends::Backend;
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss, Normalizer};
use zoo_lab::tune::{Plan, tune};
use zoo_lab::{LabError, Silent, Source, compare};
use zoo_recipes::{Entry, Registry};
use zoo_train::Recipe;
use zoo_train::search::Space;

/// The `[architecture]` of its recipe.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PatchesConfig {
    /// Channels of the convolution.
    width: usize,
}

/// One convolution over patches of 4×4 pixels, the mean of what it finds, and a linear layer.
#[derive(Module, Debug)]
struct Patches {
    normalizer: Normalizer,
    convolution: Conv2d,
    linear: Linear,
}

impl Architecture for PatchesConfig {
    type Model = Patches;

    fn init(&self, input: &InputSpec, device: &Device) -> Patches {
        Patches {
            normalizer: Normalizer::channels(input, device),
            convolution: Conv2dConfig::new([input.shape[0], self.width], [4, 4])
                .with_stride([2, 2])
                .init(device),
            linear: LinearConfig::new(self.width, input.classes).init(device),
        }
    }

    fn kinks(&self) -> Vec<&'static str> {
        vec!["relu"]
    }

    fn validate(&self, _input: &InputSpec, _loss: &Loss) -> Result<(), InvalidConfig> {
        InvalidConfig::check(self.width > 0, "architecture.width", self.width, "at least 1")
    }
}

impl Classifier for Patches {
    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let features = relu(self.convolution.forward(self.normalizer.forward(images)));
        self.linear.forward(features.flatten::<3>(2, 3).mean_dim(2).flatten(1, 2))
    }
}

/// Every key of a recipe with its value, and what a search over it tries.
const RECIPE: &str = "
architecture.width = 32
loss = { kind = \"cross_entropy\", label_smoothing = 0.0 }
optimizer = { kind = \"adam\", learning_rate = 0.003 }
schedule = { kind = \"cosine\" }
train = { epochs = 4.0, batch_size = 64 }
search.space.optimizer.learning_rate = [0.001, 0.003, 0.01]
";

fn main() -> Result<(), LabError> {
    let registry = Registry::zoo().with(Entry::new::<Recipe<PatchesConfig>>("patches", RECIPE));
    let source = Source::named("shapes10").limited(2000, 1000);
    let machine = "auto".parse::<Backend>()?.select()?;

    let contenders = registry.contenders(&["patches", "softmax", "knn"])?;
    let comparison = compare(&contenders, &source.splits(42)?, std::slice::from_ref(&machine), 42, &Silent)?;
    println!("{}", zoo_report::terminal_table(&comparison));

    let contender = registry.contenders(&["patches"])?.set(["train.epochs=2"])?.only("patches")?;
    let plan = Plan::new(&contender, Space::default(), None, None)?;
    let found = tune(&contender, &plan, &source, &machine, 42, &Silent)?;
    println!("{}", zoo_report::search_markdown(&found.result, &found.searched));
    Ok(())
}
