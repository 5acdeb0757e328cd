//! Rings through entries: the closure that makes an entry's value is as a load of its key. `entry` itself has no error to give, and panics.

use crate::faces::{Face, Kind};
use crate::g07_cycles::elsewhere;
use crate::g07_cycles::{by_tasks, by_threads};
use crate::hush::hush;
use crate::rest::at_rest;
use bellwether::{Cache, CacheBuilder, Entry, LoadError, LoadErrorKind};
use futures::executor::block_on;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A cache whose loader of key `n` fetches key `n - 1`, by threads and by tasks.
fn downwards<F: Kind>() -> [Cache<u32, u32>; 2] {
    let threads = by_threads::<F>(CacheBuilder::new(), |cache, key| Ok(*cache.fetch_with(&(key - 1))? + 1));
    let tasks = by_tasks::<F, _>(CacheBuilder::new(), |cache, key| async move { Ok(*cache.fetch_with(&(key - 1)).await? + 1) });
    [threads.sync(), tasks.sync()]
}

fn g7_the_closure_of_an_entry_that_fetches_its_own_key_is_an_error<F: Kind>() {
    for cache in downwards::<F>() {
        for asked in [1, 4] {
            let made = cache.entry(1).or_try_insert_with(|| cache.fetch_with(&asked).map(|value| *value));
            assert_eq!(made.expect_err("the loads lead back to the entry").kind(), LoadErrorKind::Cycle, "asked for {asked}");
            // Some loads may still be about to hear of it.
            at_rest(&cache);
            assert_eq!(cache.len(), 0, "the entry was given up");
        }
        assert_eq!(*cache.entry(1).or_insert_with(|| 5), 5);
        assert_eq!(*cache.fetch_with(&4).expect("the entry is filled"), 8);
        at_rest(&cache);
    }
}

fn g7_the_future_of_an_entry_that_fetches_its_own_key_is_an_error<F: Kind>() {
    for cache in downwards::<F>() {
        let tasks = cache.to_async();
        for asked in [1, 4] {
            let made = block_on(async {
                let entry = tasks.entry(1).await;
                entry.or_try_insert_with_async(|| async { tasks.fetch_with(&asked).await.map(|value| *value) }).await
            });
            assert_eq!(made.expect_err("the loads lead back to the entry").kind(), LoadErrorKind::Cycle, "asked for {asked}");
            // Some loads may still be about to hear of it.
            at_rest(&cache);
        }
        assert_eq!(*block_on(async { tasks.entry(1).await.or_insert_with_async(|| async { 5 }).await }), 5);
        at_rest(&cache);
    }
}

/// A closure that gets its value from other keys is none.
fn g7_the_closure_of_an_entry_may_fetch_other_keys<F: Kind>() {
    for cache in downwards::<F>() {
        cache.insert(0, 3);
        let made = cache.entry(9).or_try_insert_with(|| cache.fetch_with(&4).map(|value| *value + 1));
        assert_eq!(*made.expect("it is no ring"), 8);
        at_rest(&cache);
    }
}

/// A loader that asks for the entry of the very key that it loads, or whose key leads there.
fn g7_an_entry_that_its_own_load_asks_for_panics_with_a_message<F: Kind>() {
    hush();
    let threads = by_threads::<F>(CacheBuilder::new(), |cache, key| match key {
        1 => Ok(*entered(cache, 1)),
        _ => cache.fetch_with(&1).map(|value| *value),
    });
    let tasks = by_tasks::<F, _>(CacheBuilder::new(), |cache, key| async move {
        match key {
            1 => Ok(*cache.entry(1).await.or_insert(7)),
            _ => cache.fetch_with(&1).await.map(|value| *value),
        }
    });
    for face in [threads, tasks] {
        for key in [1, 2] {
            match face.fetch_with(&key).expect_err("it would wait for itself") {
                LoadError::Panicked { message, .. } => assert!(message.contains("by the very load that it would wait for"), "{message}"),
                other => panic!("it is an error of another kind: {other}"),
            }
            at_rest(&face.sync());
        }
        // `try_entry` waits for nobody.
        assert!(matches!(face.sync().try_entry(1), Some(Entry::Vacant(_))));
        at_rest(&face.sync());
    }
}

fn entered(cache: &Cache<u32, u32>, key: u32) -> std::sync::Arc<u32> {
    cache.entry(key).or_insert(7)
}

/// The closure of an entry that asks for the same entry again.
fn g7_an_entry_inside_its_own_closure_panics_and_is_given_up<F: Kind>() {
    hush();
    for cache in downwards::<F>() {
        let inside = catch_unwind(AssertUnwindSafe(|| cache.entry(1).or_insert_with(|| *entered(&cache, 1))));
        assert!(inside.is_err(), "it would wait for itself");
        assert_eq!(*entered(&cache, 1), 7);
        at_rest(&cache);
    }
}

/// Two entries whose makers ask for each other's keys: one hears of it, and the other gets on with what that one makes of it.
fn g7_two_entries_that_wait_for_each_other_are_a_ring<F: Kind>() {
    let cache = downwards::<F>()[0].clone();
    for round in 0..50 {
        let (one, two) = (2 * round + 1_000, 2 * round + 1_001);
        let both = std::sync::Barrier::new(2);
        let results = crate::together::together(2, |who| {
            let (own, other) = if who == 0 { (one, two) } else { (two, one) };
            let entry = cache.entry(own);
            both.wait();
            entry.or_try_insert_with(|| match cache.fetch_with(&other) {
                Ok(value) => Ok(*value + 1),
                Err(error) if error.kind() == LoadErrorKind::Cycle => Ok(10),
                Err(error) => Err(error),
            })
        });
        let mut made: Vec<u32> = results.into_iter().map(|made| *made.expect("no other error comes")).collect();
        made.sort_unstable();
        assert_eq!(made, [10, 11], "round {round}");
    }
    at_rest(&cache);
}

/// The holder of an entry is nobody's load: who waits for it is no ring, however it gets its value.
fn g7_a_load_that_waits_for_an_entry_is_no_ring<F: Kind>() {
    for cache in downwards::<F>() {
        let entry = cache.entry(1);
        let Entry::Vacant(vacant) = entry else { panic!("nothing is held") };
        let waiting = crate::apart::apart(&cache, |cache| cache.fetch_with(&3));
        crate::gate::until("the load waits for the entry", || cache.metrics().waiters >= 2);
        let other = block_on(elsewhere({
            let tasks = cache.to_async();
            async move { tasks.fetch_or_load(&50, || async { bellwether::ok(4) }).await }
        }));
        vacant.insert(*other.expect("it is no ring"));
        assert_eq!(*waiting.result().expect("the entry is filled"), 6);
        at_rest(&cache);
    }
}

crate::on_every_face_in_time!(
    g7_the_closure_of_an_entry_that_fetches_its_own_key_is_an_error,
    g7_the_future_of_an_entry_that_fetches_its_own_key_is_an_error,
    g7_the_closure_of_an_entry_may_fetch_other_keys,
    g7_an_entry_that_its_own_load_asks_for_panics_with_a_message,
    g7_an_entry_inside_its_own_closure_panics_and_is_given_up,
    g7_two_entries_that_wait_for_each_other_are_a_ring,
    g7_a_load_that_waits_for_an_entry_is_no_ring,
);
