//! Walks while threads write: every entry that stays is met just once, by every way, under every policy.

use super::walks::Walk;
use super::{Of, holding};
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::policies::rules;
use crate::rest::at_rest;
use bellwether::CacheBuilder;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Keys below stay; all others come and go.
const STAY: u64 = 2_000;
const ALL: u64 = 6_000;

/// Checks a walk that was made while others came and went.
fn check(walk: Walk, met: Vec<(u64, Arc<u64>)>) {
    let mut times = BTreeMap::new();
    met.into_iter().for_each(|(key, _)| *times.entry(key).or_insert(0) += 1);
    let missed = (0..STAY).filter(|key| !times.contains_key(key)).count();
    assert_eq!(missed, 0, "{walk:?} misses {missed} that stayed");
    // A page remembers nothing of those before it.
    let once = |&(&key, &times): &(&u64, &i32)| times == 1 || (key >= STAY && matches!(walk, Walk::Pages(_)));
    assert!(times.iter().all(|entry| once(&entry)), "{walk:?} meets some twice");
}

/// Writes and reads until it is `over`.
fn churn(cache: &impl Face<u64, u64>, thread: u64, over: &AtomicBool) {
    let mut seed = thread + 1;
    while !over.load(Ordering::Relaxed) {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let key = (seed >> 33) % ALL;
        match (seed >> 20) % 4 {
            _ if key < STAY => match (seed >> 20) % 2 {
                0 => cache.insert(key, seed),
                _ => drop(cache.fetch(&key)),
            },
            0 => drop(cache.remove(&key)),
            1 => drop(cache.invalidate(&key)),
            _ => cache.insert(key, seed),
        }
    }
}

/// Walks so often, while two threads write.
fn check_while_written<F: Kind>(cache: &Of<F>, walks: &[Walk], times: u32) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..2 {
            let over = &over;
            scope.spawn(move || churn(cache, thread, over));
        }
        let walked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (0..times).for_each(|_| walks.iter().for_each(|&walk| check(walk, walk.all::<F, _, _>(cache))));
        }));
        over.store(true, Ordering::Relaxed);
        walked.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    at_rest(&cache.sync());
}

fn entries_that_stay_are_met_once_while_threads_write<F: Kind>() {
    let walks = [Walk::Iter, Walk::Batches(8), Walk::Snapshot, Walk::Pages(100), Walk::Stream, Walk::Hottest, Walk::Coldest];
    for shards in [1, 4] {
        check_while_written::<F>(&holding::<F>(shards, 0..STAY), &walks, 2);
    }
}

fn every_policy_tells_of_all_that_stays_while_threads_write<F: Kind>() {
    for rule in rules() {
        // More than is ever held, so that nothing is evicted; and bounded, so that policies keep their queues.
        let cache = Of::<F>::build(rule.apply(CacheBuilder::new().shards(1).capacity(ALL * 2)));
        (0..STAY).for_each(|key| cache.insert(key, key));
        check_while_written::<F>(&cache, &[Walk::Hottest, Walk::Coldest], 3);
    }
}

on_every_face_in_time!(entries_that_stay_are_met_once_while_threads_write, every_policy_tells_of_all_that_stays_while_threads_write);
