//! Loads and the listener: what a load that lands takes the place of, what a refresh does, and what comes too late.

use crate::g15_listener::ear::Ear;
use crate::gate::until;
use crate::in_every_way;
use crate::rest::at_rest;
use crate::ways::Way;
use bellwether::{Cache, CacheBuilder, Loaded, MockClock, RemovalCause};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const LIFE: Duration = Duration::from_secs(10);

struct Scene {
    cache: Cache<u32, u32>,
    ear: Ear<u32>,
    clock: MockClock,
    /// Whether loads come to nothing.
    mood: Arc<AtomicU32>,
}

/// Each load brings a value of its own: a number from 100 on; or as the mood is.
fn scene(way: Way, set: impl FnOnce(CacheBuilder<u32, u32>) -> CacheBuilder<u32, u32>) -> Scene {
    let (ear, clock, mood) = (Ear::new(), MockClock::new(), Arc::new(AtomicU32::new(0)));
    let (next, own) = (Arc::new(AtomicU32::new(100)), Arc::clone(&mood));
    let load = move |_: &u32| match own.load(Ordering::SeqCst) {
        0 => Loaded::ok(next.fetch_add(1, Ordering::SeqCst)),
        1 => Ok(Loaded::absent()),
        2 => Ok(Loaded::unchanged()),
        3 => Ok(Loaded::value(7).uncached()),
        4 => Ok(Loaded::value(8).weight(1_000)),
        _ => Err("no".into()),
    };
    let builder = CacheBuilder::new().capacity(10).shards(1).clock(clock.clone()).listener(ear.clone());
    let builder = if way == Way::Blocking {
        builder.loader_fn(load)
    } else {
        builder.async_loader_fn(move |key: u32| {
            let answer = load(&key);
            async move { answer }
        })
    };
    Scene { cache: way.build(set(builder)), ear, clock, mood }
}

impl Scene {
    fn hears(&self, what: &str, expected: &[(u32, &Arc<u32>, RemovalCause)]) {
        // A load may hand its value out a moment before it tells.
        until(what, || self.ear.len() >= expected.len());
        at_rest(&self.cache);
        self.ear.heard(what, expected);
    }

    fn held(&self, key: u32) -> Arc<u32> {
        self.cache.peek(&key).expect("it is held")
    }
}

fn g15_a_load_that_lands_replaces_what_is_over_or_held(way: Way) {
    let scene = scene(way, |builder| builder.time_to_live(LIFE).no_janitor());
    way.fetch_with(&scene.cache, &1).expect("loads succeed");
    let first = scene.held(1);
    scene.clock.advance(LIFE);
    way.fetch_with(&scene.cache, &1).expect("loads succeed");
    scene.hears("a load after the end", &[(1, &first, RemovalCause::Expired)]);
    let second = scene.held(1);
    way.refresh(&scene.cache, &1).expect("loads succeed");
    scene.hears("a refresh", &[(1, &second, RemovalCause::Replaced)]);
    let third = scene.held(1);
    for (mood, cause) in [(2, None), (5, None), (1, Some(RemovalCause::Absent))] {
        scene.mood.store(mood, Ordering::SeqCst);
        drop(way.refresh(&scene.cache, &1));
        let left = cause.map(|cause| (1, &third, cause));
        scene.hears("a refresh without a value", left.as_slice());
        assert_eq!(scene.cache.contains_key(&1), cause.is_none());
    }
}

fn g15_a_refresh_whose_value_is_not_stored_takes_the_old_one_along(way: Way) {
    for (mood, own) in [(3, None), (4, Some(RemovalCause::Rejected))] {
        let scene = scene(way, |builder| builder);
        scene.cache.insert(1, 10);
        let old = scene.held(1);
        scene.mood.store(mood, Ordering::SeqCst);
        let brought = way.refresh(&scene.cache, &1).expect("it is delivered");
        let left = [Some((1, &old, RemovalCause::Replaced)), own.map(|cause| (1, &brought, cause))];
        scene.hears("not stored", &left.into_iter().flatten().collect::<Vec<_>>());
        assert!(!scene.cache.contains_key(&1));
    }
}

fn g15_a_background_refresh_tells_of_the_stale_value(way: Way) {
    let scene = scene(way, |builder| builder.time_to_live(LIFE).stale_while_revalidate(LIFE));
    way.fetch_with(&scene.cache, &1).expect("loads succeed");
    let stale = scene.held(1);
    scene.clock.advance(LIFE);
    let served = way.fetch_with(&scene.cache, &1).expect("the stale one is served");
    assert!(Arc::ptr_eq(&served, &stale));
    scene.hears("a refresh in the background", &[(1, &stale, RemovalCause::Replaced)]);
    let fresh = scene.held(1);
    scene.clock.advance(LIFE);
    assert!(scene.cache.peek(&1).is_none(), "stale ones aren't shown");
    scene.hears("it is still held", &[]);
    scene.clock.advance(LIFE);
    scene.hears("past the window", &[(1, &fresh, RemovalCause::Expired)]);
}

fn g15_what_a_load_evicts_is_told_before_the_next_look(way: Way) {
    let scene = scene(way, |builder| builder.capacity(2));
    for key in 0..50 {
        way.fetch_with(&scene.cache, &key).expect("loads succeed");
    }
    until("all victims are told", || scene.ear.len() == 48);
    let metrics = at_rest(&scene.cache);
    assert_eq!((metrics.loads_stored, metrics.removals(RemovalCause::Evicted)), (50, 48));
    let keys: std::collections::HashSet<_> = scene.ear.causes().into_iter().collect();
    assert!(keys.len() == 48 && keys.iter().all(|(key, cause)| *cause == RemovalCause::Evicted && !scene.cache.contains_key(key)));
}

fn g15_a_value_that_an_overtaken_load_brings_is_told_after_what_overtook_it(way: Way) {
    let scene = scene(way, |builder| builder);
    let inside = scene.cache.clone();
    let brought = way.fetch_or_load(&scene.cache, &1, move || {
        inside.insert(1, 10);
        inside.insert(1, 11);
        Ok(99)
    });
    let brought = brought.expect("it is delivered");
    assert_eq!((*brought, *scene.held(1)), (99, 11));
    until("both are told", || scene.ear.len() == 2);
    let heard = scene.ear.take();
    assert_eq!((*heard[0].1, heard[0].2), (10, RemovalCause::Replaced));
    assert!(Arc::ptr_eq(&heard[1].1, &brought) && heard[1].2 == RemovalCause::Superseded);
    let metrics = at_rest(&scene.cache);
    assert_eq!((metrics.loads_superseded, metrics.removals(RemovalCause::Superseded)), (1, 1));
}

fn g15_what_the_holder_of_an_entry_brings_too_late_or_over_a_write_is_told(way: Way) {
    let scene = scene(way, |builder| builder);
    let entry = way.entry(&scene.cache, 1);
    scene.cache.insert(1, 10);
    let brought = way.make(entry, || 20);
    // The write overtook it: the holder has its own value, the cache the write's.
    assert_eq!((*brought, *scene.held(1)), (20, 10));
    scene.hears("overtaken", &[(1, &brought, RemovalCause::Superseded)]);
    let made = way.make(way.entry(&scene.cache, 2), || 30);
    scene.hears("nothing was there", &[]);
    scene.cache.invalidate(&2);
    scene.hears("it was held", &[(2, &made, RemovalCause::Invalidated)]);
}

in_every_way!(
    g15_a_load_that_lands_replaces_what_is_over_or_held,
    g15_a_refresh_whose_value_is_not_stored_takes_the_old_one_along,
    g15_a_background_refresh_tells_of_the_stale_value,
    g15_what_a_load_evicts_is_told_before_the_next_look,
    g15_a_value_that_an_overtaken_load_brings_is_told_after_what_overtook_it,
    g15_what_the_holder_of_an_entry_brings_too_late_or_over_a_write_is_told,
);
