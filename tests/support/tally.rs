//! Counters of what left, once all has been counted.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use crate::rest::at_rest;
use bellwether::{Cache, Key, MetricsSnapshot, Value};
use std::fmt::Debug;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

/// What is counted late is counted long before this has passed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asserts that a cache at rest comes to count as `expected`. A load may hand its value out a moment before all that it displaced is counted.
pub fn tally<K, V, S, T>(cache: &Cache<K, V, S>, of: impl Fn(&MetricsSnapshot) -> T, expected: T)
where
    K: Key,
    V: Value,
    S: BuildHasher + Send + Sync + 'static,
    T: PartialEq + Debug,
{
    at_rest(cache);
    let start = Instant::now();
    while of(&cache.metrics()) != expected && start.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
    assert_eq!(of(&cache.metrics()), expected, "{:?}", cache.metrics());
}
