//! Loaders that call the cache that they load for.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Style};
use bellwether::{BoxError, Cache, CacheBuilder, Loaded};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

/// A face whose loader does `meddle` with its own cache, then brings the load's number, from 1.
fn meddling<F: Kind>(style: Style, meddle: fn(&Cache<u32, u32>, u32)) -> F::Of<u32, u32> {
    let way_back: Arc<OnceLock<Cache<u32, u32>>> = Arc::default();
    let (cache, loads) = (Arc::clone(&way_back), AtomicU32::new(0));
    let load = move |key: u32| {
        meddle(cache.get().expect("the cache is built before it loads"), key);
        Loaded::ok(1 + loads.fetch_add(1, Ordering::Relaxed))
    };
    let builder = CacheBuilder::new().shards(1).capacity(4);
    let face = F::Of::build(match style {
        Style::Blocking => builder.loader_fn(move |&key: &u32| load(key)),
        Style::Async => {
            let load = Arc::new(load);
            builder.async_loader_fn(move |key: u32| {
                let load = Arc::clone(&load);
                async move { load(key) }
            })
        }
    });
    assert!(way_back.set(face.sync()).is_ok(), "it is set once");
    face
}

fn g6_a_loader_may_invalidate_its_own_key<F: Kind>() {
    for style in BOTH {
        let cache = meddling::<F>(style, |cache, key| assert!(!cache.invalidate(&key)));
        assert_eq!(*cache.fetch_with(&7).expect("it is delivered"), 1, "{style:?}");
        assert!(!cache.contains_key(&7), "{style:?}: what it overtook itself isn't stored");
        assert_eq!(*cache.fetch_with(&7).expect("it is delivered"), 2, "{style:?}");
        assert_eq!(at_rest(&cache.sync()).loads_superseded, 2);
    }
}

fn g6_a_loader_may_insert_its_own_key<F: Kind>() {
    for style in BOTH {
        let cache = meddling::<F>(style, |cache, key| cache.insert(key, 500));
        assert_eq!(*cache.fetch_with(&7).expect("it is delivered"), 1, "{style:?}");
        assert_eq!(*cache.fetch_with(&7).expect("it is held"), 500, "{style:?}: the write stands");
        assert_eq!(at_rest(&cache.sync()).loads_started, 1);
    }
}

fn g6_a_loader_may_clear_its_cache_and_write_to_other_keys<F: Kind>() {
    for style in BOTH {
        let cache = meddling::<F>(style, |cache, key| {
            (100..120).for_each(|other| cache.insert(other, other));
            cache.clear();
            cache.insert(key + 1, 500);
        });
        assert_eq!(*cache.fetch_with(&7).expect("it is delivered"), 1, "{style:?}");
        assert_eq!(cache.entries().into_iter().map(|(key, value)| (key, *value)).collect::<Vec<_>>(), [(8, 500)], "{style:?}");
        at_rest(&cache.sync());
    }
}

fn g6_a_loader_may_read_its_own_key_and_walk_its_cache<F: Kind>() {
    for style in BOTH {
        let cache = meddling::<F>(style, |cache, key| {
            assert!(cache.fetch(&key).is_none() && cache.peek(&key).is_none() && !cache.contains_key(&key));
            assert_eq!((cache.get(&key, |_| ()), cache.iter().count(), cache.len()), (None, 1, 1));
        });
        cache.insert(1, 10);
        assert_eq!(*cache.fetch_with(&7).expect("it is stored"), 1, "{style:?}");
        assert!(cache.contains_key(&7));
        at_rest(&cache.sync());
    }
}

/// Each number is the sum of the two before it, which the loader fetches from its own cache. Several callers at once, so that loads
/// wait for the loads of other callers.
fn g6_loaders_may_load_other_keys_of_their_own_cache<F: Kind>() {
    for style in BOTH {
        let way_back: Arc<OnceLock<Cache<u32, u64>>> = Arc::default();
        let cache = Arc::clone(&way_back);
        let builder = CacheBuilder::new().shards(1);
        let face = F::Of::build(match style {
            Style::Blocking => builder.loader_fn(move |&key: &u32| {
                let cache = cache.get().expect("the cache is built before it loads");
                if key < 2 {
                    Loaded::ok(u64::from(key))
                } else {
                    Loaded::ok(*cache.fetch_with(&(key - 1))? + *cache.fetch_with(&(key - 2))?)
                }
            }),
            Style::Async => builder.async_loader_fn(move |key: u32| {
                let cache = cache.get().expect("the cache is built before it loads").to_async();
                async move {
                    let sum =
                        if key < 2 { u64::from(key) } else { *cache.fetch_with(&(key - 1)).await? + *cache.fetch_with(&(key - 2)).await? };
                    Ok::<_, BoxError>(sum)
                }
            }),
        });
        assert!(way_back.set(face.sync()).is_ok(), "it is set once");
        let callers: Vec<_> = (0..8).map(|caller| apart(&face, move |face| face.fetch_with(&(40 - caller)))).collect();
        let sums: Vec<u64> = callers.into_iter().map(|caller| *caller.result().expect("the loaders bring it")).collect();
        assert_eq!(sums, [102_334_155, 63_245_986, 39_088_169, 24_157_817, 14_930_352, 9_227_465, 5_702_887, 3_524_578], "{style:?}");
        assert_eq!(at_rest(&face.sync()).loads_started, 41, "{style:?}: one for each number");
    }
}

fn g6_a_closure_may_call_the_cache_that_it_loads_for<F: Kind>() {
    let cache = F::Of::<u32, u32>::build(CacheBuilder::new().shards(1).loader_fn(|&key: &u32| bellwether::ok(key)));
    let own = cache.sync();
    let closure = move || {
        own.insert(7, 500);
        own.invalidate(&7);
        own.clear();
        Loaded::ok(*own.fetch_with(&8)? + *own.fetch_or_load(&9, || bellwether::ok(9))?)
    };
    assert_eq!(*cache.fetch_or_load(&7, closure).expect("it is delivered"), 17);
    assert!(!cache.contains_key(&7), "what it overtook itself isn't stored");
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g6_a_loader_may_invalidate_its_own_key,
    g6_a_loader_may_insert_its_own_key,
    g6_a_loader_may_clear_its_cache_and_write_to_other_keys,
    g6_a_loader_may_read_its_own_key_and_walk_its_cache,
    g6_loaders_may_load_other_keys_of_their_own_cache,
    g6_a_closure_may_call_the_cache_that_it_loads_for,
);
