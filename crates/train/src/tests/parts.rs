//! A batch that is computed in parts.

use zoo_core::{ClassWeights, LossConfig};

use super::*;
use crate::parameters::values;

/// Weights after two epochs, and what those came to, batches being computed this many images at a time.
fn fitted(recipe: &Recipe<SoftmaxConfig>, part: Option<u64>) -> (Vec<f32>, Vec<EpochRecord>) {
    let (splits, device) = (splits(), Device::flex());
    let mut training = Training::new(recipe, &splits, &device, 3).unwrap();
    if let Some(images) = part {
        // A linear model keeps twice the values of an image.
        training = training.in_parts(images * 2 * 3072 * 4);
        assert_eq!(training.part(), Some(images as usize));
    }
    // Fresh weights are drawn from a generator that other tests share.
    let fresh = burn::module::Module::map(training.draw(&device), &mut Zeros);
    let fitted = training.fit(fresh, &mut |_| ControlFlow::Continue(())).unwrap();
    let weights = values(&fitted.model).into_iter();
    (weights.flat_map(|one| one.tensor.into_data().try_to_vec::<f32>().unwrap()).collect(), fitted.history)
}

#[test]
fn parts_make_the_step_of_the_whole() {
    for class_weights in [ClassWeights::None, ClassWeights::Balanced] {
        let kind = Loss::CrossEntropy { label_smoothing: 0.1 };
        let recipe = Recipe { loss: LossConfig { kind, class_weights }, ..recipe(2, 0.01) };
        let (expected, whole) = fitted(&recipe, None);
        // 32 images in three parts, of which the last is smaller.
        let (found, parts) = fitted(&recipe, Some(13));
        let largest = expected.iter().fold(0.0f32, |most, value| most.max(value.abs()));
        let close = |(found, expected): (&f32, &f32)| (found - expected).abs() < 1e-5 * largest;
        assert!(found.iter().zip(&expected).all(close));
        for (parts, whole) in parts.iter().zip(&whole) {
            assert!((parts.train_loss - whole.train_loss).abs() < 1e-5 * whole.train_loss);
            assert!((parts.train_accuracy - whole.train_accuracy).abs() < 0.02);
        }
    }
}

#[test]
fn a_batch_that_fits_is_whole() {
    let (splits, device, recipe) = (splits(), Device::flex(), recipe(1, 0.01));
    let training = Training::new(&recipe, &splits, &device, 3).unwrap();
    assert_eq!(training.clone().in_parts(1 << 40).part(), None);
    assert_eq!(training.in_parts(1).part(), Some(1), "an image is the least");
}
