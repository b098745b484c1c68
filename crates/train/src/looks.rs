//! When training looks at loss and accuracy.

use std::time::{Duration, Instant};

use burn::tensor::Device;

/// Each look waits until the device has done all that it was given. The CPU has anyway. A GPU works on while the next steps are being prepared, as
/// long as nobody looks: there looks are rarer, and not more often than people want to see them.
pub(crate) struct Looks {
    /// Steps of a stretch. Looks are at the ends of stretches, so that sums over them don't depend on the time.
    stretch: usize,
    /// The least time between two looks.
    pause: Duration,
    last: Instant,
}

impl Looks {
    /// Those of an epoch on `device` that begins.
    pub(crate) fn at(device: &Device) -> Self {
        let (stretch, pause) =
            if zoo_kernels::is_gpu(device) { (20, Duration::from_millis(500)) } else { (10, Duration::ZERO) };
        Self { stretch, pause, last: Instant::now() }
    }

    /// Whether a stretch ends with `step`.
    pub(crate) fn end_stretch(&self, step: usize) -> bool {
        step.is_multiple_of(self.stretch)
    }

    /// Whether to look after `step`. If so, the next look is some time away.
    pub(crate) fn are_due(&mut self, step: usize) -> bool {
        let due = self.end_stretch(step) && self.last.elapsed() >= self.pause;
        if due {
            self.last = Instant::now();
        }
        due
    }
}
