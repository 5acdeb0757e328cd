//! Walks while threads write: every entry that stays is met just once, by every way, under every policy.

use super::walks::Walk;
use super::{Of, holding};
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::policies::rules;
use crate::rest::at_rest;
use crate::together::observed;
use bellwether::CacheBuilder;
use std::collections::BTreeMap;

/// Keys below stay; all others come and go.
const STAY: u64 = 2_000;
const ALL: u64 = 6_000;

/// Checks a walk that was made while others came and went.
fn check(walk: Walk, met: Vec<(u64, std::sync::Arc<u64>)>) {
    let mut times = BTreeMap::new();
    met.into_iter().for_each(|(key, _)| *times.entry(key).or_insert(0) += 1);
    let missed = (0..STAY).filter(|key| !times.contains_key(key)).count();
    assert_eq!(missed, 0, "{walk:?} misses {missed} that stayed");
    // A page remembers nothing of those before it.
    let once = |&(&key, &times): &(&u64, &i32)| times == 1 || (key >= STAY && matches!(walk, Walk::Pages(_)));
    assert!(times.iter().all(|entry| once(&entry)), "{walk:?} meets some twice");
}

fn churn(cache: &impl Face<u64, u64>, thread: usize, rounds: u64) {
    let mut seed = thread as u64 + 1;
    for _ in 0..rounds {
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

fn entries_that_stay_are_met_once_while_threads_write<F: Kind>() {
    let rounds = if cfg!(debug_assertions) { 10_000 } else { 50_000 };
    for shards in [1, 4] {
        let cache = holding::<F>(shards, 0..STAY);
        for walk in [Walk::Iter, Walk::Batches(1), Walk::Snapshot, Walk::Pages(100), Walk::Stream, Walk::Hottest, Walk::Coldest] {
            observed(2, || check(walk, walk.all::<F, _, _>(&cache)), |thread| churn(&cache, thread, rounds));
        }
        at_rest(&cache.sync());
    }
}

fn every_policy_tells_of_all_that_stays_while_threads_write<F: Kind>() {
    let rounds = if cfg!(debug_assertions) { 3_000 } else { 30_000 };
    for rule in rules() {
        // More than is ever held, so that nothing is evicted; and bounded, so that policies keep their queues.
        let cache = Of::<F>::build(rule.apply(CacheBuilder::new().shards(1).capacity(ALL * 2)));
        (0..STAY).for_each(|key| cache.insert(key, key));
        for walk in [Walk::Hottest, Walk::Coldest] {
            observed(2, || check(walk, walk.all::<F, _, _>(&cache)), |thread| churn(&cache, thread, rounds));
        }
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(entries_that_stay_are_met_once_while_threads_write, every_policy_tells_of_all_that_stays_while_threads_write);
