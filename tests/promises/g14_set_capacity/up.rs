//! Up: the new room is there at once.

use crate::faces::{Face, Kind};
use crate::g14_set_capacity::{evicted, keys};
use crate::policies::{capacity, rules, set_capacity, try_insert};
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder};

type Of<F> = <F as Kind>::Of<u64, u64>;

const SIZES: [u64; 5] = [1, 5, 64, 300, 1_000];

fn g14_more_room_is_there_at_once_and_all_of_it<F: Kind>() {
    for rule in rules() {
        for shards in [1, 3, 16] {
            let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(0).shards(shards)));
            let mut next = 0;
            for size in SIZES {
                set_capacity::<F, _, _>(&cache, size);
                assert_eq!((capacity::<F, _, _>(&cache), cache.metrics().capacity), (size, size));
                while next < size {
                    assert_eq!(try_insert::<F, _, _>(&cache, next, next), Ok(()), "{rule:?} with {shards} shards: {next} of {size}");
                    next += 1;
                }
                assert!(keys(&cache).into_iter().eq(0..size), "{rule:?} with {shards} shards: {size} fit");
                assert_eq!((cache.weight(), evicted(&cache.metrics())), (size, 0));
                at_rest(&cache.sync());
            }
            assert_eq!(try_insert::<F, _, _>(&cache, 10_000, 1).is_ok(), !rule.keeps(), "{rule:?}: and no more");
            assert_eq!(cache.len(), SIZES[4]);
        }
    }
}

fn g14_from_small_to_without_bounds_and_back<F: Kind>() {
    for rule in rules() {
        for shards in [1, 4] {
            let load = |&key: &u64| Ok::<_, BoxError>(key);
            let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(100).shards(shards).loader_fn(load)));
            (0..200).for_each(|key| cache.insert(key, key));
            let before = evicted(&cache.metrics());
            for most in [u64::MAX - 1, u64::MAX] {
                set_capacity::<F, _, _>(&cache, most);
                assert_eq!(capacity::<F, _, _>(&cache), most);
                (1_000..4_000).for_each(|key| drop(cache.fetch_with(&key).expect("the loader brings it")));
                assert!((1_000..4_000).all(|key| cache.contains_key(&key)), "{rule:?}: all fit");
                assert_eq!((cache.len(), evicted(&cache.metrics())), (3_100, before), "{rule:?}");
            }
            for bounded in [500, 3] {
                set_capacity::<F, _, _>(&cache, bounded);
                assert_eq!((cache.len(), cache.weight(), capacity::<F, _, _>(&cache)), (bounded, bounded, bounded), "{rule:?}");
                at_rest(&cache.sync());
                (10_000..10_100).for_each(|key| cache.insert(key, key));
                assert_eq!(cache.len(), bounded, "{rule:?}: it is bounded again");
                assert_eq!(cache.contains_key(&10_099), !rule.keeps(), "{rule:?}");
            }
            at_rest(&cache.sync());
        }
    }
}

fn g14_a_cache_built_without_bounds_gets_some<F: Kind>() {
    for rule in rules() {
        let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().shards(2)));
        (0..5_000).for_each(|key| cache.insert(key, key));
        (0..5_000).for_each(|key| drop(cache.fetch(&key)));
        set_capacity::<F, _, _>(&cache, 700);
        assert_eq!((cache.len(), evicted(&cache.metrics())), (700, 4_300), "{rule:?}");
        for key in 5_000..6_000 {
            cache.insert(key, key);
            assert_eq!((cache.len(), cache.contains_key(&key)), (700, !rule.keeps()), "{rule:?}");
        }
        at_rest(&cache.sync());
    }
}

crate::on_every_face_in_time!(
    g14_more_room_is_there_at_once_and_all_of_it,
    g14_from_small_to_without_bounds_and_back,
    g14_a_cache_built_without_bounds_gets_some,
);
