//! Whether chance explains the difference of two classifiers on the same images. Plain numbers in, plain numbers out.
//!
//! | question                                                              | answer            |
//! |-----------------------------------------------------------------------|-------------------|
//! | two models, each trained once: are they equally good?                 | [`mcnemar`]       |
//! | two models, at least one trained several times                        | [`min_f`]         |
//! | many pairs at once: which of the differences are still believed?      | [`holm`]          |
//! | how many test images would have told the two apart?                   | [`images_needed`] |
//!
//! ```
//! // Of 1,000 images only one model gets 40 right, and the other one 20; they agree on the rest.
//! let p = zoo_statistics::mcnemar(40, 20);
//! assert!((p - 0.0135).abs() < 1e-4);
//! // As one of three such comparisons it is less surprising.
//! assert!((zoo_statistics::holm(&[p, 0.2, 0.9])[0] - 3.0 * p).abs() < 1e-12);
//! ```

mod holm;
mod mcnemar;
mod min_f;
mod power;

pub use holm::holm;
pub use mcnemar::mcnemar;
pub use min_f::{MinF, min_f};
pub use power::images_needed;
