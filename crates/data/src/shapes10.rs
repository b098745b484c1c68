//! shapes10: ten classes of drawn shapes, generated from a seed in a moment, so that everything can be tried without a
//! download.
//!
//! Each image shows one shape on a textured background behind and before clutter, under noise. Position, scale, stretch,
//! rotation, both colours, both textures, clutter and noise vary, and are drawn without regard to the class. What tells a
//! heart from a star is its outline, which a network of convolutions can learn while nearest neighbours and linear scores
//! of raw pixels can hardly.

use std::ops::Range;
use std::sync::Arc;

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::dataset::Dataset;
use crate::images::{ImageShape, Images, Subset};
use crate::names::Names;
use crate::random::{Purpose, generator};

/// The ten classes; a label is a place in this list.
pub const CLASSES: [&str; 10] =
    ["arrow", "circle", "crescent", "cross", "heart", "pentagon", "ring", "square", "star", "triangle"];

/// Training images that `--data shapes10` draws.
pub const TRAIN: usize = 10_000;
/// Test images that `--data shapes10` draws.
pub const TEST: usize = 2_000;

/// The seed of the images that `--data shapes10` draws: always the same, so that results can be compared.
pub const SEED: u64 = 10;

const SIDE: usize = 32;

/// Draws `train` training and `test` test images, 3×32×32. Classes are as even as the numbers allow, in random order.
///
/// Image i of a part follows from `seed`, the part, i and its label; labels are shuffled, so a smaller set is not
/// the beginning of a larger one.
#[must_use]
pub fn generate(train: usize, test: usize, seed: u64) -> Dataset {
    Dataset {
        name: "shapes10".into(),
        classes: CLASSES.map(String::from).to_vec(),
        train: draw_part("train", train, seed, 0),
        validation: None,
        test: draw_part("test", test, seed, 1),
    }
}

fn draw_part(name: &str, count: usize, seed: u64, part: u64) -> Subset {
    let mut labels: Vec<u32> = (0..count).map(|index| (index % CLASSES.len()) as u32).collect();
    labels.shuffle(&mut generator(seed, Purpose::Labels, part));
    let shape = ImageShape::CIFAR10;
    let mut pixels = vec![0; count * shape.values()];
    pixels.par_chunks_exact_mut(shape.values()).zip(&labels).enumerate().for_each(
        |(index, (into, &label))| {
            let mut random = generator(seed, Purpose::Draw, part << 40 | index as u64);
            draw(label as usize, &mut random, into);
        },
    );
    let images = Images::new(shape, pixels, labels).expect("one label per image");
    Subset::all(Arc::new(images.named(Names::numbered([(name, count)])).expect("one name per image")))
}

type Point = [f32; 2];
type Colour = [f32; 3];

/// Draws one image of class `label` as `[channel, row, column]`.
fn draw(label: usize, random: &mut ChaCha8Rng, into: &mut [u8]) {
    let (front, back) = two_colours(random);
    let background = Paint::draw(random, back, 30.0);
    let foreground = Paint::draw(random, front, 18.0);
    let behind: Vec<Stroke> =
        (0..random.random_range(2..=5)).map(|_| Stroke::draw(random, 0.6..1.6)).collect();
    let before: Vec<Stroke> =
        (0..random.random_range(0..=2)).map(|_| Stroke::draw(random, 0.4..0.9)).collect();
    let pose = Pose::draw(random);
    let noise = random.random_range(4.0..16.0f32);

    for row in 0..SIDE {
        for column in 0..SIDE {
            let centre = [column as f32 + 0.5, row as f32 + 0.5];
            let mut colour = background.at(centre);
            for stroke in &behind {
                stroke.over(centre, &mut colour);
            }
            mix(&mut colour, foreground.at(centre), pose.coverage(label, centre));
            for stroke in &before {
                stroke.over(centre, &mut colour);
            }
            for (channel, value) in colour.into_iter().enumerate() {
                let noisy = value + noise * bell(random);
                into[(channel * SIDE + row) * SIDE + column] = noisy.round().clamp(0.0, 255.0) as u8;
            }
        }
    }
}

/// Two colours that can be told apart; the first is the brighter one four times out of five.
fn two_colours(random: &mut ChaCha8Rng) -> (Colour, Colour) {
    loop {
        let mut colour = || -> Colour { std::array::from_fn(|_| random.random_range(20.0..235.0f32)) };
        let (one, other) = (colour(), colour());
        let distance: f32 = one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum();
        if distance > 85.0 * 85.0 {
            let brighter = one.iter().sum::<f32>() > other.iter().sum::<f32>();
            return if brighter == random.random_bool(0.8) { (one, other) } else { (other, one) };
        }
    }
}

fn mix(colour: &mut Colour, over: Colour, share: f32) {
    for (value, over) in colour.iter_mut().zip(over) {
        *value += share * (over - *value);
    }
}

/// A near-normal number of mean 0 and deviation 1: the sum of four random bytes.
fn bell(random: &mut ChaCha8Rng) -> f32 {
    let sum: i32 = random.random::<u32>().to_le_bytes().into_iter().map(i32::from).sum();
    (sum - 510) as f32 / 147.8
}

/// A colour with a gradient and a wave across it.
struct Paint {
    colour: Colour,
    gradient: Point,
    wave: Point,
    phase: f32,
    amplitude: f32,
}

impl Paint {
    fn draw(random: &mut ChaCha8Rng, colour: Colour, strength: f32) -> Self {
        let mut pair = |reach: f32| -> Point { std::array::from_fn(|_| random.random_range(-reach..reach)) };
        let (gradient, wave) = (pair(strength / 16.0), pair(0.3));
        Self {
            colour,
            gradient,
            wave,
            phase: random.random_range(0.0..1.0),
            amplitude: random.random_range(0.0..strength),
        }
    }

    fn at(&self, [x, y]: Point) -> Colour {
        let half = SIDE as f32 / 2.0;
        let slope = self.gradient[0] * (x - half) + self.gradient[1] * (y - half);
        let turn = self.wave[0] * x + self.wave[1] * y + self.phase;
        // A triangular wave between −1 and 1.
        let wave = 4.0 * (turn - turn.floor() - 0.5).abs() - 1.0;
        self.colour.map(|value| value + slope + self.amplitude * wave)
    }
}

/// A line of clutter, from end to end.
struct Stroke {
    start: Point,
    along: Point,
    thickness: f32,
    colour: Colour,
}

impl Stroke {
    fn draw(random: &mut ChaCha8Rng, thickness: Range<f32>) -> Self {
        let side = SIDE as f32;
        Self {
            start: std::array::from_fn(|_| random.random_range(0.0..side)),
            along: std::array::from_fn(|_| random.random_range(-11.0..11.0)),
            thickness: random.random_range(thickness),
            colour: std::array::from_fn(|_| random.random_range(0.0..255.0)),
        }
    }

    fn over(&self, [x, y]: Point, colour: &mut Colour) {
        let [dx, dy] = [x - self.start[0], y - self.start[1]];
        let [ax, ay] = self.along;
        let place = ((dx * ax + dy * ay) / (ax * ax + ay * ay).max(1e-6)).clamp(0.0, 1.0);
        let [ex, ey] = [dx - place * ax, dy - place * ay];
        let distance = (ex * ex + ey * ey).sqrt();
        mix(colour, self.colour, (self.thickness + 0.5 - distance).clamp(0.0, 1.0));
    }
}

/// Where the shape is, how large and how turned.
struct Pose {
    centre: Point,
    radius: f32,
    /// Image to shape coordinates, in which every shape lies within the unit circle.
    inverse: [Point; 2],
}

impl Pose {
    fn draw(random: &mut ChaCha8Rng) -> Self {
        let side = SIDE as f32;
        let radius = random.random_range(8.0..13.0f32);
        let reach = 0.7 * (side / 2.0 - radius);
        let centre = std::array::from_fn(|_| side / 2.0 + random.random_range(-reach..reach));
        let angle = random.random_range(-0.8..0.8f32);
        let stretch = random.random_range(0.85..1.0f32);
        let (sine, cosine) = (libm::sinf(angle), libm::cosf(angle));
        let inverse =
            [[cosine / radius, sine / radius], [-sine / (radius * stretch), cosine / (radius * stretch)]];
        Self { centre, radius, inverse }
    }

    /// The share of the pixel around `centre` that the shape covers, from 2 × 2 samples.
    fn coverage(&self, label: usize, centre: Point) -> f32 {
        let [x, y] = [centre[0] - self.centre[0], centre[1] - self.centre[1]];
        let reach = self.radius + 1.0;
        if x * x + y * y > reach * reach {
            return 0.0;
        }
        let samples = [[-0.25, -0.25], [0.25, -0.25], [-0.25, 0.25], [0.25, 0.25]];
        let hits = samples
            .into_iter()
            .filter(|[dx, dy]| {
                let (x, y) = (x + dx, y + dy);
                let [[a, b], [c, d]] = self.inverse;
                inside(label, [a * x + b * y, c * x + d * y])
            })
            .count();
        hits as f32 / 4.0
    }
}

/// Whether a point lies in the shape of class `label`, upright, within the unit circle; y points down.
fn inside(label: usize, [x, y]: Point) -> bool {
    const ARROW: &[Point] =
        &[[0.0, -1.0], [0.75, -0.1], [0.28, -0.1], [0.28, 0.95], [-0.28, 0.95], [-0.28, -0.1], [-0.75, -0.1]];
    const PENTAGON: &[Point] =
        &[[0.0, -1.0], [0.951, -0.309], [0.588, 0.809], [-0.588, 0.809], [-0.951, -0.309]];
    const STAR: &[Point] = &[
        [0.0, -1.0],
        [0.235, -0.324],
        [0.951, -0.309],
        [0.38, 0.124],
        [0.588, 0.809],
        [0.0, 0.4],
        [-0.588, 0.809],
        [-0.38, 0.124],
        [-0.951, -0.309],
        [-0.235, -0.324],
    ];
    const TRIANGLE: &[Point] = &[[0.0, -1.0], [0.866, 0.5], [-0.866, 0.5]];

    let square_radius = x * x + y * y;
    match CLASSES[label] {
        "arrow" => in_polygon(ARROW, x, y),
        "circle" => square_radius < 0.72,
        "crescent" => square_radius < 1.0 && (x - 0.5) * (x - 0.5) + y * y > 0.64,
        "cross" => x.abs().min(y.abs()) < 0.3 && x.abs().max(y.abs()) < 0.92,
        "heart" => {
            // The sextic (x² + y² − 1)³ = x² y³ of half-width 1.14, scaled into the unit circle.
            let (x, y) = (1.35 * x, 0.1 - 1.3 * y);
            let body = x * x + y * y - 1.0;
            body * body * body < x * x * y * y * y
        }
        "pentagon" => in_polygon(PENTAGON, x, y),
        "ring" => (0.3..0.95).contains(&square_radius),
        "square" => x.abs().max(y.abs()) < 0.72,
        "star" => in_polygon(STAR, x, y),
        "triangle" => in_polygon(TRIANGLE, x, y),
        other => unreachable!("{other} is not a class"),
    }
}

/// Even-odd rule: a ray to the right crosses the outline an odd number of times.
fn in_polygon(corners: &[Point], x: f32, y: f32) -> bool {
    let mut inside = false;
    let mut previous = corners[corners.len() - 1];
    for &corner in corners {
        let ([x1, y1], [x2, y2]) = (previous, corner);
        if (y1 > y) != (y2 > y) && x < (x2 - x1) * (y - y1) / (y2 - y1) + x1 {
            inside = !inside;
        }
        previous = corner;
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Statistics;

    #[test]
    fn classes_are_even_and_seeds_differ() {
        let dataset = generate(500, 100, 1);
        assert_eq!(dataset.train.class_counts(10), [50; 10]);
        assert_eq!(dataset.test.class_counts(10), [10; 10]);
        assert_eq!(dataset.train.labels(), generate(500, 100, 1).train.labels());
        assert_ne!(dataset.train.labels(), generate(500, 100, 2).train.labels());
        assert_ne!(dataset.train.pixels(0), dataset.test.pixels(0));
    }

    #[test]
    fn the_same_images_on_every_machine() {
        let dataset = generate(200, 10, 42);
        let sum: u64 = (0..200)
            .flat_map(|position| dataset.train.pixels(position).into_owned())
            .enumerate()
            .map(|(place, value)| (place as u64 % 8191) * u64::from(value))
            .sum();
        assert_eq!(sum, 302_920_985_106);
    }

    #[test]
    fn the_mean_colour_says_next_to_nothing_about_the_class() {
        // Images differ by a deviation of about 50; what is left of it in a class is its share of foreground.
        let dataset = generate(10_000, 10, 3);
        let whole = Statistics::of(&dataset.train).channel_mean;
        for (class, name) in CLASSES.iter().enumerate() {
            let members: Vec<usize> =
                (0..dataset.train.len()).filter(|&i| dataset.train.label(i) == class).collect();
            for (channel, whole) in whole.iter().enumerate() {
                let sum: u64 = members
                    .iter()
                    .flat_map(|&i| dataset.train.pixels(i)[channel * 1024..(channel + 1) * 1024].to_vec())
                    .map(u64::from)
                    .sum();
                let mean = sum as f64 / (members.len() * 1024) as f64;
                assert!((mean - whole).abs() < 8.0, "{name}: {mean} against {whole}");
            }
        }
    }

    #[test]
    fn shapes_lie_within_the_unit_circle_and_have_an_area() {
        for (label, name) in CLASSES.iter().enumerate() {
            let mut area = 0;
            for row in -150..=150 {
                for column in -150..=150 {
                    let point = [column as f32 / 100.0, row as f32 / 100.0];
                    if inside(label, point) {
                        area += 1;
                        let radius = point[0].hypot(point[1]);
                        assert!(radius < 1.05, "{name} reaches {point:?}");
                    }
                }
            }
            assert!((6_000..25_000).contains(&area), "{name}: {area}");
        }
    }
}
