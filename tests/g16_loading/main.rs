//! G16: the accounts of the loading protocol balance: lookups, loads and their outcomes, what is in the air, and the time it takes.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

#[path = "../support/apart.rs"]
mod apart;
#[path = "../support/faces.rs"]
mod faces;
#[path = "../support/gate.rs"]
mod gate;
#[path = "../support/hush.rs"]
mod hush;
#[path = "../support/rest.rs"]
mod rest;
#[path = "../support/runway.rs"]
mod runway;
#[path = "../support/together.rs"]
mod together;
#[path = "../support/watchdog.rs"]
mod watchdog;

mod gauges;
mod lookups;
mod players;
mod storm;
mod times;
mod turned_away;

use bellwether::MetricsSnapshot;

/// Hits, misses and joins.
fn lookups(metrics: &MetricsSnapshot) -> (u64, u64, u64) {
    (metrics.hits, metrics.misses, metrics.joined)
}
