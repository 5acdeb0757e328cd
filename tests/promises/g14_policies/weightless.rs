//! Entries that weigh nothing: they take no room and are bounded in number all the same.

use crate::faces::{Face, Kind};
use crate::g14_policies::{evicted, weighing};
use crate::policies::{Rule, evicting, rules};
use crate::rest::at_rest;
use bellwether::{CacheBuilder, EvictionPolicy, Loaded, MockClock, RemovalCause};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u64, u64>;

/// So many entries without weight may be held at least.
const FEW: u64 = 1_024;
const SECOND: Duration = Duration::from_secs(1);

fn g14_entries_without_weight_take_nobodys_room_and_lose_it_to_nobody<F: Kind>() {
    for rule in rules() {
        for shards in [1, 4] {
            let cache: Of<F> = F::Of::build(weighing(rule, shards, 10));
            (0..10).for_each(|key| cache.insert(key, 1));
            (100..1_100).for_each(|key| cache.insert(key, 0));
            assert_eq!((cache.len(), cache.weight(), evicted(&cache.metrics())), (1_010, 10, 0), "{rule:?}: they leave all the others in");
            (10..50).for_each(|key| cache.insert(key, 1));
            assert!((100..1_100).all(|key| cache.contains_key(&key)), "{rule:?}: none of them would make room");
            let gone = if rule.keeps() { 0 } else { 40 };
            assert_eq!((cache.len(), cache.weight(), evicted(&cache.metrics())), (1_010, 10, gone), "{rule:?}");
            cache.insert(99, 10);
            assert!((100..1_100).all(|key| cache.contains_key(&key)), "{rule:?}: not for all the room either");
            at_rest(&cache.sync());
        }
    }
}

/// Full of those without weight, the cache still takes what weighs something, up to its capacity.
fn g14_entries_without_weight_are_not_evicted_in_vain<F: Kind>() {
    for rule in rules() {
        let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(10).shards(1)));
        for key in 0..3_000 {
            cache.insert_with(key, Loaded::value(key).weight(0));
        }
        let gone = evicted(&cache.metrics());
        (10_000..10_010).for_each(|key| cache.insert(key, key));
        assert_eq!((cache.weight(), evicted(&cache.metrics())), (10, gone), "{rule:?}: there is room");
        assert!((10_000..10_010).all(|key| cache.contains_key(&key)), "{rule:?}");
        // What is held already needs no other's place, either way.
        let held = (0..3_000).filter(|key| cache.contains_key(key)).collect::<Vec<_>>();
        held.iter().for_each(|&key| cache.insert_with(key, Loaded::value(key + 1).weight(0)));
        assert_eq!(evicted(&cache.metrics()), gone, "{rule:?}: they are written over");
        at_rest(&cache.sync());
    }
}

/// As many as the cache may hold others, or a thousand if that is more; each shard its part of them.
fn g14_entries_without_weight_are_bounded_in_number<F: Kind>() {
    for rule in rules() {
        for (capacity, shards, most) in [(1, 1, FEW), (10, 4, FEW), (3_000, 1, 3_000)] {
            let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(capacity).shards(shards)));
            for key in 0..4_500 {
                cache.insert_with(key, Loaded::value(key).weight(0));
                assert!(rule.keeps() || cache.contains_key(&key), "{rule:?}: the newest is held");
            }
            assert!(cache.len() <= most, "{rule:?}: {} of {capacity} without weight", cache.len());
            assert!(shards > 1 || cache.len() == most, "{rule:?}: {} of {capacity} without weight", cache.len());
            let metrics = at_rest(&cache.sync());
            let gone = if rule.keeps() { metrics.removals(RemovalCause::Rejected) } else { evicted(&metrics) };
            assert_eq!(gone, 4_500 - cache.len(), "{rule:?}");
        }
    }
}

/// Where hits count for anything.
fn g14_of_entries_without_weight_those_in_use_stay<F: Kind>() {
    let blind = [EvictionPolicy::Fifo, EvictionPolicy::Random, EvictionPolicy::None].map(Rule::Of);
    for rule in rules().filter(|rule| !blind.contains(rule)) {
        let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(1).shards(1)));
        (0..FEW).for_each(|key| cache.insert_with(key, Loaded::value(key).weight(0)));
        for key in FEW..2 * FEW {
            (0..10).for_each(|key| assert_eq!(cache.fetch(&key).as_deref(), Some(&key), "{rule:?}: in use"));
            cache.insert_with(key, Loaded::value(key).weight(0));
        }
        assert_eq!(cache.len(), FEW, "{rule:?}");
        at_rest(&cache.sync());
    }
}

fn g14_entries_without_weight_expire_and_are_removed<F: Kind>() {
    for rule in rules() {
        let clock = MockClock::new();
        let builder = rule.apply(CacheBuilder::new().capacity(5).shards(2).clock(clock.clone()));
        let cache: Of<F> = F::Of::build(builder);
        let without = |key: u64| Loaded::value(key).weight(0);
        (0..100).for_each(|key| cache.insert_with(key, without(key).time_to_live(SECOND)));
        (100..200).for_each(|key| cache.insert_with(key, without(key)));
        clock.advance(SECOND);
        cache.run_maintenance();
        assert!((0..100).all(|key| cache.fetch(&key).is_none()) && (100..200).all(|key| cache.fetch(&key).is_some()), "{rule:?}");
        (100..150).for_each(|key| assert!(cache.invalidate(&key)));
        let metrics = at_rest(&cache.sync());
        let left = [RemovalCause::Expired, RemovalCause::Invalidated, RemovalCause::Evicted].map(|cause| metrics.removals(cause));
        assert_eq!((cache.len(), cache.weight(), left), (50, 0, [100, 50, 0]), "{rule:?}");
        cache.clear();
        assert_eq!(cache.len(), 0, "{rule:?}");
        at_rest(&cache.sync());
    }
}

/// From nothing to something and back, in a full cache and beside as many without weight as may be held.
fn g14_an_entry_may_come_to_weigh_something_and_nothing_again<F: Kind>() {
    for rule in evicting() {
        let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(8).shards(1)));
        (0..FEW).for_each(|key| cache.insert_with(key, Loaded::value(key).weight(0)));
        (5_000..5_008).for_each(|key| cache.insert(key, key));
        for key in 0..40 {
            cache.insert_with(key, Loaded::value(key).weight(1));
            assert!(cache.contains_key(&key), "{rule:?}: {key} takes room now");
            assert_eq!((cache.weight(), cache.len()), (8, FEW + 8 - key - 1), "{rule:?}");
        }
        let light = cache.entries().into_iter().map(|(key, _)| key).filter(|key| (32..40).contains(key)).collect::<Vec<_>>();
        for (at, &key) in light.iter().enumerate() {
            cache.insert_with(key, Loaded::value(key).weight(0));
            assert_eq!(cache.weight(), 8 - (at as u64 + 1), "{rule:?}: {key} takes none any more");
            assert!(cache.contains_key(&key), "{rule:?}");
        }
        at_rest(&cache.sync());
    }
}

fn g14_a_smaller_capacity_bounds_entries_without_weight_too<F: Kind>() {
    for rule in rules() {
        for shards in [1, 4] {
            let cache: Of<F> = F::Of::build(weighing(rule, shards, 100_000).expected_entries(100_000));
            (0..20_000).for_each(|key| cache.insert(key, 0));
            assert_eq!(cache.len(), 20_000, "{rule:?}");
            cache.sync().set_capacity(10);
            assert!((FEW..=FEW + shards as u64).contains(&cache.len()), "{rule:?}: {} are held", cache.len());
            cache.sync().set_capacity(0);
            assert_eq!(cache.len(), 0, "{rule:?}: a capacity of zero holds nothing");
            at_rest(&cache.sync());
        }
    }
}

/// Where nothing is evicted to make room, what is one too many is refused.
fn g14_without_eviction_no_entry_without_weight_is_evicted<F: Kind>() {
    let cache: Of<F> = F::Of::build(weighing(Rule::Of(EvictionPolicy::None), 1, 10).expected_entries(10));
    (0..3 * FEW).for_each(|key| cache.insert(key, 0));
    let metrics = at_rest(&cache.sync());
    assert_eq!((cache.len(), metrics.removals(RemovalCause::Evicted), metrics.removals(RemovalCause::Rejected)), (FEW, 0, 2 * FEW));
    assert!((0..FEW).all(|key| cache.contains_key(&key)));
}

crate::on_every_face_in_time!(
    g14_a_smaller_capacity_bounds_entries_without_weight_too,
    g14_without_eviction_no_entry_without_weight_is_evicted,
    g14_entries_without_weight_take_nobodys_room_and_lose_it_to_nobody,
    g14_entries_without_weight_are_not_evicted_in_vain,
    g14_entries_without_weight_are_bounded_in_number,
    g14_of_entries_without_weight_those_in_use_stay,
    g14_entries_without_weight_expire_and_are_removed,
    g14_an_entry_may_come_to_weigh_something_and_nothing_again,
);
