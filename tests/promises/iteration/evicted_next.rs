//! The coldest are the next to be evicted, as far as each policy can promise that; and the hottest are the last.

use super::keys_of;
use crate::cases::cases;
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::policies::{Rule, rules};
use bellwether::EvictionPolicy::{
    Adaptive, AdaptiveReplacement, Clock, CostAware, Fifo, Lfu, Lirs, Lru, Random, S3Fifo, Sieve, Slru, TinyLfu,
};
use bellwether::{CacheBuilder, EvictionPolicy, Loaded, MockClock};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use std::sync::Arc;
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u64, u64>;

const CAPACITY: u64 = 60;
/// Keys from here on are asked for once.
const NEW: u64 = 1_000;

fn coldest<F: Kind>(cache: &Of<F>, most: usize) -> Vec<u64> {
    let threads = cache.sync();
    let coldest = if F::IS_BLOCKING { threads.coldest(most) } else { threads.to_async().coldest(most) };
    coldest.into_iter().map(|(key, _)| key).collect()
}

fn hottest<F: Kind>(cache: &Of<F>, most: usize) -> Vec<u64> {
    let threads = cache.sync();
    let hottest = if F::IS_BLOCKING { threads.hottest(most) } else { threads.to_async().hottest(most) };
    hottest.into_iter().map(|(key, _)| key).collect()
}

/// A full cache of one shard that was asked for these keys.
fn full<F: Kind>(rule: Rule, keys: &[u64]) -> Of<F> {
    let cache = Of::<F>::build(rule.apply(CacheBuilder::new().capacity(CAPACITY).shards(1)));
    keys.iter().for_each(|&key| ask_of::<F>(&cache, key));
    (500..500 + CAPACITY).take_while(|_| cache.len() < CAPACITY).for_each(|key| cache.insert(key, key));
    cache
}

fn ask_of<F: Kind>(cache: &Of<F>, key: u64) {
    if cache.fetch(&key).is_none() {
        cache.insert(key, key);
    }
}

/// The order in which those that are held leave for so many new ones.
fn evicted<F: Kind>(cache: &Of<F>, new: u64) -> Vec<u64> {
    let mut left: Vec<u64> = keys_of(cache.entries());
    let mut gone = Vec::new();
    for key in NEW..NEW + new {
        cache.insert(key, key);
        left.retain(|key| {
            let stays = cache.contains_key(key);
            if !stays {
                gone.push(*key);
            }
            stays
        });
    }
    gone
}

/// Checks that entries leave in the order told, the first `at_least` and as many more as leave at all.
fn leave_as_told<F: Kind>(policy: EvictionPolicy, keys: &[u64], at_least: usize) -> TestCaseResult {
    let cache = full::<F>(Rule::Of(policy), keys);
    let told = coldest::<F>(&cache, usize::MAX);
    let mut hot = hottest::<F>(&cache, usize::MAX);
    hot.reverse();
    prop_assert_eq!(&hot, &told, "{:?}: one order from both ends", policy);
    let gone = evicted::<F>(&cache, 4 * CAPACITY);
    prop_assert!(gone.len() >= at_least, "{:?}: {} have gone", policy, gone.len());
    prop_assert_eq!(&told[..gone.len()], &gone[..], "{:?}", policy);
    Ok(())
}

fn keys() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0..90_u64, 1..400)
}

fn g14_the_coldest_leave_first_where_the_order_is_exact<F: Kind>() {
    cases(40, &keys(), |keys| {
        for policy in [Lru, Fifo, Clock, Lfu, CostAware] {
            leave_as_told::<F>(policy, &keys, 20)?;
        }
        for policy in [Slru, Sieve] {
            // Newcomers leave before the rest does.
            leave_as_told::<F>(policy, &keys, 1)?;
        }
        Ok(())
    });
}

fn g14_the_coldest_leave_first_where_newcomers_are_asked_for_once<F: Kind>() {
    cases(40, &keys(), |keys| {
        for policy in [AdaptiveReplacement, Lirs] {
            leave_as_told::<F>(policy, &keys, 1)?;
        }
        // Of the small queue nothing was used, which would move on to the main one, and have that part with something.
        let mut asked_once_or_back = Vec::new();
        let cache = Of::<F>::build(CacheBuilder::new().capacity(CAPACITY).shards(1).eviction(S3Fifo));
        for key in keys {
            if !cache.contains_key(&key) {
                cache.insert(key, key);
                asked_once_or_back.push(key);
            }
        }
        leave_as_told::<F>(S3Fifo, &asked_once_or_back, 1)
    });
}

/// Where nothing was asked for again, nothing wins a contest against what is there: the window gives what came first.
fn g14_under_a_window_the_coldest_are_those_that_outgrow_it<F: Kind>() {
    for policy in [TinyLfu, Adaptive] {
        let cache = full::<F>(Rule::Of(policy), &(0..CAPACITY).collect::<Vec<_>>());
        for _ in 0..3 {
            let told = coldest::<F>(&cache, 1);
            let before = keys_of(cache.entries());
            let key = NEW + before[before.len() - 1];
            cache.insert(key, key);
            assert!(!cache.contains_key(&told[0]), "{policy:?}: {} was to leave", told[0]);
        }
    }
}

/// What was used often is hot, by whatever policy that heeds uses.
fn g14_what_is_used_all_the_time_is_hotter_than_what_never_was<F: Kind>() {
    for policy in [Lru, Slru, Clock, Sieve, S3Fifo, TinyLfu, AdaptiveReplacement, Lfu, CostAware, Adaptive] {
        let cache = full::<F>(Rule::Of(policy), &[]);
        for _ in 0..20 {
            (500..510).for_each(|key| drop(cache.fetch(&key)));
        }
        let place = |key: u64| coldest::<F>(&cache, usize::MAX).iter().position(|&told| told == key).expect("all are held");
        let coldest_used = (500..510).map(place).min();
        let hottest_unused = place(520);
        assert!(coldest_used > Some(hottest_unused), "{policy:?}: {coldest_used:?} and {hottest_unused}");
    }
}

fn a_few_of_the_coldest_are_the_first_of_all<F: Kind>() {
    cases(15, &(keys(), 1..4_usize), |(keys, shards)| {
        for rule in rules() {
            let cache = Of::<F>::build(rule.apply(CacheBuilder::new().capacity(CAPACITY).shards(shards)));
            keys.iter().for_each(|&key| ask_of::<F>(&cache, key));
            let (cold, hot) = (coldest::<F>(&cache, usize::MAX), hottest::<F>(&cache, usize::MAX));
            let held = keys_of(cache.entries());
            for all in [&cold, &hot] {
                let mut all = all.clone();
                all.sort_unstable();
                prop_assert_eq!(&all, &held, "{:?}", rule);
            }
            for most in [0, 1, 2, 7, 30, 59, 60, 1_000] {
                prop_assert_eq!(coldest::<F>(&cache, most), &cold[..most.min(cold.len())], "{:?}, {}", rule, most);
                prop_assert_eq!(hottest::<F>(&cache, most), &hot[..most.min(hot.len())], "{:?}, {}", rule, most);
            }
        }
        Ok(())
    });
}

/// So large a cache that a few are found before all has been looked at.
fn the_first_few_of_many_are_the_first_of_all<F: Kind>() {
    const MANY: u64 = 3_000;
    for rule in rules() {
        let cache = Of::<F>::build(rule.apply(CacheBuilder::new().capacity(MANY).shards(1)));
        let mut seed = 1_u64;
        for _ in 0..MANY * 4 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Small keys more often than large ones.
            let (key, limit) = ((seed >> 33) % (MANY * 2), (seed >> 20) % (MANY * 2));
            ask_of::<F>(&cache, key.min(limit));
        }
        let cold = coldest::<F>(&cache, usize::MAX);
        assert_eq!(keys_of(cache.entries()).len(), cold.len(), "{rule:?}");
        for most in [1, 10, 100, 255, 256, 257, 700, 2_000] {
            assert_eq!(coldest::<F>(&cache, most), &cold[..most], "{rule:?}, {most}");
        }
    }
}

fn shards_are_merged_by_how_much_of_each_is_colder<F: Kind>() {
    let cache = Of::<F>::build(CacheBuilder::new().capacity(1_000).shards(4).eviction(Lru));
    (0..1_000).for_each(|key| cache.insert(key, key));
    // As keys are spread evenly, the order over all shards is about that of arrival.
    let cold = coldest::<F>(&cache, usize::MAX);
    let astray = cold.iter().enumerate().map(|(at, &key)| (at as u64).abs_diff(key)).max();
    assert!(astray < Some(200), "{astray:?} places away from its own");
    assert!(cold[..100].iter().all(|&key| key < 300) && cold[900..].iter().all(|&key| key >= 700));
}

fn entries_without_weight_are_the_hottest<F: Kind>() {
    for rule in rules() {
        let cache = Of::<F>::build(rule.apply(CacheBuilder::new().capacity(CAPACITY).shards(1)));
        (0..20).for_each(|key| cache.insert_with(key, Loaded::value(key).weight(0)));
        (20..40).for_each(|key| cache.insert(key, key));
        let mut cold = coldest::<F>(&cache, usize::MAX);
        assert_eq!(cold.len(), 40, "{rule:?}");
        let mut light = cold.split_off(20);
        light.sort_unstable();
        assert_eq!(light, (0..20).collect::<Vec<_>>(), "{rule:?}: no room is made with them");
    }
}

fn g10_what_is_over_is_neither_hot_nor_cold<F: Kind>() {
    let clock = MockClock::new();
    for rule in rules() {
        let cache = Of::<F>::build(rule.apply(CacheBuilder::new().clock(clock.clone()).capacity(CAPACITY).shards(1).no_janitor()));
        (0..CAPACITY).for_each(|key| cache.insert_with_ttl(key, key, Duration::from_secs(1 + key % 3 * 100)));
        clock.advance(Duration::from_secs(2));
        let live: Vec<u64> = (0..CAPACITY).filter(|key| key % 3 != 0).collect();
        for mut some in [coldest::<F>(&cache, 10), hottest::<F>(&cache, 10)] {
            assert_eq!(some.len(), 10, "{rule:?}: it goes on past those that are over");
            some.retain(|key| !live.contains(key));
            assert_eq!(some, [], "{rule:?}");
        }
    }
}

/// Ten times what one hold of the lock can tell of.
fn the_order_is_whole_where_it_takes_many_holds<F: Kind>() {
    const MANY: u64 = 2_560;
    for policy in [Lru, Fifo, Clock, Sieve, Lfu, CostAware, Random] {
        let cache = Of::<F>::build(CacheBuilder::new().capacity(MANY).shards(1).eviction(policy));
        (0..MANY).for_each(|key| cache.insert(key, key));
        let cold = coldest::<F>(&cache, usize::MAX);
        if policy == Random {
            assert_eq!(cold.len() as u64, MANY);
        } else {
            assert_eq!(cold, (0..MANY).collect::<Vec<_>>(), "{policy:?}: in order of arrival");
        }
        let values: Vec<Arc<u64>> = cache.entries().into_iter().map(|(_, value)| value).collect();
        assert!(values.iter().all(|value| Arc::strong_count(value) == 2), "{policy:?} keeps nothing");
    }
}

on_every_face_in_time!(
    g14_the_coldest_leave_first_where_the_order_is_exact,
    g14_the_coldest_leave_first_where_newcomers_are_asked_for_once,
    g14_under_a_window_the_coldest_are_those_that_outgrow_it,
    g14_what_is_used_all_the_time_is_hotter_than_what_never_was,
    a_few_of_the_coldest_are_the_first_of_all,
    the_first_few_of_many_are_the_first_of_all,
    shards_are_merged_by_how_much_of_each_is_colder,
    entries_without_weight_are_the_hottest,
    g10_what_is_over_is_neither_hot_nor_cold,
    the_order_is_whole_where_it_takes_many_holds,
);
