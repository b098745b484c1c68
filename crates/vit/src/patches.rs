//! An image as patches, and where each of them is.

use burn::tensor::ops::PadMode;
use burn::tensor::{Device, Tensor, TensorData};

/// The longest side that is cut into patches of the size that is asked for.
const LONG: usize = 48;
/// The patches that a side has at least, where it has as many pixels.
const LEAST: usize = 4;
/// The longest of the waves that positions are told by is almost this many times as long as the shortest.
const LONGEST: f64 = 10_000.0;

/// How images are cut: height and width of a patch, and how many there are down and across.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Patches {
    pub(crate) size: [usize; 2],
    pub(crate) grid: [usize; 2],
}

impl Patches {
    /// Patches of `patch`×`patch` for images of height and width `plane`; of another size along a side that is long or short.
    ///
    /// One rule for all, for height and width each by itself:
    /// - along a side of more than 48 pixels a patch is twice as long, as often as the side has to be halved to have at most 48;
    /// - along a side that has fewer than four patches it is half as long, until there are four or it is one pixel;
    /// - what the last patch has too few pixels for is padded.
    ///
    /// So there are at most twelve patches along a side where `patch` is 4.
    pub(crate) fn new(patch: usize, plane: [usize; 2]) -> Self {
        let size = plane.map(|side| {
            let (mut size, mut rest) = (patch, side);
            while rest > LONG {
                (size, rest) = (2 * size, rest.div_ceil(2));
            }
            while size > 1 && side < LEAST * size {
                size /= 2;
            }
            size
        });
        Self { size, grid: [plane[0].div_ceil(size[0]), plane[1].div_ceil(size[1])] }
    }

    /// How many patches an image has.
    pub(crate) const fn count(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// How many values a patch has.
    pub(crate) const fn values(&self, channels: usize) -> usize {
        channels * self.size[0] * self.size[1]
    }

    /// Cuts images into patches, row by row. What is missing at the bottom and on the right is 0, the mean of normalised pixels.
    ///
    /// # Shapes
    /// - `images`: `[batch, channels, height, width]`.
    /// - returns: `[batch, patches, values]`; the values of a patch are `[channel, row, column]`.
    // ANCHOR: cut
    pub(crate) fn cut(&self, images: Tensor<4>) -> Tensor<3> {
        let [batch, channels, height, width] = images.dims();
        let ([down, across], [rows, columns]) = (self.size, self.grid);
        let missing = [rows * down - height, columns * across - width];
        let images = match missing {
            [0, 0] => images,
            [below, right] => images.pad([(0, below), (0, right)], PadMode::Constant(0.0)),
        };
        let cut = images.reshape([batch, channels, rows, down, columns, across]);
        cut.permute([0, 2, 4, 1, 3, 5]).reshape([batch, self.count(), self.values(channels)])
    }
    // ANCHOR_END: cut

    /// Where each patch is, as sines and cosines of its row and its column (Vaswani et al., *Attention Is All You Need*, 2017, in two
    /// dimensions): sin(y ωᵢ), cos(y ωᵢ), sin(x ωᵢ), cos(x ωᵢ), a quarter of the width each, with ωᵢ = 10000^(−4 i / width).
    ///
    /// # Shapes
    /// - returns: `[rows, columns, width]`.
    pub(crate) fn positions(&self, width: usize, device: &Device) -> Tensor<3> {
        let ([rows, columns], quarter) = (self.grid, width / 4);
        let mut values = Vec::with_capacity(rows * columns * width);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            for place in [row, column] {
                let angle = |i| place as f64 * LONGEST.powf(-(i as f64) / quarter as f64);
                values.extend((0..quarter).map(|i| angle(i).sin() as f32));
                values.extend((0..quarter).map(|i| angle(i).cos() as f32));
            }
        }
        zoo_kernels::upload(TensorData::new(values, [rows, columns, width]), device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_to_vec().unwrap()
    }

    #[test]
    fn patches_suit_the_image() {
        for (plane, size, grid) in [
            ([32, 32], [4, 4], [8, 8]),
            ([28, 28], [4, 4], [7, 7]),
            ([30, 17], [4, 4], [8, 5]),
            ([48, 49], [4, 8], [12, 7]),
            ([224, 224], [32, 32], [7, 7]),
            ([8, 160], [2, 16], [4, 10]),
            ([3, 5], [1, 1], [3, 5]),
            ([1, 1], [1, 1], [1, 1]),
        ] {
            assert_eq!(Patches::new(4, plane), Patches { size, grid }, "{plane:?}");
        }
        // Half of 3 is 1.
        assert_eq!(Patches::new(6, [12, 10]), Patches { size: [3, 1], grid: [4, 10] });
        for side in 1..400 {
            let patches = Patches::new(4, [side, 1]);
            assert!(patches.grid[0] <= 12 && patches.grid[0] >= side.min(4), "{side}: {patches:?}");
            assert!(patches.size[0] * patches.grid[0] >= side);
        }
    }

    #[test]
    fn an_image_is_cut_row_by_row() {
        let pixels: Vec<f32> = (0_u8..2 * 4 * 5).map(f32::from).collect();
        let images = Tensor::from_data(TensorData::new(pixels, [1, 2, 4, 5]), &Device::flex());
        let patches = Patches { size: [2, 3], grid: [2, 2] };
        let cut = patches.cut(images);
        assert_eq!((cut.dims(), patches.count(), patches.values(2)), ([1, 4, 12], 4, 12));
        let first = [0.0, 1.0, 2.0, 5.0, 6.0, 7.0, 20.0, 21.0, 22.0, 25.0, 26.0, 27.0];
        let second = [3.0, 4.0, 0.0, 8.0, 9.0, 0.0, 23.0, 24.0, 0.0, 28.0, 29.0, 0.0];
        assert_eq!(values(cut.clone().slice([0..1, 0..2])), [first, second].concat());
        assert_eq!(values(cut.slice([0..1, 2..3, 0..3])), [10.0, 11.0, 12.0]);
    }

    #[test]
    fn positions_by_hand() {
        let positions = Patches { size: [4, 4], grid: [2, 3] }.positions(8, &Device::flex());
        assert_eq!(positions.dims(), [2, 3, 8]);
        let first = values(positions.clone().slice([0..1, 0..1]));
        assert_eq!(first, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
        // Row 1, column 2; the frequencies are 1 and 1/100.
        let last = values(positions.slice([1..2, 2..3]));
        let expected = [1.0, 0.01, 2.0, 0.02_f32].map(|angle| (angle.sin(), angle.cos()));
        let [(s1, c1), (s2, c2), (s3, c3), (s4, c4)] = expected;
        let expected = [s1, s2, c1, c2, s3, s4, c3, c4];
        assert!(last.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{last:?}");
    }
}
