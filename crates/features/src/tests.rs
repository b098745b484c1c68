use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Images of whole pixels that are all different, or nearly all alike for many ties, or extremes.
fn images(count: usize, shape: [usize; 3]) -> impl Strategy<Value = Vec<f32>> {
    let of =
        move |byte: BoxedStrategy<u8>| vec(byte.prop_map(f32::from), count * shape.iter().product::<usize>());
    prop_oneof![of(any::<u8>().boxed()), of((7..10_u8).boxed()), of(prop_oneof![Just(0), Just(255)].boxed())]
}

fn shapes() -> impl Strategy<Value = [usize; 3]> {
    [1..5_usize, 1..28, 1..28]
}

fn images_of_a_shape() -> impl Strategy<Value = (Vec<f32>, [usize; 3])> {
    shapes().prop_flat_map(|shape| (images(1, shape), Just(shape)))
}

fn cells(image: &[f32], [_, height, width]: [usize; 3]) -> Vec<f32> {
    let mut grey = vec![0.0; height * width];
    greyscale(image, &mut grey);
    let mut cells = vec![0.0; hog_length([1, height, width])];
    hog_cells(&grey, [height, width], &mut cells);
    cells
}

/// The definition in `f64`, pixel by pixel, with an angle for each.
fn cells_by_angles(image: &[f32], [channels, height, width]: [usize; 3]) -> Vec<f32> {
    let weights =
        if channels == 3 { vec![299.0, 587.0, 114.0] } else { vec![1000.0 / channels as f64; channels] };
    let grey = |row: usize, column: usize| -> f64 {
        let value = |channel| f64::from(image[(channel * height + row) * width + column]);
        weights.iter().enumerate().map(|(channel, weight)| weight * value(channel)).sum()
    };
    let inside = |place: usize, side: usize| place > 0 && place + 1 < side;
    let mut cells = vec![0.0; hog_length([1, height, width])];
    for row in 0..height / CELL * CELL {
        for column in 0..width / CELL * CELL {
            let down = if inside(row, height) { grey(row + 1, column) - grey(row - 1, column) } else { 0.0 };
            let across =
                if inside(column, width) { grey(row, column + 1) - grey(row, column - 1) } else { 0.0 };
            let orientation = (down.atan2(across).to_degrees().rem_euclid(180.0) / 20.0) as usize;
            let cell = row / CELL * (width / CELL) + column / CELL;
            cells[cell * ORIENTATIONS + orientation % 9] += down.hypot(across) / 255_000.0 / 64.0;
        }
    }
    cells.into_iter().map(|value| value as f32).collect()
}

/// The definition in whole numbers, by the sextant of the circle of colours that a hue is in.
fn hues_by_sextants(image: &[f32]) -> Vec<f32> {
    let plane = image.len() / 3;
    let mut shares = vec![0.0; HUES];
    for pixel in 0..plane {
        let [red, green, blue] = [0, 1, 2].map(|channel| image[channel * plane + pixel] as i64);
        let delta = red.max(green).max(blue) - red.min(green).min(blue);
        // Six times δ times the hue.
        let turns = match () {
            () if red >= green && green > blue => green - blue,
            () if green >= red && red > blue => 2 * delta - (red - blue),
            () if green >= blue && blue > red => 2 * delta + (blue - red),
            () if blue >= green && green > red => 4 * delta - (green - red),
            () if blue >= red && red > green => 4 * delta + (red - green),
            () if red >= blue && blue > green => 6 * delta - (blue - green),
            () if red > green => 0,
            () if green > red => 2 * delta,
            () if blue > red => 4 * delta,
            () => 0,
        };
        shares[(10 * turns / (6 * delta).max(1)) as usize] += 1.0 / plane as f32;
    }
    shares
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-5, "{index}: {found} is not {expected}");
    }
}

/// Left for right in every line.
fn mirrored(image: &[f32], width: usize) -> Vec<f32> {
    image.chunks_exact(width).flat_map(|line| line.iter().rev().copied()).collect()
}

proptest! {
    #[test]
    fn cells_equal_their_definition((image, shape) in images_of_a_shape()) {
        close(&cells(&image, shape), &cells_by_angles(&image, shape));
    }

    #[test]
    fn hues_equal_their_definition(image in shapes().prop_flat_map(|[_, height, width]| images(1, [3, height, width]))) {
        let hues = hue_histogram(&image);
        close(&hues, &hues_by_sextants(&image));
        prop_assert!((hues.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn many_images_equal_each_alone((pixels, shape) in shapes().prop_flat_map(|shape| (images(5, shape), Just(shape)))) {
        let alone = pixels.chunks_exact(pixels.len() / 5).flat_map(|image| hog_hue(image, shape));
        prop_assert_eq!(hog_hue(&pixels, shape), alone.collect::<Vec<_>>());
    }

    #[test]
    fn even_images_have_no_gradients(colour in vec(0.0..=255_f32, 1..5), height in 8..30_usize, width in 8..30_usize) {
        let image: Vec<_> = colour.iter().flat_map(|&value| vec![value; height * width]).collect();
        let cells = cells(&image, [colour.len(), height, width]);
        prop_assert!(cells.iter().all(|&value| value == 0.0));
        let blocks = hog_blocks(&cells, [height / CELL, width / CELL]);
        prop_assert!(blocks.iter().all(|&value| value == 0.0));
    }

    /// A mirrored orientation is 180° less the orientation. That of vertical gradients, 0°, stays.
    #[test]
    fn mirrored_images_have_mirrored_histograms(image in images(1, [3, 24, 32])) {
        let (found, expected) = (cells(&mirrored(&image, 32), [3, 24, 32]), cells(&image, [3, 24, 32]));
        for (row, mirrored) in expected.chunks_exact(4 * ORIENTATIONS).zip(found.chunks_exact(4 * ORIENTATIONS)) {
            for (cell, mirrored) in row.chunks_exact(ORIENTATIONS).zip(mirrored.rchunks_exact(ORIENTATIONS)) {
                let reversed: Vec<_> = mirrored.iter().rev().copied().collect();
                close(&reversed[1..8], &cell[1..8]);
                close(&[mirrored[0] + mirrored[8]], &[cell[0] + cell[8]]);
            }
        }
    }

    /// Contrast changes cells in proportion, and blocks not at all.
    #[test]
    fn blocks_do_not_depend_on_contrast(image in vec((0..=255_u8).prop_map(f32::from), 24 * 24)) {
        let darker: Vec<_> = image.iter().map(|value| value / 2.0).collect();
        let (lit, dim) = (cells(&image, [1, 24, 24]), cells(&darker, [1, 24, 24]));
        close(&dim, &lit.iter().map(|value| value / 2.0).collect::<Vec<_>>());
        close(&hog_blocks(&dim, [3, 3]), &hog_blocks(&lit, [3, 3]));
    }

    /// Pixels that are anything: no panic, and no NaN from numbers.
    #[test]
    fn any_number_is_a_pixel(image in vec(any::<f32>(), 3 * 9 * 9), small in vec(-1e3..1e3_f32, 3 * 9 * 9)) {
        prop_assert_eq!(hog_hue(&image, [3, 9, 9]).len(), 19);
        prop_assert!(hog_hue(&small, [3, 9, 9]).iter().all(|value| value.is_finite()));
    }
}

#[test]
fn lengths() {
    for (shape, length) in [
        ([3, 32, 32], 154),
        ([1, 32, 32], 144),
        ([4, 32, 32], 144),
        ([3, 31, 47], 3 * 5 * 9 + 10),
        ([3, 7, 64], 10),
        ([1, 7, 64], 0),
    ] {
        assert_eq!(hog_hue_length(shape), length, "{shape:?}");
        assert_eq!(
            hog_hue(&vec![1.0; 2 * shape.iter().product::<usize>()], shape).len(),
            2 * length,
            "{shape:?}"
        );
    }
}

#[test]
fn no_images_have_no_features() {
    assert_eq!(hog_hue(&[], [3, 32, 32]), []);
}

/// Light from left to right rises by 2 per pixel: 4/255 in 6 of 8 columns, at 0°; from top to bottom it is at 90°.
#[test]
fn ramps_have_one_orientation() {
    let across: Vec<_> = (0..64_u8).map(|pixel| f32::from(pixel % 8 * 2)).collect();
    let down: Vec<_> = (0..64_u8).map(|pixel| f32::from(pixel / 8 * 2)).collect();
    for (image, orientation) in [(across, 0), (down, 4)] {
        let mut expected = [0.0; ORIENTATIONS];
        expected[orientation] = 4.0 / 255.0 * 0.75;
        close(&cells(&image, [1, 8, 8]), &expected);
    }
}

#[test]
fn hues_of_colours() {
    for (colour, expected) in [
        ([255, 0, 0], 0),   // 0°
        ([255, 255, 0], 1), // 60°
        ([0, 255, 0], 3),   // 120°
        ([0, 255, 255], 5), // 180°, an edge
        ([0, 0, 255], 6),   // 240°
        ([255, 0, 255], 8), // 300°
        ([255, 0, 1], 9),
        ([5, 3, 0], 1), // 36°, an edge
        ([9, 9, 9], 0), // grey
    ] {
        let mut shares = [0.0; HUES];
        shares[expected] = 1.0;
        assert_eq!(hue_histogram(&colour.map(|value| value as f32)), shares, "{colour:?}");
    }
}

#[test]
#[should_panic(expected = "3073 values are not whole images of shape [3, 32, 32]")]
fn images_are_whole() {
    let _ = hog_hue(&[0.0; 3073], [3, 32, 32]);
}

#[test]
#[should_panic(expected = "images of shape [3, 0, 32] have no pixels")]
fn images_have_pixels() {
    let _ = hog_hue(&[], [3, 0, 32]);
}

#[test]
fn colours_follow_hogs_and_hues() {
    // The left half black, the right half white, in one channel: 8 rows, 16 columns.
    let image: Vec<_> = (0..128).map(|pixel| if pixel % 16 < 8 { 0.0 } else { 255.0 }).collect();
    let shape = [1, 8, 16];
    let features = hog_hue_colour(&image, shape);
    assert_eq!((features.len(), hog_hue_colour_length(shape)), (2 * 9 + 2 * 17, 2 * 9 + 2 * 17));
    let (first, colours) = features.split_at(hog_hue_length(shape));
    let roots: Vec<_> = hog_hue(&image, shape).into_iter().map(f32::sqrt).collect();
    assert_eq!(first, roots);
    assert_eq!(colours[..2], [0.5, 0.5]);
    let row = [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0];
    assert_eq!(colours[2..], [row; 4].concat());
}

#[test]
fn large_images_have_as_many_fields_as_small_ones() {
    assert_eq!(hog_hue_colour_length([3, 32, 32]), 16 * 9 + 10 + 102);
    assert_eq!(hog_hue_colour_length([3, 224, 160]), 553);
    // Two orientations in 9 × 1 cells: the first field is cell 0, the last cells 7 and 8.
    let mut cells = [0.0; 9 * ORIENTATIONS];
    for (cell, values) in cells.chunks_mut(ORIENTATIONS).enumerate() {
        (values[0], values[8]) = (cell as f32, 4.0);
    }
    let mut fields = [0.0; 7 * ORIENTATIONS];
    hog_fields(&cells, [9, 1], &mut fields);
    assert_eq!(
        (fields[0], fields[6 * ORIENTATIONS], fields[7 * ORIENTATIONS - 1]),
        (0.0, 7.5_f32.sqrt(), 2.0)
    );
}

#[test]
fn colours_are_by_channel() {
    let image: Vec<_> = (0..3 * 64).map(|value| [51.0, 102.0, 204.0][value / 64]).collect();
    let colours = hog_hue_colour(&image, [3, 8, 8]).split_off(hog_hue_length([3, 8, 8]));
    close(&colours, &[[0.2, 0.0, 0.4, 0.0, 0.8, 0.0]; 17].concat());
}

#[test]
fn images_smaller_than_the_grid_have_fields_without_pixels() {
    let features = hog_hue_colour(&[255.0; 4], [1, 2, 2]);
    assert_eq!(features.len(), 2 * 17);
    assert_eq!(features.iter().filter(|&&value| value == 1.0).count(), 1 + 4);
    assert!(features.iter().all(|value| [0.0, 1.0].contains(value)));
}

proptest! {
    #[test]
    fn deviations_are_within_the_range(
        (image, shape) in images_of_a_shape()
    ) {
        let features = hog_hue_colour(&image, shape);
        prop_assert_eq!(features.len(), hog_hue_colour_length(shape));
        let colours = &features[features.len() - 34 * shape[0]..];
        prop_assert!(colours.chunks(2).all(|pair| (0.0..=1.0).contains(&pair[0]) && (0.0..=0.5).contains(&pair[1])));
    }
}
