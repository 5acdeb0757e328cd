//! G14 and G20: the capacity changes while the cache runs, up at once and down in steps, and at no instant is more held than it shows.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

#[path = "../support/apart.rs"]
mod apart;
#[path = "../support/faces.rs"]
mod faces;
#[path = "../support/gate.rs"]
mod gate;
#[path = "../support/policies.rs"]
mod policies;
#[path = "../support/rest.rs"]
mod rest;
#[path = "../support/runway.rs"]
mod runway;
#[path = "../support/together.rs"]
mod together;
#[path = "../support/watchdog.rs"]
mod watchdog;

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
