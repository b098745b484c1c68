//! Deliberate mistakes: what is often done wrong, so that what it costs can be measured.

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zoo_core::{Architecture, Extractor, InputSpec, InvalidConfig};
use zoo_data::Subset;

use crate::error::TrainError;
use crate::input::input_spec;
use crate::rows::Rows;

/// A deliberate mistake in training, the `mistake` of a recipe. No recipe needs one: `zoo reproduce mistakes` measures what each costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mistake {
    /// Training images come class by class, in the same order in each epoch.
    NoShuffling,
    /// Mean and standard deviation of pixels are those of the test images.
    TestStatistics,
    /// No mean is subtracted from pixels, so that none is below 0; they are divided as ever.
    NotCentred,
    /// Gradients are not set to 0 before a step: each step follows the sum of all gradients so far.
    GradientsAddUp,
    /// Labels of training images count from 1: each image is learnt as the class after its own, the last as the first.
    LabelsOffByOne,
    /// Dropout drops outputs also where the model is used, and BatchNorm takes the statistics of the batch, as in training.
    TrainingMode,
}

impl Mistake {
    /// What is taken for the statistics of the images, or their features, in place of `input`, what they are.
    pub(crate) fn describe<A: Architecture>(
        self,
        architecture: &A,
        input: InputSpec,
        test: &Subset,
        extractor: &Extractor,
        device: &Device,
    ) -> Result<InputSpec, TrainError> {
        let zeros = |values: &[f32]| vec![0.0; values.len()];
        Ok(match self {
            Self::TestStatistics => {
                InvalidConfig::check(
                    !test.is_empty(),
                    "mistake",
                    "test_statistics",
                    "left out without test images",
                )?;
                let rows = Rows::of(test, extractor, device)?;
                rows.map_or_else(
                    || input_spec(architecture, test, input.classes),
                    |rows| rows.input_spec(input.classes),
                )
            }
            Self::NotCentred => InputSpec {
                channel_mean: zeros(&input.channel_mean),
                mean_image: zeros(&input.mean_image),
                ..input
            },
            _ => input,
        })
    }

    /// The order in which every epoch takes `images`; `None` if it is random.
    pub(crate) fn order(self, images: &Subset) -> Option<Vec<usize>> {
        (self == Self::NoShuffling).then(|| {
            let mut order: Vec<usize> = (0..images.len()).collect();
            order.sort_by_key(|&position| images.label(position));
            order
        })
    }

    /// The labels of training images as they are learnt.
    pub(crate) fn label(self, labels: Tensor<1, Int>, classes: usize) -> Tensor<1, Int> {
        match self {
            Self::LabelsOffByOne => (labels + 1).remainder_scalar(classes as i32),
            _ => labels,
        }
    }
}

/// The sum of all gradients so far: a model whose parameters are sums, so that it is kept like one.
pub(crate) struct GradientSum<M> {
    pub(crate) model: M,
}

impl<M: Module> GradientSum<M> {
    /// Nothing yet; `model` is off autodiff.
    pub(crate) fn new(model: M) -> Self {
        Self { model: model.map(&mut Clear) }
    }

    /// Adds `gradients`, and makes them the sum.
    pub(crate) fn add(self, gradients: &mut GradientsParams) -> Self {
        Self { model: self.model.map(&mut Add { gradients }) }
    }
}

struct Clear;

impl ModuleMapper for Clear {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|values| values.zeros_like())
    }
}

struct Add<'a> {
    gradients: &'a mut GradientsParams,
}

impl ModuleMapper for Add<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return param };
        let id = param.id;
        let sum = param.map(|sum| sum + gradient);
        self.gradients.register(id, sum.val());
        sum
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;
    use burn::tensor::Device;
    use zoo_data::shapes10;
    use zoo_softmax::SoftmaxConfig;

    use super::*;

    #[test]
    fn classes_follow_each_other() {
        let images = shapes10::generate(60, 10, 1).train;
        assert_eq!(Mistake::LabelsOffByOne.order(&images), None);
        let order = Mistake::NoShuffling.order(&images).unwrap();
        assert!(order.is_sorted_by_key(|&position| (images.label(position), position)), "{order:?}");
    }

    #[test]
    fn the_last_class_is_learnt_as_the_first() {
        let labels = || Tensor::<1, Int>::from_data([0, 1, 9], &Device::flex());
        let learnt = |mistake: Mistake| mistake.label(labels(), 10).into_data().convert::<i32>();
        assert_eq!(learnt(Mistake::LabelsOffByOne).as_slice::<i32>().unwrap(), [1, 2, 0]);
        assert_eq!(learnt(Mistake::NoShuffling).as_slice::<i32>().unwrap(), [0, 1, 9]);
    }

    #[test]
    fn statistics_are_taken_for_others() {
        let (images, device) = (shapes10::generate(60, 40, 1), Device::flex());
        let softmax = SoftmaxConfig::default();
        let (of_train, of_test) =
            (input_spec(&softmax, &images.train, 10), input_spec(&softmax, &images.test, 10));
        let describe = |mistake: Mistake, test: &Subset| {
            mistake
                .describe(&softmax, of_train.clone(), test, &Extractor::Pixels, &device)
                .map_err(|error| error.to_string())
        };
        assert_eq!(describe(Mistake::NoShuffling, &images.test).unwrap(), of_train);
        assert_eq!(describe(Mistake::TestStatistics, &images.test).unwrap(), of_test);
        let moved = describe(Mistake::NotCentred, &images.test).unwrap();
        assert_eq!((moved.channel_mean, moved.mean_image), (vec![0.0; 3], vec![0.0; 3072]));
        assert_eq!(moved.channel_deviation, of_train.channel_deviation);
        let nothing = images.test.split_at(0).0;
        let error = describe(Mistake::TestStatistics, &nothing).unwrap_err();
        assert_eq!(error, "mistake = test_statistics: must be left out without test images");
    }

    #[test]
    fn gradients_add_up() {
        let device = Device::flex().autodiff();
        let model = LinearConfig::new(2, 1).init(&device);
        let mut sum = GradientSum::new(model.valid());
        for step in 1..=3 {
            let images = Tensor::<2>::from_data([[1.0, 2.0]], &device);
            let mut gradients = GradientsParams::from_grads(model.forward(images).sum().backward(), &model);
            sum = sum.add(&mut gradients);
            let weight = gradients.get::<2>(model.weight.id).unwrap().into_data();
            let step = step as f32;
            assert_eq!(weight.as_slice::<f32>().unwrap(), [step, 2.0 * step]);
            assert_eq!(gradients.len(), 2, "the bias has one, too");
        }
    }
}
