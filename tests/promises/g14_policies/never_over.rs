//! Never over, under every policy: threads write, load and remove at the same time, and another one looks on all the while.

use crate::faces::{Face, Kind};
use crate::g14_policies::weighing;
use crate::policies::{Rule, rules};
use crate::rest::at_rest;
use crate::together::observed;
use bellwether::{BoxError, CacheBuilder, Loaded};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

type Of<F> = <F as Kind>::Of<u64, u64>;

const CAPACITY: u64 = 300;
const THREADS: usize = 3;
/// Of each thread.
const CALLS: u64 = if cfg!(debug_assertions) { 1_000 } else { 4_000 };

/// Looks at all that can be seen of how much is held.
fn look(cache: &impl Face<u64, u64>, most_entries: u64) {
    let (weight, entries) = (cache.weight(), cache.len());
    assert!(weight <= CAPACITY, "{weight} of {CAPACITY}");
    assert!(entries <= most_entries, "{entries} entries, where {most_entries} fit");
    let metrics = cache.metrics();
    assert!(metrics.weight <= metrics.capacity && metrics.entries <= most_entries, "{metrics:?}");
}

fn g14_single_entries_never_exceed_the_capacity<F: Kind>() {
    for rule in rules() {
        for shards in [1, 8] {
            let load = |&key: &u64| Ok::<_, BoxError>(key);
            let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(CAPACITY).shards(shards).loader_fn(load)));
            observed(
                THREADS,
                || look(&cache, CAPACITY),
                |thread| {
                    for call in 0..CALLS {
                        let key = call * 7 % 900 + thread as u64;
                        match call % 4 {
                            0 => drop(cache.fetch_with(&key).expect("the loader brings it")),
                            1 => drop(cache.fetch(&(key % 100))),
                            2 if call % 16 == 2 => drop(cache.remove(&key)),
                            _ => cache.insert(key, call),
                        }
                    }
                },
            );
            assert!(cache.len() <= CAPACITY, "{rule:?}");
            (0..CAPACITY).for_each(|key| cache.insert(10_000 + key, key));
            assert_eq!((cache.len(), cache.weight()), (CAPACITY, CAPACITY), "{rule:?}: and so many do fit");
            at_rest(&cache.sync());
        }
    }
}

fn storm<F: Kind>(rule: Rule, shards: usize) {
    let load = |&key: &u64| Ok::<_, BoxError>(Loaded::value(key).weight(key % 50));
    let cache: Of<F> = F::Of::build(weighing(rule, shards, CAPACITY).loader_fn(load));
    observed(
        THREADS,
        || look(&cache, u64::MAX),
        |thread| {
            let mut random = StdRng::seed_from_u64(thread as u64);
            for _ in 0..CALLS {
                let key = random.random_range(0..200);
                match random.random_range(0..100) {
                    0..45 => cache.insert(key, random.random_range(0..30)),
                    45..47 => cache.insert(key, random.random_range(0..=CAPACITY + 1)),
                    47..49 => cache.insert(key, CAPACITY),
                    49..55 => drop(cache.remove(&key)),
                    55..75 => drop(cache.fetch_with(&key).expect("the loader brings it")),
                    75..80 => drop(cache.refresh(&key).expect("the loader brings it")),
                    99 if key == 0 => cache.clear(),
                    _ => drop(cache.fetch(&key)),
                }
            }
        },
    );
    at_rest(&cache.sync());
    assert_eq!(cache.entries().len() as u64, cache.len(), "{rule:?}");
}

fn g14_a_storm_of_weighted_calls_never_exceeds_the_capacity<F: Kind>() {
    for rule in rules() {
        for shards in [1, 4] {
            storm::<F>(rule, shards);
        }
    }
}

/// Each needs all the room, and so all of what the others have.
fn g14_writers_of_the_whole_capacity_all_get_on<F: Kind>() {
    const ROUNDS: u64 = 400;
    for rule in rules() {
        for shards in [1, 16] {
            let load = |_: &u64| Ok::<_, BoxError>(CAPACITY);
            let cache: Of<F> = F::Of::build(weighing(rule, shards, CAPACITY).loader_fn(load));
            observed(
                THREADS,
                || look(&cache, 1),
                |thread| {
                    for round in 0..ROUNDS {
                        let key = thread as u64 + round % 16 * 4;
                        match thread {
                            0 => drop(cache.fetch_with(&key).expect("the loader brings it")),
                            _ => cache.insert(key, CAPACITY - round % 2),
                        }
                    }
                },
            );
            assert!(cache.len() == 1 || rule.keeps(), "{rule:?}: one is left");
            at_rest(&cache.sync());
        }
    }
}

crate::on_every_face_in_time!(
    g14_single_entries_never_exceed_the_capacity,
    g14_a_storm_of_weighted_calls_never_exceeds_the_capacity,
    g14_writers_of_the_whole_capacity_all_get_on,
);
