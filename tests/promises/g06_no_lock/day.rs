//! A day in the life of a cache, with one kind of user code after the other calling back into it all the time.

use crate::g06_no_lock::loud::{Back, Bell, Cargo, Hook, LoudCache, Quiet, Thing};
use crate::rest::at_rest;
use crate::runway::{BOTH, Style};
use crate::watchdog::in_time;
use bellwether::{BoxError, LoadErrorKind, Loaded, MockClock};
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::maybe_done;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

const LIFE: Duration = Duration::from_secs(100);
const LIMIT: Duration = Duration::from_secs(10);

/// All that can happen to an entry and to a load.
fn day(cache: &LoudCache, back: &Arc<Back>, clock: &MockClock) {
    let name = |number| back.name(number);
    // Loads that bring a value, refuse it as too heavy, answer absence, and fail.
    for number in 1..=9 {
        match cache.fetch_with(&name(number)) {
            Ok(thing) => assert_eq!(thing.number, number),
            Err(error) if number == 8 => assert!(error.is_absent()),
            Err(error) => assert_eq!((error.kind(), number), (LoadErrorKind::Failed, 9)),
        }
    }
    let _ = cache.refresh(&name(1));
    let _ = cache.refresh(&name(9));
    waits(cache, back);
    // Writes: into free room, over a value, too heavy, and beyond the capacity.
    (20..40).for_each(|number| cache.insert(name(number), back.thing(number)));
    cache.insert(name(39), back.thing(39));
    cache.insert_with(name(39), Loaded::value(back.thing(39)).weight(1_000));
    // A load that its own writes overtake: delivered, and dropped unstored.
    let overtaken = cache.fetch_or_load(&name(50), || {
        cache.invalidate(&name(50));
        bellwether::ok(back.thing(50))
    });
    assert_eq!(overtaken.expect("it is delivered").number, 50);
    // Values past their time: found by a load, by an insert, and by a removal.
    (1..=3).for_each(|number| cache.insert(name(number), back.thing(number)));
    clock.advance(LIFE);
    let _ = cache.fetch_with(&name(1));
    cache.insert(name(2), back.thing(2));
    cache.invalidate(&name(3));
    runs_out_of_time(cache, back, clock);
    {
        // Walking clones keys under the lock, which is where a clone must not call back.
        let _quiet = Quiet::new();
        assert!(cache.iter().count() < 100);
    }
    drop(cache.remove(&name(2)));
    cache.clear();
}

/// A task that waits by one waker after the other, and one that leaves.
fn waits(cache: &LoudCache, back: &Arc<Back>) {
    let awaiting = cache.to_async();
    let mut stays = maybe_done(awaiting.fetch_with(&back.name(11)));
    let mut leaves = maybe_done(awaiting.fetch_with(&back.name(11)));
    for _ in 0..3 {
        let bell = Waker::from(Arc::new(Bell(Arc::clone(back))));
        let _ = stays.poll_unpin(&mut Context::from_waker(&bell));
        let _ = leaves.poll_unpin(&mut Context::from_waker(&bell));
    }
    drop(leaves);
    block_on(&mut stays);
    let thing = Pin::new(&mut stays).take_output().expect("it is done").expect("the loader brings it");
    assert_eq!(thing.number, 11);
}

/// A load that hangs, with two who wait for it.
fn runs_out_of_time(cache: &LoudCache, back: &Arc<Back>, clock: &MockClock) {
    let awaiting = cache.to_async();
    let cargo = Cargo(Arc::clone(back));
    let load = || async move {
        let _cargo = cargo;
        pending::<Result<Thing, BoxError>>().await
    };
    let leading = awaiting.fetch_or_load(&back.name(12), load).boxed();
    let joining = awaiting.fetch_with(&back.name(12)).boxed();
    let mut waiting = [maybe_done(leading), maybe_done(joining)];
    let bell = Waker::from(Arc::new(Bell(Arc::clone(back))));
    for fetch in &mut waiting {
        let _ = fetch.poll_unpin(&mut Context::from_waker(&bell));
    }
    drop(bell);
    clock.advance(LIMIT);
    for mut fetch in waiting {
        block_on(&mut fetch);
        // What calls back may have stored a thing, or overtaken the load so that the second one looked again.
        if let Err(error) = Pin::new(&mut fetch).take_output().expect("it is done") {
            assert_eq!(error.kind(), LoadErrorKind::TimedOut);
        }
    }
}

/// Lives through a day with `hook` calling back, in one shard and in several, with and without a runtime.
fn every_day(hook: Hook) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime can be had");
    for style in BOTH {
        for shards in [1, 4] {
            in_time(move || one_day(hook, style, shards));
            let inside = runtime.handle().clone();
            in_time(move || {
                let _inside = inside.enter();
                one_day(hook, style, shards);
            });
        }
    }
}

fn one_day(hook: Hook, style: Style, shards: usize) {
    let (back, clock) = (Back::new(hook), MockClock::new());
    let own = clock.clone();
    let cache = back.cache(style, |builder| builder.capacity(8).shards(shards).clock(own).time_to_live(LIFE).load_timeout(LIMIT));
    day(&cache, &back, &clock);
    crate::gate::until("it has called back", || back.calls() > 0);
    at_rest(&cache);
}

macro_rules! days {
    ($($name:ident: $hook:ident),+ $(,)?) => { $(#[test] fn $name() { every_day(Hook::$hook); })+ };
}

days!(
    g6_the_hash_of_a_key_may_call_the_cache: HashKey,
    g6_a_hash_builder_may_call_the_cache: BuildHasher,
    g6_the_clone_of_a_key_may_call_the_cache: CloneKey,
    g6_the_drop_of_a_key_may_call_the_cache: DropKey,
    g6_the_drop_of_a_value_may_call_the_cache: DropValue,
    g6_the_drop_of_an_error_may_call_the_cache: DropError,
    g6_a_weigher_may_call_the_cache: Weigh,
    g6_a_loader_may_call_the_cache: Load,
    g6_the_drop_of_a_load_may_call_the_cache: DropLoad,
    g6_a_spawner_may_call_the_cache: Spawn,
    g6_a_waker_may_call_the_cache_when_it_is_woken: Wake,
    g6_a_waker_may_call_the_cache_when_it_is_dropped: DropWaker,
);
