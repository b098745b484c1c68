//! Learning without gradients: the two strategies that CS231n, *optimization-1*, begins with, to show what a gradient is worth.

use zoo_core::InvalidConfig;

/// Weights drawn at random, of which the best are kept: those with the smaller loss over all training images, as they are and at
/// once, without penalty. All trained parameters are drawn, biases too. An epoch is a number of tries.
///
/// - **Random search** draws all weights anew from N(0, deviation²) at each try. The first try starts from nothing.
/// - **Random local search** has a `step`: it adds N(0, step²) to the best weights at each try. It starts from a draw from
///   N(0, deviation²).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomSearch {
    /// Tries per epoch. Default: 100.
    pub tries: usize,
    /// The standard deviation of weights that are drawn anew. Default: 0.001.
    pub deviation: f64,
    /// The standard deviation of what local search adds to each weight, 0.0001 unless a recipe says otherwise; `None` to draw
    /// anew at each try. Default: `None`.
    pub step: Option<f64>,
}

impl Default for RandomSearch {
    fn default() -> Self {
        Self { tries: 100, deviation: 1e-3, step: None }
    }
}

impl RandomSearch {
    /// The `step` of a local search that says nothing about it.
    pub(crate) const STEP: f64 = 1e-4;

    /// Tries of `epochs` epochs, one that is not whole included.
    #[must_use]
    pub fn all_tries(&self, epochs: f64) -> usize {
        (epochs * self.tries as f64).ceil() as usize
    }

    /// Checks that all values are in range.
    ///
    /// # Errors
    /// The first value that is not.
    pub fn validate(&self) -> Result<(), InvalidConfig> {
        InvalidConfig::check(self.tries > 0, "optimizer.tries", self.tries, "at least 1")?;
        InvalidConfig::positive("optimizer.deviation", self.deviation)?;
        self.step.map_or(Ok(()), |step| InvalidConfig::positive("optimizer.step", step))
    }
}
