//! Loaders that write to their own key and then fetch it: no longer their own load's key, but one that a newer load may bring.

use crate::faces::{Face, Kind};
use crate::g07_cycles::{by_tasks, by_threads};
use crate::rest::at_rest;
use bellwether::{Cache, CacheBuilder, LoadErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Loads of key 1 that each write by `write` and fetch the key again, up to load number `last`, which gives its own number. By threads and by tasks.
fn writers<F: Kind>(last: u32, write: fn(&Cache<u32, u32>)) -> [F::Of<u32, u32>; 2] {
    let loads = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&loads);
    let threads = by_threads::<F>(CacheBuilder::new(), move |cache, key| {
        let number = counted.fetch_add(1, Ordering::Relaxed);
        if number == last {
            return Ok(number);
        }
        write(cache);
        cache.fetch_with(&key).map(|value| *value)
    });
    let loads = Arc::new(AtomicU32::new(0));
    let tasks = by_tasks::<F, _>(CacheBuilder::new(), move |cache, key| {
        let number = loads.fetch_add(1, Ordering::Relaxed);
        async move {
            if number == last {
                return Ok(number);
            }
            write(&cache.to_sync());
            cache.fetch_with(&key).await.map(|value| *value)
        }
    });
    [threads, tasks]
}

fn invalidate(cache: &Cache<u32, u32>) {
    cache.invalidate(&1);
}

fn g7_a_loader_that_invalidates_its_own_key_may_fetch_it<F: Kind>() {
    for face in writers::<F>(1, invalidate) {
        assert_eq!(*face.fetch_with(&1).expect("the second load brings it"), 1);
        assert_eq!(face.peek(&1).as_deref(), Some(&1));
        let metrics = at_rest(&face.sync());
        assert_eq!((metrics.loads_started, metrics.loads_stored, metrics.loads_superseded), (2, 1, 1));
    }
}

fn g7_a_loader_that_clears_its_cache_may_fetch_its_own_key<F: Kind>() {
    for face in writers::<F>(1, Cache::clear) {
        assert_eq!(*face.fetch_with(&1).expect("the second load brings it"), 1);
        assert_eq!(at_rest(&face.sync()).loads_superseded, 1);
    }
}

fn g7_a_loader_that_inserts_its_own_key_finds_it<F: Kind>() {
    for face in writers::<F>(1, |cache| cache.insert(1, 77)) {
        assert_eq!(*face.fetch_with(&1).expect("it was inserted"), 77);
        assert_eq!(face.peek(&1).as_deref(), Some(&77));
        assert_eq!(at_rest(&face.sync()).loads_started, 1);
    }
}

fn g7_superseded_loads_may_wait_for_each_other_while_one_more_can_begin<F: Kind>() {
    for face in writers::<F>(3, invalidate) {
        assert_eq!(*face.fetch_with(&1).expect("the fourth load brings it"), 3);
        assert_eq!(at_rest(&face.sync()).loads_started, 4);
    }
}

/// At most four loads of a key run at a time: a fifth would begin when one of the four ends, and each of them waits for the next. The fourth gets
/// the error; who waits for it, overtaken as it was, looks again and may be served by the fifth.
fn g7_a_fifth_load_that_all_four_before_it_wait_for_is_a_ring<F: Kind>() {
    for face in writers::<F>(4, invalidate) {
        match face.fetch_with(&1) {
            Ok(value) => assert_eq!(*value, 4),
            Err(error) => assert_eq!(error.kind(), LoadErrorKind::Cycle),
        }
        assert!(at_rest(&face.sync()).loads_failed_by(LoadErrorKind::Cycle) >= 1, "the fourth load would never have ended");
        face.insert(1, 5);
        assert_eq!(*face.fetch_with(&1).expect("it is held"), 5);
    }
}

/// A load that was superseded fetches its own key, which a load of another's brings.
fn g7_a_superseded_load_may_join_a_newer_load_of_its_own_key<F: Kind>() {
    use crate::gate::{Gate, until};
    let (first, second) = (Gate::new(), Gate::new());
    let loads = AtomicU32::new(0);
    let gates = [first.clone(), second.clone()];
    let face = by_threads::<F>(CacheBuilder::new(), move |cache, key| match loads.fetch_add(1, Ordering::Relaxed) {
        0 => {
            gates[0].wait();
            cache.fetch_with(&key).map(|value| *value + 10)
        }
        number => {
            gates[1].wait();
            Ok(number)
        }
    });
    let old = crate::apart::apart(&face, |face| face.fetch_with(&1));
    first.until_arrived(1);
    face.invalidate(&1);
    let new = crate::apart::apart(&face, |face| face.fetch_with(&1));
    second.until_arrived(1);
    first.open();
    until("the old load waits for the new one", || face.metrics().joined == 1);
    second.open();
    assert_eq!(*new.result().expect("the second load brings it"), 1);
    assert_eq!(*old.result().expect("it is delivered"), 11);
    assert_eq!(face.peek(&1).as_deref(), Some(&1), "what the old load brought isn't stored");
    at_rest(&face.sync());
}

/// The error of a load that closed a ring stands in nobody's way: another route to the same keys brings them.
fn g7_after_a_ring_the_same_keys_can_be_loaded_by_another_route<F: Kind>() {
    let threads = by_threads::<F>(CacheBuilder::new(), |cache, key| Ok(*cache.fetch_with(&((key + 1) % 3))? + 1));
    let tasks = by_tasks::<F, _>(CacheBuilder::new(), |cache, key| async move { Ok(*cache.fetch_with(&((key + 1) % 3)).await? + 1) });
    for face in [threads, tasks] {
        assert_eq!(face.fetch_with(&0).expect_err("it is a ring").kind(), LoadErrorKind::Cycle);
        // Some loads may still be about to hear of it.
        at_rest(&face.sync());
        assert_eq!(*face.fetch_or_load(&2, || bellwether::Loaded::ok(5)).expect("it asks for nothing"), 5);
        assert_eq!(*face.fetch_with(&0).expect("the ring is open"), 7);
        face.clear();
        assert_eq!(face.fetch_with(&1).expect_err("it is a ring again").kind(), LoadErrorKind::Cycle);
        at_rest(&face.sync());
        face.insert(0, 1);
        assert_eq!(*face.fetch_with(&1).expect("the ring is open"), 3);
        at_rest(&face.sync());
    }
}

crate::on_every_face_in_time!(
    g7_a_loader_that_invalidates_its_own_key_may_fetch_it,
    g7_a_loader_that_clears_its_cache_may_fetch_its_own_key,
    g7_a_loader_that_inserts_its_own_key_finds_it,
    g7_superseded_loads_may_wait_for_each_other_while_one_more_can_begin,
    g7_a_fifth_load_that_all_four_before_it_wait_for_is_a_ring,
    g7_a_superseded_load_may_join_a_newer_load_of_its_own_key,
    g7_after_a_ring_the_same_keys_can_be_loaded_by_another_route,
);
