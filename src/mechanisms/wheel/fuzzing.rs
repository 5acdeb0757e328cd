//! The way in for the fuzz target.

use super::driver::{Driver, Step};

/// Drives a wheel and its model through the steps that these bytes make: the first is the number of slots, then four for each step.
///
/// # Panics
/// If the wheel does anything that the model doesn't.
pub fn wheel(bytes: &[u8]) {
    let Some((&slots, steps)) = bytes.split_first() else { return };
    let slots = u32::from(slots) + 1;
    let steps = steps.chunks_exact(4).map(|step| Step::read([step[0], step[1], step[2], step[3]], slots));
    Driver::new(slots).run(steps);
}
