//! Calls that return when all is told: `run_maintenance`, `settle` and `close` wait for whoever is at it, and deliver what nobody is at.

use crate::apart::apart;
use crate::g15_listener::ear::Ear;
use crate::gate::{Gate, until};
use crate::in_every_way;
use crate::rest::at_rest;
use crate::together::together;
use crate::ways::Way;
use bellwether::{Cache, CacheBuilder};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What returns when all is told.
#[derive(Clone, Copy, Debug)]
enum Wait {
    Maintenance,
    Settle,
    Close,
}

const WAITS: [Wait; 3] = [Wait::Maintenance, Wait::Settle, Wait::Close];

fn wait(way: Way, wait: Wait, cache: &Cache<u32, u32>) {
    match (wait, way) {
        (Wait::Maintenance, _) => cache.run_maintenance(),
        (Wait::Settle, Way::Blocking) => cache.settle(),
        (Wait::Close, Way::Blocking) => assert!(cache.close()),
        (Wait::Settle, _) => way.wait(async { cache.to_async().settle().await }),
        (Wait::Close, _) => assert!(way.wait(async { cache.to_async().close().await })),
    }
}

/// Another thread is in the middle of telling.
fn g15_they_wait_for_whoever_is_telling(way: Way) {
    for kind in WAITS {
        let (gate, told) = (Gate::new(), Arc::new(AtomicU64::new(0)));
        let (own, count) = (gate.clone(), Arc::clone(&told));
        let cache = way.build(CacheBuilder::new().shards(1).on_removal(move |_: &u32, _: &Arc<u32>, _| {
            own.wait();
            count.fetch_add(1, Ordering::SeqCst);
        }));
        cache.insert(0, 0);
        let first = apart(&cache, |cache| assert!(cache.invalidate(&0)));
        gate.until_arrived(1);
        (0..100).for_each(|key| cache.insert(key % 4, key));
        let waiter = apart(&cache, move |cache| wait(way, kind, &cache));
        // It can't be seen to wait, only not to have returned.
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(!waiter.is_over(), "{kind:?} before all is told");
        gate.open();
        waiter.result();
        assert_eq!((told.load(Ordering::SeqCst), cache.metrics().unreported), (97, 0), "{kind:?}");
        first.result();
        at_rest(&cache);
    }
}

/// Whatever a thread sent on its way before such a call is told when it returns, whoever tells it.
fn g15_they_return_after_all_that_was_before_though_others_go_on(way: Way) {
    for kind in WAITS {
        let ear = Ear::new();
        let cache = way.build(CacheBuilder::new().shards(2).listener(ear.clone()));
        let told: std::sync::Mutex<std::collections::HashSet<u32>> = std::sync::Mutex::default();
        together(4, |n| {
            let n = u32::try_from(n).expect("few");
            for round in 0..300 {
                let stamp = n * 1_000 + round;
                cache.insert(stamp % 7, stamp);
                cache.invalidate(&(stamp % 7));
                wait(way, kind, &cache);
                let mut told = told.lock().expect("nobody panics");
                told.extend(ear.take().iter().map(|(_, value, _)| **value));
                assert!(told.contains(&stamp), "{kind:?}: {stamp} was removed or replaced before");
            }
        });
        assert_eq!(told.lock().expect("nobody panics").len(), 1_200, "{kind:?}");
        at_rest(&cache);
    }
}

/// Inside a listener they don't wait for what that listener is to be told.
fn g15_inside_a_listener_they_return(way: Way) {
    for kind in WAITS {
        let home: Arc<std::sync::OnceLock<Cache<u32, u32>>> = Arc::default();
        let (own, told) = (Arc::clone(&home), Arc::new(AtomicU64::new(0)));
        let count = Arc::clone(&told);
        let cache = way.build(CacheBuilder::new().shards(1).on_removal(move |_: &u32, _: &Arc<u32>, _| {
            count.fetch_add(1, Ordering::SeqCst);
            match kind {
                // A task can't be waited for inside another.
                Wait::Settle | Wait::Close if way == Way::OnTokio => own.get().expect("it is there").run_maintenance(),
                _ => wait(way, kind, own.get().expect("it is there")),
            }
        }));
        assert!(home.set(cache.clone()).is_ok());
        (0..50).for_each(|key| cache.insert(key % 2, key));
        cache.clear();
        wait(way, kind, &cache);
        assert_eq!(told.load(Ordering::SeqCst), 50, "{kind:?}");
        at_rest(&cache);
    }
}

/// What a listener's own writes send on their way is told, too, though nobody calls any more.
fn g15_what_a_listener_sends_on_its_way_is_told_without_another_call(way: Way) {
    let other = Ear::new();
    let far = way.build(CacheBuilder::new().shards(1).listener(other.clone()));
    let own = far.clone();
    let near = way.build(CacheBuilder::new().shards(1).on_removal(move |&key: &u32, _: &Arc<u32>, _| {
        own.insert(key, 1);
        assert!(own.invalidate(&key));
    }));
    for round in 1..=20 {
        near.insert(round, 0);
        near.clear();
        until("the other cache's is told", || other.len() == round as usize);
    }
    at_rest(&far);
    at_rest(&near);
}

in_every_way!(
    g15_they_wait_for_whoever_is_telling,
    g15_they_return_after_all_that_was_before_though_others_go_on,
    g15_inside_a_listener_they_return,
    g15_what_a_listener_sends_on_its_way_is_told_without_another_call,
);
