//! What a write does for others: a few steps, however much has expired.

use crate::faces::{Face, Kind};
use crate::g20_bills::{SECOND, expired};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, Loaded, MockClock, RemovalCause};

type Of<F> = <F as Kind>::Of<u32, u32>;

const ENTRIES: u32 = 20_000;
const ALL: u64 = 20_000;
/// What one write reclaims in passing, at most.
const FEW: u64 = 8;

fn full<F: Kind>(clock: &MockClock, capacity: u64) -> Of<F> {
    let builder = CacheBuilder::new().no_janitor().capacity(capacity).shards(1).negative_ttl(SECOND).clock(clock.clone());
    let load = |key: &u32| Ok::<_, BoxError>(if *key >= 1_000_000 { Loaded::absent() } else { Loaded::value(*key) });
    let cache: Of<F> = F::Of::build(builder.loader_fn(load));
    (0..ENTRIES).for_each(|key| cache.insert_with_ttl(key, key, SECOND));
    cache
}

fn g20_a_write_reclaims_at_most_a_few_in_passing<F: Kind>() {
    let clock = MockClock::new();
    let cache = full::<F>(&clock, u64::MAX);
    clock.advance(SECOND);
    let mut left = ALL;
    // At most so many critical sections for each.
    type Act<F> = (&'static str, u64, fn(&Of<F>, u32));
    let acts: [Act<F>; 6] = [
        ("insert", 1, |cache, n| cache.insert(100_000 + n, n)),
        ("an insert over what is held", 1, |cache, n| cache.insert(100_000 + n, n)),
        ("a load", 2, |cache, n| drop(cache.fetch_with(&(200_000 + n)).expect("the loader brings it"))),
        ("a load of what isn't there", 2, |cache, n| assert!(cache.fetch_with(&(1_000_000 + n)).is_err())),
        ("invalidate", 1, |cache, n| assert!(cache.invalidate(&(100_000 + n)))),
        ("set_ttl", 1, |cache, n| assert!(cache.set_ttl(&(200_000 + n), 900 * SECOND))),
    ];
    for (what, sections, act) in acts {
        for n in 0..40 {
            act(&cache, n);
            let now = ALL - expired(&cache.metrics());
            assert!(left - now <= FEW * sections, "{what} reclaimed {} entries", left - now);
            left = now;
        }
    }
    assert!(left < ALL, "writes do reclaim some");
    at_rest(&cache.sync());
}

/// Each finds room for itself, and does no more for that than it must.
fn g20_a_write_that_needs_room_pays_for_its_own_only<F: Kind>() {
    let clock = MockClock::new();
    let cache = full::<F>(&clock, ALL);
    clock.advance(SECOND);
    let mut gone = 0;
    for key in 100_000..100_500 {
        cache.insert(key, key);
        let now = expired(&cache.metrics());
        assert!((1..=1 + FEW).contains(&(now - gone)), "{} went for one", now - gone);
        gone = now;
    }
    let metrics = at_rest(&cache.sync());
    assert_eq!((metrics.removals(RemovalCause::Evicted), cache.len()), (0, ALL - gone + 500));
}

fn g20_reads_pay_for_nobody<F: Kind>() {
    let clock = MockClock::new();
    let cache = full::<F>(&clock, u64::MAX);
    clock.advance(SECOND);
    for key in 0..2_000 {
        assert!(cache.fetch(&key).is_none() && cache.get(&key, |_| ()).is_none() && cache.peek(&key).is_none());
        assert!(!cache.contains_key(&key) && cache.entry_info(&key).is_none() && cache.fetch_stale(&key).is_none());
    }
    assert_eq!((cache.entries().len(), cache.len(), expired(&at_rest(&cache.sync()))), (0, ALL, 0));
}

on_every_face_in_time!(
    g20_a_write_reclaims_at_most_a_few_in_passing,
    g20_a_write_that_needs_room_pays_for_its_own_only,
    g20_reads_pay_for_nobody,
);
