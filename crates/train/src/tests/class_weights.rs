//! What class weights change about training.

use std::sync::Arc;

use zoo_core::{ClassWeights, LossConfig, WithFeatures};
use zoo_data::{Dataset, Images, Subset};

use super::*;

/// The first classes, which have all of their images.
const COMMON: usize = 5;

/// Shapes, but of the classes from [`COMMON`] on only every tenth training image.
fn imbalanced(seed: u64) -> Splits {
    let whole = shapes10::generate(1000, 500, seed);
    let mut of_class = [0; 10];
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for position in 0..whole.train.len() {
        let label = whole.train.label(position);
        of_class[label] += 1;
        if label < COMMON || of_class[label] % 10 == 0 {
            pixels.extend_from_slice(&whole.train.pixels(position));
            labels.push(label as u32);
        }
    }
    let train = Subset::all(Arc::new(Images::new(whole.shape(), pixels, labels).unwrap()));
    Dataset { train, ..whole }.hold_out(0.0, 1).unwrap()
}

fn weighted(kind: Loss, class_weights: ClassWeights, epochs: u32) -> Recipe<SoftmaxConfig> {
    Recipe { loss: LossConfig { kind, class_weights }, augment: Augment::default(), ..recipe(epochs, 0.05) }
}

const CROSS_ENTROPY: Loss = Loss::CrossEntropy { label_smoothing: 0.0 };

/// The mean recall of rare classes on the test images.
fn rare_recall(splits: &Splits, class_weights: ClassWeights) -> f64 {
    let features = LinearConfig { features: Features::HogHue, ..LinearConfig::default() };
    let weighted = weighted(CROSS_ENTROPY, class_weights, 5);
    let learning = recipe(5, 0.01).learning;
    let recipe = Recipe { architecture: SoftmaxConfig(features), learning, ..weighted };
    let device = Device::flex();
    let training = Training::new(&recipe, splits, &device, 3).unwrap();
    // Fresh weights are drawn from a generator that other tests share.
    let fresh = burn::module::Module::map(training.draw(&device), &mut Zeros);
    let fitted = training.fit(fresh, &mut |_| ControlFlow::Continue(())).unwrap();
    let model = WithFeatures { extractor: Features::HogHue.plain().unwrap(), model: fitted.model };
    let scores = crate::score(&model, &splits.test, &device).unwrap();
    let metrics = scores.test_metrics(&splits.test.labels(), &splits.classes, None, None);
    let recalls = metrics.per_class[COMMON..].iter().map(|class| class.metrics.recall);
    recalls.sum::<f64>() / (10 - COMMON) as f64
}

#[test]
fn balanced_weights_find_rare_classes() {
    for seed in 1..4 {
        let splits = imbalanced(seed);
        assert_eq!(splits.train.class_counts(10), [100, 100, 100, 100, 100, 10, 10, 10, 10, 10]);
        let (plain, balanced) =
            (rare_recall(&splits, ClassWeights::None), rare_recall(&splits, ClassWeights::Balanced));
        // A twentieth at most against a fifth, at any of these seeds.
        assert!(plain < 0.05 && balanced > 0.15, "{plain} {balanced}");
    }
    let splits = imbalanced(1);
    let [first, second] = [1, 2].map(|_| rare_recall(&splits, ClassWeights::Balanced));
    assert_eq!(first, second, "the same seed gives the same model");
}

#[test]
fn only_proportions_of_weights_matter_and_equal_ones_change_little() {
    let splits = imbalanced(1);
    let losses = |class_weights| {
        let recipe = weighted(CROSS_ENTROPY, class_weights, 2);
        losses(&train(&recipe, &splits, None, &mut |_| {}).unwrap().1)
    };
    let close = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4);
    // 550 images: a common class weighs 0.55, a rare one ten times that.
    let given = [1.0, 1.0, 1.0, 1.0, 1.0, 10.0, 10.0, 10.0, 10.0, 10.0];
    assert!(close(losses(ClassWeights::Balanced), losses(ClassWeights::Given(given.into()))));
    assert!(close(losses(ClassWeights::None), losses(ClassWeights::Given(vec![3.0; 10]))));
}

#[test]
fn a_search_minimises_the_weighted_loss_of_all_images() {
    let splits = imbalanced(1);
    let random = RandomSearch { tries: 5, deviation: 0.01, step: None };
    let loss = weighted(CROSS_ENTROPY, ClassWeights::Balanced, 1).loss;
    let recipe = Recipe { loss, ..search(random, 1.0) };
    let (_, fitted) = train(&recipe, &splits, None, &mut |_| {}).unwrap();
    let device = Device::flex();
    let batch = splits.train.batch(0..splits.train.len(), &device);
    let scores = zoo_core::Classifier::forward(&fitted.model, batch.images);
    let training = Training::new(&recipe, &splits, &device, 3).unwrap();
    let loss: f32 = training.loss(&device).forward(scores, batch.labels).into_scalar();
    let recorded = fitted.history[0].train_loss;
    assert!((f64::from(loss) - recorded).abs() < 1e-4, "{loss} is not {recorded}");
}

#[test]
fn the_first_loss_is_that_of_chance_and_a_few_images_are_memorised() {
    let splits = imbalanced(1);
    let device = Device::flex();
    let only_rare: Vec<f64> = (0..10).map(|class| if class < COMMON { 0.0 } else { 1.0 }).collect();
    for class_weights in [ClassWeights::Balanced, ClassWeights::Given(only_rare)] {
        let recipe = weighted(Loss::CrossEntropy { label_smoothing: 0.1 }, class_weights, 1);
        let training = Training::new(&recipe, &splits, &device, 3).unwrap();
        let report = training.check_sanity(&training.draw(&device)).unwrap();
        assert!(report.passes(), "{report:?}");
    }
}

#[test]
fn gradients_of_weighted_losses_are_right() {
    let splits = imbalanced(1);
    let device = Device::flex();
    let recipe = weighted(Loss::CrossEntropy { label_smoothing: 0.1 }, ClassWeights::Balanced, 1);
    let training = Training::new(&recipe, &splits, &device, 3).unwrap();
    let sampling = crate::Sampling { values: 5, seed: 3 };
    let batch = splits.train.batch(0..4, &device);
    let report = training.check_gradients(&training.draw(&device), &batch, sampling).unwrap();
    assert!(report.passes(), "{report:?}");
}

#[test]
fn weights_that_do_not_suit_the_images_are_refused() {
    let error = |weights: &[f64]| {
        let recipe = weighted(CROSS_ENTROPY, ClassWeights::Given(weights.into()), 1);
        Training::new(&recipe, &splits(), &Device::flex(), 3).unwrap_err().to_string()
    };
    let message = error(&[1.0, 2.0]);
    assert!(message.starts_with("loss.class_weights = [1.0, 2.0]: must be "), "{message}");
    assert!(message.ends_with("or a list of 10 numbers, one per class"), "{message}");
    assert!(error(&[-1.0; 10]).contains("finite numbers of at least 0"));
}
