//! Many that leave at once, by `clear` or a smaller capacity: each is told, and none after what its key had later.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g15_listener::ear::Ear;
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{CacheBuilder, RemovalCause, RemovalListener};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

type Of<F> = <F as Kind>::Of<u32, u32>;

const ENTRIES: u32 = 5_000;

fn g15_what_is_cleared_is_told_one_by_one_and_before_what_comes_later<F: Kind>() {
    for shards in [1, 4] {
        let (gate, ear) = (Gate::new(), Ear::new());
        let (own, inner) = (gate.clone(), ear.clone());
        let cache: Of<F> = F::Of::build(CacheBuilder::new().shards(shards).on_removal(move |key: &u32, value: &Arc<u32>, cause| {
            own.wait();
            inner.on_removal(key, value, cause);
        }));
        (0..ENTRIES).for_each(|key| cache.insert(key, key));
        let clears = apart(&cache.sync(), |cache| cache.clear());
        gate.until_arrived(1);
        let first = cache.sync();
        // The first shard is cleared, and its events are all one letter: there is room for more.
        let cleared: Vec<u32> = (0..ENTRIES).filter(|key| !first.contains_key(key)).take(200).collect();
        assert_eq!(cleared.len(), 200);
        for &key in &cleared {
            cache.insert(key, key + ENTRIES);
            assert!(cache.invalidate(&key));
        }
        gate.open();
        clears.result();
        cache.run_maintenance();
        let mut of_key: HashMap<u32, Vec<(u32, RemovalCause)>> = HashMap::new();
        ear.take().into_iter().for_each(|(key, value, cause)| of_key.entry(key).or_default().push((*value, cause)));
        assert_eq!(of_key.len(), ENTRIES as usize);
        for (key, told) in of_key {
            let both = [(key, RemovalCause::Cleared), (key + ENTRIES, RemovalCause::Invalidated)];
            assert_eq!(told, both[..if cleared.contains(&key) { 2 } else { 1 }], "key {key}");
        }
        assert_eq!(at_rest(&cache.sync()).unreported, 0);
    }
}

fn g15_many_clears_against_writers_lose_nothing<F: Kind>() {
    let ear = Ear::new();
    let cache: Of<F> = F::Of::build(CacheBuilder::new().shards(4).listener(ear.clone()));
    let stored = crate::together::together(4, |n| {
        let n = u32::try_from(n).expect("few");
        for round in 0..2_000 {
            cache.insert(round % 50, n * 10_000 + round);
            if round % 100 == 99 {
                cache.clear();
            }
        }
    });
    cache.clear();
    cache.run_maintenance();
    let heard = ear.take();
    let values: HashSet<u32> = heard.iter().map(|(_, value, _)| **value).collect();
    assert_eq!((heard.len(), values.len()), (2_000 * stored.len(), 2_000 * stored.len()), "each once");
    at_rest(&cache.sync());
}

/// A capacity that shrinks evicts, and each victim is told; one that grows evicts nothing.
fn g15_what_a_smaller_capacity_evicts_is_told<F: Kind>() {
    for shards in [1, 4] {
        let ear = Ear::new();
        let cache: Of<F> = F::Of::build(CacheBuilder::new().shards(shards).capacity(u64::from(ENTRIES)).listener(ear.clone()));
        (0..ENTRIES).for_each(|key| cache.insert(key, key));
        let sync = cache.sync();
        let mut expected = 0;
        for capacity in [ENTRIES, 3_000, 4_000, 10, 0] {
            sync.set_capacity(u64::from(capacity));
            let held = ENTRIES.min(capacity).min(ENTRIES - expected);
            let heard = ear.take();
            assert!(heard.iter().all(|(key, value, cause)| *key == **value && *cause == RemovalCause::Evicted));
            let keys: HashSet<u32> = heard.iter().map(|(key, ..)| *key).collect();
            assert_eq!(keys.len(), heard.len());
            expected += u32::try_from(heard.len()).expect("few");
            assert_eq!((expected, cache.len()), (ENTRIES - held, u64::from(held)), "capacity {capacity}");
        }
        at_rest(&sync);
    }
}

/// What one clear takes waits as a whole, and the next one waits for that: else memory had no bound.
fn g15_a_clear_of_a_held_up_cache_waits_for_the_one_before<F: Kind>() {
    let gate = Gate::new();
    let own = gate.clone();
    let cache: Of<F> = F::Of::build(CacheBuilder::new().shards(1).on_removal(move |_: &u32, _: &Arc<u32>, _| own.wait()));
    cache.insert(0, 0);
    let stuck = apart(&cache.sync(), |cache| assert!(cache.invalidate(&0)));
    gate.until_arrived(1);
    (0..3).for_each(|key| cache.insert(key, key));
    cache.clear();
    // One letter, whatever it holds: others may write.
    (0..1_000).for_each(|key| cache.insert(key, key));
    assert_eq!(cache.metrics().unreported, 1 + 3);
    let clears = apart(&cache.sync(), |cache| cache.clear());
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert_eq!((clears.is_over(), cache.len()), (false, 1_000));
    gate.open();
    stuck.result();
    clears.result();
    until("all are told", || cache.metrics().unreported == 0);
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g15_what_is_cleared_is_told_one_by_one_and_before_what_comes_later,
    g15_many_clears_against_writers_lose_nothing,
    g15_what_a_smaller_capacity_evicts_is_told,
    g15_a_clear_of_a_held_up_cache_waits_for_the_one_before,
);
