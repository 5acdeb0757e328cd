//! The end: what left before the last handle went is told, what is held then isn't, and the listener goes with the cache.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g15_listener::ear::Ear;
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use bellwether::{CacheBuilder, Loaded, MockClock, RemovalCause, RemovalListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

const LIFE: Duration = Duration::from_secs(10);

fn g15_what_is_held_when_the_last_handle_goes_is_not_told<F: Kind>() {
    for shards in [1, 8] {
        let ear = Ear::new();
        let cache: Of<F> = F::Of::build(CacheBuilder::new().shards(shards).listener(ear.clone()));
        (0..100).for_each(|key| cache.insert(key, key));
        (0..10).for_each(|key| assert!(cache.invalidate(&key)));
        let other = cache.clone();
        drop(cache);
        assert!(other.invalidate(&10), "another handle is there");
        drop(other);
        let mut heard = ear.causes();
        heard.sort_by_key(|(key, _)| *key);
        assert!(heard.into_iter().eq((0..=10).map(|key| (key, RemovalCause::Invalidated))));
    }
}

/// Another thread is in the middle of telling when the last handle goes: it goes on, and the handle doesn't wait for it.
fn g15_what_left_before_the_last_handle_went_is_told<F: Kind>() {
    let (gate, ear) = (Gate::new(), Ear::new());
    let (own, inner) = (gate.clone(), ear.clone());
    let cache: Of<F> = F::Of::build(CacheBuilder::new().shards(1).on_removal(move |key: &u32, value: &Arc<u32>, cause| {
        own.wait();
        inner.on_removal(key, value, cause);
    }));
    (0..100).for_each(|key| cache.insert(key, key));
    // By a load, which holds the cache but is no handle.
    let load = apart(&cache.sync(), |cache| {
        let inside = cache.clone();
        let loaded = cache.fetch_or_load(&1_000, move || {
            inside.invalidate(&0);
            Loaded::ok(1)
        });
        drop(cache);
        drop(loaded);
    });
    gate.until_arrived(1);
    (1..50).for_each(|key| assert!(cache.invalidate(&key)));
    drop(cache);
    gate.open();
    load.result();
    until("all that had left is told", || ear.len() >= 50);
    let heard: Vec<_> = ear.causes().into_iter().filter(|(key, _)| *key < 1_000).collect();
    assert!(heard.into_iter().eq((0..50).map(|key| (key, RemovalCause::Invalidated))));
}

/// What expired and was reclaimed by the janitor is told though nobody holds the cache by the time.
fn g15_what_the_janitor_reclaimed_is_told_though_the_last_handle_goes<F: Kind>() {
    let (gate, told) = (Gate::new(), Arc::new(AtomicU32::new(0)));
    let (own, count) = (gate.clone(), Arc::clone(&told));
    let cache: Of<F> = F::Of::build(CacheBuilder::new().shards(1).on_removal(move |_, _, cause| {
        own.wait();
        assert_eq!(cause, RemovalCause::Expired);
        count.fetch_add(1, Ordering::SeqCst);
    }));
    (0..100).for_each(|key| cache.insert(key, key));
    // Not by inserts, which take out what is over themselves, and tell of it.
    (0..100).for_each(|key| assert!(cache.set_ttl(&key, Duration::from_millis(300))));
    until("all are reclaimed", || cache.metrics().entries == 0);
    gate.until_arrived(1);
    drop(cache);
    gate.open();
    until("all are told", || told.load(Ordering::SeqCst) == 100);
}

/// A listener that tells when it goes.
struct Owned(Arc<()>);

impl RemovalListener<u32, u32> for Owned {
    fn on_removal(&self, _key: &u32, _value: &Arc<u32>, _cause: RemovalCause) {
        let _owned = &self.0;
    }
}

fn g15_the_listener_goes_with_the_cache<F: Kind>() {
    for mock in [false, true] {
        let token = Arc::new(());
        let clock = MockClock::new();
        let builder = CacheBuilder::new().time_to_live(LIFE).listener(Owned(Arc::clone(&token)));
        let builder = if mock { builder.clock(clock.clone()) } else { builder };
        let cache: Of<F> = F::Of::build(builder.loader_fn(|key: &u32| Ok::<_, bellwether::BoxError>(*key)));
        (0..10_000).for_each(|key| cache.insert(key % 100, key));
        assert!(cache.fetch_with(&1_000).is_ok() && cache.refresh(&1).is_ok());
        clock.advance(LIFE);
        cache.clear();
        drop(cache);
        until("the listener is gone", || Arc::strong_count(&token) == 1);
        drop(clock);
    }
}

/// Values that were told and that nobody keeps are gone with the event, and so is what the queue held when the cache went.
fn g15_no_value_outlives_its_event<F: Kind>() {
    let token = Arc::new(());
    let seen = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&seen);
    let cache: F::Of<u32, Arc<()>> = F::Of::build(CacheBuilder::new().shards(2).on_removal(move |_, value: &Arc<Arc<()>>, _| {
        assert_eq!(Arc::strong_count(value), 1, "it is the last of it");
        count.fetch_add(1, Ordering::SeqCst);
    }));
    (0..1_000).for_each(|key| cache.insert(key % 10, Arc::clone(&token)));
    assert_eq!((Arc::strong_count(&token), seen.load(Ordering::SeqCst)), (11, 990));
    cache.clear();
    assert_eq!((Arc::strong_count(&token), seen.load(Ordering::SeqCst)), (1, 1_000));
    assert_eq!(cache.metrics().listener_panics, 0);
}

on_every_face_in_time!(
    g15_what_is_held_when_the_last_handle_goes_is_not_told,
    g15_what_left_before_the_last_handle_went_is_told,
    g15_what_the_janitor_reclaimed_is_told_though_the_last_handle_goes,
    g15_the_listener_goes_with_the_cache,
    g15_no_value_outlives_its_event,
);
