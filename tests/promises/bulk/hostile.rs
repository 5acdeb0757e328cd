//! Keys that panic, compare as nothing else does, or collide.

use crate::faces::{Face, Kind};
use crate::hush::{ON_PURPOSE, caught};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{Cache, CacheBuilder, LoadErrorKind};
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// A key that panics in `Eq` when told to, and calls the cache when it is dropped.
#[derive(Clone)]
struct Trap {
    number: u32,
    traps: &'static Traps,
}

#[derive(Default)]
struct Traps {
    eq: AtomicBool,
    drop: AtomicBool,
    cache: OnceLock<Cache<Trap, u32>>,
}

impl Traps {
    fn key(&'static self, number: u32) -> Trap {
        Trap { number, traps: self }
    }
}

impl Hash for Trap {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl PartialEq for Trap {
    fn eq(&self, other: &Self) -> bool {
        assert!(!self.traps.eq.load(Ordering::Relaxed), "{ON_PURPOSE}");
        self.number == other.number
    }
}

impl Eq for Trap {}

impl Drop for Trap {
    fn drop(&mut self) {
        if self.traps.drop.swap(false, Ordering::Relaxed) {
            self.traps.eq.store(false, Ordering::Relaxed);
            if let Some(cache) = self.traps.cache.get() {
                // From under the shard's lock this would never come back.
                cache.insert(Trap { number: 1_000, traps: self.traps }, 1);
            }
        }
    }
}

fn g6_bulk_a_key_whose_eq_panics_is_dropped_under_no_lock<F: Kind>() {
    let traps: &'static Traps = Box::leak(Box::default());
    let cache: F::Of<Trap, u32> = F::Of::build(CacheBuilder::new().shards(1));
    assert!(traps.cache.set(cache.sync()).is_ok(), "it is set once");
    cache.insert(traps.key(1), 1);
    let items: Vec<_> = (1..4).map(|number| (traps.key(number), 10)).collect();
    traps.eq.store(true, Ordering::Relaxed);
    traps.drop.store(true, Ordering::Relaxed);
    caught(|| cache.multi_insert(items)).expect_err("the key's `Eq` panics");
    assert!(!traps.drop.load(Ordering::Relaxed), "a key was dropped");
    assert_eq!(cache.peek(&traps.key(1_000)).as_deref(), Some(&1));
    at_rest(&cache.sync());
}

/// Equal to nothing.
#[derive(Clone, Copy)]
struct Nothing(u32);

impl Hash for Nothing {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for Nothing {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

impl Eq for Nothing {}

fn g18_bulk_keys_that_equal_nothing_end<F: Kind>() {
    let load = |keys: &[Nothing]| bellwether::ok(keys.iter().map(|key| (*key, key.0)).collect::<Vec<_>>());
    let cache: F::Of<Nothing, u32> = F::Of::build(CacheBuilder::new().bulk_loader_fn(load).shards(1).capacity(8));
    for _ in 0..10 {
        let found = cache.multi_fetch_with(&[Nothing(1), Nothing(2), Nothing(1)]);
        assert_eq!(found.len(), 3);
        // What was put can't be told to be one of those that were asked for.
        let kinds: Vec<_> = found.iter().map(|(_, result)| result.as_ref().map_err(|error| error.kind()).err()).collect();
        assert_eq!(kinds, [Some(LoadErrorKind::Absent); 3]);
        assert_eq!(cache.multiget(&[Nothing(1)]).len(), 0);
        cache.multi_insert(vec![(Nothing(1), 5), (Nothing(1), 6)]);
        assert_eq!((cache.multi_invalidate(&[Nothing(1)]), cache.multi_remove(&[Nothing(2)]).len()), (0, 0));
        assert!(cache.len() <= 8);
    }
    at_rest(&cache.sync());
}

on_every_face_in_time!(g6_bulk_a_key_whose_eq_panics_is_dropped_under_no_lock, g18_bulk_keys_that_equal_nothing_end);
