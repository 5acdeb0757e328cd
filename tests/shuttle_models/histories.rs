//! Random histories of one key, judged by the oracle: no schedule makes one that a cache which keeps its promises could not make.

use crate::driver::{Hands, LoaderKind, World};
use crate::oracle::history::Value;
use crate::oracle::{Options, check};
use crate::world::{OnShuttle, below, explore};
use bellwether::{CacheBuilder, EvictionPolicy, Loaded, MockClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const HANDS: Hands = Hands { pause: shuttle::thread::yield_now, below, block_on: |wanted| shuttle::future::block_on(wanted) };

/// Callers that go away leave loads behind: a key may well have more of them than run at a time.
const QUEUEING: Options = Options { may_forget: false, loads_may_fail: false, queued_flights: true };

fn histories(kind: LoaderKind, capacity: u64, options: Options) {
    histories_of(World::default, kind, options, move |builder| builder.capacity(capacity));
}

/// With values that are expired, and then served while they are loaded anew.
fn stale_histories(kind: LoaderKind, options: Options) {
    histories_of(|| World { stale: true, ..World::default() }, kind, options, |builder| builder);
}

fn histories_of(
    world: fn() -> World,
    kind: LoaderKind,
    options: Options,
    set: impl Fn(CacheBuilder<u8, Value>) -> CacheBuilder<u8, Value> + Send + Sync + Clone + 'static,
) {
    explore(move || {
        let world = Arc::new(world());
        let loads = OnShuttle::default();
        // The system's clock would make another history of the same schedule.
        let builder = world.builder(kind, HANDS).shards(1).spawner(loads.clone()).clock(MockClock::new());
        let cache = set(builder).build().expect("the settings make sense");
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                let (world, cache) = (Arc::clone(&world), cache.clone());
                shuttle::thread::spawn(move || world.play(thread, 4, &cache, HANDS))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no call panics"));
        loads.rest();
        world.look_back(&cache);
        if world.changing {
            world.change_at_rest(&cache);
            world.look_back(&cache);
            cache.validate();
        }
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

#[test]
fn g2_every_history_of_conditional_writes_is_linearizable() {
    histories_of(|| World { changing: true, ..World::default() }, LoaderKind::Async, QUEUEING, |builder| builder);
}

#[test]
fn g2_every_history_of_conditional_writes_and_strikes_is_linearizable() {
    let world = || World { changing: true, tags: true, ..World::default() };
    histories_of(world, LoaderKind::Blocking, QUEUEING, |builder| builder);
}

#[test]
fn g2_every_history_of_conditional_writes_and_strikes_with_stale_values_is_linearizable() {
    let world = || World { changing: true, tags: true, stale: true, ..World::default() };
    histories_of(world, LoaderKind::Async, QUEUEING, |builder| builder);
}

#[test]
fn g2_every_history_of_conditional_writes_that_make_room_is_linearizable() {
    let world = || World { changing: true, tags: true, crowded: true, ..World::default() };
    // Too small for two values, and for some two values of one key at a time.
    let crowded = |builder: CacheBuilder<u8, Value>| {
        builder.capacity(3).weigher(|_, value| 1 + u64::from(value % 3)).shards(2).eviction(EvictionPolicy::Lru)
    };
    histories_of(world, LoaderKind::Async, Options { may_forget: true, ..QUEUEING }, crowded);
}

/// A value that is struck in the midst of the call keeps the new one out, or doesn't: what is said to be stored is.
#[test]
fn g2_an_insert_if_absent_that_says_so_has_stored_its_value() {
    // The last is struck. To look at all of them takes a while.
    const TAGS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    explore(|| {
        let has_landed = Arc::new(AtomicBool::new(false));
        let landed = Arc::clone(&has_landed);
        // Nothing is held at the first look. By when the new value has been weighed, something is.
        let weigh = move |_: &u8, value: &Value| {
            while *value == 11 && !landed.load(Ordering::Relaxed) {
                shuttle::thread::yield_now();
            }
            1
        };
        let builder = CacheBuilder::<u8, Value>::new().shards(1).clock(MockClock::new()).weigher(weigh);
        let cache = builder.build().expect("the settings make sense");
        let other = cache.clone();
        let striking = shuttle::thread::spawn(move || {
            other.insert_with(1, Loaded::value(10).tags(TAGS));
            has_landed.store(true, Ordering::Relaxed);
            other.invalidate_tag("h");
        });
        let kept_out_by = cache.insert_if_absent(1, 11);
        striking.join().expect("no call panics");
        let was_last = cache.peek(&1).as_deref() == Some(&11);
        assert_eq!(was_last, kept_out_by.is_none(), "kept out by {kept_out_by:?}");
    });
}
