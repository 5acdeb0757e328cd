//! Random histories on real threads, judged by the oracle, on every face at once.
//!
//! `BELLWETHER_SOAK_SECONDS` sets how long each test runs; one second if it isn't set.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]
#![allow(dead_code, reason = "the oracle's parts serve several test binaries")]

#[path = "support/driver.rs"]
mod driver;
#[path = "support/oracle/mod.rs"]
mod oracle;

use bellwether::{CacheBuilder, EvictionPolicy};
use driver::{Hands, LoaderKind, World};
use oracle::{Options, check};
use rand::RngExt;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

/// Callers that go away leave loads behind: a key may well have more of them than run at a time.
const QUEUEING: Options = Options { may_forget: false, loads_may_fail: false, queued_flights: true };

const THREADS: usize = 4;
const CALLS: usize = 8;

const HANDS: Hands = Hands {
    pause: std::thread::yield_now,
    below: |most| rand::rng().random_range(0..most),
    block_on: |wanted| futures::executor::block_on(wanted),
};

fn soak_time() -> Duration {
    let seconds = std::env::var("BELLWETHER_SOAK_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1))
}

/// Makes histories until the time is over. Whatever loads are still in the air at a history's end are of no matter: nobody looks any more.
fn soak(kind: LoaderKind, options: Options, set: impl Fn(CacheBuilder<u8, u32>) -> CacheBuilder<u8, u32>) {
    soak_in(World::default, kind, options, set);
}

/// As [`soak`], with values that are expired, and then served while they are loaded anew.
fn soak_stale(kind: LoaderKind, options: Options) {
    soak_in(|| World { stale: true, ..World::default() }, kind, options, |builder| builder);
}

/// Too small for two values, and for some two values of one key at a time.
fn crowded(builder: CacheBuilder<u8, u32>) -> CacheBuilder<u8, u32> {
    builder.capacity(3).weigher(|_, value| 1 + u64::from(value % 3)).shards(2).eviction(EvictionPolicy::Lru)
}

fn soak_in(world: fn() -> World, kind: LoaderKind, options: Options, set: impl Fn(CacheBuilder<u8, u32>) -> CacheBuilder<u8, u32>) {
    let until = Instant::now() + soak_time();
    let mut made = 0_u64;
    // One at least, however busy the machine is.
    while made == 0 || Instant::now() < until {
        let world = Arc::new(world());
        let cache = set(world.builder(kind, HANDS)).build().expect("the settings make sense");
        let barrier = Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (world, cache, barrier) = (&world, &cache, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    world.play(thread, CALLS, cache, HANDS);
                });
            }
        });
        world.look_back(&cache);
        if let Err(violation) = check(&world.recorder.history(), options) {
            panic!("history {made}: {violation}");
        }
        made += 1;
    }
    println!("0 violations in {made} histories of {THREADS} threads with {CALLS} calls each");
    assert!(made > 0);
}

#[test]
fn g2_histories_on_real_threads_with_a_blocking_loader_are_linearizable() {
    soak(LoaderKind::Blocking, QUEUEING, |builder| builder);
}

#[test]
fn g2_histories_on_real_threads_with_an_async_loader_are_linearizable() {
    soak(LoaderKind::Async, QUEUEING, |builder| builder);
}

#[test]
fn g2_histories_on_real_threads_with_a_loader_that_fails_are_linearizable() {
    soak(LoaderKind::Failing, Options { loads_may_fail: true, ..QUEUEING }, |builder| builder.eviction(EvictionPolicy::Lru));
}

#[test]
fn g8_histories_on_real_threads_of_a_cache_that_stores_nothing_are_linearizable() {
    soak(LoaderKind::Blocking, Options { may_forget: true, ..QUEUEING }, |builder| builder.capacity(0));
}

#[test]
fn g2_histories_on_real_threads_with_stale_values_and_a_blocking_loader_are_linearizable() {
    soak_stale(LoaderKind::Blocking, QUEUEING);
}

#[test]
fn g2_histories_on_real_threads_with_stale_values_and_an_async_loader_are_linearizable() {
    soak_stale(LoaderKind::Async, QUEUEING);
}

#[test]
fn g2_histories_on_real_threads_with_stale_values_and_a_loader_that_fails_are_linearizable() {
    soak_stale(LoaderKind::Failing, Options { loads_may_fail: true, ..QUEUEING });
}

#[test]
fn g2_histories_on_real_threads_of_conditional_writes_are_linearizable() {
    let world = || World { changing: true, ..World::default() };
    soak_in(world, LoaderKind::Blocking, QUEUEING, |builder| builder);
}

#[test]
fn g2_histories_on_real_threads_of_conditional_writes_and_strikes_are_linearizable() {
    let world = || World { changing: true, tags: true, ..World::default() };
    soak_in(world, LoaderKind::Async, QUEUEING, |builder| builder);
}

#[test]
fn g2_histories_on_real_threads_of_conditional_writes_and_strikes_with_stale_values_are_linearizable() {
    let world = || World { changing: true, tags: true, stale: true, ..World::default() };
    soak_in(world, LoaderKind::Failing, Options { loads_may_fail: true, ..QUEUEING }, |builder| builder);
}

#[test]
fn g2_histories_on_real_threads_of_conditional_writes_that_make_room_are_linearizable() {
    let world = || World { changing: true, tags: true, crowded: true, ..World::default() };
    soak_in(world, LoaderKind::Blocking, Options { may_forget: true, ..QUEUEING }, crowded);
}
