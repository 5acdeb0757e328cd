//! G20: bills are bounded: a call pays its own in full and of others' a constant part, and no lock is held for long over what has expired.

mod cascade;
mod holds;
mod in_passing;
mod marked;
mod turns;

use bellwether::{MetricsSnapshot, RemovalCause};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// What has expired and goes in one hold of a lock, at most.
const HOLD: u64 = 256;

fn expired(metrics: &MetricsSnapshot) -> u64 {
    metrics.removals(RemovalCause::Expired)
}
