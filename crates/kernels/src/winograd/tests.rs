use super::*;
use crate::simd::architectures;

/// The definition, in f64.
fn direct(geometry: Geometry, features: &[f32], weight: &[f32]) -> Vec<f64> {
    let Geometry { batch, plane: [height, width], channels_in, channels_out, window } = geometry;
    let [down, across] = geometry.output();
    let mut output = Vec::new();
    for place in 0..batch * down * across * channels_out {
        let (channel, x) = (place % channels_out, place / channels_out % across);
        let (y, image) = (place / channels_out / across % down, place / channels_out / across / down);
        let mut sum = 0.0;
        for position in 0..9 {
            let row = (y + position / 3).wrapping_sub(window.padding[0]);
            let column = (x + position % 3).wrapping_sub(window.padding[1]);
            if row < height && column < width {
                for input in 0..channels_in {
                    let pixel = ((image * height + row) * width + column) * channels_in + input;
                    let weight = weight[(channel * channels_in + input) * 9 + position];
                    sum += f64::from(features[pixel]) * f64::from(weight);
                }
            }
        }
        output.push(sum);
    }
    output
}

#[test]
fn every_instruction_set_gives_the_sums() {
    let window = Window::square(3, 1).with_padding(1);
    let geometry = Geometry { batch: 3, plane: [7, 10], channels_in: 20, channels_out: 37, window };
    let values = |count: usize, step: usize| -> Vec<f32> {
        (0..count).map(|i| (i * step % 101) as f32 / 50.0 - 1.0).collect()
    };
    let features = values(geometry.batch * geometry.image_in(), 37);
    let weight = values(geometry.patch() * geometry.channels_out, 29);
    let expected = direct(geometry, &features, &weight);
    let transformed = transform_weight(geometry, &weight, false);
    let tiling = Tiling { group: geometry.batch, ..Tiling::new(geometry) };
    for arch in architectures() {
        let write = |output: &mut [MaybeUninit<f32>]| {
            let scratch = &mut Scratch::default();
            arch.dispatch(Convolve {
                tiling,
                source: Source::Plain(&features),
                images: 0..geometry.batch,
                weight: &transformed,
                output,
                scratch,
            });
        };
        // SAFETY: a convolution writes everything.
        let output = unsafe { crate::memory::written(expected.len(), write) };
        let pairs = output.iter().zip(&expected);
        let worst = pairs.map(|(&a, b)| (f64::from(a) - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-4, "{arch:?}: {worst}");
    }
}
