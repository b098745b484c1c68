use super::*;
use crate::convolution::definition;
use crate::simd::architectures;

#[test]
fn every_instruction_set_gives_the_sums() {
    let window = Window::square(3, 1).with_padding(1);
    let geometry = Geometry { batch: 3, plane: [7, 10], channels_in: 20, channels_out: 37, window };
    let values = |count: usize, step: usize| -> Vec<f32> {
        (0..count).map(|i| (i * step % 101) as f32 / 50.0 - 1.0).collect()
    };
    let features = values(geometry.batch * geometry.image_in(), 37);
    let weight = values(geometry.patch() * geometry.channels_out, 29);
    let expected = definition(geometry, &features, &weight);
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
