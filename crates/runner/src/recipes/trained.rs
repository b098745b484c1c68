//! Models that gradient descent trains.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use burn::module::{Module, ModuleVisitor, Param};
use burn::store::pytorch::PytorchStore;
use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore};
use burn::tensor::{Device, Tensor};
use serde::Serialize;
use toml::Table;
use zoo_core::{Architecture, Classifier, InputSpec, InvalidConfig, Loss};
use zoo_data::{Splits, derive_seed};
use zoo_train::{Event, GradientReport, Sampling, SanityReport, TestTimeAugmentation, Training};

use super::{Dimensions, Fitted, Job, Model, Recipe};
use crate::backend::{Selected, cpu_device};
use crate::config::to_table;

impl<A: Architecture + Serialize + 'static> Recipe for zoo_train::Recipe<A> {
    fn config(&self) -> anyhow::Result<Table> {
        to_table(self)
    }

    fn validate(&self, dimensions: Dimensions) -> Result<(), InvalidConfig> {
        let input = InputSpec::without_statistics(dimensions.shape, dimensions.classes);
        Self::validate(self, &input)?;
        self.train.validate_patience(dimensions.has_validation)?;
        // Whether groups name parameters shows in a model; none of its weights is drawn.
        let model = blank(&self.architecture, dimensions, &cpu_device(&Device::default()));
        self.optimizer.init(&model.train()).map(|_| ())
    }

    fn fit(&self, job: &Job<'_>) -> anyhow::Result<Fitted> {
        let start = Instant::now();
        let features = self.architecture.features();
        let input = zoo_train::input_spec(&job.splits.train, job.splits.classes.len(), features);
        let device = &job.selected.device;
        let model = first_model(self, &input, &cpu_device(device), job.seed).fork(device);

        let epochs = self.train.epochs.ceil() as usize;
        let images = job.splits.train.len() * self.optimizer.passes();
        let mut shown = job.progress.training(job.name, images, epochs);
        let training = Training {
            recipe: self,
            train: &job.splits.train,
            validation: &job.splits.validation,
            classes: input.classes,
            device,
            seed: job.seed,
            checkpoints: job.checkpoints,
            stop_after: None,
        };
        let mut written = Ok(());
        let fitted = training.fit(model, &mut |event| {
            let go_on = shown.observe(&event);
            if let Event::Epoch(history) = event {
                written = (job.on_epoch)(history);
            }
            if go_on && written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        written?;
        let fitted = fitted?;
        // Of a resumed run the history knows the time before, too.
        let epochs: f64 = fitted.history.iter().map(|record| record.seconds).sum();
        Ok(Fitted {
            model: Box::new(TrainedModel(fitted.model)),
            without_ema: fitted.without_ema.map(|model| Box::new(TrainedModel(model)) as Box<dyn Model>),
            seconds: epochs.max(start.elapsed().as_secs_f64()),
            history: fitted.history,
        })
    }

    fn load(
        &self,
        path: &Path,
        dimensions: Dimensions,
        selected: &Selected,
    ) -> anyhow::Result<Box<dyn Model>> {
        let mut model = blank(&self.architecture, dimensions, &selected.device);
        load(&mut model, path, false)?;
        Ok(Box::new(TrainedModel(model)))
    }

    fn load_weights(
        &self,
        path: &Path,
        splits: &Splits,
        selected: &Selected,
    ) -> anyhow::Result<Box<dyn Model>> {
        let input = zoo_train::input_spec(&splits.train, splits.classes.len(), self.architecture.features());
        let mut model = self.architecture.init(&input, &selected.device);
        load(&mut model, path, true)?;
        Ok(Box::new(TrainedModel(model)))
    }

    fn loss(&self) -> Option<Loss> {
        Some(self.loss)
    }

    fn check_gradients(&self, splits: &Splits, sampling: Sampling) -> anyhow::Result<GradientReport> {
        let input = zoo_train::input_spec(&splits.train, splits.classes.len(), self.architecture.features());
        // The one backend with `f64` everywhere.
        let cpu = cpu_device(&Device::default());
        let model = first_model(self, &input, &cpu, sampling.seed);
        let images = splits.train.stratified(CHECKED.min(splits.train.len()), sampling.seed).0;
        Ok(self.check_gradients(&model, &images.batch(0..images.len(), &cpu), sampling)?)
    }

    fn check_sanity(&self, splits: &Splits, selected: &Selected, seed: u64) -> anyhow::Result<SanityReport> {
        let input = zoo_train::input_spec(&splits.train, splits.classes.len(), self.architecture.features());
        let device = &selected.device;
        let model = first_model(self, &input, &cpu_device(device), seed).fork(device);
        Ok(self.check_sanity(&model, (&splits.train, input.classes), device, seed)?)
    }

    fn test_time_augmentation(&self) -> TestTimeAugmentation {
        self.evaluate.test_time_augmentation
    }
}

/// A model for such images that knows nothing of them yet.
fn blank<A: Architecture>(architecture: &A, dimensions: Dimensions, device: &Device) -> A::Model {
    let shape = architecture.features().shape(dimensions.shape);
    architecture.init(&InputSpec::without_statistics(shape, dimensions.classes), device)
}

/// Images that gradients are checked on: each brings kinks along.
const CHECKED: usize = 2;

/// The model that training starts from, on a CPU: the same for every backend.
fn first_model<A: Architecture>(
    recipe: &zoo_train::Recipe<A>,
    input: &InputSpec,
    cpu: &Device,
    seed: u64,
) -> A::Model {
    cpu.seed(derive_seed(seed, u64::MAX));
    let model = recipe.architecture.init(input, cpu);
    // Parameters draw their values when they are first looked at: now, before anything else draws.
    parameters(&model);
    model
}

/// Loads weights that have PyTorch's names and layouts into `model`. A `foreign` file may lack the normalisation of pixels, which is
/// then that of the training images, and have BatchNorm's counts of batches, which nothing here needs.
fn load<M: Module>(model: &mut M, path: &Path, foreign: bool) -> anyhow::Result<()> {
    let pickled = path.extension().is_some_and(|extension| extension == "pt" || extension == "pth");
    let loaded = if pickled {
        let mut store =
            PytorchStore::from_file(path).allow_partial(true).validate(false).skip_enum_variants(true);
        model.load_from(&mut store).map_err(|error| error.to_string())
    } else {
        let mut store = SafetensorsStore::from_file(path)
            .with_from_adapter(PyTorchToBurnAdapter)
            .allow_partial(true)
            .validate(false)
            .skip_enum_variants(true);
        model.load_from(&mut store).map_err(|error| error.to_string())
    };
    let cannot = |reason: String| anyhow::anyhow!("cannot load {}: {reason}", path.display());
    let loaded = loaded.map_err(cannot)?;
    let missing = loaded.missing.iter().map(|(name, _)| name.as_str());
    let missing: Vec<&str> = missing.filter(|name| !foreign || !name.contains("normalizer.")).collect();
    let unused = loaded.unused.iter().map(String::as_str);
    let unused: Vec<&str> = unused.filter(|name| !name.ends_with("num_batches_tracked")).collect();
    if let Some(error) = loaded.errors.first() {
        return Err(cannot(format!("{error}; is it the same network?")));
    }
    match (&missing[..], &unused[..]) {
        ([], []) => Ok(()),
        (missing, unused) => {
            let list = |names: &[&str]| if names.is_empty() { "nothing".into() } else { names.join(", ") };
            let (missing, unused) = (list(missing), list(unused));
            Err(cannot(format!("it is of another network: missing {missing}; not known {unused}")))
        }
    }
}

/// How many numbers training changes. Draws them all, if that has not happened.
fn parameters<M: Module>(model: &M) -> usize {
    struct Count(usize);
    impl ModuleVisitor for Count {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val();
            if param.clone().train().is_require_grad() {
                self.0 += value.shape().num_elements();
            }
        }
    }
    let mut count = Count(0);
    model.visit(&mut count);
    count.0
}

/// A Burn module as it leaves training.
struct TrainedModel<M>(M);

impl<M: Classifier + Module> Model for TrainedModel<M> {
    fn classifier(&self) -> &dyn Classifier {
        &self.0
    }

    fn parameters(&self) -> usize {
        parameters(&self.0)
    }

    fn to_safetensors(&self) -> anyhow::Result<Vec<u8>> {
        // Names begin with the network's fields, whichever kind of network it is.
        let mut store =
            SafetensorsStore::from_bytes(None).with_to_adapter(BurnToPyTorchAdapter).skip_enum_variants(true);
        let failed = |error: String| anyhow::anyhow!("cannot write SafeTensors: {error}");
        self.0.save_into(&mut store).map_err(|error| failed(error.to_string()))?;
        store.get_bytes().map_err(|error| failed(error.to_string()))
    }
}
