//! What a call has just written is held when it returns, under every policy that takes what is new.

use crate::faces::{Face, Kind};
use crate::g14_policies::{evicted, weighing};
use crate::policies::{evicting, rules};
use crate::rest::at_rest;
use bellwether::{BoxError, EvictionPolicy, Loaded, RemovalCause};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::{Arc, Mutex};

type Of<F> = <F as Kind>::Of<u64, u64>;

const CAPACITY: u64 = 1_000;
const KEYS: u64 = 4_000;
const CALLS: u64 = if cfg!(debug_assertions) { 2_000 } else { 8_000 };

/// What fits into the smallest window: a hundredth of what two shards have.
const LIGHT: u64 = 4;

fn g14_what_was_just_written_is_held<F: Kind>() {
    for rule in evicting() {
        for shards in [1, 2] {
            let load = |_: &u64| Ok::<_, BoxError>(2_u64);
            let cache: Of<F> = F::Of::build(weighing(rule, shards, CAPACITY).loader_fn(load));
            let mut random = StdRng::seed_from_u64(14);
            // Full of what is hit now and then, so that it is worth something.
            (0..CAPACITY / 2).for_each(|key| cache.insert(key, 2));
            for call in 0..CALLS {
                let (key, old) = (random.random_range(0..KEYS), random.random_range(0..KEYS / 4));
                (0..call % 3).for_each(|_| drop(cache.fetch(&old)));
                match call % 4 {
                    0 => drop(cache.fetch_with(&key).expect("the loader brings it")),
                    1 => cache.insert_with(key, Loaded::value(1).weight(random.random_range(1..=LIGHT))),
                    _ => cache.insert(key, random.random_range(1..=LIGHT)),
                }
                assert!(cache.contains_key(&key), "{rule:?} with {shards} shards: {key} was written by call {call}");
            }
            at_rest(&cache.sync());
        }
    }
}

/// Where nothing has to be worth its room, weight doesn't matter.
fn g14_without_a_contest_heavy_values_are_held_as_well<F: Kind>() {
    for rule in evicting().filter(|rule| !rule.contests()) {
        for shards in [1, 3, 16] {
            let cache: Of<F> = F::Of::build(weighing(rule, shards, CAPACITY));
            let mut random = StdRng::seed_from_u64(41);
            for call in 0..CALLS / 4 {
                let (key, weight) = (random.random_range(0..KEYS / 8), random.random_range(1..=CAPACITY));
                let weight = if call % 5 == 0 { weight } else { weight % 30 + 1 };
                cache.insert(key, weight);
                assert_eq!(cache.fetch(&key).as_deref(), Some(&weight), "{rule:?} with {shards} shards: call {call}");
                assert!(cache.weight() <= CAPACITY);
            }
            at_rest(&cache.sync());
        }
    }
}

/// A write takes no more than it must: without the last of what it took the new entry would not have fitted.
fn g14_no_write_takes_more_than_it_must<F: Kind>() {
    for rule in rules() {
        for shards in [1, 4] {
            let left = Arc::new(Mutex::new(Vec::new()));
            let seen = Arc::clone(&left);
            let listen = move |_: &u64, value: &Arc<u64>, cause| {
                if cause == RemovalCause::Evicted {
                    seen.lock().expect("no holder panics").push(**value);
                }
            };
            let cache: Of<F> = F::Of::build(weighing(rule, shards, CAPACITY).on_removal(listen));
            let mut random = StdRng::seed_from_u64(7);
            for key in 0..CALLS / 2 {
                let weight = if key % 50 == 0 { random.random_range(100..=CAPACITY) } else { random.random_range(1..40) };
                let before = cache.weight();
                cache.insert(key, weight);
                (0..key % 3).for_each(|_| drop(cache.fetch(&(key - key / 9))));
                let went = std::mem::take(&mut *left.lock().expect("no holder panics"));
                let call = format!("{rule:?} with {shards} shards: {weight} beside {before}, for which {went:?} went");
                if before + weight <= CAPACITY || !cache.contains_key(&key) {
                    assert!(went.is_empty(), "{call}");
                }
                if let Some(last) = went.last() {
                    assert!(cache.weight() + last > CAPACITY, "{call}, and {} is held", cache.weight());
                }
            }
            at_rest(&cache.sync());
        }
    }
}

fn g14_a_cache_without_bounds_takes_everything<F: Kind>() {
    for rule in rules() {
        let cache: Of<F> = F::Of::build(weighing(rule, 4, u64::MAX));
        (1..3_000).for_each(|key| cache.insert(key, key));
        (1..3_000).for_each(|key| assert!(cache.contains_key(&key), "{rule:?}: {key}"));
        assert_eq!((cache.len(), evicted(&cache.metrics())), (2_999, 0), "{rule:?}");
        at_rest(&cache.sync());
    }
    assert_eq!(EvictionPolicy::default(), EvictionPolicy::Adaptive);
}

crate::on_every_face_in_time!(
    g14_what_was_just_written_is_held,
    g14_without_a_contest_heavy_values_are_held_as_well,
    g14_no_write_takes_more_than_it_must,
    g14_a_cache_without_bounds_takes_everything,
);
