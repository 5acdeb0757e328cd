//! What is held weighs what its entries weigh, after each single call.

use crate::faces::{Face, Kind};
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, EvictionPolicy, Loaded, RemovalCause};

/// The value is the weight of the entry.
type Of<F> = <F as Kind>::Of<u64, u64>;

/// Every policy with few and many shards.
pub(crate) fn settings() -> impl Iterator<Item = (EvictionPolicy, usize)> {
    let shards = [1, 2, 7, 64];
    [EvictionPolicy::Lru, EvictionPolicy::Sieve].into_iter().flat_map(move |policy| shards.map(|shards| (policy, shards)))
}

/// An entry weighs what its value says.
pub(crate) fn weighing((policy, shards): (EvictionPolicy, usize), capacity: u64) -> CacheBuilder<u64, u64> {
    CacheBuilder::new().capacity(capacity).eviction(policy).shards(shards).weigher(|_, &value| value)
}

fn g14_a_replaced_value_gives_back_its_own_weight_and_takes_the_new_one<F: Kind>() {
    for setting in settings() {
        let cache: Of<F> = F::Of::build(weighing(setting, 1_000));
        (0..10).for_each(|key| cache.insert(key, 10));
        for (weight, held) in [(40, 130), (40, 130), (3, 93), (0, 90), (910, 1_000), (1, 91), (10, 100)] {
            cache.insert(5, weight);
            assert_eq!((cache.weight(), cache.len()), (held, 10), "{weight} in place of what was there");
            cache.validate();
        }
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.removals(RemovalCause::Replaced), metrics.removals(RemovalCause::Evicted)), (7, 0));
    }
}

fn g14_a_value_that_grows_in_a_full_cache_makes_others_go_and_stays<F: Kind>() {
    for setting in settings() {
        for grows in 0..10 {
            let cache: Of<F> = F::Of::build(weighing(setting, 100));
            (0..10).for_each(|key| cache.insert(key, 10));
            cache.insert(grows, 55);
            assert_eq!(cache.peek(&grows).as_deref(), Some(&55), "the {grows}th of ten, {setting:?}");
            assert_eq!((cache.weight(), cache.len()), (95, 5), "as few went as could");
            cache.validate();
        }
    }
}

fn g14_a_value_that_grows_leaves_as_replaced_however_the_room_is_found<F: Kind>() {
    for setting in settings() {
        for grows in 0..10 {
            let cache: Of<F> = F::Of::build(weighing(setting, 100));
            (0..10).for_each(|key| cache.insert(key, 10));
            cache.insert(grows, 55);
            let metrics = cache.metrics();
            let left = (metrics.removals(RemovalCause::Replaced), metrics.removals(RemovalCause::Evicted));
            assert_eq!(left, (1, 5), "the {grows}th of ten, {setting:?}: one was written over, five made room");
        }
    }
}

fn g14_an_own_weight_comes_before_the_weighers<F: Kind>() {
    for setting in settings() {
        let load = |_: &u64| Ok::<_, BoxError>(Loaded::value(50).weight(4));
        let cache: Of<F> = F::Of::build(weighing(setting, 100).loader_fn(load));
        cache.insert_with(1, Loaded::value(30).weight(3));
        cache.fetch_with(&2).expect("the loader brings it");
        assert_eq!(cache.weight(), 7);
        cache.insert(1, 30);
        assert_eq!(cache.weight(), 34);
        cache.insert_with(1, Loaded::value(30).weight(101));
        assert!(!cache.contains_key(&1), "too heavy by its own account");
        assert_eq!(cache.weight(), 4);
        at_rest(&cache.sync());
    }
}

fn g14_entries_without_weight_take_no_room<F: Kind>() {
    const MANY: u64 = 3_000;
    for setting in settings() {
        let cache: Of<F> = F::Of::build(weighing(setting, 2));
        (1..=MANY).for_each(|key| cache.insert(key, 0));
        assert_eq!((cache.len(), cache.weight()), (MANY, 0));
        cache.insert(MANY + 1, 1);
        cache.insert(MANY + 2, 1);
        assert_eq!((cache.len(), cache.weight()), (MANY + 2, 2), "they leave all the room to those with weight");
        cache.insert(MANY + 1, 0);
        assert_eq!((cache.len(), cache.weight()), (MANY + 2, 1));
        cache.validate();
        assert_eq!(cache.metrics().removals(RemovalCause::Evicted), 0);
        cache.insert(MANY + 3, 2);
        assert_eq!(cache.weight(), 2);
        assert!(cache.contains_key(&(MANY + 3)) && !cache.contains_key(&(MANY + 2)));
        cache.validate();
    }
}

fn g14_the_largest_capacity_holds_one_of_the_largest_entries<F: Kind>() {
    for setting in settings() {
        let cache: Of<F> = F::Of::build(weighing(setting, u64::MAX));
        for key in 0..50 {
            cache.insert(key, u64::MAX);
            assert_eq!((cache.len(), cache.weight()), (1, u64::MAX));
            assert!(cache.contains_key(&key), "the newest is the one");
        }
        cache.insert(50, 0);
        assert_eq!((cache.len(), cache.weight()), (2, u64::MAX), "what weighs nothing fits beside it");
        cache.insert(51, 1);
        assert_eq!(cache.weight(), 1);
        cache.insert(52, u64::MAX - 1);
        assert_eq!(cache.weight(), u64::MAX, "to the last unit");
        cache.insert(52, u64::MAX);
        assert_eq!(cache.weight(), u64::MAX);
        assert!(!cache.contains_key(&51));
        cache.validate();
        cache.clear();
        assert_eq!((cache.len(), cache.weight()), (0, 0));
    }
}

crate::on_every_face_in_time!(
    g14_a_replaced_value_gives_back_its_own_weight_and_takes_the_new_one,
    g14_a_value_that_grows_in_a_full_cache_makes_others_go_and_stays,
    g14_a_value_that_grows_leaves_as_replaced_however_the_room_is_found,
    g14_an_own_weight_comes_before_the_weighers,
    g14_entries_without_weight_take_no_room,
    g14_the_largest_capacity_holds_one_of_the_largest_entries,
);
