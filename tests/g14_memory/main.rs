//! What a cache costs when it is built, under every policy: by the entries that it may hold, never by the unit of its weights. A binary of its own, as it
//! counts all that the process allocates.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

#[path = "../support/watchdog.rs"]
mod watchdog;

use crate::watchdog::in_time;
use bellwether::{Cache, CacheBuilder, EvictionPolicy};
use cap::Cap;
use std::alloc::System;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

const MEGABYTE: usize = 1 << 20;
/// What a cache allocates one time more and one time less, whatever it is built with.
const CHANCE: usize = 16 << 10;

type Bytes = Cache<u64, Vec<u8>>;

/// The tests look at the whole process: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A cache, and how many bytes it took to build it.
fn built(builder: CacheBuilder<u64, Vec<u8>>) -> (Bytes, usize) {
    let before = MEMORY.allocated();
    let cache = builder.build().expect("the settings make sense");
    let after = MEMORY.allocated();
    (cache, after.saturating_sub(before))
}

fn by_length(policy: EvictionPolicy) -> CacheBuilder<u64, Vec<u8>> {
    CacheBuilder::new().eviction(policy).weigher(|_, bytes: &Vec<u8>| bytes.len() as u64)
}

/// Whatever the process needs once.
fn warm() {
    let (cache, _) = built(CacheBuilder::new().capacity(10));
    cache.insert(1, vec![1]);
}

#[test]
fn g14_eight_gigabytes_of_capacity_cost_less_than_a_megabyte() {
    let _alone = alone();
    in_time(|| {
        warm();
        for policy in EvictionPolicy::ALL {
            for shards in [None, Some(1), Some(64)] {
                let builder = by_length(policy).capacity(8 << 30);
                let (cache, bytes) = built(if let Some(shards) = shards { builder.shards(shards) } else { builder });
                println!("{policy}, {shards:?} shards: {bytes} bytes");
                assert!(bytes < MEGABYTE, "{policy} with {shards:?} shards: {bytes} bytes");
                let before = MEMORY.allocated();
                (0..100).for_each(|key| cache.insert(key, vec![1; 1_000]));
                let more = MEMORY.allocated().saturating_sub(before);
                assert!(more < MEGABYTE, "{policy} with {shards:?} shards: {more} bytes for a hundred kilobytes");
            }
        }
    });
}

#[test]
fn g14_a_cache_without_bounds_costs_what_an_empty_one_costs() {
    let _alone = alone();
    in_time(|| {
        warm();
        for policy in EvictionPolicy::ALL {
            for shards in [1, 16] {
                let builder = || CacheBuilder::new().eviction(policy).shards(shards);
                let (empty, least) = built(builder().capacity(0));
                let (unbounded, bytes) = built(builder());
                println!("{policy}, {shards} shards: {least} bytes for nothing, {bytes} without bounds");
                assert!(bytes <= least + CHANCE, "{policy} with {shards} shards: {bytes} bytes, {least} for a cache of nothing");
                drop((empty, unbounded));
            }
        }
    });
}

/// Bytes that so many entries of a byte take in a cache without bounds.
fn filled(policy: EvictionPolicy) -> usize {
    const ENTRIES: u64 = 20_000;
    let before = MEMORY.allocated();
    let (cache, _) = built(CacheBuilder::new().eviction(policy).shards(2));
    (0..ENTRIES).for_each(|key| cache.insert(key, Vec::new()));
    (0..ENTRIES).for_each(|key| drop(cache.fetch(&key)));
    MEMORY.allocated().saturating_sub(before)
}

/// Where nothing is ever evicted, nobody needs to remember what was or wasn't asked for.
#[test]
fn g14_a_full_cache_without_bounds_keeps_no_more_than_its_entries() {
    let _alone = alone();
    in_time(|| {
        warm();
        let least = filled(EvictionPolicy::Fifo);
        for policy in EvictionPolicy::ALL {
            let bytes = filled(policy);
            println!("{policy}: {bytes} bytes, {least} under fifo");
            assert!(bytes <= least + least / 10, "{policy}: {bytes} bytes, {least} under fifo");
        }
    });
}

/// Numbers of entries that no memory holds: settings that make no sense, but no reason to end the process.
#[test]
fn g18_capacities_beyond_all_memory_are_defined() {
    let _alone = alone();
    in_time(|| {
        warm();
        for policy in EvictionPolicy::ALL {
            for capacity in [1 << 40, u64::MAX - 1] {
                for shards in [1, 8] {
                    let (counted, bytes) = built(CacheBuilder::new().eviction(policy).capacity(capacity).shards(shards));
                    assert!(bytes < 256 * MEGABYTE, "{policy}: {bytes} bytes for {capacity} entries");
                    (0..100).for_each(|key| counted.insert(key, vec![1]));
                    assert_eq!(counted.len(), 100, "{policy}");
                    let (expected, bytes) = built(by_length(policy).capacity(capacity).expected_entries(u64::MAX).shards(shards));
                    assert!(bytes < 256 * MEGABYTE, "{policy}: {bytes} bytes for {capacity} bytes in any number of entries");
                    (0..100).for_each(|key| expected.insert(key, vec![1]));
                    assert_eq!(expected.len(), 100, "{policy}");
                    expected.set_capacity(10);
                    expected.set_capacity(u64::MAX - 2);
                    (0..100).for_each(|key| expected.insert(key, vec![1]));
                    assert!(expected.len() >= 10, "{policy}");
                }
            }
        }
    });
}

/// A cache that has shrunk doesn't keep the memory of what it was.
#[test]
fn g14_a_cache_that_has_shrunk_gives_its_memory_back() {
    let _alone = alone();
    in_time(|| {
        warm();
        const ENTRIES: u64 = 20_000;
        for policy in EvictionPolicy::ALL {
            let before = MEMORY.allocated();
            let (cache, _) = built(CacheBuilder::new().eviction(policy).capacity(ENTRIES).shards(2));
            (0..ENTRIES).for_each(|key| cache.insert(key, vec![1; 64]));
            (0..ENTRIES).for_each(|key| cache.insert(ENTRIES + key, vec![1; 64]));
            let most = MEMORY.allocated().saturating_sub(before);
            cache.set_capacity(100);
            (0..1_000).for_each(|key| cache.insert(key, vec![1; 64]));
            let least = MEMORY.allocated().saturating_sub(before);
            println!("{policy}: {most} bytes full, {least} with a hundred entries");
            assert!(least < most / 4, "{policy}: {least} bytes for a hundred entries, {most} for {ENTRIES}");
        }
    });
}
