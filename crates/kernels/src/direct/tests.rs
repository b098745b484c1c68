use proptest::prelude::*;

use super::input_gradient::InputGradient;
use super::weight_gradient::WeightGradient;
use super::*;
use crate::convolution::definition;
use crate::simd::architectures;
use crate::window::Window;

/// Whole numbers, so that every order of summation gives the same.
fn values(count: usize, step: usize) -> Vec<f32> {
    (0..count).map(|number| (number * step % 7) as f32 - 3.0).collect()
}

fn dot(left: &[f32], right: &[f32]) -> f64 {
    left.iter().zip(right).map(|(&left, &right)| f64::from(left) * f64::from(right)).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The gradients are the two adjoints of a map that is linear in features and in weights: ⟨out, g⟩ is ⟨features, gradient⟩
    /// and ⟨weight, gradient⟩.
    #[test]
    fn every_instruction_set_gives_the_sums_and_their_gradients(
        plane in [5usize..12, 5..12],
        (channels_in, channels_out) in (1usize..20, 1usize..70),
        (size, stride, padding) in ([1usize..5, 1..5], [1usize..4, 1..4], [0usize..3, 0..3]),
    ) {
        let geometry =
            Geometry { batch: 1, plane, channels_in, channels_out, window: Window { size, stride, padding } };
        let (features, weight) = (values(geometry.image_in(), 5), values(geometry.patch() * channels_out, 3));
        let gradient = values(geometry.image_out(), 11);
        let expected = definition(geometry, &features, &weight);
        let layout = &Layout::new(geometry);
        let mut bordered = Bordered::default();
        let image = bordered.read(layout.border, Source::Plain(&features), 0..1);
        let ordered = &in_order_of_patches(geometry, &weight);
        for arch in architectures() {
            let write = |output: &mut [MaybeUninit<f32>]| arch.dispatch(Forward { layout, image, weight: ordered, output });
            // SAFETY: a convolution writes everything.
            let output = unsafe { crate::memory::written(expected.len(), write) };
            prop_assert!(output.iter().zip(&expected).all(|(&a, &b)| f64::from(a) == b), "{arch:?}");

            let mut sums = vec![0.0; ordered.len()];
            arch.dispatch(WeightGradient { layout, image, gradient: &gradient, sums: &mut sums });
            prop_assert_eq!(dot(&sums, ordered), dot(&output, &gradient), "{:?}", arch);

            let mut added = vec![0.0; layout.image()];
            let runs = &input_gradient::in_runs(layout, &weight);
            arch.dispatch(InputGradient { layout, gradient: &gradient, weight: runs, image: &mut added });
            prop_assert_eq!(dot(&added, image), dot(&output, &gradient), "{:?}", arch);
        }
    }
}
