//! G14 under every policy: never over, never short, and what weighs nothing or too much.

mod heavy;
mod just_written;
mod names;
mod never_over;
mod never_short;
mod none;
mod random;
mod weightless;
mod weights;

use crate::faces::Face;
use crate::policies::Rule;
use bellwether::{CacheBuilder, MetricsSnapshot, RemovalCause};

/// An entry weighs what its value says.
fn weighing(rule: Rule, shards: usize, capacity: u64) -> CacheBuilder<u64, u64> {
    rule.apply(CacheBuilder::new().capacity(capacity).shards(shards).weigher(|_, &value| value))
}

fn evicted(metrics: &MetricsSnapshot) -> u64 {
    metrics.removals(RemovalCause::Evicted)
}

/// The keys that are held, in order.
fn keys(cache: &impl Face<u64, u64>) -> Vec<u64> {
    let mut keys: Vec<_> = cache.entries().into_iter().map(|(key, _)| key).collect();
    keys.sort_unstable();
    keys
}
