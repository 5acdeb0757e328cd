//! What is in the air now, and was at most: flights, waiters, permits and the queue for them.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use bellwether::{AbandonedLoads, CacheBuilder, MetricsSnapshot, MockClock};
use futures::FutureExt;
use futures::executor::block_on;
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, usize>;

const LIMIT: Duration = Duration::from_secs(10);

/// Flights and waiters, now and at most.
fn air(metrics: &MetricsSnapshot) -> [(u64, u64); 2] {
    [(metrics.flights, metrics.flights_peak), (metrics.waiters, metrics.waiters_peak)]
}

/// Permits and the queue, now and at most.
fn limits(metrics: &MetricsSnapshot) -> [(u64, u64); 2] {
    [(metrics.permits, metrics.permits_peak), (metrics.queued, metrics.queued_peak)]
}

fn g16_five_flights_and_seven_waiters_are_counted_as_such<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(5);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
        let tasks = cache.sync().to_async();
        let mut fetches: Vec<_> = (0..5).map(|key| tasks.fetch_with(&key)).collect();
        until("all have begun", || runway.begun() == 5);
        fetches.extend([tasks.fetch_with(&0), tasks.refresh(&1)]);
        assert_eq!(air(&cache.metrics()), [(5, 5), (7, 7)]);
        // One leaves, polled or not; and one more that never stays.
        let mut leaver = fetches.pop().expect("there are seven");
        assert!((&mut leaver).now_or_never().is_none());
        drop(leaver);
        assert_eq!(air(&cache.metrics()), [(5, 5), (6, 7)]);
        drop(tasks.fetch_with(&2));
        assert_eq!(air(&cache.metrics()), [(5, 5), (6, 7)]);
        // Waiters are gone with the landing, and not with their polls.
        runway.open(0);
        until("it has landed", || cache.metrics().flights == 4);
        (1..5).for_each(|number| runway.open(number));
        until("all have landed", || cache.metrics().flights == 0);
        assert_eq!(air(&cache.metrics()), [(0, 5), (0, 7)], "{style:?}");
        assert!(fetches.into_iter().all(|fetch| block_on(fetch).is_ok()));
        let metrics = at_rest(&cache.sync());
        assert_eq!((air(&metrics), limits(&metrics)), ([(0, 5), (0, 7)], [(0, 0), (0, 0)]), "without a limit no permit is counted");
    }
}

/// By calls of the face: each waits in its own call.
fn g16_callers_that_block_are_waiters<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
        let callers: Vec<_> = (0..4)
            .map(|_| {
                let caller = apart(&cache, |cache| cache.fetch_with(&1));
                runway.until_begun(0);
                caller
            })
            .collect();
        until("all wait", || cache.metrics().waiters == 4);
        assert_eq!(air(&cache.metrics()), [(1, 1), (4, 4)]);
        runway.open(0);
        assert!(callers.into_iter().all(|caller| caller.result().is_ok()));
        assert_eq!(air(&at_rest(&cache.sync())), [(0, 1), (0, 4)], "{style:?}");
    }
}

fn g16_permits_and_the_queue_for_them_are_counted<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(6);
        let builder = CacheBuilder::new().max_concurrent_loads(2).abandoned_loads(AbandonedLoads::Cancel);
        let cache: Of<F> = F::Of::build(runway.numbers(builder, style));
        let tasks = cache.sync().to_async();
        let mut fetches: Vec<_> = (0..6).map(|key| tasks.fetch_with(&key)).collect();
        until("two have begun", || runway.begun() == 2);
        assert_eq!((limits(&cache.metrics()), air(&cache.metrics())), ([(2, 2), (4, 4)], [(6, 6), (6, 6)]));
        // One that waits is cancelled, one is answered by an insert, and one more is superseded by nothing.
        drop(fetches.remove(5));
        assert_eq!((limits(&cache.metrics()), air(&cache.metrics())), ([(2, 2), (3, 4)], [(5, 6), (5, 6)]));
        cache.insert(4, 400);
        assert_eq!((limits(&cache.metrics()), air(&cache.metrics())), ([(2, 2), (2, 4)], [(4, 6), (4, 6)]));
        cache.invalidate(&3);
        assert_eq!((limits(&cache.metrics()), air(&cache.metrics())), ([(2, 2), (2, 4)], [(4, 6), (4, 6)]));
        runway.open(0);
        until("the third has begun", || runway.begun() == 3);
        until("the first has landed", || cache.metrics().flights == 3);
        assert_eq!(limits(&cache.metrics()), [(2, 2), (1, 4)]);
        (1..4).for_each(|number| runway.open(number));
        assert!(fetches.into_iter().all(|fetch| block_on(fetch).is_ok()));
        let metrics = at_rest(&cache.sync());
        assert_eq!((limits(&metrics), air(&metrics)), ([(0, 2), (0, 4)], [(0, 6), (0, 6)]), "{style:?}");
        assert_eq!((metrics.loads_stored, metrics.loads_answered, metrics.loads_failed()), (4, 1, 1));
    }
}

/// A load that timed out is no flight any more, but keeps its permit until it really ends.
fn g16_a_blocking_load_that_timed_out_keeps_its_permit_and_is_no_flight<F: Kind>() {
    let (runway, clock) = (Runway::new(1), MockClock::new());
    let builder = CacheBuilder::new().max_concurrent_loads(1).clock(clock.clone()).load_timeout(LIMIT);
    let cache: Of<F> = F::Of::build(runway.numbers(builder, Style::Blocking));
    let tasks = cache.sync().to_async();
    let fetch = tasks.fetch_with(&1);
    runway.until_begun(0);
    clock.advance(LIMIT);
    assert!(block_on(fetch).is_err());
    assert_eq!((limits(&cache.metrics()), air(&cache.metrics())), ([(1, 1), (0, 0)], [(0, 1), (0, 1)]));
    let waits = tasks.fetch_with(&2);
    assert_eq!((limits(&cache.metrics()), air(&cache.metrics())), ([(1, 1), (1, 1)], [(1, 1), (1, 1)]));
    runway.open(0);
    assert!(block_on(waits).is_ok());
    assert_eq!(limits(&at_rest(&cache.sync())), [(0, 1), (0, 1)]);
}

/// Four superseded loads and one that waits behind them are five flights.
fn g16_overtaken_flights_are_flights_until_they_land<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(4);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
        let tasks = cache.sync().to_async();
        let mut fetches = Vec::new();
        for number in 0..4 {
            fetches.push(tasks.fetch_with(&1));
            runway.until_begun(number);
            cache.invalidate(&1);
        }
        fetches.push(tasks.fetch_with(&1));
        cache.invalidate(&1);
        fetches.push(tasks.fetch_with(&1));
        assert_eq!(air(&cache.metrics()), [(5, 5), (6, 6)], "{style:?}");
        (0..4).for_each(|number| runway.open(number));
        assert!(fetches.into_iter().all(|fetch| block_on(fetch).is_ok()));
        assert_eq!(air(&at_rest(&cache.sync())), [(0, 5), (0, 6)]);
    }
}

/// The holder of an entry is no flight; who waits for it is a waiter, and who doesn't wait is none.
fn g16_who_waits_for_an_entry_is_a_waiter<F: Kind>() {
    let cache: Of<F> = F::Of::build(CacheBuilder::new());
    let entry = cache.sync().entry(1);
    assert!(cache.sync().try_entry(1).is_none());
    assert_eq!(air(&cache.metrics()), [(0, 0), (0, 0)], "`try_entry` never waits");
    let waiters: Vec<_> = (0..3).map(|_| apart(&cache.sync(), |cache| *cache.entry(1).or_insert(0))).collect();
    until("all wait", || cache.metrics().waiters == 3);
    assert_eq!(*entry.or_insert(5), 5);
    assert!(waiters.into_iter().all(|waiter| waiter.result() == 5));
    assert_eq!(air(&at_rest(&cache.sync())), [(0, 0), (0, 3)]);
}

on_every_face_in_time!(
    g16_five_flights_and_seven_waiters_are_counted_as_such,
    g16_callers_that_block_are_waiters,
    g16_permits_and_the_queue_for_them_are_counted,
    g16_a_blocking_load_that_timed_out_keeps_its_permit_and_is_no_flight,
    g16_overtaken_flights_are_flights_until_they_land,
    g16_who_waits_for_an_entry_is_a_waiter,
);
