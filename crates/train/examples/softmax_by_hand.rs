//! A training loop written by hand, without recipes: the softmax classifier on the generated images of shapes10.
//!
//! `cargo run --release -p zoo-train --example softmax_by_hand`
#![expect(clippy::print_stdout, reason = "an example prints")]
#![expect(clippy::disallowed_methods, reason = "an example reads as Burn's users do")]

use burn::module::Module;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::Device;
use zoo_core::{Architecture, Classifier, Loss};
use zoo_data::{Augment, Epoch, shapes10};
use zoo_softmax::SoftmaxConfig;

const SEED: u64 = 42;
const LEARNING_RATE: f64 = 0.1;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dataset = shapes10::generate(2000, 500, SEED);
    let device = Device::flex();
    // Tensors on this device keep track of where they come from.
    let training = device.clone().autodiff();

    let architecture = SoftmaxConfig::default();
    let input = zoo_train::input_spec(&architecture, &dataset.train, dataset.classes.len());
    let mut model = architecture.draw(&input, &device, SEED).train();
    let loss = Loss::CrossEntropy { label_smoothing: 0.0 };
    let mut optimizer = SgdConfig::new().init();

    for epoch in 0..10 {
        let mut sum = 0.0;
        for batch in Epoch::new(&dataset.train, 100, Augment::default(), (SEED, epoch), &training) {
            let images = batch.images.dims()[0];
            let value = loss.forward(model.forward(batch.images), batch.labels);
            let gradients = GradientsParams::from_grads(value.backward(), &model);
            model = optimizer.step(LEARNING_RATE, model, gradients);
            sum += f64::from(value.into_scalar::<f32>()) * images as f64;
        }
        println!("epoch {}: loss {:.3}", epoch + 1, sum / dataset.train.len() as f64);
    }

    let scores = zoo_train::score(&model.valid(), &dataset.test, &device)?;
    let accuracy = scores.top_k_accuracy(&dataset.test.labels(), 1);
    println!("test accuracy: {:.1} %", 100.0 * accuracy);
    Ok(())
}
