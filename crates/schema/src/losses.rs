//! What cross-entropy and the hinge say of the validation images of trained runs: the document of `zoo losses --json`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the losses say of several runs on the same images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LossReport {
    /// The name of the dataset.
    pub dataset: String,
    /// How many validation images there are.
    pub images: usize,
    /// One per run.
    pub runs: Vec<RunLosses>,
    /// Single images that are worth a look.
    pub examples: Vec<Example>,
}

/// What both losses say of all images, scored by one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunLosses {
    /// The folder of the run.
    pub run: PathBuf,
    /// The name of its model, `svm`.
    pub model: String,
    /// What it was trained with: `cross_entropy`, `hinge`, …
    pub loss: String,
    /// The hinge's Δ: that of its recipe, or 1 for a run that was trained with another loss.
    pub delta: f64,
    /// Over all images.
    pub all: Means,
    /// Over images whose largest score is that of their class.
    pub right: Means,
    /// Over those of them that are right by Δ and more: their hinge loss is 0, and so is its gradient.
    pub margin_met: Means,
    /// One per label smoothing.
    pub decompositions: Vec<Decomposition>,
}

/// Both losses over some of the images; `null` if there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Means {
    /// How many images these are.
    pub images: usize,
    /// The mean hinge loss.
    pub hinge: Option<f64>,
    /// The mean cross-entropy.
    pub cross_entropy: Option<f64>,
    /// The least cross-entropy of an image.
    pub least_cross_entropy: Option<f64>,
}

/// H(q, p) = H(q) + D_KL(q ‖ p), each a mean over the images, for targets q of one smoothing. In nats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decomposition {
    /// How much of the target is spread over all classes.
    pub label_smoothing: f64,
    /// H(q, p).
    pub cross_entropy: f64,
    /// H(q).
    pub entropy: f64,
    /// D_KL(q ‖ p).
    pub divergence: f64,
}

/// One image, and what the losses say of each run's scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Example {
    /// Its place among the validation images, from 0.
    pub image: usize,
    /// The name of its class.
    pub class: String,
    /// Why it was chosen.
    pub chosen: String,
    /// One per run, in the order of [`LossReport::runs`].
    pub verdicts: Vec<ImageLosses>,
}

/// The scores s of one image seen through both losses: cross-entropy, which reads them as log-probabilities, and the
/// multiclass hinge, which reads them as margins. Every list has one entry per class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageLosses {
    /// s_j, as the model gives them.
    pub scores: Vec<f32>,
    /// p_j = e^{s_j} / Σ_k e^{s_k}.
    pub probabilities: Vec<f64>,
    /// s_y − s_j, how far the right class y is ahead of class j; 0 for y itself.
    pub margins: Vec<f64>,
    /// −ln p_y.
    pub cross_entropy: f64,
    /// Σ_{j≠y} max(0, s_j − s_y + Δ).
    pub hinge: f64,
    /// ∂(−ln p_y)/∂s_j = p_j − [j = y]: never 0, since no finite score makes p_y = 1.
    pub cross_entropy_gradient: Vec<f64>,
    /// ∂hinge/∂s_j: 1 for each wrong class whose margin is below Δ, minus their number for y. All 0 once every margin is met.
    pub hinge_gradient: Vec<f64>,
}

impl Means {
    /// The means over `images`; without any there are only `None`s.
    #[must_use]
    pub fn of(images: &[&ImageLosses]) -> Self {
        let mean = |loss: fn(&ImageLosses) -> f64| {
            let sum: f64 = images.iter().map(|image| loss(image)).sum();
            (!images.is_empty()).then(|| sum / images.len() as f64)
        };
        Self {
            images: images.len(),
            hinge: mean(|image| image.hinge),
            cross_entropy: mean(|image| image.cross_entropy),
            least_cross_entropy: images.iter().map(|image| image.cross_entropy).reduce(f64::min),
        }
    }
}

impl ImageLosses {
    /// How far the right class, `label`, is ahead of the best wrong one; negative if the image is wrong. Infinite if there is no
    /// wrong class.
    #[must_use]
    pub fn margin(&self, label: usize) -> f64 {
        let wrong = self.margins.iter().enumerate().filter(|&(class, _)| class != label);
        wrong.fold(f64::INFINITY, |least, (_, &margin)| least.min(margin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of three classes with these margins, at Δ = 1.
    fn image(margins: [f64; 3], hinge: f64, cross_entropy: f64) -> ImageLosses {
        ImageLosses {
            scores: vec![0.0; 3],
            probabilities: vec![0.0; 3],
            margins: margins.into(),
            cross_entropy,
            hinge,
            cross_entropy_gradient: vec![0.0; 3],
            hinge_gradient: vec![0.0; 3],
        }
    }

    #[test]
    fn means_over_some_of_the_images() {
        // Right by more than 1, right by ½, wrong: 0, ½, and 3 + 1, as the right class is behind by 2 and level with the other.
        let images = [
            image([0.0, 3.0, 2.0], 0.0, 0.17),
            image([1.0, 0.0, 0.5], 0.5, 0.68),
            image([-2.0, 0.0, 0.0], 4.0, 2.24),
        ];
        let all: Vec<&ImageLosses> = images.iter().collect();
        let means = Means::of(&all);
        assert_eq!((means.images, means.hinge), (3, Some(1.5)));
        assert_eq!(means.least_cross_entropy, Some(images[0].cross_entropy));
        let none = Means::of(&[]);
        assert_eq!((none.images, none.hinge, none.least_cross_entropy), (0, None, None));
    }

    #[test]
    fn the_margin_is_that_to_the_best_wrong_class() {
        assert_eq!(image([0.0, 0.5, 3.0], 0.5, 0.5).margin(0), 0.5);
        assert_eq!(image([-2.0, 0.0, 0.0], 4.0, 2.24).margin(2), -2.0);
        let single = ImageLosses { margins: vec![0.0], ..image([0.0; 3], 0.0, 0.0) };
        assert_eq!(single.margin(0), f64::INFINITY);
    }
}
