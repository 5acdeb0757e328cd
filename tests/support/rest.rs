//! A cache at rest: the end of every test, where all accounts must agree.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use crate::gate::{PATIENCE, until};
use bellwether::{Cache, Key, MetricsSnapshot, Value};
use std::hash::BuildHasher;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

/// Waits until the loads that callers have left, or have heard from just now, are booked and gone; then checks every account and gives
/// the counters.
pub fn at_rest<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static>(cache: &Cache<K, V, S>) -> MetricsSnapshot {
    until("every load has an outcome", || {
        let metrics = cache.metrics();
        metrics.loads_started == metrics.loads_ended()
    });
    let start = Instant::now();
    while let Err(panic) = catch_unwind(AssertUnwindSafe(|| validate(cache))) {
        if start.elapsed() > PATIENCE {
            resume_unwind(panic);
        }
        std::thread::yield_now();
    }
    cache.metrics()
}

fn validate<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static>(cache: &Cache<K, V, S>) {
    #[cfg(debug_assertions)]
    cache.validate();
    let _ = cache;
}
