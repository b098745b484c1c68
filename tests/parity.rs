//! Every model computes the same on every backend that is compiled in, flex being the reference.
//!
//! On a GPU, real or software. Without any adapter the GPU's part is skipped, and says so; with `ZOO_REQUIRE_GPU=1`
//! that is a failure. Tests share a process, so that kernels are compiled once.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::wgpu::WgpuBackend;
use burn::tensor::{Device, DeviceKind, Tensor};
use zoo_cnn::{AirbenchConfig, CnnConfig, LenetConfig, ResnetConfig, VggConfig};
use zoo_core::{Architecture, Classifier, Features, InputSpec, Loss};
use zoo_data::{Augment, Batch, Epoch, Flip, ImageShape, Images, Resident, Splits, Subset, shapes10};
use zoo_kernels::{Activation, Traffic};
use zoo_knn::{Knn, KnnConfig, Metric, Ties};
use zoo_mlp::MlpConfig;
use zoo_softmax::SoftmaxConfig;
use zoo_svm::SvmConfig;
use zoo_train::{Adam, Optimizer, Recipe, RmsProp, Sgd, TestTimeAugmentation, Training, score_augmented};
use zoo_vit::VitConfig;

const CROSS_ENTROPY: Loss = Loss::CrossEntropy { label_smoothing: 0.1 };
const HINGE: Loss = Loss::Hinge { margin: 1.0 };

fn sgd() -> Optimizer {
    Optimizer::Sgd(Sgd {
        learning_rate: 0.01,
        momentum: 0.9,
        nesterov: true,
        weight_decay: 1e-3,
        ..Sgd::default()
    })
}

fn vgg() -> CnnConfig {
    CnnConfig::Vgg(VggConfig { widths: vec![4, 8], depths: vec![1, 2], ..VggConfig::default() })
}

fn lenet() -> CnnConfig {
    CnnConfig::Lenet(LenetConfig { widths: vec![2, 3], hidden: vec![8], ..LenetConfig::default() })
}

fn resnet() -> CnnConfig {
    CnnConfig::Resnet(ResnetConfig { depth: 8, widths: vec![2, 4, 6], ..ResnetConfig::default() })
}

fn mlp(activation: Activation) -> MlpConfig {
    MlpConfig { hidden: vec![8], activation, ..MlpConfig::default() }
}

fn vit() -> VitConfig {
    VitConfig { width: 16, depth: 2, heads: 2, hidden: 24, ..VitConfig::default() }
}

fn airbench() -> CnnConfig {
    CnnConfig::Airbench(AirbenchConfig { widths: vec![4, 8], ..AirbenchConfig::default() })
}

/// The backends that are compared with flex, opened once. A test holds them from its start to its end: generators, flex's
/// too, are shared by the whole process.
fn others() -> MutexGuard<'static, Vec<(&'static str, Device)>> {
    static DEVICES: OnceLock<Mutex<Vec<(&str, Device)>>> = OnceLock::new();
    let open = || {
        #[expect(deprecated, reason = "offered, so tested")]
        let mut devices = vec![("ndarray", Device::ndarray())];
        #[expect(
            clippy::disallowed_methods,
            reason = "a test is told by the environment whether it needs a GPU"
        )]
        let required = std::env::var("ZOO_REQUIRE_GPU").is_ok_and(|value| value == "1");
        match gpu() {
            Some(device) => devices.push(("wgpu", device)),
            None if required => panic!("ZOO_REQUIRE_GPU=1, but no adapter answers"),
            None => {
                let _ = writeln!(std::io::stderr(), "skipped wgpu: no adapter answers");
            }
        }
        Mutex::new(devices)
    };
    DEVICES.get_or_init(open).lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn gpu() -> Option<Device> {
    let api = if cfg!(target_os = "linux") { WgpuBackend::Vulkan } else { WgpuBackend::Auto };
    let kinds = [
        DeviceKind::DiscreteGpu(0),
        DeviceKind::IntegratedGpu(0),
        DeviceKind::VirtualGpu(0),
        DeviceKind::Cpu,
    ];
    kinds.into_iter().find_map(|kind| Device::wgpu_options().device_kind(kind).graphics_api(api).init().ok())
}

fn splits() -> Splits {
    shapes10::generate(400, 50, 5).hold_out(0.1, 5).unwrap()
}

fn input<A: Architecture>(architecture: &A, splits: &Splits) -> InputSpec {
    zoo_train::input_spec(architecture, &splits.train, 10)
}

/// A fresh model with values drawn on flex, off autodiff.
fn fresh<A: Architecture>(architecture: &A, splits: &Splits) -> A::Model {
    let device = Device::flex();
    device.seed(11);
    let model = architecture.init(&input(architecture, splits), &device);
    let _ = values(&model);
    model
}

/// All floating-point parameters, one after the other.
fn values<M: Module>(model: &M) -> Vec<f32> {
    struct Collect(Vec<f32>);
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.extend(param.val().into_data().try_to_vec::<f32>().unwrap());
        }
    }
    let mut collect = Collect(Vec::new());
    model.visit(&mut collect);
    collect.0
}

/// The largest difference, relative to the largest value.
fn relative_difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().chain(expected).all(|value| value.is_finite()));
    let scale = expected.iter().fold(1e-6f32, |scale, value| scale.max(value.abs()));
    found.iter().zip(expected).fold(0.0f32, |most, (f, e)| most.max((f - e).abs())) / scale
}

/// Same seed, same batches: as they are, from bytes that go over batch by batch, and from those that stay there.
#[test]
fn batches_are_the_same_everywhere() {
    let others = others();
    let train = splits().train;
    let numbers = |Batch { images, labels }| {
        let labels = labels.into_data().convert::<i32>().try_to_vec::<i32>().unwrap();
        (images.into_data().try_to_vec::<f32>().unwrap(), labels)
    };
    for augment in [Augment::default(), Augment { flip: Flip::Alternating, crop: 2, cutout: 5 }] {
        let batches = |device: &Device, resident: Option<&Resident>| -> Vec<_> {
            let epoch = Epoch::new(&train, 150, augment, (3, 1), device);
            epoch.resident(resident).map(numbers).collect()
        };
        let expected = batches(&Device::flex(), None);
        for (backend, device) in others.iter() {
            let resident = Resident::of(&train, device);
            assert_eq!(resident.is_some(), zoo_kernels::is_gpu(device), "{backend}");
            for resident in [None, resident.as_ref()] {
                let same = batches(device, resident) == expected;
                assert!(same, "{augment:?} on {backend}, kept there: {}", resident.is_some());
            }
        }
    }
}

/// How often a GPU is waited for while a model learns, and how many bytes go over.
#[test]
fn training_waits_for_one_step_in_ten_at_most() {
    let others = others();
    let splits = splits();
    let recipe: Recipe<SoftmaxConfig> = toml::from_str(
        r#"
        architecture = {}
        loss = { kind = "cross_entropy" }
        optimizer = { kind = "sgd", learning_rate = 0.01 }
        schedule = { kind = "constant" }
        augment = { flip = "random", crop = 2 }
        train = { epochs = 2, batch_size = 6 }
        "#,
    )
    .unwrap();
    for (backend, device) in others.iter().filter(|(_, device)| zoo_kernels::is_gpu(device)) {
        let before = Traffic::so_far();
        let training = Training::new(&recipe, &splits, device, 1).unwrap();
        let fitted = training.fit(training.draw(&Device::flex()), &mut |_| ControlFlow::Continue(()));
        assert_eq!(fitted.unwrap().history.len(), 2);
        let Traffic { waits, uploaded } = Traffic::so_far().since(before);
        let (train, validation) = (splits.train.len() as u64, splits.validation.len() as u64);
        let steps = 2 * train / 6;
        assert!((1..=steps / 10).contains(&waits), "{backend}: {waits} of {steps} steps");
        // Pixels go over once; then, at each step, labels, places and directions, and a few numbers at each epoch.
        let most = 3072 * (train + 2 * validation) + 2 * 20 * train + 2 * 44 * validation + 1024;
        assert!(uploaded <= most, "{backend}: {uploaded} bytes, {most} at most");
    }
}

/// How often a GPU is waited for while 10,000 images are scored, and how many bytes go over.
#[test]
fn evaluation_waits_twelve_times_at_most() {
    let others = others();
    let test = small_images(10_000, 40_503);
    let scores = |device: &Device, augmentation| {
        let input = InputSpec::without_statistics([1, 2, 4], 10);
        let cpu = Device::flex();
        let model = SoftmaxConfig::default().draw(&input, &cpu, 7).fork(device);
        let before = Traffic::so_far();
        let mut batches = 0;
        let scores = score_augmented(&model, &test, augmentation, device, &mut |_| batches += 1).unwrap();
        (scores, Traffic::so_far().since(before), batches)
    };
    for augmentation in [TestTimeAugmentation::None, TestTimeAugmentation::MirrorAndShifts] {
        let (expected, _, batches) = scores(&Device::flex(), augmentation);
        assert_eq!(batches, 40);
        for (backend, device) in others.iter().filter(|(_, device)| zoo_kernels::is_gpu(device)) {
            let (found, traffic, batches) = scores(device, augmentation);
            assert_eq!(batches, 10, "{backend}");
            let largest = expected.rows().flatten().fold(0.0f32, |most, score| most.max(score.abs()));
            let difference = found.largest_difference(&expected);
            assert!(difference < 1e-4 * f64::from(largest), "{augmentation:?} on {backend}: {difference}");
            assert!((1..=12).contains(&traffic.waits), "{augmentation:?} on {backend}: {traffic:?}");
            // A byte per pixel, and for each of five views that are moved or mirrored three numbers.
            let views = if augmentation == TestTimeAugmentation::None { 0 } else { 5 };
            assert_eq!(traffic.uploaded, 10_000 * (8 + 12 * views), "{augmentation:?} on {backend}");
        }
    }
}

/// Images of eight pixels.
fn small_images(count: usize, factor: usize) -> Subset {
    let shape = ImageShape { channels: 1, height: 2, width: 4 };
    let pixels = (0..count * shape.values()).map(|at| ((at * factor) >> 7) as u8).collect();
    Subset::all(Arc::new(Images::new(shape, pixels, vec![0; count]).unwrap()))
}

fn scores_agree<A: Architecture>(name: &str, architecture: &A) {
    let others = others();
    let splits = splits();
    let scores = |device: &Device| {
        let model = fresh(architecture, &splits).fork(device);
        let scores = model.forward(splits.test.batch(0..20, device).images);
        scores.into_data().try_to_vec::<f32>().unwrap()
    };
    let expected = scores(&Device::flex());
    for (backend, device) in others.iter() {
        let difference = relative_difference(&scores(device), &expected);
        assert!(difference < 1e-4, "{name} on {backend}: {difference}");
    }
}

#[test]
fn scores_of_the_same_weights_agree() {
    scores_agree("softmax", &SoftmaxConfig::default());
    scores_agree("svm", &SvmConfig::default());
    scores_agree("cnn", &vgg());
    scores_agree("airbench", &airbench());
    scores_agree("lenet", &lenet());
    scores_agree("resnet", &resnet());
    scores_agree("mlp", &mlp(Activation::Relu));
    scores_agree("vit", &vit());
}

#[test]
fn scores_with_every_activation_agree() {
    for activation in
        [Activation::Identity, Activation::LeakyRelu, Activation::Sigmoid, Activation::Tanh, Activation::Gelu]
    {
        scores_agree(&format!("{activation:?}"), &mlp(activation));
    }
    let biased =
        VggConfig { widths: vec![4, 8], depths: vec![1, 2], batch_norm: false, ..VggConfig::default() };
    scores_agree("without BatchNorm", &CnnConfig::Vgg(biased));
}

/// Losses of some steps of some images each, and the parameters after the first.
fn train<A: Architecture>(
    architecture: &A,
    (loss, optimizer): &(Loss, Optimizer),
    (splits, steps, images): (&Splits, usize, usize),
    device: &Device,
) -> (Vec<f32>, Vec<f32>) {
    let device = device.clone().autodiff();
    let mut model = fresh(architecture, splits).fork(&device.clone().inner()).train();
    let mut burn = optimizer.init(&model).unwrap();
    let (mut losses, mut after_one) = (Vec::new(), Vec::new());
    let augment = Augment { flip: Flip::Random, crop: 2, ..Augment::default() };
    // Batches of one size: each size has kernels of its own.
    let batches = (0..).flat_map(|epoch| {
        let batches: Vec<_> = Epoch::new(&splits.train, images, augment, (3, epoch), &device).collect();
        batches
    });
    for batch in batches.take(steps) {
        let value = loss.forward(model.forward(batch.images), batch.labels);
        losses.push(value.clone().into_scalar());
        let gradients = GradientsParams::from_grads(value.backward(), &model);
        model = burn.step(optimizer.learning_rate(), model, gradients);
        if after_one.is_empty() {
            after_one = values(&model.valid());
        }
    }
    (losses, after_one)
}

fn training_agrees<A: Architecture>(name: &str, architecture: &A, task: &(Loss, Optimizer)) {
    let (others, splits) = (others(), splits());
    let (expected, expected_after_one) = train(architecture, task, (&splits, 50, 12), &Device::flex());
    assert!(expected.iter().all(|loss| loss.is_finite()), "{name}: {expected:?}");
    for (backend, device) in others.iter() {
        // ndarray computes on the CPU as flex does, and takes its time.
        let steps = if zoo_kernels::is_gpu(device) { 50 } else { 5 };
        let (losses, after_one) = train(architecture, task, (&splits, steps, 12), device);
        let difference = relative_difference(&after_one, &expected_after_one);
        assert!(difference < 1e-3, "{name} on {backend}: parameters differ by {difference} after one step");
        for (step, (loss, expected)) in losses.iter().zip(&expected).enumerate() {
            let off = (loss - expected).abs() / expected;
            assert!(off < 0.02, "{name} on {backend}: loss {loss} is not {expected} at step {}", step + 1);
        }
    }
}

fn one_step_agrees<A: Architecture>(name: &str, architecture: &A, task: &(Loss, Optimizer)) {
    let (others, splits) = (others(), splits());
    let (_, expected) = train(architecture, task, (&splits, 1, 12), &Device::flex());
    for (backend, device) in others.iter() {
        let difference =
            relative_difference(&train(architecture, task, (&splits, 1, 12), device).1, &expected);
        assert!(difference < 1e-3, "{name} on {backend}: parameters differ by {difference}");
    }
}

#[test]
fn one_step_of_each_network_and_optimizer_agrees() {
    // Near zero a gradient's sign is a matter of rounding; this epsilon makes that harmless.
    let adam = Adam { weight_decay: 0.1, epsilon: 1e-2, ..Adam::default() };
    let rms_prop = RmsProp { momentum: 0.5, epsilon: 1e-2, ..RmsProp::default() };
    one_step_agrees("lenet", &lenet(), &(CROSS_ENTROPY, sgd()));
    one_step_agrees("adam", &mlp(Activation::Tanh), &(CROSS_ENTROPY, Optimizer::Adam(adam.clone())));
    one_step_agrees("adamw", &mlp(Activation::Gelu), &(Loss::MeanSquaredError, Optimizer::AdamW(adam)));
    one_step_agrees("vit", &vit(), &(CROSS_ENTROPY, sgd()));
    one_step_agrees("rmsprop", &mlp(Activation::Sigmoid), &(HINGE, Optimizer::RmsProp(rms_prop)));
}

/// The same with every second pixel of each training image.
fn half_as_large(splits: &Splits) -> Splits {
    let ImageShape { channels, height, width } = splits.shape();
    let of_image = |position| {
        let pixels = splits.train.pixels(position).into_owned();
        let rows = (0..channels * height).step_by(2).map(move |row| row * width);
        rows.flat_map(move |row| (0..width).step_by(2).map(move |column| row + column))
            .map(move |at| pixels[at])
    };
    let pixels = (0..splits.train.len()).flat_map(of_image).collect();
    let labels = splits.train.labels().into_iter().map(|label| label as u32).collect();
    let images = Images::new(ImageShape { channels, height: height / 2, width: width / 2 }, pixels, labels);
    Splits { train: Subset::all(Arc::new(images.unwrap())), ..splits.clone() }
}

/// The other networks here are narrow. A GPU has kernels of their own for wide layers and large batches. Images are small, so that a GPU
/// which is a program needs less than a minute.
#[test]
fn one_step_of_the_default_cnn_agrees() {
    let others = others();
    let recipe: toml::Table = toml::from_str(include_str!("../configs/cnn.toml")).unwrap();
    let cnn: CnnConfig = recipe["architecture"].clone().try_into().unwrap();
    let splits = half_as_large(&splits());
    let (task, at_first) = ((CROSS_ENTROPY, sgd()), values(&fresh(&cnn, &splits)));
    // The loss, and how far the step has moved each parameter.
    let step = |device: &Device| {
        let (losses, after) = train(&cnn, &task, (&splits, 1, 64), device);
        (losses[0], after.iter().zip(&at_first).map(|(after, before)| after - before).collect::<Vec<_>>())
    };
    let (expected, expected_moves) = step(&Device::flex());
    for (backend, device) in others.iter().filter(|(_, device)| zoo_kernels::is_gpu(device)) {
        let (loss, moves) = step(device);
        let off = (loss - expected).abs() / expected;
        assert!(off < 1e-4, "{backend}: loss {loss} is not {expected}");
        let difference = relative_difference(&moves, &expected_moves);
        assert!(difference < 1e-3, "{backend}: what the step moves differs by {difference}");
    }
}

#[test]
fn fifty_steps_of_softmax_agree() {
    training_agrees("softmax", &SoftmaxConfig::default(), &(CROSS_ENTROPY, sgd()));
}

#[test]
fn fifty_steps_of_svm_agree() {
    training_agrees(
        "svm",
        &SvmConfig::default(),
        &(
            HINGE,
            Optimizer::Sgd(Sgd { learning_rate: 1e-4, momentum: 0.9, weight_decay: 0.01, ..Sgd::default() }),
        ),
    );
}

#[test]
fn fifty_steps_of_the_cnn_agree() {
    training_agrees("cnn", &vgg(), &(CROSS_ENTROPY, sgd()));
}

#[test]
fn fifty_steps_of_airbench_agree() {
    training_agrees("airbench", &airbench(), &(CROSS_ENTROPY, sgd()));
}

#[test]
fn fifty_steps_of_the_vision_transformer_agree() {
    training_agrees("vit", &vit(), &(CROSS_ENTROPY, sgd()));
}

#[test]
fn neighbours_agree() {
    let others = others();
    let splits = splits();
    for (metric, k) in [(Metric::L2, 10), (Metric::L1, 3)] {
        let neighbours = |device: &Device, on_device: bool| {
            let mut knn = KnnConfig { features: Features::Pixels, k, metric, ties: Ties::Nearest }
                .init(10)
                .selecting_on_device(on_device);
            let (train, _) = splits.train.split_at(300);
            knn.extend(train.batches(150, device).map(|batch| batch.images), &train.labels());
            knn.neighbours(splits.test.batch(0..20, device).images)
        };
        let expected = neighbours(&Device::flex(), false);
        for (backend, device) in others.iter() {
            for on_device in [false, true] {
                let found = neighbours(device, on_device);
                assert_eq!(found, expected, "{metric:?} on {backend}, selected on the device: {on_device}");
            }
        }
    }
}

/// As many as CIFAR-10 has, but small: how often a GPU is waited for depends on the numbers of images only. Of so small images many are
/// equally far away.
#[test]
fn neighbours_are_read_once_per_tile() {
    let others = others();
    let (train, queries) = (small_images(50_000, 40_503), small_images(1000, 30_011));
    for metric in [Metric::L2, Metric::L1] {
        let neighbours = |device: &Device| {
            let config = KnnConfig { features: Features::Pixels, k: 10, metric, ties: Ties::Nearest };
            let mut knn = config.init(10).selecting_on_device(true);
            knn.extend(train.batches(Knn::TILE, device).map(|batch| batch.images), &train.labels());
            let queries = queries.batch(0..queries.len(), device).images;
            let before = Traffic::so_far();
            (knn.neighbours(queries), Traffic::so_far().since(before))
        };
        let (expected, _) = neighbours(&Device::flex());
        for (backend, device) in others.iter().filter(|(_, device)| zoo_kernels::is_gpu(device)) {
            let (found, traffic) = neighbours(device);
            assert_eq!(found, expected, "{metric:?} on {backend}");
            assert!((1..=14).contains(&traffic.waits), "{metric:?} on {backend}: {traffic:?}");
        }
    }
}

/// Buffers depend on the sizes of a tile and of a batch, not on the number of tiles: one and the beginning of another do for a full
/// training set.
#[test]
fn neighbours_of_full_tiles_need_no_buffer_over_128_mebibytes() {
    let others = others();
    let tiles = shapes10::generate(Knn::TILE + 200, 1, 7).train;
    for (backend, device) in others.iter().filter(|(backend, _)| *backend == "wgpu") {
        let mut knn =
            KnnConfig { features: Features::Pixels, k: 10, metric: Metric::L2, ties: Ties::Nearest }
                .init(10)
                .selecting_on_device(true);
        knn.extend(tiles.batches(Knn::TILE, device).map(|batch| batch.images), &tiles.labels());
        let neighbours = knn.neighbours(tiles.batch(0..knn.batch_size(device), device).images);
        assert_eq!(neighbours.len(), knn.batch_size(device));
        // Each of these images is a training image, and its own nearest neighbour.
        assert!(
            neighbours.iter().enumerate().all(|(place, row)| (row[0].distance, row[0].index) == (0, place))
        );
        let pools = device.memory_pool_report().expect("wgpu reports its memory");
        let largest = pools.iter().map(|pool| pool.largest_alloc).max().unwrap_or_default();
        assert!((1..=128 << 20).contains(&largest), "{backend}: {largest} bytes of {pools:?}");
        let _ = writeln!(std::io::stderr(), "{backend}: the largest buffer was {} MiB", largest >> 20);
    }
}
