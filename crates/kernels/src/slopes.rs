//! The functions of [`Activation`](crate::Activation) for single values, and their slopes, written so that the compiler turns
//! loops over them into vectors.

use std::f32::consts::FRAC_1_SQRT_2;

use crate::activation::LEAK;

/// A function of one value.
pub(crate) trait Function: Copy + Send + Sync {
    /// f(x).
    fn value(self, x: f32) -> f32;
    /// f′(x).
    fn slope(self, x: f32) -> f32;
}

#[derive(Clone, Copy)]
pub(crate) struct Identity;
#[derive(Clone, Copy)]
pub(crate) struct Relu;
#[derive(Clone, Copy)]
pub(crate) struct LeakyRelu;
#[derive(Clone, Copy)]
pub(crate) struct Sigmoid;
#[derive(Clone, Copy)]
pub(crate) struct Tanh;
#[derive(Clone, Copy)]
pub(crate) struct Gelu;

impl Function for Identity {
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        x
    }

    #[inline(always)]
    fn slope(self, _: f32) -> f32 {
        1.0
    }
}

// ANCHOR: relu
impl Function for Relu {
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        // Not f32::max, which would hide a NaN.
        if x < 0.0 { 0.0 } else { x }
    }

    #[inline(always)]
    fn slope(self, x: f32) -> f32 {
        if x > 0.0 { 1.0 } else { 0.0 }
    }
}
// ANCHOR_END: relu

impl Function for LeakyRelu {
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        if x < 0.0 { LEAK * x } else { x }
    }

    #[inline(always)]
    fn slope(self, x: f32) -> f32 {
        if x > 0.0 { 1.0 } else { LEAK }
    }
}

// ANCHOR: sigmoid
impl Function for Sigmoid {
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        // e^−|x| never overflows.
        let power = exp_negative(x.abs());
        (if x < 0.0 { power } else { 1.0 }) / (1.0 + power)
    }

    #[inline(always)]
    fn slope(self, x: f32) -> f32 {
        let value = self.value(x);
        value * (1.0 - value)
    }
}
// ANCHOR_END: sigmoid

impl Function for Tanh {
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        // Near 0 the difference would lose all digits; there the series has them.
        let square = x * x;
        let series = ((62.0 / 2835.0 * square - 17.0 / 315.0) * square + 2.0 / 15.0) * square - 1.0 / 3.0;
        let far = 2.0 * Sigmoid.value(2.0 * x) - 1.0;
        if square < 0.09 { x + x * square * series } else { far }
    }

    #[inline(always)]
    fn slope(self, x: f32) -> f32 {
        let value = self.value(x);
        1.0 - value * value
    }
}

impl Function for Gelu {
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        x * normal(x).0
    }

    #[inline(always)]
    fn slope(self, x: f32) -> f32 {
        let (distribution, density) = normal(x);
        distribution + x * density
    }
}

/// Φ(x) and φ(x) of the normal distribution, to 2·10⁻⁷.
///
/// Φ(x) = ½ erfc(−x/√2), the error function by formula 7.1.26 of Abramowitz and Stegun's *Handbook of Mathematical Functions*.
#[inline(always)]
fn normal(x: f32) -> (f32, f32) {
    let z = x.abs() * FRAC_1_SQRT_2;
    let bell = exp_negative(z * z);
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let series =
        ((((1.061_405_4 * t - 1.453_152_1) * t + 1.421_413_8) * t - 0.284_496_72) * t + 0.254_829_6) * t;
    let upper = 0.5 * series * bell;
    let distribution = if x < 0.0 { upper } else { 1.0 - upper };
    (distribution, 0.398_942_3 * bell)
}

/// e^−x for x ≥ 0: a power of two from the bits, times a polynomial on ±½ ln 2. NaN stays NaN.
#[inline(always)]
pub(crate) fn exp_negative(x: f32) -> f32 {
    /// 1.5 · 2²³: adding it leaves no room for digits behind the point, and puts the whole number into the last bits.
    const ROUND: f32 = 12_582_912.0;
    let y = if x > 87.0 { -87.0 } else { -x };
    let whole = y * std::f32::consts::LOG2_E + ROUND;
    let power = whole - ROUND;
    let rest = (y - power * 0.693_145_75) - power * 1.428_606_8e-6;
    let series =
        ((((rest * (1.0 / 720.0) + 1.0 / 120.0) * rest + 1.0 / 24.0) * rest + 1.0 / 6.0) * rest + 0.5) * rest;
    let scale = f32::from_bits((whole.to_bits() + 127) << 23);
    (series * rest + rest + 1.0) * scale
}

/// Calls a function that is generic over [`Function`] with what an [`Activation`](crate::Activation) names.
macro_rules! with_function {
    ($activation:expr, $name:ident => $body:expr) => {
        match $activation {
            crate::activation::Activation::Identity => {
                let $name = crate::slopes::Identity;
                $body
            }
            crate::activation::Activation::Relu => {
                let $name = crate::slopes::Relu;
                $body
            }
            crate::activation::Activation::LeakyRelu => {
                let $name = crate::slopes::LeakyRelu;
                $body
            }
            crate::activation::Activation::Sigmoid => {
                let $name = crate::slopes::Sigmoid;
                $body
            }
            crate::activation::Activation::Tanh => {
                let $name = crate::slopes::Tanh;
                $body
            }
            crate::activation::Activation::Gelu => {
                let $name = crate::slopes::Gelu;
                $body
            }
        }
    };
}
pub(crate) use with_function;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::Activation;

    #[test]
    fn the_exponential() {
        for step in 0..=8700 {
            let x = step as f32 / 100.0;
            let expected = f64::from(-x).exp();
            let error = (f64::from(exp_negative(x)) - expected).abs() / expected;
            assert!(error < 3e-7, "{x}: {error}");
        }
        assert!(exp_negative(1e9) < 1e-37);
        assert!(exp_negative(f32::NAN).is_nan());
    }

    fn check_slope(function: impl Function) {
        for step in -600..=600 {
            let x = step as f32 / 100.0 + 0.005;
            // A kink at zero would be seen from both sides.
            let width = 0.01f32.min(x.abs());
            let difference = (function.value(x + width) - function.value(x - width)) / (2.0 * width);
            assert!((difference - function.slope(x)).abs() < 2e-4, "{x}: {difference} {}", function.slope(x));
        }
    }

    #[test]
    fn sigmoid_and_tanh_at_their_ends() {
        assert_eq!((Sigmoid.value(0.0), Sigmoid.value(200.0), Tanh.value(0.0)), (0.5, 1.0, 0.0));
        assert!((0.0..1e-37).contains(&Sigmoid.value(-200.0)));
        assert_eq!((Tanh.value(-200.0), Tanh.value(200.0)), (-1.0, 1.0));
    }

    #[test]
    fn tanh_keeps_its_digits_near_zero() {
        for exponent in -300..=20 {
            for sign in [-1.0, 1.0] {
                let x = sign * 10f32.powf(exponent as f32 / 10.0);
                let expected = f64::from(x).tanh();
                let error = ((f64::from(Tanh.value(x)) - expected) / expected).abs();
                assert!(error < 1e-6, "{x}: {error}");
            }
        }
    }

    #[test]
    fn slopes_are_differences() {
        check_slope(Gelu);
        check_slope(Sigmoid);
        check_slope(Tanh);
        check_slope(LeakyRelu);
        assert_eq!((Relu.slope(-1.0), Relu.slope(2.0), Identity.slope(-3.0)), (0.0, 1.0, 1.0));
    }

    #[test]
    fn no_number_stays_no_number() {
        for activation in [
            Activation::Identity,
            Activation::Relu,
            Activation::LeakyRelu,
            Activation::Sigmoid,
            Activation::Tanh,
            Activation::Gelu,
        ] {
            assert!(with_function!(activation, f => f.value(f32::NAN)).is_nan(), "{activation:?}");
        }
    }
}
