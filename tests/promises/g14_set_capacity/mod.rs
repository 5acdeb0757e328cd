//! G14 and G20: the capacity changes while the cache runs, up at once and down in steps, and at no instant is more held than it shows.

mod answers;
mod down;
mod in_the_air;
mod inside;
mod several;
mod steps;
mod storm;
mod up;

use crate::faces::Face;
use bellwether::{MetricsSnapshot, RemovalCause};

fn evicted(metrics: &MetricsSnapshot) -> u64 {
    metrics.removals(RemovalCause::Evicted)
}

/// The keys that are held, in order.
fn keys(cache: &impl Face<u64, u64>) -> Vec<u64> {
    let mut keys: Vec<_> = cache.entries().into_iter().map(|(key, _)| key).collect();
    keys.sort_unstable();
    keys
}
