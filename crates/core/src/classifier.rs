//! The traits that every model implements.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, activation};

use crate::features::Features;
use crate::invalid_config::InvalidConfig;
use crate::loss::Loss;
use crate::parameters::parameters;

/// Turns images into one score per class.
pub trait Classifier: Send {
    /// How many images [`forward`](Self::forward) handles well at a time on `device`: enough that what it prepares for a batch, such as
    /// transformed weights, is little next to the images, and that a GPU has something to do.
    fn batch_size(&self, device: &Device) -> usize {
        if zoo_kernels::is_gpu(device) { 1000 } else { 250 }
    }

    /// Scores images: the larger, the likelier.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`, pixel values 0 to 255; a model normalises for itself.
    /// - returns: `[batch, classes]`.
    fn forward(&self, images: Tensor<4>) -> Tensor<2>;

    /// Whether training should hand over bytes rather than numbers, which a model says that reads images only once, where they are.
    fn prefers_bytes(&self) -> bool {
        false
    }

    /// [`forward`](Self::forward) of `u8` pixels.
    fn forward_bytes(&self, images: Tensor<4, Int>) -> Tensor<2> {
        self.forward(images.float())
    }

    /// Turns this model's scores into probabilities; each row sums to 1.
    ///
    /// The softmax p_k = e^{s_k} / Σ_j e^{s_j} (tutorial 3.2) unless a model knows better.
    ///
    /// # Shapes
    /// - `scores`, returns: `[batch, classes]`.
    fn probabilities(&self, scores: Tensor<2>) -> Tensor<2> {
        activation::softmax(scores, 1)
    }
}

/// What a model needs to know about its images, or their features, before it has seen them.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSpec {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// The number of classes.
    pub classes: usize,
    /// Mean of each channel over the training images, 0 to 255.
    pub channel_mean: Vec<f32>,
    /// Standard deviation of each channel over the training images, 0 to 255.
    pub channel_deviation: Vec<f32>,
    /// Mean training image, `[channel, row, column]`, 0 to 255.
    pub mean_image: Vec<f32>,
    /// Covariance of 2×2 patches of training images that have been normalised by channel, `[patch, patch]`; a patch is
    /// `[channel, row, column]`. Empty for an architecture that doesn't [whiten](Architecture::whitens).
    pub patch_covariance: Vec<f32>,
}

impl InputSpec {
    /// The number of values in an image: channels · height · width.
    #[must_use]
    pub fn values(&self) -> usize {
        self.shape.iter().product()
    }

    /// A specification without statistics (mean 0, deviation 1, nothing correlated): for a model whose own will be loaded
    /// from a file.
    #[must_use]
    pub fn without_statistics(shape: [usize; 3], classes: usize) -> Self {
        // Features of a single pixel have no patches.
        let patch = if shape[1] * shape[2] > 1 { 4 * shape[0] } else { 0 };
        let identity = |at: usize| if at.is_multiple_of(patch + 1) { 1.0 } else { 0.0 };
        Self {
            shape,
            classes,
            channel_mean: vec![0.0; shape[0]],
            channel_deviation: vec![1.0; shape[0]],
            mean_image: vec![0.0; shape.iter().product()],
            patch_covariance: (0..patch * patch).map(identity).collect(),
        }
    }
}

/// The `[architecture]` of a recipe: makes a model that gradient descent can train.
pub trait Architecture: Clone + std::fmt::Debug + Send {
    /// The model that it makes.
    type Model: Classifier + Module;

    /// Tells kinds of architectures apart: `vgg`, `lenet`. Default: the name of the type.
    fn name(&self) -> &'static str {
        std::any::type_name::<Self>()
    }

    /// What the model sees of an image: what it is given in place of images. Training computes it, once per image where images
    /// are not varied.
    fn features(&self) -> Features {
        Features::Pixels
    }

    /// Whether [`init`](Self::init) looks at [`InputSpec::patch_covariance`], which takes a moment to compute.
    fn whitens(&self) -> bool {
        false
    }

    /// Makes the model with fresh weights on `device`, drawn from the device's generator. `input` describes the model's
    /// [`features`](Self::features), which for most are the images themselves.
    ///
    /// Burn draws a parameter's values when they are first looked at, which may be later: see [`draw`](Self::draw).
    fn init(&self, input: &InputSpec, device: &Device) -> Self::Model;

    /// Like [`init`](Self::init), but all weights are drawn now and follow from `seed`: seeds the device's generator and
    /// looks at every parameter in the order of the module.
    fn draw(&self, input: &InputSpec, device: &Device, seed: u64) -> Self::Model {
        device.seed(seed);
        let model = self.init(input, device);
        let _ = parameters(&model);
        model
    }

    /// How many values of one image each layer keeps for the gradient in a step of training, roughly: what goes into it and comes out.
    /// Memory is estimated from it. Default: one layer with twice the values of `input`, which is about what a linear model keeps.
    fn kept(&self, input: &InputSpec) -> Vec<usize> {
        vec![2 * input.values()]
    }

    /// The most images of which no layer [keeps](Self::kept) more than `largest_tensor` bytes; at least one.
    fn fitting(&self, input: &InputSpec, largest_tensor: u64) -> usize {
        let of_image = self.kept(input).into_iter().max().unwrap_or(0);
        let fitting = largest_tensor / (size_of::<f32>() * of_image.max(1)) as u64;
        usize::try_from(fitting).unwrap_or(usize::MAX).max(1)
    }

    /// The same architecture with GELU in place of an activation that has a kink; `None` if there is no such activation.
    fn smooth(&self) -> Option<Self> {
        None
    }

    /// The same architecture with nothing dropped at random while training.
    #[must_use]
    fn without_noise(&self) -> Self {
        self.clone()
    }

    /// Makes `model` ready for epoch number `epoch` (from 0): a layer that is to stop learning then stops here.
    #[must_use]
    fn before_epoch(&self, model: Self::Model, epoch: usize) -> Self::Model {
        let _ = epoch;
        model
    }

    /// The functions in the model that have kinks, where a gradient is one of several: `relu`, `max_pool2d`.
    fn kinks(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// Checks that the architecture can be made for the images that `input` describes, and that the loss suits it.
    ///
    /// # Errors
    /// The first value that is out of range.
    fn validate(&self, input: &InputSpec, loss: &Loss) -> Result<(), InvalidConfig>;
}
