//! The whole network.

use burn::module::{ModuleMapper, Param};
use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot};
use burn::tensor::{Distribution, TensorData};

use super::*;

fn small() -> VitConfig {
    VitConfig { patch: 4, width: 8, depth: 2, heads: 2, hidden: 12 }
}

fn input([height, width]: [usize; 2]) -> InputSpec {
    InputSpec::without_statistics([3, height, width], 10)
}

fn images([height, width]: [usize; 2], device: &Device) -> Tensor<4> {
    Tensor::random([4, 3, height, width], Distribution::Normal(0.0, 1.0), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn close(found: &[f32], expected: &[f32]) -> bool {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4)
}

#[test]
fn has_the_parameters_that_the_formula_gives() {
    let model = small().init(&input([32, 32]), &Device::flex());
    let block = 4 * 8 * 8 + (8 + 1) * 12 + (12 + 1) * 8;
    let trained = (48 + 1) * 8 + 2 * block + (8 + 1) * 10;
    assert_eq!(zoo_core::parameters(&model), trained);
    // Mean and deviation of each channel, and 64 positions.
    assert_eq!(model.num_params(), trained + 2 * 3 + 64 * 8);
    assert!(!model.train().positions.is_require_grad());
}

#[test]
fn parameters_are_named_for_the_fields() {
    let model = VitConfig { depth: 1, ..small() }.init(&input([32, 32]), &Device::flex());
    let tensors = model.collect(None, Some(Box::new(BurnToPyTorchAdapter)), true);
    let names: Vec<String> = tensors.into_iter().map(|tensor| tensor.name).collect();
    let expected = [
        "normalizer.mean",
        "normalizer.scale",
        "embedding.weight",
        "embedding.bias",
        "positions",
        "blocks.0.attention.query.weight",
        "blocks.0.attention.key.weight",
        "blocks.0.attention.value.weight",
        "blocks.0.attention.output.weight",
        "blocks.0.first.weight",
        "blocks.0.first.bias",
        "blocks.0.second.weight",
        "blocks.0.second.bias",
        "linear.weight",
        "linear.bias",
    ];
    assert_eq!(names, expected);
}

#[test]
fn takes_every_size() {
    let device = Device::flex();
    for plane in [[1, 1], [2, 2], [8, 8], [28, 28], [30, 17], [48, 160], [224, 224]] {
        let input = input(plane);
        small().validate(&input, &Loss::MeanSquaredError).unwrap();
        let model = small().init(&input, &device);
        assert_eq!(model.forward(images(plane, &device)).dims(), [4, 10], "{plane:?}");
        assert!((1..=500).contains(&model.batch_size(&device)));
    }
    let grey = InputSpec::without_statistics([1, 28, 28], 2);
    let scores = small().init(&grey, &device).forward(Tensor::ones([3, 1, 28, 28], &device));
    assert_eq!(scores.dims(), [3, 2]);
}

/// Gives value i of every trained parameter, as PyTorch has them, a number that follows from i.
struct Waves;

impl ModuleMapper for Waves {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // Only a model that is in training says what is trained.
        if !param.clone().train().is_require_grad() {
            return param;
        }
        param.map(|values| {
            let (mut dims, device) = (values.dims(), values.device());
            let transposed = D == 2;
            if transposed {
                dims.reverse();
            }
            let count: usize = dims.iter().product();
            let waves: Vec<f32> = (0..count).map(|i| (0.3 * (0.7 * i as f64 + 1.0).sin()) as f32).collect();
            let tensor = Tensor::from_data(TensorData::new(waves, dims), &device);
            if transposed { tensor.swap_dims(0, D - 1) } else { tensor }
        })
    }
}

/// Scores of two images of 10×7, whose pixels are waves as well; made by `scripts/golden/vit.py`.
const EXPECTED: [f32; 6] = [0.756_793, 0.096_381, -0.613_674, 0.792_813, 0.138_48, -0.584_394];

#[test]
fn scores_as_pytorch_does() {
    let device = Device::flex();
    let input = InputSpec {
        channel_mean: vec![100.0, 110.0, 120.0],
        channel_deviation: vec![50.0, 60.0, 70.0],
        ..InputSpec::without_statistics([3, 10, 7], 3)
    };
    let model = small().init(&input, &device).map(&mut Waves);
    let pixel = |i: u16| (127.5 + 127.5 * (0.9 * f64::from(i)).sin()).round() as f32;
    let pixels: Vec<f32> = (0..2 * 3 * 10 * 7).map(pixel).collect();
    let images = Tensor::from_data(TensorData::new(pixels, [2, 3, 10, 7]), &device);
    let scores = values(model.forward(images));
    assert!(close(&scores, &EXPECTED), "{scores:?}");
}

/// Attention and mean don't care which patch comes first; the positions do.
#[test]
fn only_positions_tell_where_a_patch_is() {
    let device = Device::flex();
    device.seed(8);
    let mut model = small().init(&input([16, 16]), &device);
    let images = images([16, 16], &device);
    let [top, bottom] = [0..8, 8..16].map(|rows| images.clone().slice([0..4, 0..3, rows]));
    let swapped = Tensor::cat(vec![bottom, top], 2);
    let same =
        |model: &Vit| close(&values(model.forward(images.clone())), &values(model.forward(swapped.clone())));
    assert!(!same(&model));
    model.positions = model.positions.map(|positions| positions.zeros_like());
    assert!(same(&model));
}

#[test]
fn all_patches_count() {
    let device = Device::flex().autodiff();
    device.seed(6);
    let model = small().init(&input([10, 7]), &device);
    let images = images([10, 7], &device).require_grad();
    let gradients = model.forward(images.clone()).powi_scalar(2).sum().backward();
    let slopes = values(images.grad(&gradients).unwrap());
    assert!(slopes.iter().all(|&slope| slope != 0.0));
    for linear in [&model.embedding, &model.linear] {
        let slopes = values(linear.weight.val().grad(&gradients).unwrap());
        assert!(slopes.iter().any(|&slope| slope != 0.0));
    }
}

#[test]
fn an_image_is_scored_alike_in_any_batch() {
    let device = Device::flex();
    device.seed(4);
    let model = VitConfig::default().init(&input([32, 32]), &device);
    let batch = images([32, 32], &device);
    let together = values(model.forward(batch.clone()));
    let alone = values(model.forward(batch.slice(0..1)));
    assert!(close(&together[..10], &alone), "{together:?} {alone:?}");
}

#[test]
fn nothing_in_it_has_a_kink() {
    let config = VitConfig::default();
    assert!(config.kinks().is_empty() && config.smooth().is_none());
    assert_eq!((config.without_noise(), config.name()), (config, "vit"));
}

#[test]
fn out_of_range() {
    let check = |config: VitConfig| {
        config.validate(&input([32, 32]), &Loss::MeanSquaredError).map_err(|error| error.to_string())
    };
    assert_eq!(check(VitConfig::default()), Ok(()));
    let error = check(VitConfig { heads: 5, ..VitConfig::default() }).unwrap_err();
    assert_eq!(error, "architecture.heads = 5: must be a divisor of the width, 96");
    let key = |config| check(config).unwrap_err().split(" = ").next().unwrap().to_owned();
    for (config, expected) in [
        (VitConfig { patch: 0, ..small() }, "architecture.patch"),
        (VitConfig { patch: 65, ..small() }, "architecture.patch"),
        (VitConfig { width: 6, ..small() }, "architecture.width"),
        (VitConfig { width: 0, ..small() }, "architecture.width"),
        (VitConfig { depth: 0, ..small() }, "architecture.depth"),
        (VitConfig { heads: 0, ..small() }, "architecture.heads"),
        (VitConfig { hidden: 0, ..small() }, "architecture.hidden"),
    ] {
        assert_eq!(key(config), expected);
    }
}
