//! Exact capacity over shards, in every schedule.

use crate::world::{below, explore};
use bellwether::{Cache, EvictionPolicy, Loaded};

fn cache(capacity: u64, shards: usize, policy: EvictionPolicy) -> Cache<u8, u8> {
    Cache::builder().capacity(capacity).shards(shards).eviction(policy).build().expect("the settings make sense")
}

fn explore_writers(capacity: u64, write: impl Fn(&Cache<u8, u8>, u8) + Copy + Send + Sync + 'static) {
    for policy in [EvictionPolicy::Lru, EvictionPolicy::Sieve] {
        explore(move || {
            let cache = cache(capacity, 3, policy);
            let writers: Vec<_> = (0..3)
                .map(|n| {
                    let cache = cache.clone();
                    shuttle::thread::spawn(move || {
                        for round in 0..3 {
                            write(&cache, n * 3 + round);
                            assert!(cache.weight() <= capacity && cache.len() <= capacity);
                        }
                    })
                })
                .collect();
            writers.into_iter().for_each(|writer| writer.join().expect("no assertion failed"));
            cache.validate();
        });
    }
}

#[test]
fn g14_writers_of_entries_as_heavy_as_the_capacity_always_progress() {
    explore_writers(8, |cache, key| cache.insert_with(key, Loaded::value(key).weight(8)));
}

#[test]
fn g14_random_weights_never_exceed_the_capacity() {
    explore_writers(8, |cache, key| {
        let weight = below(9) as u64;
        cache.insert_with(key % 5, Loaded::value(key).weight(weight));
    });
}

#[test]
fn g14_a_replaced_value_gives_its_own_weight_back() {
    explore_writers(8, |cache, key| {
        let (first, then) = if key % 2 == 0 { (1, 3) } else { (4, 2) };
        cache.insert_with(key % 2, Loaded::value(key).weight(first));
        cache.insert_with(key % 2, Loaded::value(key).weight(then + u64::from(key > 4)));
    });
}
