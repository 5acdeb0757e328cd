//! The ways in for the fuzz targets.

use super::EvictionPolicy;
use super::driver::{ghost, shard, sketch};

/// Drives a sketch through the steps that these bytes make: the first says how many entries it is made for, then three for each step.
///
/// # Panics
/// If a guess is none that the additions explain.
pub fn sketch(bytes: &[u8]) {
    let Some((&entries, steps)) = bytes.split_first() else { return };
    sketch::Driver::new(entries).run(steps.chunks_exact(3).map(|step| sketch::Step::read([step[0], step[1], step[2]])));
}

/// Drives a ghost table and its model through the steps that these bytes make: the first says how many entries it is made for, then three
/// for each step.
///
/// # Panics
/// If the table doesn't know what it must, or knows what it can't.
pub fn ghost(bytes: &[u8]) {
    let Some((&entries, steps)) = bytes.split_first() else { return };
    ghost::Driver::new(entries).run(steps.chunks_exact(3).map(|step| ghost::Step::read([step[0], step[1], step[2]])));
}

/// Drives a shard of the policy that the first byte names through the steps that the others make: two for its bounds, then four for each
/// step.
///
/// # Panics
/// If the policy loses sight of an entry or a weight, or gives up what it doesn't hold.
pub fn queues(bytes: &[u8]) {
    let Some((&[policy, shape, amount], steps)) = bytes.split_first_chunk() else { return };
    let policy = EvictionPolicy::ALL[usize::from(policy) % EvictionPolicy::ALL.len()];
    let steps = steps.chunks_exact(4).map(|step| shard::Step::read([step[0], step[1], step[2], step[3]]));
    shard::Driver::new(policy, shape, amount).run(steps);
}
