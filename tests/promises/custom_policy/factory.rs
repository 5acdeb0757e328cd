//! The closure that makes the policies, where it panics or calls a cache.

use crate::custom_policy::keys;
use crate::faces::{Face, Kind};
use crate::hush::{ON_PURPOSE, hush};
use crate::policies::{Oldest, set_capacity};
use crate::rest::at_rest;
use bellwether::{Cache, CacheBuilder};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

type Of<F> = <F as Kind>::Of<u64, u64>;

const SIZE: u64 = 40;

fn g18_a_factory_that_panics_leaves_a_cache_that_works<F: Kind>() {
    hush();
    for shards in [1, 4] {
        // Each second time, so that with several shards some have a policy and some have none.
        let made = Arc::new(AtomicU64::new(0));
        let ours = Arc::clone(&made);
        let builder = CacheBuilder::new().capacity(SIZE).shards(shards).custom_eviction(move |_| {
            assert!(ours.fetch_add(1, Ordering::SeqCst) % 2 == 1, "no policy {ON_PURPOSE}");
            Oldest::default()
        });
        let cache: Of<F> = F::Of::build(builder);
        assert_eq!(cache.metrics().policy_faults, (shards as u64).div_ceil(2));
        for _ in 0..3 {
            (0..SIZE).for_each(|key| cache.insert(key, key));
            assert!(keys(&cache).into_iter().eq(0..SIZE), "with {shards} shards");
            (0..SIZE).for_each(|key| drop(cache.fetch(&key)));
            for key in 100..200 {
                cache.insert(key, key);
                assert_eq!((cache.len(), cache.contains_key(&key)), (SIZE, true), "with {shards} shards");
            }
            set_capacity::<F, _, _>(&cache, 5);
            assert_eq!(cache.len(), 5);
            set_capacity::<F, _, _>(&cache, SIZE);
            at_rest(&cache.sync());
            // The next policy of each shard.
            cache.clear();
        }
        assert_eq!(made.load(Ordering::SeqCst), 4 * shards as u64);
        assert_eq!(cache.metrics().policy_faults, 2 * shards as u64);
    }
}

fn g6_a_factory_that_calls_the_cache_gets_a_panic<F: Kind>() {
    crate::hush::hush();
    let own = Arc::<OnceLock<Cache<u64, u64>>>::default();
    let ours = Arc::clone(&own);
    let builder = CacheBuilder::new().capacity(SIZE).shards(1).custom_eviction(move |_| {
        if let Some(cache) = ours.get() {
            cache.insert(1, 1);
        }
        Oldest::default()
    });
    let cache: Of<F> = F::Of::build(builder);
    assert!(own.set(cache.sync()).is_ok());
    (0..SIZE).for_each(|key| cache.insert(key, key));
    // It is called for the cleared shard, whose lock is held.
    cache.clear();
    assert_eq!((cache.len(), cache.metrics().policy_faults), (0, 1));
    (0..2 * SIZE).for_each(|key| cache.insert(key, key));
    assert_eq!(cache.len(), SIZE);
    at_rest(&cache.sync());
}

fn g14_no_policy_is_made_for_a_cache_that_ends<F: Kind>() {
    let made = Arc::new(AtomicU64::new(0));
    let ours = Arc::clone(&made);
    let cache: Of<F> = F::Of::build(CacheBuilder::new().capacity(SIZE).shards(4).custom_eviction(move |_| {
        ours.fetch_add(1, Ordering::SeqCst);
        Oldest::default()
    }));
    cache.insert(1, 1);
    cache.clear();
    assert_eq!(made.load(Ordering::SeqCst), 8, "when it was built and when it was cleared");
    drop(cache);
    assert_eq!(made.load(Ordering::SeqCst), 8);
}

crate::on_every_face_in_time!(
    g14_no_policy_is_made_for_a_cache_that_ends,
    g18_a_factory_that_panics_leaves_a_cache_that_works,
    g6_a_factory_that_calls_the_cache_gets_a_panic,
);
