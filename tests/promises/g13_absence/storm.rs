//! Threads ask for keys that come and go while others write them: every answer is true, the bounds hold at every instant, and the accounts balance.

use crate::faces::{Face, Kind};
use crate::g13_absence::SECOND;
use crate::g13_absence::backend::Backend;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use crate::tally::tally;
use crate::together::observed;
use bellwether::{CacheBuilder, LoadError};

type Of<F> = <F as Kind>::Of<u32, u32>;

const CAPACITY: u64 = 64;

fn g13_absences_and_writes_at_once_keep_within_bounds<F: Kind>() {
    const KEYS: u32 = 100;
    const ROUNDS: u32 = 2_000;
    for (style, shards) in BOTH.into_iter().zip([1, 8]) {
        let backend = Backend::new();
        let cache: Of<F> = F::Of::build(backend.behind(CacheBuilder::new().capacity(CAPACITY).shards(shards).negative_ttl(SECOND), style));
        let look = || {
            let metrics = cache.metrics();
            assert!(metrics.weight <= CAPACITY && metrics.negatives <= CAPACITY / 8, "{metrics:?}");
        };
        observed(4, look, |thread| {
            let thread = u32::try_from(thread).expect("there are few");
            for round in 0..ROUNDS {
                let key = (round * 7 + thread * 13) % KEYS;
                match (round + thread) % 10 {
                    0 => cache.insert(key, key),
                    1 => drop(cache.remove(&key)),
                    2 => drop(cache.sync().entry(key).or_insert(key)),
                    _ => match cache.fetch_with(&key) {
                        Ok(value) => assert_eq!(*value, key),
                        Err(error) => assert!(matches!(error, LoadError::Absent), "{error:?}"),
                    },
                }
            }
        });
        // Absences may run out while they are counted.
        tally(&cache.sync(), |metrics| metrics.weight == metrics.entries + metrics.negatives, true);
        let metrics = at_rest(&cache.sync());
        assert_eq!(metrics.loads_absent + metrics.loads_superseded + metrics.loads_answered, metrics.loads_started);
    }
}

/// Each thread has keys of its own, so that it knows what it must see.
fn g13_after_a_write_no_absence_is_told<F: Kind>() {
    const ROUNDS: u32 = 1_500;
    for style in BOTH {
        let backend = Backend::new();
        let cache: Of<F> = F::Of::build(backend.behind(CacheBuilder::new().capacity(10_000).negative_ttl(SECOND * 600), style));
        crate::together::together(4, |thread| {
            let key = u32::try_from(thread).expect("there are few");
            for round in 0..ROUNDS {
                assert!(cache.fetch_with(&key).is_err());
                if round % 2 == 0 {
                    cache.insert(key, round);
                    assert_eq!(*cache.fetch_with(&key).expect("it was inserted"), round);
                    cache.invalidate(&key);
                } else {
                    backend.add(key);
                    cache.invalidate(&key);
                    assert_eq!(*cache.fetch_with(&key).expect("the backend has it"), key);
                    backend.take(key);
                    cache.invalidate(&key);
                }
            }
        });
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.negative_hits, metrics.negatives, metrics.entries), (0, 0, 0));
    }
}

on_every_face_in_time!(g13_absences_and_writes_at_once_keep_within_bounds, g13_after_a_write_no_absence_is_told);
