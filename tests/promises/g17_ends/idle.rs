//! Waiting until a cache is idle, by threads and tasks.

use crate::apart::{Apart, apart};
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use bellwether::{AbandonedLoads, Cache, CacheBuilder};
use futures::FutureExt;
use futures::executor::block_on;
use std::panic::{AssertUnwindSafe, catch_unwind};

type Of<F> = <F as Kind>::Of<u32, usize>;
type Wait = (&'static str, fn(&Cache<u32, usize>));

const WAITS: [Wait; 4] = [
    ("wait_idle by a thread", |cache| cache.wait_idle()),
    ("settle by a thread", |cache| cache.settle()),
    ("wait_idle by a task", |cache| block_on(cache.to_async().wait_idle())),
    ("settle by a task", |cache| block_on(cache.to_async().settle())),
];

fn g17_an_idle_cache_is_not_waited_for<F: Kind>() {
    let cache: Of<F> = F::Of::build(Runway::new(0).numbers(CacheBuilder::new(), Style::Blocking));
    WAITS.iter().for_each(|(_, wait)| wait(&cache.sync()));
    cache.fetch_with(&1).expect("the loader brings it");
    WAITS.iter().for_each(|(_, wait)| wait(&cache.sync()));
    at_rest(&cache.sync());
}

fn g17_several_wait_for_several_loads_and_all_of_them<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(3);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
        let tasks = cache.sync().to_async();
        // Loads that nobody waits for are waited for as well.
        (0..3).for_each(|key| drop(tasks.fetch_with(&key)));
        until("all have begun", || runway.begun() == 3);
        let waiters: Vec<_> = (0..8).map(|n| (WAITS[n % 4].0, apart(&cache.sync(), move |cache| (WAITS[n % 4].1)(&cache)))).collect();
        for number in 0..3 {
            assert!(waiters.iter().all(|(_, waiter)| !waiter.is_over()), "loads are under way");
            runway.open(number);
            until("it has landed", || cache.metrics().flights == 2 - number as u64);
        }
        waiters.into_iter().for_each(|(_, waiter)| waiter.result());
        let metrics = cache.metrics();
        assert_eq!((metrics.loads_ended(), cache.len()), (3, 3), "they are booked and stored when the wait is over");
        at_rest(&cache.sync());
    }
}

/// When the wait is over, so are the loads.
fn g17_after_waiting_all_that_was_begun_before_is_stored<F: Kind>() {
    for style in BOTH {
        for round in 0..100 {
            let cache: Of<F> = F::Of::build(Runway::new(0).numbers(CacheBuilder::new().max_concurrent_loads(2), style));
            let tasks = cache.sync().to_async();
            (0..10).for_each(|key| drop(tasks.fetch_with(&key)));
            let (name, wait) = WAITS[round % 4];
            wait(&cache.sync());
            let metrics = cache.metrics();
            assert_eq!((metrics.loads_stored, cache.len(), metrics.flights), (10, 10, 0), "{name}, {style:?}");
        }
    }
}

fn g17_holders_of_entries_are_not_waited_for<F: Kind>() {
    let cache: Of<F> = F::Of::build(Runway::new(0).numbers(CacheBuilder::new(), Style::Blocking));
    let entry = cache.sync().entry(1);
    let waiter = apart(&cache, |cache| cache.fetch_with(&1));
    until("it waits", || cache.metrics().waiters == 1);
    WAITS.iter().for_each(|(_, wait)| wait(&cache.sync()));
    drop(entry);
    waiter.result().expect("the loader takes over");
    at_rest(&cache.sync());
}

fn g17_a_wait_that_is_dropped_harms_nobody<F: Kind>() {
    let runway = Runway::new(1);
    let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), Style::Async));
    let tasks = cache.sync().to_async();
    drop(tasks.fetch_with(&1));
    runway.until_begun(0);
    assert!((0..10).all(|_| tasks.wait_idle().now_or_never().is_none() && tasks.settle().now_or_never().is_none()));
    let waiters = WAITS.map(|(_, wait)| apart(&cache.sync(), move |cache| wait(&cache)));
    assert!(tasks.wait_idle().now_or_never().is_none());
    runway.open(0);
    waiters.into_iter().for_each(Apart::result);
    at_rest(&cache.sync());
}

/// A load that ends without its loader ends the wait.
fn g17_loads_that_are_cancelled_time_out_or_are_answered_are_not_waited_for<F: Kind>() {
    let runway = Runway::new(1);
    let builder = CacheBuilder::new().abandoned_loads(AbandonedLoads::Cancel);
    let cache: Of<F> = F::Of::build(runway.numbers(builder, Style::Async));
    let tasks = cache.sync().to_async();
    let fetch = tasks.fetch_with(&1);
    runway.until_begun(0);
    let waiters = WAITS.map(|(_, wait)| apart(&cache.sync(), move |cache| wait(&cache)));
    drop(fetch);
    waiters.into_iter().for_each(Apart::result);

    let clock = bellwether::MockClock::new();
    let runway = Runway::new(1);
    let limit = std::time::Duration::from_secs(1);
    let builder = CacheBuilder::new().clock(clock.clone()).load_timeout(limit);
    let cache: Of<F> = F::Of::build(runway.numbers(builder, Style::Blocking));
    let leader = apart(&cache, |cache| cache.fetch_with(&1));
    runway.until_begun(0);
    let waiters = WAITS.map(|(_, wait)| apart(&cache.sync(), move |cache| wait(&cache)));
    let joiner = apart(&cache, |cache| cache.fetch_with(&1));
    until("somebody keeps the time", || {
        clock.advance(limit);
        joiner.is_over()
    });
    waiters.into_iter().for_each(Apart::result);
    runway.open(0);
    assert!(leader.result().is_err());
    at_rest(&cache.sync());
}

/// With traffic a wait ends as soon as it finds a moment of rest.
fn g17_waiting_ends_in_a_moment_of_rest_between_loads<F: Kind>() {
    let cache: Of<F> = F::Of::build(Runway::new(0).numbers(CacheBuilder::new(), Style::Async));
    let waiters: Vec<_> = (0..4)
        .map(|n| {
            apart(&cache.sync(), move |cache| {
                for _ in 0..50 {
                    (WAITS[n].1)(&cache);
                }
            })
        })
        .collect();
    let mut key = 0;
    while waiters.iter().any(|waiter| !waiter.is_over()) {
        key += 1;
        cache.fetch_with(&key).expect("the loader brings it");
    }
    waiters.into_iter().for_each(Apart::result);
    at_rest(&cache.sync());
}

/// The load that is waited for needs the lock that the closure of `get` runs under.
fn g17_waiting_or_closing_inside_the_closure_of_get_panics_with_a_clear_message<F: Kind>() {
    let closes: [Wait; 2] =
        [("close by a thread", |cache| assert!(cache.close())), ("close by a task", |cache| assert!(block_on(cache.to_async().close())))];
    let mut silent = Vec::new();
    for (name, wait) in WAITS.into_iter().chain(closes) {
        let cache: Of<F> = F::Of::build(Runway::new(0).numbers(CacheBuilder::new().shards(1), Style::Blocking));
        cache.insert(1, 10);
        let threads = cache.sync();
        let panic = catch_unwind(AssertUnwindSafe(|| cache.get(&1, |_| wait(&threads)))).err();
        let message = panic
            .and_then(|panic| panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)));
        if !message.is_some_and(|message| message.contains("inside the closure of `get`")) {
            silent.push(name);
        }
        at_rest(&cache.sync());
    }
    assert!(silent.is_empty(), "no message from {silent:?}");
}

on_every_face_in_time!(
    g17_an_idle_cache_is_not_waited_for,
    g17_several_wait_for_several_loads_and_all_of_them,
    g17_after_waiting_all_that_was_begun_before_is_stored,
    g17_holders_of_entries_are_not_waited_for,
    g17_a_wait_that_is_dropped_harms_nobody,
    g17_loads_that_are_cancelled_time_out_or_are_answered_are_not_waited_for,
    g17_waiting_ends_in_a_moment_of_rest_between_loads,
    g17_waiting_or_closing_inside_the_closure_of_get_panics_with_a_clear_message,
);
