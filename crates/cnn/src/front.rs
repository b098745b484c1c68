//! How networks that are made for images of 32×32 take those of other sizes.
//!
//! One rule for all, for height and width each by itself:
//! - a side of more than 48 pixels is halved in front of the network, by narrow layers, until it has at most 48: 224, 112, 56, 28;
//! - where the network halves a side, it leaves one as it is that is too short for that;
//! - the last pooling takes all that is left of the plane.
//!
//! So the network itself always works on about as many pixels as it is made for. What is in front looks at every pixel before it
//! halves, so that a detail of one pixel can still decide.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use zoo_kernels::{Activation, Pooling, Window};

use crate::layer::{Layer, SAME};

/// The shortest side that is halved in front.
pub(crate) const LONG: usize = 49;

/// Channels of the layers in front: a little more than the twelve values of 2×2 pixels.
pub(crate) const NARROW: usize = 16;

/// How often the longer side is halved in front.
pub(crate) fn halvings([height, width]: [usize; 2]) -> usize {
    std::iter::successors(Some(height.max(width)), |side| Some(side / 2))
        .take_while(|&side| side >= LONG)
        .count()
}

/// The plane behind what is in front.
pub(crate) fn behind(plane: [usize; 2]) -> [usize; 2] {
    (0..halvings(plane)).fold(plane, |plane, _| halving(plane, LONG).places(plane))
}

/// The window of a pooling that halves each side of at least `least` pixels, rounded down, and leaves shorter ones.
pub(crate) fn halving(plane: [usize; 2], least: usize) -> Window {
    let size = plane.map(|side| if side >= least { 2 } else { 1 });
    Window { size, stride: size, padding: [0; 2] }
}

/// A pooling that changes anything.
pub(crate) fn pooling(window: Window) -> Option<Window> {
    (window.size != [1; 2]).then_some(window)
}

/// Max-pooling.
///
/// # Shapes
/// - `features`: `[batch, height, width, channels]`.
pub(crate) fn pool(features: Tensor<4>, window: Window) -> Tensor<4> {
    match pooling(window) {
        Some(window) => zoo_kernels::max_pool2d(features, window),
        None => features,
    }
}

/// Height and width of features.
pub(crate) fn plane(features: &Tensor<4>) -> [usize; 2] {
    let [_, height, width, _] = features.dims();
    [height, width]
}

/// How many values of an image a layer of this many channels keeps for the gradient: what its convolution gives on the plane
/// `before` pooling, and what BatchNorm takes in and gives out on the plane `after` it.
pub(crate) fn kept(channels: usize, before: [usize; 2], after: [usize; 2]) -> usize {
    let [before, after] = [before, after].map(|[height, width]| height * width);
    channels * (before + 2 * after)
}

/// What is in front of a network: 3×3 convolutions, each followed by 2×2 max-pooling, BatchNorm or a bias, and the activation.
/// None for images of up to 48×48.
#[derive(Module, Debug)]
pub(crate) struct Front {
    layers: Vec<Layer>,
    #[module(skip)]
    activation: Activation,
}

impl Front {
    /// For images of `[channels, height, width]`; `normalized`: with BatchNorm.
    pub(crate) fn new(
        [channels, height, width]: [usize; 3],
        normalized: bool,
        activation: Activation,
        device: &Device,
    ) -> Self {
        let make = if normalized { Layer::normalized } else { Layer::biased };
        let layer =
            |number| make([if number == 0 { channels } else { NARROW }, NARROW], SAME, activation, device);
        Self { layers: (0..halvings([height, width])).map(layer).collect(), activation }
    }

    /// The shape `[channels, height, width]` of what comes out, of images of `shape`.
    pub(crate) fn shape(shape: [usize; 3]) -> [usize; 3] {
        let [channels, height, width] = shape;
        let [down, across] = behind([height, width]);
        [if halvings([height, width]) == 0 { channels } else { NARROW }, down, across]
    }

    /// How many values of an image it keeps for the gradient, and the image itself.
    pub(crate) fn kept([channels, height, width]: [usize; 3]) -> Vec<usize> {
        let mut plane = [height, width];
        let layers = (0..halvings(plane)).map(|_| {
            let before = plane;
            plane = halving(before, LONG).places(before);
            kept(NARROW, before, plane)
        });
        std::iter::once(2 * channels * height * width).chain(layers).collect()
    }

    /// # Shapes
    /// - `images`: `[batch, height, width, channels]`.
    pub(crate) fn forward(&self, images: Tensor<4>) -> Tensor<4> {
        self.layers.iter().fold(images, |features, layer| {
            let window = halving(plane(&features), LONG);
            layer.pooled(features, pooling(window).map(Pooling::First), self.activation)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sides_are_halved_until_they_are_at_most_48() {
        for (plane, expected) in [
            ([32, 32], [32, 32]),
            ([8, 48], [8, 48]),
            ([49, 64], [24, 32]),
            ([224, 224], [28, 28]),
            ([48, 160], [48, 40]),
            ([97, 1], [48, 1]),
        ] {
            assert_eq!(behind(plane), expected, "{plane:?}");
        }
        assert_eq!([[48, 48], [49, 3], [96, 97], [224, 224]].map(halvings), [0, 1, 1, 3]);
    }

    #[test]
    fn the_front_is_as_deep_as_images_are_large() {
        let device = Device::flex();
        for (shape, layers) in [([3, 32, 32], 0), ([1, 8, 48], 0), ([3, 60, 200], 3), ([1, 224, 224], 3)] {
            for normalized in [false, true] {
                let front = Front::new(shape, normalized, Activation::Relu, &device);
                assert_eq!(front.layers.len(), layers);
                let [channels, height, width] = shape;
                let features = front.forward(Tensor::ones([2, height, width, channels], &device));
                let [channels, height, width] = Front::shape(shape);
                assert_eq!(features.dims(), [2, height, width, channels]);
            }
        }
    }

    /// A single pixel of a large image reaches what comes out, wherever it is.
    #[test]
    fn no_pixel_is_lost() {
        let device = Device::flex().autodiff();
        let front = Front::new([1, 100, 100], true, Activation::Gelu, &device);
        let images = Tensor::<4>::random([1, 100, 100, 1], burn::tensor::Distribution::Default, &device)
            .require_grad();
        let gradients = front.forward(images.clone()).powi_scalar(2).sum().backward();
        let slopes: Vec<f32> = images.grad(&gradients).unwrap().into_data().try_to_vec().unwrap();
        assert!(slopes.iter().all(|&slope| slope != 0.0));
    }
}
