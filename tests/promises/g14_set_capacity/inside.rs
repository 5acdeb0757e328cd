//! From inside users' own code: listeners, loaders, weighers and values that go.

use crate::faces::{Face, Kind};
use crate::g14_set_capacity::evicted;
use crate::policies::{capacity, rules, set_capacity};
use crate::rest::at_rest;
use bellwether::{BoxError, Cache, CacheBuilder, RemovalCause};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

type Of<F> = <F as Kind>::Of<u64, u64>;

/// A place for a cache that its own parts call.
type Own = Arc<OnceLock<Cache<u64, u64>>>;

fn own() -> (Own, Own) {
    let own = Own::default();
    (Arc::clone(&own), own)
}

fn set<C: Face<u64, u64>>(own: &Own, cache: &C) {
    assert!(own.set(cache.sync()).is_ok());
}

/// Each departure makes the cache smaller by one, until nothing is left.
fn g14_a_listener_may_shrink_the_cache<F: Kind>() {
    for rule in rules() {
        for shards in [1, 4] {
            let (ours, cell) = own();
            let told = Arc::new(AtomicU64::new(0));
            let counted = Arc::clone(&told);
            let listen = move |_: &u64, _: &Arc<u64>, _: RemovalCause| {
                counted.fetch_add(1, Ordering::SeqCst);
                let cache = ours.get().expect("set before anything leaves");
                cache.set_capacity(cache.capacity().saturating_sub(1));
            };
            let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(200).shards(shards).on_removal(listen)));
            set(&cell, &cache);
            (0..200).for_each(|key| cache.insert(key, key));
            assert!(cache.invalidate(&7));
            cache.run_maintenance();
            // One was removed, which left room for the first smaller capacity.
            let (size, told) = (capacity::<F, _, _>(&cache), told.load(Ordering::SeqCst));
            assert!(cache.weight() <= size, "{rule:?}");
            assert_eq!(told, 200 - cache.len(), "{rule:?}: each that left is told");
            assert_eq!(size, 200 - told, "{rule:?}: and each made the cache smaller");
            at_rest(&cache.sync());
        }
    }
}

/// A cache that grows whenever something is evicted.
fn g14_a_listener_may_let_the_cache_grow<F: Kind>() {
    for rule in rules().filter(|rule| !rule.keeps()) {
        let (ours, cell) = own();
        let listen = move |_: &u64, _: &Arc<u64>, _: RemovalCause| {
            let cache = ours.get().expect("set before anything leaves");
            cache.set_capacity(cache.capacity() + 10);
        };
        let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(10).shards(2).on_removal(listen)));
        set(&cell, &cache);
        (0..1_000).for_each(|key| cache.insert(key, key));
        cache.run_maintenance();
        let gone = evicted(&cache.metrics());
        assert!((1..=100).contains(&gone), "{rule:?}: {gone} had to go");
        assert_eq!((capacity::<F, _, _>(&cache), cache.len()), (10 + 10 * gone, 1_000 - gone), "{rule:?}");
        at_rest(&cache.sync());
    }
}

fn g14_loaders_and_weighers_may_change_the_capacity<F: Kind>() {
    for rule in rules() {
        let (ours, cell) = own();
        let theirs = Arc::clone(&cell);
        let load = move |&key: &u64| {
            let cache = ours.get().expect("set before anything is loaded");
            cache.set_capacity(50 + key % 100);
            Ok::<_, BoxError>(key)
        };
        let weigh = move |&key: &u64, _: &u64| {
            let cache = theirs.get().expect("set before anything is weighed");
            cache.set_capacity(40 + key % 70);
            1
        };
        let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(100).shards(3).loader_fn(load).weigher(weigh)));
        set(&cell, &cache);
        for key in 0..500 {
            assert_eq!(*cache.fetch_with(&key).expect("the loader brings it"), key);
            assert!(cache.contains_key(&key) || rule.keeps(), "{rule:?}: {key} was just loaded");
            assert_eq!(capacity::<F, _, _>(&cache), 40 + key % 70, "{rule:?}: it is weighed last");
            assert!(cache.weight() <= 40 + key % 70, "{rule:?}");
        }
        at_rest(&cache.sync());
    }
}

/// A value that sets the capacity as it goes: it goes under no lock.
struct Setter {
    own: Arc<OnceLock<Cache<u64, Self>>>,
    to: u64,
}

impl Drop for Setter {
    fn drop(&mut self) {
        if let Some(cache) = self.own.get() {
            cache.set_capacity(self.to);
        }
    }
}

fn g14_a_value_may_change_the_capacity_as_it_goes<F: Kind>() {
    for rule in rules() {
        let own = Arc::new(OnceLock::new());
        let cache: F::Of<u64, Setter> = F::Of::build(rule.apply(CacheBuilder::new().capacity(300).shards(2)));
        let weak = cache.sync();
        (0..300).for_each(|key| cache.insert(key, Setter { own: Arc::clone(&own), to: 300 - key }));
        assert!(own.set(weak).is_ok());
        set_capacity::<F, _, _>(&cache, 290);
        assert!(cache.weight() <= capacity::<F, _, _>(&cache), "{rule:?}");
        at_rest(&cache.sync());
        // Else the values keep the cache, and the cache its values.
        cache.clear();
    }
}

crate::on_every_face_in_time!(
    g14_a_listener_may_shrink_the_cache,
    g14_a_listener_may_let_the_cache_grow,
    g14_loaders_and_weighers_may_change_the_capacity,
    g14_a_value_may_change_the_capacity_as_it_goes,
);
