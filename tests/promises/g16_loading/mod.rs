//! G16: the accounts of the loading protocol balance: lookups, loads and their outcomes, what is in the air, and the time it takes.

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
