//! Remembered failures share the room of the absences.

use crate::faces::{Face, Kind};
use crate::g13_absence::{SECOND, TICK};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, ErrorBackoff, LoadErrorKind, Loaded, MockClock};

type Of<F> = <F as Kind>::Of<u32, u32>;

/// Even keys fail, odd ones are absent.
fn builder(clock: &MockClock) -> CacheBuilder<u32, u32> {
    let load = |key: &u32| if key % 2 == 0 { Err(BoxError::from("down")) } else { Loaded::ok(Loaded::absent()) };
    let backoff = ErrorBackoff::new(10 * SECOND).jitter(false);
    CacheBuilder::new().negative_ttl(10 * SECOND).error_backoff(backoff).load_timeout(900 * SECOND).clock(clock.clone()).loader_fn(load)
}

fn g13_failures_and_absences_share_the_bound<F: Kind>() {
    for (shards, weight) in [(1, 1), (1, 4), (8, 1)] {
        let cache: Of<F> = F::Of::build(builder(&MockClock::new()).capacity(160).shards(shards).negative_weight(weight));
        for key in 0..200 {
            assert!(cache.fetch_with(&key).is_err());
            let negatives = cache.metrics().negatives;
            assert!(negatives * weight <= 20 && cache.weight() == negatives * weight, "{negatives}, {shards} shards");
        }
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.negatives, cache.len()), (20 / weight, 0));
        (0..160).for_each(|key| cache.insert(1_000 + key, key));
        let left = at_rest(&cache.sync()).negatives;
        assert_eq!(cache.weight(), cache.len() + left * weight);
        assert!(left == 0 || shards > 1, "they make room");
    }
}

fn g13_a_remembered_failure_is_told_and_counted_like_an_absence<F: Kind>() {
    let clock = MockClock::new();
    let cache: Of<F> = F::Of::build(builder(&clock));
    for _ in 0..5 {
        assert_eq!(cache.fetch_with(&2).expect_err("it fails").kind(), LoadErrorKind::Failed);
        assert!(cache.fetch_optional(&2).is_err(), "a failure is no absence");
    }
    let metrics = at_rest(&cache.sync());
    assert_eq!((metrics.negative_hits, metrics.loads_failed(), metrics.negatives, cache.len(), cache.weight()), (9, 1, 1, 0, 1));
    clock.advance(10 * SECOND - TICK);
    assert!(cache.fetch_with(&2).is_err());
    assert_eq!(cache.metrics().loads_failed(), 1);
    clock.advance(TICK);
    assert!(cache.fetch_with(&2).is_err());
    assert_eq!(cache.metrics().loads_failed(), 2);
    cache.insert(2, 1);
    assert_eq!((cache.metrics().negatives, cache.len()), (0, 1));
    assert!(cache.invalidate(&2) && cache.fetch_with(&2).is_err());
    assert_eq!(at_rest(&cache.sync()).loads_failed(), 3, "a write clears it");
}

on_every_face_in_time!(g13_failures_and_absences_share_the_bound, g13_a_remembered_failure_is_told_and_counted_like_an_absence);
