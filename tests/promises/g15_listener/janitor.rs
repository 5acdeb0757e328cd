//! The janitor and the listener: what expires while nobody calls is told within a second, by a thread of the pool, and a listener that is slow holds
//! up neither the janitor nor the pool nor any other cache.

use crate::faces::{Face, Kind};
use crate::g15_listener::ear::Ear;
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{AsyncCache, BoxError, CacheBuilder, MockClock, RemovalCause};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

type Of<F> = <F as Kind>::Of<u32, u32>;

const SECOND: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(100);

fn g15_what_expires_while_nobody_calls_is_told_within_a_second<F: Kind>() {
    let mut lateness = Duration::MAX;
    for _ in 0..4 {
        let heard: Arc<Mutex<Vec<(String, RemovalCause)>>> = Arc::default();
        let own = Arc::clone(&heard);
        let cache: Of<F> = F::Of::build(CacheBuilder::new().on_removal(move |_, _, cause| {
            let thread = std::thread::current().name().unwrap_or_default().to_owned();
            own.lock().expect("nobody panics").push((thread, cause));
        }));
        // Not by inserts, which take out what is over themselves, and tell of it.
        (0..100).for_each(|key| cache.insert(key, key));
        let start = Instant::now();
        (0..100).for_each(|key| assert!(cache.set_ttl(&key, 3 * SOON)));
        until("all are told", || heard.lock().expect("nobody panics").len() == 100);
        lateness = lateness.min(start.elapsed() - 3 * SOON);
        for (thread, cause) in heard.lock().expect("nobody panics").iter() {
            assert_eq!((thread.as_str(), *cause), ("bellwether-load", RemovalCause::Expired));
        }
        at_rest(&cache.sync());
        if lateness < SECOND {
            return;
        }
    }
    panic!("late by {lateness:?} at best");
}

fn g15_what_expires_by_a_mock_clock_is_told_when_it_is_moved<F: Kind>() {
    let (ear, clock) = (Ear::new(), MockClock::new());
    let cache: Of<F> = F::Of::build(CacheBuilder::new().clock(clock.clone()).shards(4).listener(ear.clone()));
    (0..100).for_each(|key| cache.insert_with_ttl(key, key, (key / 10 + 1) * SECOND));
    for round in 1..=10 {
        clock.advance(SECOND);
        let mut heard = ear.causes();
        heard.sort_by_key(|(key, _)| *key);
        assert!(heard.into_iter().eq((round * 10 - 10..round * 10).map(|key| (key, RemovalCause::Expired))), "after {round} s");
    }
    at_rest(&cache.sync());
}

/// While one cache's listener blocks, another cache's entries are reclaimed and told in time, and its own are let go of as far as may be.
fn g15_a_listener_that_blocks_holds_up_no_other_cache<F: Kind>() {
    let (gate, ear) = (Gate::new(), Ear::new());
    let own = gate.clone();
    let blocked: Of<F> = F::Of::build(CacheBuilder::new().time_to_live(SOON).on_removal(move |_, _, _| own.wait()));
    let other: Of<F> = F::Of::build(CacheBuilder::new().time_to_live(SOON).listener(ear.clone()));
    blocked.insert(1, 1);
    gate.until_arrived(1);
    let mut lateness = Duration::MAX;
    for round in 0..4 {
        let start = Instant::now();
        other.insert(round, round);
        until("the other cache's is told", || ear.len() == 1);
        assert_eq!(ear.causes(), [(round, RemovalCause::Expired)]);
        lateness = lateness.min(start.elapsed().saturating_sub(SOON));
    }
    assert!(lateness < SECOND, "late by {lateness:?} at best");
    // The blocked cache itself is read and written, and reclaims.
    blocked.insert(2, 2);
    assert_eq!(blocked.fetch_or_load(&3, || bellwether::ok(3.into())).map(|value| *value).ok(), Some(3));
    until("its own are reclaimed", || blocked.metrics().entries == 0);
    gate.open();
    until("all are told", || blocked.metrics().unreported == 0);
    at_rest(&blocked.sync());
    at_rest(&other.sync());
}

/// Threads that wait in listeners are not counted among those of the pool: the loads of other caches find one.
fn g15_many_listeners_that_block_leave_threads_to_the_loads_of_others<F: Kind>() {
    const CACHES: usize = 70;
    let gate = Gate::new();
    let caches: Vec<Of<F>> = (0..CACHES)
        .map(|_| {
            let own = gate.clone();
            F::Of::build(CacheBuilder::new().time_to_live(SOON).on_removal(move |_, _, _| own.wait()))
        })
        .collect();
    caches.iter().for_each(|cache| cache.insert(1, 1));
    gate.until_arrived(CACHES);
    let loads = AsyncCache::<u32, u32>::builder().loader_fn(|key: &u32| Ok::<_, BoxError>(key + 1)).build_async();
    let loads = loads.expect("the settings make sense");
    assert_eq!(futures::executor::block_on(loads.fetch_with(&1)).map(|value| *value).ok(), Some(2));
    gate.open();
    for cache in &caches {
        until("it is told", || cache.metrics().unreported == 0);
    }
}

/// More comes to its end than may wait to be told. Not by inserts, which would wait for room once the first are over.
fn fills<F: Kind>(cache: &Of<F>) {
    (0..5_000).for_each(|key| cache.insert(key, key));
    (0..5_000).for_each(|key| assert!(cache.set_ttl(&key, 3 * SOON)));
    until("as many wait to be told as may", || cache.metrics().unreported >= 1_024);
}

/// A cache whose listener is held up, with more that is due than may wait to be told, costs no time until that goes on.
fn g15_the_janitor_does_not_turn_in_circles_while_a_listener_is_held_up<F: Kind>() {
    let gate = Gate::new();
    let own = gate.clone();
    let cache: Of<F> = F::Of::build(CacheBuilder::new().shards(1).on_removal(move |_, _, _| own.wait()));
    fills::<F>(&cache);
    sleep(2 * SOON);
    // The janitor is that of the other tests of this process, too: they leave it alone for a second now and then.
    let spent = || {
        let before = janitors_time();
        sleep(SECOND);
        janitors_time().saturating_sub(before)
    };
    let least = (0..15).map(|_| spent()).find(|spent| *spent < 2 * SOON);
    assert!(least.is_some(), "the janitor was busy all the time");
    gate.open();
    until("all are told", || cache.metrics().unreported == 0 && cache.len() == 0);
}

/// More is due in one cache than may wait to be told: the others are visited all the same.
fn g15_a_cache_that_is_held_up_keeps_the_janitor_from_no_other<F: Kind>() {
    let (gate, ear) = (Gate::new(), Ear::new());
    let own = gate.clone();
    let cache: Of<F> = F::Of::build(CacheBuilder::new().shards(1).on_removal(move |_, _, _| own.wait()));
    let other: Of<F> = F::Of::build(CacheBuilder::new().time_to_live(SOON).listener(ear.clone()));
    fills::<F>(&cache);
    let mut lateness = Duration::MAX;
    for round in 0..4 {
        let start = Instant::now();
        other.insert(round, round);
        until("the other cache's is told", || ear.len() == 1);
        assert_eq!(ear.causes(), [(round, RemovalCause::Expired)]);
        lateness = lateness.min(start.elapsed().saturating_sub(SOON));
    }
    assert!(lateness < SECOND, "late by {lateness:?} at best");
    gate.open();
    until("all are told", || cache.metrics().unreported == 0 && cache.len() == 0);
}

/// The time that the janitor has had of a processor.
fn janitors_time() -> Duration {
    let mut ticks = 0;
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        // The name stands in brackets; the times in user and kernel mode are the twelfth and thirteenth fields after it.
        let Some((name, rest)) = stat.rsplit_once(") ") else { continue };
        if name.contains("bellwether-jan") {
            ticks += rest.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
        }
    }
    Duration::from_millis(10 * ticks)
}

on_every_face_in_time!(
    g15_what_expires_while_nobody_calls_is_told_within_a_second,
    g15_what_expires_by_a_mock_clock_is_told_when_it_is_moved,
    g15_a_listener_that_blocks_holds_up_no_other_cache,
    g15_many_listeners_that_block_leave_threads_to_the_loads_of_others,
    g15_the_janitor_does_not_turn_in_circles_while_a_listener_is_held_up,
    g15_a_cache_that_is_held_up_keeps_the_janitor_from_no_other,
);
