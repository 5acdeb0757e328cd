//! Random writes, loads and removals of weighted entries from several threads, with an observer, and a recount at the end.

use crate::faces::{Face, Kind};
use crate::rest::at_rest;
use crate::together::observed;
use bellwether::{BoxError, CacheBuilder, EvictionPolicy, Loaded};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Mutex;

/// The value holds its key above, its weight below.
type Of<F> = <F as Kind>::Of<u64, u64>;

const CAPACITY: u64 = 500;
const KEYS: u64 = 150;
const THREADS: usize = 4;
const CALLS: usize = 100_000;
const SEED: u64 = 0x6_2E14;

fn value(key: u64, weight: u64) -> u64 {
    key << 32 | weight
}

fn weight_of(value: u64) -> u64 {
    value & u64::from(u32::MAX)
}

fn key_of(value: u64) -> u64 {
    value >> 32
}

/// Mostly light, at times nothing, all the capacity or too much.
fn weight(random: &mut StdRng) -> u64 {
    match random.random_range(0..100) {
        0..5 => 0,
        5..7 => CAPACITY,
        7..9 => CAPACITY + 1,
        9..14 => random.random_range(0..=CAPACITY),
        _ => random.random_range(1..40),
    }
}

fn call<C: Face<u64, u64>>(cache: &C, random: &mut StdRng) {
    let key = random.random_range(0..KEYS);
    let is_its = |found: Option<u64>| assert!(found.is_none_or(|value| key_of(value) == key), "{found:?} for {key}");
    match random.random_range(0..1_000) {
        0..400 => {
            let value = value(key, weight(random));
            cache.insert(key, value);
        }
        400..420 => cache.insert_with(key, Loaded::value(value(key, 0)).weight(u64::MAX)),
        420..500 => is_its(cache.remove(&key).map(|value| *value)),
        500..560 => {
            cache.invalidate(&key);
        }
        560..800 => is_its(Some(*cache.fetch_with(&key).expect("the loader brings it"))),
        800..850 => is_its(Some(*cache.refresh(&key).expect("the loader brings it"))),
        850..950 => is_its(cache.fetch(&key).map(|value| *value)),
        950..997 => is_its(cache.get(&key, |&value| value)),
        997..999 => cache.entries().iter().for_each(|(key, value)| assert_eq!(key_of(**value), *key)),
        _ => cache.clear(),
    }
}

fn storm<F: Kind>(policy: EvictionPolicy, shards: usize) {
    let random = Mutex::new(StdRng::seed_from_u64(SEED));
    let load = move |&key: &u64| {
        let mut random = random.lock().expect("no holder panics");
        Ok::<_, BoxError>(value(key, weight(&mut random)))
    };
    let builder = CacheBuilder::new().capacity(CAPACITY).eviction(policy).shards(shards).weigher(|_, &value| weight_of(value));
    let cache: Of<F> = F::Of::build(builder.loader_fn(load));
    let look = || {
        let weight = cache.weight();
        assert!(weight <= CAPACITY, "{weight} of {CAPACITY}");
        let metrics = cache.metrics();
        assert!(metrics.weight <= CAPACITY, "{metrics:?}");
    };
    observed(THREADS, look, |thread| {
        let mut random = StdRng::seed_from_u64(SEED + thread as u64);
        (0..CALLS / THREADS).for_each(|_| call(&cache, &mut random));
    });
    at_rest(&cache.sync());
    let entries = cache.entries();
    assert_eq!(entries.len() as u64, cache.len());
    assert_eq!(entries.iter().map(|(_, value)| weight_of(**value)).sum::<u64>(), cache.weight());
}

fn g14_a_storm_of_weighted_calls_under_lru_never_holds_too_much<F: Kind>() {
    storm::<F>(EvictionPolicy::Lru, 4);
}

fn g14_a_storm_of_weighted_calls_under_sieve_never_holds_too_much<F: Kind>() {
    storm::<F>(EvictionPolicy::Sieve, 8);
}

crate::on_every_face_in_time!(
    g14_a_storm_of_weighted_calls_under_lru_never_holds_too_much,
    g14_a_storm_of_weighted_calls_under_sieve_never_holds_too_much,
);
