//! By the mock clock: to move it is to reclaim what is due by then, at once, and nothing else.

use crate::census::Census;
use crate::faces::{Face, Kind};
use crate::g11_reclaim::{SECOND, TICK, expired};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{CacheBuilder, Loaded, MockClock};
use std::sync::Arc;
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, crate::census::Counted>;

fn g11_a_clock_that_moves_reclaims_what_is_due_at_once_and_nothing_else<F: Kind>() {
    const ENTRIES: u32 = 50;
    for shards in [1, 8] {
        let (clock, census) = (MockClock::new(), Census::new());
        let cache: Of<F> = F::Of::build(CacheBuilder::new().shards(shards).weigher(|_, _| 3).clock(clock.clone()));
        for key in 0..ENTRIES {
            cache.insert_with_ttl(key, census.value(), (key + 1) * SECOND);
            cache.insert(ENTRIES + key, census.value());
        }
        for gone in 0..=u64::from(ENTRIES) {
            for ahead in [SECOND - TICK, TICK] {
                let left = 2 * u64::from(ENTRIES) - gone;
                let metrics = cache.metrics();
                assert_eq!((cache.len(), cache.weight(), census.alive() as u64), (left, 3 * left, left), "{shards} shards");
                assert_eq!((metrics.entries, expired(&metrics)), (left, gone), "{shards} shards");
                clock.advance(ahead);
            }
        }
        clock.set(Duration::MAX);
        assert_eq!(census.alive(), ENTRIES as usize, "what lives for ever stays");
        at_rest(&cache.sync());
    }
}

fn g11_a_value_in_a_callers_hands_stays_with_the_caller<F: Kind>() {
    let (clock, census) = (MockClock::new(), Census::new());
    let cache: Of<F> = F::Of::build(CacheBuilder::new().time_to_live(SECOND).clock(clock.clone()));
    cache.insert(1, census.value());
    let mine = cache.fetch(&1).expect("it is fresh");
    clock.advance(SECOND);
    assert_eq!((cache.len(), cache.weight(), expired(&cache.metrics())), (0, 0, 1));
    assert_eq!(census.alive(), 1);
    assert_eq!(Arc::strong_count(&mine), 1, "the cache has let go of it");
    drop(mine);
    assert_eq!(census.alive(), 0);
    at_rest(&cache.sync());
}

/// Whatever is set, an entry stays until the last of its deadlines, and not a tick longer.
fn g11_stale_values_are_kept_until_their_last_deadline<F: Kind>() {
    let windows = [(0, 0, 10), (5, 0, 15), (0, 7, 17), (5, 7, 17)];
    for (revalidate, error, last) in windows {
        let (clock, census) = (MockClock::new(), Census::new());
        let builder = CacheBuilder::new().time_to_live(10 * SECOND).clock(clock.clone());
        let builder = builder.stale_while_revalidate(revalidate * SECOND).stale_if_error(error * SECOND);
        let cache: Of<F> = F::Of::build(builder);
        cache.insert(1, census.value());
        let own = Loaded::value(census.value()).time_to_live(20 * SECOND);
        cache.insert_with(2, own.stale_while_revalidate(SECOND).stale_if_error(2 * SECOND));
        for (moment, left) in [(last * SECOND - TICK, 2), (last * SECOND, 1), (22 * SECOND - TICK, 1), (22 * SECOND, 0)] {
            clock.set(moment);
            assert_eq!((cache.len(), census.alive() as u64), (left, left), "{revalidate}, {error}: at {moment:?}");
        }
        assert_eq!(expired(&at_rest(&cache.sync())), 2);
    }
}

fn g11_absences_are_reclaimed_too<F: Kind>() {
    let clock = MockClock::new();
    let builder = CacheBuilder::new().capacity(800).negative_ttl(SECOND).negative_weight(2).clock(clock.clone());
    let cache: F::Of<u32, u32> = F::Of::build(builder.loader_fn(|_: &u32| Loaded::ok(Loaded::absent())));
    for key in 0..30 {
        assert_eq!(cache.fetch_optional(&key).expect("the loader answers"), None);
    }
    assert_eq!((cache.metrics().negatives, cache.weight(), cache.len()), (30, 60, 0));
    clock.advance(SECOND - TICK);
    assert_eq!((cache.metrics().negatives, cache.weight()), (30, 60));
    clock.advance(TICK);
    assert_eq!((cache.metrics().negatives, cache.weight()), (0, 0));
    assert_eq!(expired(&at_rest(&cache.sync())), 0, "an absence is no value");
}

fn g11_one_clock_reclaims_for_all_of_its_caches_and_for_none_that_is_gone<F: Kind>() {
    let (clock, census) = (MockClock::new(), Census::new());
    let cache = |_| -> Of<F> { F::Of::build(CacheBuilder::new().time_to_live(SECOND).clock(clock.clone())) };
    let mut caches: Vec<Of<F>> = (0..60).map(cache).collect();
    for cache in &caches {
        (0..10).for_each(|key| cache.insert(key, census.value()));
    }
    caches.truncate(30);
    assert_eq!(census.alive(), 300, "the last handle takes the values along");
    clock.advance(SECOND);
    assert_eq!(census.alive(), 0);
    for cache in &caches {
        assert_eq!((cache.len(), expired(&at_rest(&cache.sync()))), (0, 10));
    }
}

fn g11_a_clock_that_has_jumped_back_still_reclaims_in_time<F: Kind>() {
    let (clock, census) = (MockClock::new(), Census::new());
    clock.advance(100 * SECOND);
    let cache: Of<F> = F::Of::build(CacheBuilder::new().clock(clock.clone()));
    cache.insert_with_ttl(1, census.value(), 10 * SECOND);
    clock.set(SECOND);
    cache.insert_with_ttl(2, census.value(), 10 * SECOND);
    clock.set(11 * SECOND);
    assert_eq!((cache.len(), census.alive()), (1, 1));
    clock.set(110 * SECOND);
    assert_eq!((cache.len(), census.alive()), (0, 0));
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g11_a_clock_that_moves_reclaims_what_is_due_at_once_and_nothing_else,
    g11_a_value_in_a_callers_hands_stays_with_the_caller,
    g11_stale_values_are_kept_until_their_last_deadline,
    g11_absences_are_reclaimed_too,
    g11_one_clock_reclaims_for_all_of_its_caches_and_for_none_that_is_gone,
    g11_a_clock_that_has_jumped_back_still_reclaims_in_time,
);
