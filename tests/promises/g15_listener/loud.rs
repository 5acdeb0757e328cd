//! Keys and values whose `Drop` panics, or calls the cache, once their event was told: every event is told all the same.

use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{Cache, CacheBuilder, MockClock, RemovalCause};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const LIFE: Duration = Duration::from_secs(10);

/// A value that panics when it goes, if its number is odd. It counts itself before.
struct Loud(u32, Arc<AtomicU32>);

impl Drop for Loud {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
        assert!(self.0 % 2 == 0, "{ON_PURPOSE}");
    }
}

/// Every way out, with so many entries; keys and values as `key` and `value` make them.
fn every_way_out<F: Kind, K: bellwether::Key, V: bellwether::Value>(key: impl Fn(u32) -> K, value: impl Fn(u32) -> V) {
    let (told, clock) = (Arc::new(AtomicU32::new(0)), MockClock::new());
    let count = Arc::clone(&told);
    let builder = CacheBuilder::new().capacity(50).shards(2).clock(clock.clone());
    let cache: F::Of<K, V> = F::Of::build(builder.on_removal(move |_: &K, _: &Arc<V>, _| {
        count.fetch_add(1, Ordering::SeqCst);
    }));
    let keys: Vec<K> = (0..100).map(&key).collect();
    let at = |n: u32| &keys[n as usize];
    (0..100).for_each(|n| cache.insert(at(n).clone(), value(n)));
    (0..100).for_each(|n| cache.insert(at(n).clone(), value(n)));
    assert_eq!((0..100).filter(|&n| cache.invalidate(at(n))).count(), 50);
    assert_eq!(told.load(Ordering::SeqCst), 200, "as many as were stored");
    (0..20).for_each(|n| cache.insert_with_ttl(at(n).clone(), value(n), LIFE));
    clock.advance(LIFE);
    (20..40).for_each(|n| cache.insert(at(n).clone(), value(n)));
    cache.clear();
    cache.run_maintenance();
    assert_eq!(told.load(Ordering::SeqCst), 240);
    let metrics = at_rest(&cache.sync());
    assert_eq!((metrics.unreported, metrics.listener_panics, metrics.entries), (0, 0, 0), "the panics weren't the listener's");
    keys.into_iter().for_each(|key| drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(key)))));
}

fn g15_values_that_panic_as_they_go_keep_no_event_back<F: Kind>() {
    hush();
    let drops: Arc<AtomicU32> = Arc::default();
    every_way_out::<F, u32, Loud>(|n| n, |n| Loud(n, Arc::clone(&drops)));
    assert_eq!(drops.load(Ordering::SeqCst), 240, "each is gone");
}

/// A key whose drop panics, once it is one of a record.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key(u32, Bomb);

#[derive(Default)]
struct Bomb(bool);

impl Clone for Bomb {
    fn clone(&self) -> Self {
        Self(true)
    }
}

impl PartialEq for Bomb {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Bomb {}

impl Hash for Bomb {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(!self.0, "{ON_PURPOSE}");
    }
}

fn g15_keys_that_panic_as_they_go_keep_no_event_back<F: Kind>() {
    hush();
    every_way_out::<F, Key, u32>(|n| Key(n, Bomb(false)), |n| n);
}

/// A value that calls the cache as it goes, which is while its delivery is under way.
struct Calls(u32, Arc<OnceLock<Cache<u32, Calls>>>);

impl Drop for Calls {
    fn drop(&mut self) {
        let Some(cache) = self.1.get().filter(|_| self.0 > 0) else { return };
        // More than may wait to be told.
        for n in 0..1_500 {
            cache.insert(2 + n % 2, Calls(0, Arc::clone(&self.1)));
        }
        cache.run_maintenance();
        cache.settle();
        cache.clear();
    }
}

fn g15_values_that_call_the_cache_as_they_go_do_not_wait_for_themselves<F: Kind>() {
    let home: Arc<OnceLock<Cache<u32, Calls>>> = Arc::default();
    let told: Arc<AtomicU32> = Arc::default();
    let count = Arc::clone(&told);
    let cache: F::Of<u32, Calls> = F::Of::build(CacheBuilder::new().shards(1).on_removal(move |_: &u32, _: &Arc<Calls>, cause| {
        assert!(matches!(cause, RemovalCause::Replaced | RemovalCause::Cleared));
        count.fetch_add(1, Ordering::SeqCst);
    }));
    assert!(home.set(cache.sync()).is_ok());
    for round in 1..=3 {
        cache.insert(1, Calls(1, Arc::clone(&home)));
        // The one before goes once its event is told.
        cache.insert(1, Calls(0, Arc::clone(&home)));
        cache.run_maintenance();
        until("all are told", || cache.metrics().unreported == 0);
        // Of the first key the loud value, and then what the other writes left.
        assert_eq!((told.load(Ordering::SeqCst), cache.len()), (round * 1_502, 0));
    }
    assert_eq!(at_rest(&cache.sync()).listener_panics, 0);
}

on_every_face_in_time!(
    g15_values_that_panic_as_they_go_keep_no_event_back,
    g15_keys_that_panic_as_they_go_keep_no_event_back,
    g15_values_that_call_the_cache_as_they_go_do_not_wait_for_themselves,
);
