//! Never short: under every policy a cache of N holds N entries of weight one, and the newest is among them.

use crate::faces::{Face, Kind};
use crate::g14_policies::{evicted, keys};
use crate::policies::{Rule, rules, try_insert};
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder};

type Of<F> = <F as Kind>::Of<u64, u64>;

const SIZES: [u64; 12] = [1, 2, 3, 7, 10, 63, 65, 100, 257, 513, 1_001, 2_000];
const SHARDS: [usize; 6] = [1, 2, 3, 8, 17, 64];
/// What comes beyond what fits.
const BEYOND: u64 = 60;

/// Each size with two numbers of shards and with the default, another two for each policy.
fn settings() -> impl Iterator<Item = (Rule, u64, Option<usize>)> {
    rules().enumerate().flat_map(|(number, rule)| {
        SIZES.into_iter().enumerate().flat_map(move |(at, size)| {
            let shards = [SHARDS[(number + at) % 6], SHARDS[(number + at + 3) % 6]];
            shards.into_iter().map(Some).chain([None]).map(move |shards| (rule, size, shards))
        })
    })
}

fn builder(rule: Rule, size: u64, shards: Option<usize>) -> CacheBuilder<u64, u64> {
    let builder = rule.apply(CacheBuilder::new().capacity(size));
    if let Some(shards) = shards { builder.shards(shards) } else { builder }
}

fn g14_n_keys_fit_in_n_under_every_policy<F: Kind>() {
    for setting @ (rule, size, shards) in settings() {
        let cache: Of<F> = F::Of::build(builder(rule, size, shards));
        for key in 0..size {
            assert_eq!(try_insert::<F, _, _>(&cache, key, key), Ok(()), "{setting:?}");
            // Some are hit, and some more than once.
            (0..key % 4).for_each(|_| drop(cache.fetch(&(key / 2))));
        }
        assert_eq!((cache.len(), cache.weight(), evicted(&cache.metrics())), (size, size, 0), "{setting:?}");
        for key in size..size + BEYOND {
            assert_eq!(try_insert::<F, _, _>(&cache, key, key).is_ok(), !rule.keeps(), "{setting:?}");
            assert_eq!((cache.len(), cache.weight()), (size, size), "{setting:?}: as many come as go");
            assert_eq!(cache.contains_key(&key), !rule.keeps(), "{setting:?}: {key} has just come");
            (0..key % 4).for_each(|_| drop(cache.fetch(&(key - key % 3))));
        }
        assert_eq!(evicted(&cache.metrics()), if rule.keeps() { 0 } else { BEYOND }, "{setting:?}");
        at_rest(&cache.sync());
    }
}

fn g14_n_loads_fit_in_n_under_every_policy<F: Kind>() {
    for setting @ (rule, size, shards) in settings().filter(|&(_, size, _)| size <= 100) {
        let load = |key: &u64| Ok::<_, BoxError>(key + 1);
        let cache: Of<F> = F::Of::build(builder(rule, size, shards).loader_fn(load));
        for key in 0..size + BEYOND {
            assert_eq!(*cache.fetch_with(&key).expect("the loader brings it"), key + 1, "{setting:?}");
            assert_eq!(cache.len(), size.min(key + 1), "{setting:?}");
            assert_eq!(cache.contains_key(&key), key < size || !rule.keeps(), "{setting:?}: {key} was just loaded");
        }
        at_rest(&cache.sync());
    }
}

/// What leaves room is filled again, whoever left it.
fn g14_room_that_was_left_is_used_again<F: Kind>() {
    const SIZE: u64 = 300;
    for rule in rules() {
        for shards in [1, 8] {
            let cache: Of<F> = F::Of::build(builder(rule, SIZE, Some(shards)));
            (0..SIZE).for_each(|key| cache.insert(key, key));
            for round in 0..20 {
                let held = keys(&cache);
                let gone: Vec<_> = held.into_iter().filter(|key| key % 5 == round % 5).collect();
                gone.iter().for_each(|key| assert!(cache.invalidate(key)));
                let before = evicted(&cache.metrics());
                (0..gone.len() as u64).for_each(|n| cache.insert((round + 1) * SIZE + n, n));
                assert_eq!((cache.len(), evicted(&cache.metrics())), (SIZE, before), "{rule:?} with {shards} shards, in round {round}");
            }
            cache.clear();
            assert_eq!((cache.len(), cache.weight()), (0, 0), "{rule:?}");
            (0..SIZE).for_each(|key| cache.insert(key, key));
            assert!(keys(&cache).into_iter().eq(0..SIZE), "{rule:?}");
            at_rest(&cache.sync());
        }
    }
}

crate::on_every_face_in_time!(
    g14_n_keys_fit_in_n_under_every_policy,
    g14_n_loads_fit_in_n_under_every_policy,
    g14_room_that_was_left_is_used_again,
);
