//! The users' code that the janitor runs is the values' `Drop`: it may panic, or take its time, or come when the cache is gone. Listeners it leaves to others.

use crate::census::{Census, watched};
use crate::faces::{Face, Kind};
use crate::g11_reclaim::{SECOND, expired, janitors_turn};
use crate::gate::{Gate, until};
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{CacheBuilder, MockClock, RemovalCause};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_millis(100);

/// Panics when it goes, if it is to; counts itself before.
struct Loud(bool, Arc<AtomicUsize>);

impl Drop for Loud {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
        assert!(!self.0, "{ON_PURPOSE}");
    }
}

fn g11_values_that_panic_as_they_go_keep_no_other_from_going<F: Kind>() {
    let _turn = janitors_turn();
    hush();
    for mock in [false, true] {
        let (clock, gone) = (MockClock::new(), Arc::<AtomicUsize>::default());
        let builder = CacheBuilder::new().time_to_live(SOON);
        let cache: F::Of<u32, Loud> = F::Of::build(if mock { builder.clock(clock.clone()) } else { builder });
        for round in 1..=2 {
            (0..100).for_each(|key| cache.insert(key, Loud(key % 3 == 0, Arc::clone(&gone))));
            if mock {
                clock.advance(SOON);
                assert_eq!(gone.load(Ordering::SeqCst), 100 * round);
            }
            until("all have gone", || gone.load(Ordering::SeqCst) == 100 * round);
        }
        let metrics = at_rest(&cache.sync());
        assert_eq!((cache.len(), cache.weight(), expired(&metrics)), (0, 0, 200), "by a mock clock: {mock}");
    }
}

/// Waits at the gate when it goes.
struct Slow(Gate);

impl Drop for Slow {
    fn drop(&mut self) {
        self.0.wait();
    }
}

/// One slow value makes all caches late: they show nothing that is over, take writes, and make room for them; and later they catch up.
fn g11_while_the_janitor_is_held_up_nothing_is_shown_past_its_time<F: Kind>() {
    let _turn = janitors_turn();
    let (gate, census) = (Gate::new(), Census::new());
    let slow: F::Of<u32, Slow> = F::Of::build(CacheBuilder::new().time_to_live(SOON));
    let other: F::Of<u32, crate::census::Counted> = F::Of::build(CacheBuilder::new().capacity(20).shards(1));
    slow.insert(1, Slow(gate.clone()));
    gate.until_arrived(1);
    (0..10).for_each(|key| other.insert_with_ttl(key, census.value(), SOON));
    (10..20).for_each(|key| other.insert(key, census.value()));
    sleep(3 * SOON);
    let shown = |key: u32| {
        let found = [other.get(&key, |_| ()).is_some(), other.fetch(&key).is_some(), other.peek(&key).is_some()];
        let told = [other.contains_key(&key), other.fetch_stale(&key).is_some(), other.entry_info(&key).is_some()];
        found.into_iter().chain(told).filter(|&is| is).count()
    };
    (0..10).for_each(|key| assert_eq!(shown(key), 0, "key {key} is over"));
    (10..20).for_each(|key| assert_eq!(shown(key), 6, "key {key} lives for ever"));
    assert_eq!(other.entries().len(), 10);
    // A write finds room, and the slow cache itself can be used, too.
    other.insert(30, census.value());
    assert!((10..20).chain([30]).all(|key| other.contains_key(&key)));
    assert_eq!((slow.len(), slow.contains_key(&1)), (0, false));
    slow.insert_with_ttl(2, Slow(gate.clone()), 600 * SECOND);
    assert!(slow.contains_key(&2));
    (0..5).for_each(|key| other.insert_with_ttl(key, census.value(), SOON));

    gate.open();
    until("it catches up", || census.alive() == 11);
    assert_eq!((other.len(), slow.len()), (11, 1));
    assert_eq!(expired(&at_rest(&other.sync())), 15);
    at_rest(&slow.sync());
}

/// One cache's listener blocks, and more is due there than may wait to be told: what expires in others is reclaimed and told in time all the same.
fn g11_while_another_cache_s_listener_blocks_what_expires_is_reclaimed_and_told<F: Kind>() {
    let _turn = janitors_turn();
    let (census, told) = (Census::new(), Arc::<AtomicUsize>::default());
    let count = Arc::clone(&told);
    let other: F::Of<u32, crate::census::Counted> = F::Of::build(CacheBuilder::new().on_removal(move |_, _, cause| {
        assert_eq!(cause, RemovalCause::Expired);
        count.fetch_add(1, Ordering::SeqCst);
    }));
    let (gate, blocked) = loop {
        let (gate, blocks) = (Gate::new(), Arc::<AtomicBool>::default());
        let (own, does) = (gate.clone(), Arc::clone(&blocks));
        let listen = move |_: &u32, _: &Arc<u32>, _: RemovalCause| {
            if does.load(Ordering::SeqCst) {
                own.wait();
            }
        };
        let blocked: F::Of<u32, u32> = F::Of::build(CacheBuilder::new().shards(1).on_removal(listen));
        (0..3_000).for_each(|key| blocked.insert_with_ttl(key, key, SECOND));
        blocks.store(true, Ordering::SeqCst);
        // On a very slow machine the first may be over before the last is there, and then this thread would be the one that is blocked.
        if blocked.len() == 3_000 {
            break (gate, blocked);
        }
        gate.open();
    };
    gate.until_arrived(1);
    until("as many wait as may", || blocked.metrics().unreported >= 1_024);
    let mut lateness = Duration::MAX;
    // On a busy machine one of them may be late.
    for round in 1..=4 {
        (0..100).for_each(|key| other.insert_with_ttl(key, census.value(), SOON));
        let stored = Instant::now();
        until("all are gone and told", || (census.alive(), told.load(Ordering::SeqCst)) == (0, 100 * round));
        lateness = lateness.min(stored.elapsed().saturating_sub(SOON));
    }
    assert!(lateness < SECOND, "late by {lateness:?} at best");
    assert_eq!((other.len(), other.weight()), (0, 0));
    gate.open();
    until("it catches up", || blocked.len() == 0 && blocked.metrics().unreported == 0);
    assert_eq!(expired(&at_rest(&blocked.sync())), 3_000);
    at_rest(&other.sync());
}

fn g11_a_cache_that_goes_while_it_is_due_is_gone<F: Kind>() {
    let _turn = janitors_turn();
    let census = Census::new();
    for round in 0..30 {
        let (builder, memory) = watched(CacheBuilder::new());
        let cache: F::Of<u32, crate::census::Counted> = F::Of::build(builder);
        (0..600).for_each(|key| cache.insert_with_ttl(key, census.value(), Duration::from_millis(u64::from(key % 3))));
        // At about the time of the visit, which is rounded to some sixty milliseconds.
        sleep(Duration::from_millis(3 * round));
        drop(cache);
        until("values and memory are gone", || census.alive() == 0 && memory.is_gone());
    }
}

fn g11_the_last_handle_waits_for_no_deadline<F: Kind>() {
    let census = Census::new();
    for mock in [false, true] {
        let clock = MockClock::new();
        // Longer than any test takes: a visit that is due would hold the cache for its moment.
        let (builder, memory) = watched(CacheBuilder::new().time_to_live(600 * SECOND).time_to_idle(600 * SECOND));
        let cache: F::Of<u32, crate::census::Counted> = F::Of::build(if mock { builder.clock(clock.clone()) } else { builder });
        (0..100).for_each(|key| cache.insert(key, census.value()));
        drop(cache);
        assert!(census.alive() == 0 && memory.is_gone(), "by a mock clock: {mock}");
        clock.advance(600 * SECOND);
    }
}

on_every_face_in_time!(
    g11_values_that_panic_as_they_go_keep_no_other_from_going,
    g11_while_the_janitor_is_held_up_nothing_is_shown_past_its_time,
    g11_while_another_cache_s_listener_blocks_what_expires_is_reclaimed_and_told,
    g11_a_cache_that_goes_while_it_is_due_is_gone,
    g11_the_last_handle_waits_for_no_deadline,
);
