//! What tags cost, and that the sweep leaves nothing of one behind. A program of its own, as it counts all that the process allocates.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

#[path = "../support/watchdog.rs"]
mod watchdog;

use crate::watchdog::in_time;
use bellwether::{Cache, CacheBuilder, Loaded, MockClock};
use cap::Cap;
use std::alloc::System;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// What is kept of strikes for loads in the air, once anything was struck.
const STRIKES: usize = 24 << 10;
/// The pages and tables that an empty shard holds on to.
const CHANCE: usize = 32 << 10;

/// The tests look at the whole process: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cache() -> Cache<u32, u32> {
    CacheBuilder::new().shards(1).no_janitor().build().expect("the settings make sense")
}

fn fill(cache: &Cache<u32, u32>, round: u32) {
    for key in 0..20_000 {
        cache
            .insert_with(key, Loaded::value(key).tags([format!("a name of some length, {round}, {key}"), format!("all of round {round}")]));
    }
}

#[test]
fn after_the_sweep_no_byte_of_a_tag_is_held() {
    let _alone = alone();
    in_time(|| {
        let cache = cache();
        let before = MEMORY.allocated();
        let mut after = Vec::new();
        for round in 0..5 {
            fill(&cache, round);
            cache.invalidate_tag(&format!("all of round {round}"));
            cache.run_maintenance();
            assert_eq!(cache.len(), 0);
            #[cfg(debug_assertions)]
            cache.validate();
            after.push(MEMORY.allocated());
        }
        let left = after[0].saturating_sub(before);
        println!("{left} bytes are left of 20,000 entries with two tags each");
        assert!(left < STRIKES + CHANCE, "{left} bytes are left");
        // What runs the tests may take a few bytes at some time; what a round leaves, each of them does.
        assert!(after[1..].windows(2).any(|pair| pair[1] <= pair[0]), "each round leaves some bytes: {after:?}");
    });
}

#[test]
fn strikes_of_names_that_nobody_carries_cost_nothing_more_each() {
    let _alone = alone();
    in_time(|| {
        let strikes = || {
            let cache = cache();
            let before = MEMORY.allocated();
            for number in 0..100_000 {
                cache.invalidate_tag(&format!("nobody's {number}"));
                cache.expire_tag(&format!("nobody's {number}"));
            }
            MEMORY.allocated().saturating_sub(before)
        };
        // What runs the tests may take a few bytes at some time, too.
        let more = (0..3).map(|_| strikes()).min().expect("there are three");
        println!("{more} bytes for 200,000 strikes");
        assert!(more <= STRIKES + 1_024, "{more} bytes for 200,000 strikes");
    });
}

/// One name, however many carry it: a pointer for each.
#[test]
fn a_name_is_held_once() {
    let _alone = alone();
    in_time(|| {
        let name = "x".repeat(1 << 20);
        let cache = cache();
        let before = MEMORY.allocated();
        (0..1_000).for_each(|key| cache.insert_with(key, Loaded::value(key).tags([name.as_str()])));
        let more = MEMORY.allocated().saturating_sub(before);
        println!("{more} bytes for 1,000 entries with a name of a megabyte");
        assert!(more < 2 << 20, "{more} bytes");
    });
}

/// However often it is called, and however many keys were under one, an embargo leaves nothing.
#[test]
fn embargoes_are_given_back() {
    let _alone = alone();
    in_time(|| {
        let clock = MockClock::new();
        let builder = CacheBuilder::<u32, u32>::new().shards(1).clock(clock.clone());
        let cache = builder.no_janitor().build().expect("the settings make sense");
        let before = MEMORY.allocated();
        for _ in 0..100_000 {
            clock.advance(Duration::from_nanos(1));
            cache.invalidate_for(&1, Duration::from_secs(60));
        }
        let one = MEMORY.allocated().saturating_sub(before);
        println!("{one} bytes for one key");
        assert!(one < 8 << 10, "{one} bytes for one key");
        (0..100_000).for_each(|key| assert!(!cache.invalidate_for(&key, Duration::from_secs(60))));
        cache.invalidate_for(&7, Duration::MAX);
        let many = MEMORY.allocated().saturating_sub(before);
        println!("{many} bytes for 100,000 keys");
        assert!(many < 100_000 * 100, "{many} bytes for 100,000 keys");
        clock.advance(Duration::from_secs(60));
        cache.run_maintenance();
        let left = MEMORY.allocated().saturating_sub(before);
        println!("{left} bytes are left for the one that stays");
        assert!(left < 16 << 10, "{left} bytes are left for the one that stays");
    });
}

/// The janitor gives them back where nobody calls the cache.
#[test]
fn embargoes_of_an_idle_cache_are_given_back() {
    let _alone = alone();
    in_time(|| {
        let cache: Cache<u32, u32> = CacheBuilder::new().shards(1).build().expect("the settings make sense");
        cache.insert(100_000, 1);
        let before = MEMORY.allocated();
        (0..50_000).for_each(|key| assert!(!cache.invalidate_for(&key, Duration::from_millis(300))));
        let begun = std::time::Instant::now();
        while MEMORY.allocated().saturating_sub(before) > 32 << 10 {
            assert!(begun.elapsed() < Duration::from_secs(60), "{} bytes are left", MEMORY.allocated().saturating_sub(before));
            std::thread::yield_now();
        }
    });
}
