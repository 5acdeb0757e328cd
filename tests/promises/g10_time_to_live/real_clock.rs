//! By the system's clock: no value is seen past its deadline, and none is missed before it.

use crate::faces::{Face, Kind};
use crate::rest::at_rest;
use crate::together::together;
use bellwether::{BoxError, CacheBuilder, Source};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

type Of<F> = <F as Kind>::Of<u64, u64>;

/// About as long as the span in which the cache asks the precise clock, so that both clocks are tried.
const TTL: Duration = Duration::from_millis(30);
const ROUNDS: u64 = 25;
const READERS: u64 = 2;

fn g10_no_value_is_seen_past_its_deadline_nor_missed_before_it<F: Kind>() {
    let load = |key: &u64| Ok::<_, BoxError>(*key);
    let cache: Of<F> = F::Of::build(CacheBuilder::new().loader_fn(load));
    let (early, late) = (AtomicU64::new(0), AtomicU64::new(0));
    together(2, |reader| {
        let reader = reader as u64;
        for round in 0..ROUNDS {
            let key = round * READERS + reader;
            let before = Instant::now();
            cache.insert_with_ttl(key, key, TTL);
            // The deadline lies between these two.
            let (earliest, latest) = (before + TTL, Instant::now() + TTL);
            loop {
                let asked = Instant::now();
                let seen = [cache.fetch(&key).is_some(), cache.contains_key(&key), cache.get(&key, |_| ()).is_some()];
                let answered = Instant::now();
                if answered < earliest {
                    assert_eq!(seen, [true; 3], "{:?} before the deadline", earliest - answered);
                    early.fetch_add(1, Ordering::Relaxed);
                }
                if asked >= latest {
                    assert_eq!(seen, [false; 3], "{:?} past the deadline", asked - latest);
                    late.fetch_add(1, Ordering::Relaxed);
                    break;
                }
            }
            let loaded = cache.fetch_detailed(&key).expect("the loader brings it");
            assert_eq!(loaded.source, Source::Loaded, "past the deadline");
        }
    });
    assert_eq!(late.into_inner(), ROUNDS * READERS);
    assert!(early.into_inner() > 0, "looked before the deadline at least once");
}

fn g10_a_time_to_live_of_a_nanosecond_is_over_by_the_next_reading_of_the_clock<F: Kind>() {
    let cache: Of<F> = F::Of::build(CacheBuilder::new().time_to_live(Duration::from_nanos(1)));
    for key in 0..2_000 {
        cache.insert(key, key);
        let latest = Instant::now() + Duration::from_nanos(1);
        while Instant::now() < latest {}
        assert_eq!(cache.peek(&key), None);
    }
    // The janitor may be at it.
    at_rest(&cache.sync());
}

crate::on_every_face_in_time!(
    g10_no_value_is_seen_past_its_deadline_nor_missed_before_it,
    g10_a_time_to_live_of_a_nanosecond_is_over_by_the_next_reading_of_the_clock,
);
