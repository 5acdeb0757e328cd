//! Random histories of one key, judged by the oracle: no schedule makes one that a cache which keeps its promises could not make.

use crate::driver::{Hands, LoaderKind, World};
use crate::oracle::{Options, check};
use crate::world::{OnShuttle, below, explore};
use bellwether::MockClock;
use std::sync::Arc;

const HANDS: Hands = Hands { pause: shuttle::thread::yield_now, below, block_on: |wanted| shuttle::future::block_on(wanted) };

/// Callers that go away leave loads behind: a key may well have more of them than run at a time.
const QUEUEING: Options = Options { may_forget: false, loads_may_fail: false, queued_flights: true };

fn histories(kind: LoaderKind, capacity: u64, options: Options) {
    histories_of(World::default, kind, capacity, options);
}

/// With values that are expired, and then served while they are loaded anew.
fn stale_histories(kind: LoaderKind, options: Options) {
    histories_of(|| World { stale: true, ..World::default() }, kind, u64::MAX, options);
}

fn histories_of(world: fn() -> World, kind: LoaderKind, capacity: u64, options: Options) {
    explore(move || {
        let world = Arc::new(world());
        let loads = OnShuttle::default();
        // The system's clock would make another history of the same schedule.
        let builder = world.builder(kind, HANDS).capacity(capacity).shards(1).clock(MockClock::new());
        let cache = builder.spawner(loads.clone()).build().expect("the settings make sense");
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                let (world, cache) = (Arc::clone(&world), cache.clone());
                shuttle::thread::spawn(move || world.play(thread, 4, &cache, HANDS))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no call panics"));
        loads.rest();
        if let Err(violation) = check(&world.recorder.history(), options) {
            panic!("{violation}");
        }
    });
}

#[test]
fn g2_every_history_with_a_blocking_loader_is_linearizable() {
    histories(LoaderKind::Blocking, u64::MAX, QUEUEING);
}

#[test]
fn g2_every_history_with_an_async_loader_is_linearizable() {
    histories(LoaderKind::Async, u64::MAX, QUEUEING);
}

#[test]
fn g2_every_history_with_a_loader_that_fails_is_linearizable() {
    histories(LoaderKind::Failing, u64::MAX, Options { loads_may_fail: true, ..QUEUEING });
}

#[test]
fn g8_every_history_of_a_cache_that_stores_nothing_is_linearizable() {
    histories(LoaderKind::Async, 0, Options { may_forget: true, ..QUEUEING });
}

#[test]
fn g2_every_history_with_stale_values_and_an_async_loader_is_linearizable() {
    stale_histories(LoaderKind::Async, QUEUEING);
}

#[test]
fn g2_every_history_with_stale_values_and_a_blocking_loader_is_linearizable() {
    stale_histories(LoaderKind::Blocking, QUEUEING);
}

#[test]
fn g2_every_history_with_stale_values_and_a_loader_that_fails_is_linearizable() {
    stale_histories(LoaderKind::Failing, Options { loads_may_fail: true, ..QUEUEING });
}
