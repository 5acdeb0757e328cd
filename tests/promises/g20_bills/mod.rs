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

/// The time that this thread has had of a core: however busy the machine is, what it does takes as much of it.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn spent() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    // Neither part of it is negative.
    Duration::new(u64::try_from(spent.tv_sec).unwrap_or(0), u32::try_from(spent.tv_nsec).unwrap_or(0))
}

/// The time of day, where nothing better is told.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn spent() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

fn expired(metrics: &MetricsSnapshot) -> u64 {
    metrics.removals(RemovalCause::Expired)
}
