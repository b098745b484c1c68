//! The sizes that images had before they were resized.

/// How many times as wide for its height, or as high for its width, an image may be as the median.
const ASPECT: f64 = 2.0;
/// How many times the area of the median an image may have, or the median its area: four times the side.
const AREA: f64 = 16.0;

/// The places of images of unusual size among `sizes` (width, height), in their order: resized to what all others are, they are
/// distorted, or have hardly any detail.
///
/// With m the median of width / height over all images, and a that of width · height, an image is odd if its own ratio is above 2 m or
/// below m / 2, or its area above 16 a or below a / 16. A median is not moved by the few that are odd. Sizes of 0 are left out.
#[must_use]
pub fn odd_sized(sizes: &[(u32, u32)]) -> Vec<usize> {
    let aspect = |(width, height): (u32, u32)| f64::from(width) / f64::from(height);
    let area = |(width, height): (u32, u32)| f64::from(width) * f64::from(height);
    let whole = || sizes.iter().copied().filter(|size| size.0 > 0 && size.1 > 0);
    let (Some(typical_aspect), Some(typical_area)) = (median(whole().map(aspect)), median(whole().map(area)))
    else {
        return Vec::new();
    };
    let is_far = |value: f64, typical: f64, most: f64| value > most * typical || most * value < typical;
    let is_odd = |&size: &(u32, u32)| {
        is_far(aspect(size), typical_aspect, ASPECT) || is_far(area(size), typical_area, AREA)
    };
    let sizes = sizes.iter().enumerate().filter(|(_, size)| size.0 > 0 && size.1 > 0);
    sizes.filter(|(_, size)| is_odd(size)).map(|(index, _)| index).collect()
}

/// The value in the middle; of an even number the upper one of the two.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_far_from_the_median_is_odd() {
        let mut sizes = vec![(640, 480); 20];
        sizes.extend([(480, 640), (640, 200), (40, 30), (4000, 3000), (160, 120), (0, 0)]);
        // 480 × 640 is 9/16 as wide for its height; 160 × 120 has a sixteenth of the area.
        assert_eq!(odd_sized(&sizes), [21, 22, 23]);
    }

    #[test]
    fn equal_or_no_sizes_are_not_odd() {
        for sizes in [&[(32, 32); 9][..], &[], &[(0, 0)], &[(u32::MAX, 1), (u32::MAX, 1)]] {
            assert!(odd_sized(sizes).is_empty(), "{sizes:?}");
        }
    }
}
