//! All absences together weigh an eighth of the capacity at most, and are part of the weight.

use crate::faces::{Face, Kind};
use crate::g13_absence::SECOND;
use crate::g13_absence::backend::Backend;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{CacheBuilder, MockClock, RemovalCause};

type Of<F> = <F as Kind>::Of<u32, u32>;

const VALUE: u32 = 1_000_000;

fn built<F: Kind>(settings: CacheBuilder<u32, u32>) -> (Of<F>, Backend) {
    let backend = Backend::new();
    let cache: Of<F> = F::Of::build(backend.behind(settings.negative_ttl(SECOND).clock(MockClock::new()), BOTH[0]));
    (cache, backend)
}

fn g13_absences_weigh_an_eighth_of_the_capacity_at_most<F: Kind>() {
    for (capacity, weight) in [(8, 1), (15, 1), (16, 1), (100, 1), (100, 4), (100, 12), (80, 3), (1_000, 1), (1_000, 125)] {
        let (cache, backend) = built::<F>(CacheBuilder::new().capacity(capacity).negative_weight(weight).shards(1));
        let most = capacity / 8 / weight;
        for asked in 1..=u64::from(3 * u32::try_from(most).expect("it is small")) {
            assert!(cache.fetch_with(&u32::try_from(asked).expect("it is small")).is_err());
            assert_eq!((cache.metrics().negatives, cache.weight()), (asked.min(most), asked.min(most) * weight), "{capacity}, {weight}");
        }
        // Just the last ones are remembered.
        let before = backend.asked();
        for key in 2 * most + 1..=3 * most {
            assert!(cache.fetch_with(&u32::try_from(key).expect("it is small")).is_err());
        }
        let metrics = at_rest(&cache.sync());
        assert_eq!((backend.asked(), metrics.negative_hits), (before, most), "{capacity}, {weight}");
    }
}

fn g13_where_an_eighth_is_nothing_none_is_remembered<F: Kind>() {
    for (capacity, weight) in [(0, 1), (1, 1), (7, 1), (8, 2), (100, 13), (u64::MAX, u64::MAX)] {
        let (cache, backend) = built::<F>(CacheBuilder::new().capacity(capacity).negative_weight(weight));
        for asked in 1..=5 {
            assert!(cache.fetch_with(&1).is_err());
            assert_eq!((backend.asked(), cache.metrics().negatives, cache.weight()), (asked, 0, 0), "{capacity}, {weight}");
        }
        at_rest(&cache.sync());
    }
}

/// What can't be remembered takes no other's place.
fn g13_a_heavy_absence_disturbs_nobody<F: Kind>() {
    let (cache, _) = built::<F>(CacheBuilder::new().capacity(40).negative_weight(6).shards(1));
    (0..40).for_each(|key| cache.insert(VALUE + key, key));
    assert!(cache.fetch_with(&1).is_err());
    let metrics = at_rest(&cache.sync());
    assert_eq!((metrics.negatives, cache.len(), metrics.removals(RemovalCause::Evicted)), (0, 40, 0));
}

/// Remembers ten absences, then fills the cache with values; gives how many of those were evicted before the last absence had gone.
fn evicted_too_soon<F: Kind>(shards: usize) -> u64 {
    const CAPACITY: u32 = 80;
    let (cache, backend) = built::<F>(CacheBuilder::new().capacity(CAPACITY.into()).shards(shards));
    for key in 0..10 {
        assert!(cache.fetch_with(&key).is_err());
    }
    assert_eq!(cache.metrics().negatives, 10, "{shards} shards");
    for key in 0..CAPACITY {
        cache.insert(VALUE + key, key);
        assert!(cache.weight() <= u64::from(CAPACITY) && cache.weight() == cache.len() + cache.metrics().negatives);
        // However often they are asked for.
        (0..10).filter(|_| key < CAPACITY - 10).for_each(|key| assert!(cache.fetch_with(&key).is_err()));
    }
    assert_eq!(backend.asked(), 10, "{shards} shards");
    at_rest(&cache.sync()).removals(RemovalCause::Evicted)
}

fn g13_absences_are_first_to_go_when_values_need_room<F: Kind>() {
    assert_eq!(evicted_too_soon::<F>(1), 0);
}

fn g13_absences_of_all_shards_are_first_to_go<F: Kind>() {
    assert_eq!(evicted_too_soon::<F>(4), 0, "values went while there were absences, in other shards");
}

/// In a full cache an absence costs one value its place at most, and gives it back to the next.
fn g13_a_full_cache_of_values_stays_in_its_bounds<F: Kind>() {
    const CAPACITY: u32 = 80;
    for shards in [1, 4] {
        let (cache, _) = built::<F>(CacheBuilder::new().capacity(CAPACITY.into()).shards(shards));
        (0..CAPACITY).for_each(|key| cache.insert(VALUE + key, key));
        for key in 0..200 {
            assert!(cache.fetch_with(&key).is_err());
            let metrics = cache.metrics();
            assert!(metrics.negatives <= 10 && cache.weight() == metrics.negatives + cache.len(), "{shards} shards");
            assert!(cache.weight() <= u64::from(CAPACITY) && cache.len() >= 70, "{shards} shards");
            at_rest(&cache.sync());
        }
        (0..CAPACITY).for_each(|key| cache.insert(2 * VALUE + key, key));
        let metrics = at_rest(&cache.sync());
        assert_eq!(cache.weight(), CAPACITY.into(), "{shards} shards");
        assert!(metrics.negatives == 0 || shards > 1);
    }
}

/// Whichever shards the keys fall into, the bound is one for all of them.
fn g13_the_bound_holds_over_all_shards<F: Kind>() {
    for shards in [2, 16, 256] {
        let (cache, _) = built::<F>(CacheBuilder::new().capacity(800).shards(shards).negative_weight(3));
        for key in 0..2_000 {
            assert!(cache.fetch_with(&key).is_err());
            let negatives = cache.metrics().negatives;
            assert!(negatives <= 33 && cache.weight() == 3 * negatives, "{negatives} in {shards} shards");
        }
        // One that finds no room beside those of other shards isn't remembered.
        assert_eq!(at_rest(&cache.sync()).negatives, 33);
    }
}

on_every_face_in_time!(
    g13_absences_weigh_an_eighth_of_the_capacity_at_most,
    g13_where_an_eighth_is_nothing_none_is_remembered,
    g13_a_heavy_absence_disturbs_nobody,
    g13_absences_are_first_to_go_when_values_need_room,
    g13_absences_of_all_shards_are_first_to_go,
    g13_a_full_cache_of_values_stays_in_its_bounds,
    g13_the_bound_holds_over_all_shards,
);
