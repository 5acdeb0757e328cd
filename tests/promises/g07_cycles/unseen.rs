//! Waits that the cache can't see: `load_timeout` ends them.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g07_cycles::elsewhere;
use crate::g07_cycles::{by_tasks, by_threads};
use crate::gate::until;
use crate::rest::at_rest;
use bellwether::{CacheBuilder, LoadError, LoadErrorKind, MockClock};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(10);

fn timed_out<F: Kind>(face: &F::Of<u32, u32>, clock: &MockClock) {
    let call = apart(face, |face| face.fetch_with(&0));
    until("the subtask waits, too", || face.metrics().waiters == 2);
    assert!(!call.is_over());
    clock.advance(LIMIT);
    assert_eq!(call.result().expect_err("nothing can come").kind(), LoadErrorKind::TimedOut);
    at_rest(&face.sync());
}

fn g7_a_subtask_without_the_scope_is_ended_by_the_time_out<F: Kind>() {
    let clock = MockClock::new();
    let face = by_tasks::<F, _>(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), |cache, key| async move {
        elsewhere(async move { cache.fetch_with(&key).await.map(|value| *value) }).await
    });
    timed_out::<F>(&face, &clock);
}

fn g7_a_thread_without_the_scope_is_ended_by_the_time_out<F: Kind>() {
    let clock = MockClock::new();
    let face = by_threads::<F>(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), |cache, key| {
        apart(cache, move |cache| cache.fetch_with(&key)).result().map(|value| *value)
    });
    timed_out::<F>(&face, &clock);
}

/// The same by the real clock, which nobody advances.
fn g7_a_subtask_without_the_scope_is_ended_by_a_real_time_out<F: Kind>() {
    let limit = Duration::from_millis(50);
    let threads = by_threads::<F>(CacheBuilder::new().load_timeout(limit), |cache, key| {
        apart(cache, move |cache| cache.fetch_with(&key)).result().map(|value| *value)
    });
    let tasks = by_tasks::<F, _>(CacheBuilder::new().load_timeout(limit), |cache, key| async move {
        elsewhere(async move { cache.fetch_with(&key).await.map(|value| *value) }).await
    });
    for face in [threads, tasks] {
        let start = std::time::Instant::now();
        assert_eq!(face.fetch_with(&0).expect_err("nothing can come").kind(), LoadErrorKind::TimedOut);
        assert!(start.elapsed() >= limit);
        at_rest(&face.sync());
    }
}

/// Key 1's load times out while it waits for key 2, whose load then asks for key 1 anew: the wait of the load that is over isn't a ring's.
fn g7_a_load_that_timed_out_while_it_waits_is_no_part_of_a_ring<F: Kind>() {
    let (clock, gate) = (MockClock::new(), crate::gate::Gate::new());
    let loads = std::sync::atomic::AtomicUsize::new(0);
    let held = gate.clone();
    // Key 2 is in a cache of its own, whose loads may take longer.
    let slow_at = std::sync::Arc::new(std::sync::OnceLock::<bellwether::Cache<u32, u32>>::new());
    let slow_of_fast = std::sync::Arc::clone(&slow_at);
    let fast = by_threads::<F>(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), move |_, key| {
        if loads.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 {
            return Ok(5);
        }
        slow_of_fast.get().expect("it is built").fetch_with(&key).map(|value| *value)
    });
    let fast_of_slow = fast.sync();
    let slow = by_threads::<F>(CacheBuilder::new().load_timeout(Duration::MAX), move |_, key| {
        held.wait();
        Ok(*fast_of_slow.fetch_with(&key)? + 1)
    });
    assert!(slow_at.set(slow.sync()).is_ok(), "it is set once");
    let first = apart(&slow, |slow| slow.fetch_with(&1));
    gate.until_arrived(1);
    let overrun = apart(&fast, |fast| fast.fetch_with(&1));
    until("the fast load waits for the slow one", || slow.metrics().waiters == 2);
    clock.advance(LIMIT);
    gate.open();
    assert_eq!(*first.result().expect("the load that waits for it is over"), 6);
    assert_eq!(overrun.result().expect_err("it took too long").kind(), LoadErrorKind::TimedOut);
    at_rest(&fast.sync());
    at_rest(&slow.sync());
}

/// A ring of two loads that is closed after one of them timed out, but while its thread still waits: the newcomer closes no ring either, as it
/// waits for what is over.
fn g7_who_still_waits_for_a_load_that_is_over_hears_of_it_and_closes_no_ring<F: Kind>() {
    let clock = MockClock::new();
    let face = by_threads::<F>(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), |cache, key| match key {
        0 => apart(cache, |cache| cache.fetch_with(&0)).result().map(|value| *value),
        _ => match cache.fetch_with(&0) {
            Err(LoadError::TimedOut { .. }) => Ok(9),
            other => other.map(|value| *value),
        },
    });
    let first = apart(&face, |face| face.fetch_with(&0));
    until("it waits for itself, unseen", || face.metrics().waiters == 2);
    clock.advance(LIMIT / 2);
    let second = apart(&face, |face| face.fetch_with(&1));
    until("the second waits for the first", || face.metrics().waiters == 4);
    clock.advance(LIMIT / 2);
    assert_eq!(first.result().expect_err("nothing can come").kind(), LoadErrorKind::TimedOut);
    assert_eq!(*second.result().expect("it catches the error"), 9);
    at_rest(&face.sync());
}

crate::on_every_face_in_time!(
    g7_a_subtask_without_the_scope_is_ended_by_the_time_out,
    g7_a_thread_without_the_scope_is_ended_by_the_time_out,
    g7_a_subtask_without_the_scope_is_ended_by_a_real_time_out,
    g7_a_load_that_timed_out_while_it_waits_is_no_part_of_a_ring,
    g7_who_still_waits_for_a_load_that_is_over_hears_of_it_and_closes_no_ring,
);
