//! The time that loads take and the time that callers wait, to the nanosecond of a mock clock.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use bellwether::{AbandonedLoads, BoxError, CacheBuilder, Loaded, MockClock};
use futures::executor::block_on;
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, usize>;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// At rest, so long have loads taken and callers waited.
fn spent<F: Kind>(cache: &Of<F>, load: Duration, wait: Duration) {
    let metrics = at_rest(&cache.sync());
    assert_eq!((metrics.load_time, metrics.wait_time), (load, wait));
}

/// A load of ten seconds, for its leader, and for one who joins after three.
fn g16_a_load_and_all_who_wait_for_it_spend_its_time<F: Kind>() {
    hush();
    type Answer = fn(usize) -> Result<Loaded<usize>, BoxError>;
    let answers: [Answer; 5] = [
        Loaded::ok,
        |_| Loaded::ok(Loaded::absent()),
        |number| Loaded::ok(Loaded::value(number).uncached()),
        |_| Err("not today".into()),
        |_| panic!("the loader fails {ON_PURPOSE}"),
    ];
    for style in BOTH {
        for answer in answers {
            let (runway, clock) = (Runway::new(1), MockClock::new());
            let cache: Of<F> = F::Of::build(runway.loader(CacheBuilder::new().clock(clock.clone()), style, answer));
            let leader = apart(&cache, |cache| cache.fetch_with(&1));
            runway.until_begun(0);
            clock.advance(secs(3));
            let joiner = apart(&cache, |cache| cache.refresh(&1));
            until("it has joined", || cache.metrics().joined == 1);
            clock.advance(secs(7) + Duration::from_nanos(1));
            assert_eq!((cache.metrics().load_time, cache.metrics().wait_time), (secs(0), secs(0)), "time is booked at the end");
            runway.open(0);
            drop((leader.result(), joiner.result()));
            clock.advance(secs(100));
            drop(cache.fetch(&1));
            spent::<F>(&cache, secs(10) + Duration::from_nanos(1), secs(17) + Duration::from_nanos(2));
        }
    }
}

/// The time in the queue is the callers', not the load's.
fn g16_time_in_the_queue_is_waited_and_not_loaded<F: Kind>() {
    for style in BOTH {
        let (runway, clock) = (Runway::new(2), MockClock::new());
        let builder = CacheBuilder::new().clock(clock.clone()).max_concurrent_loads(1);
        let cache: Of<F> = F::Of::build(runway.numbers(builder, style));
        let first = apart(&cache, |cache| cache.fetch_with(&1));
        runway.until_begun(0);
        clock.advance(secs(1));
        let second = apart(&cache, |cache| cache.fetch_with(&2));
        // Its lookup is counted once its wait has begun.
        until("it waits for the permit", || cache.metrics().misses == 2);
        clock.advance(secs(3));
        runway.open(0);
        drop(first.result());
        runway.until_begun(1);
        clock.advance(secs(5));
        runway.open(1);
        drop(second.result());
        spent::<F>(&cache, secs(4 + 5), secs(4 + 8));
    }
}

/// A load that times out after five seconds; a blocking one goes on for three more, with its leader where it runs on that thread.
fn g16_a_load_that_times_out_takes_time_until_it_ends<F: Kind>() {
    for style in BOTH {
        let (runway, clock) = (Runway::new(1), MockClock::new());
        let builder = CacheBuilder::new().clock(clock.clone()).load_timeout(secs(5));
        let cache: Of<F> = F::Of::build(runway.numbers(builder, style));
        let leader = apart(&cache, |cache| cache.fetch_with(&1));
        runway.until_begun(0);
        let joiner = apart(&cache, |cache| cache.fetch_with(&1));
        // Somebody watches the clock once all wait.
        until("it has joined", || cache.metrics().joined == 1);
        clock.advance(secs(5));
        assert!(joiner.result().is_err());
        let here = F::IS_BLOCKING && style == Style::Blocking;
        if here {
            clock.advance(secs(3));
            runway.open(0);
            assert!(leader.result().is_err());
            spent::<F>(&cache, secs(8), secs(8 + 5));
        } else {
            assert!(leader.result().is_err());
            if style == Style::Blocking {
                clock.advance(secs(3));
                runway.open(0);
                spent::<F>(&cache, secs(8), secs(5 + 5));
            } else {
                // The loader is dropped at once.
                spent::<F>(&cache, secs(5), secs(5 + 5));
            }
        }
    }
}

/// Who leaves has waited until then; the load goes on, or is cancelled with the last.
fn g16_who_leaves_has_waited_until_then<F: Kind>() {
    for style in BOTH {
        for fate in [AbandonedLoads::Finish, AbandonedLoads::Cancel] {
            let (runway, clock) = (Runway::new(1), MockClock::new());
            let builder = CacheBuilder::new().clock(clock.clone()).abandoned_loads(fate);
            let cache: Of<F> = F::Of::build(runway.numbers(builder, style));
            let tasks = cache.sync().to_async();
            let (leader, joiner) = (tasks.fetch_with(&1), tasks.fetch_with(&1));
            runway.until_begun(0);
            clock.advance(secs(2));
            drop(leader);
            clock.advance(secs(1));
            drop(joiner);
            if style == Style::Async && fate == AbandonedLoads::Cancel {
                spent::<F>(&cache, secs(3), secs(2 + 3));
                runway.open(0);
            } else {
                clock.advance(secs(4));
                runway.open(0);
                spent::<F>(&cache, secs(7), secs(2 + 3));
            }
        }
    }
}

fn g16_what_needs_no_load_takes_no_time<F: Kind>() {
    let clock = MockClock::new();
    let cache: Of<F> = F::Of::build(Runway::new(0).numbers(CacheBuilder::new().clock(clock.clone()), Style::Blocking));
    cache.insert(1, 10);
    let tasks = cache.sync().to_async();
    let held = tasks.fetch_with(&1);
    let entry = cache.sync().entry(2);
    clock.advance(secs(5));
    assert_eq!((block_on(held).map(|value| *value).ok(), *entry.or_insert(20)), (Some(10), 20));
    assert!(cache.fetch_with(&2).is_ok() && cache.get(&1, |_| ()).is_some());
    spent::<F>(&cache, secs(0), secs(0));
}

on_every_face_in_time!(
    g16_a_load_and_all_who_wait_for_it_spend_its_time,
    g16_time_in_the_queue_is_waited_and_not_loaded,
    g16_a_load_that_times_out_takes_time_until_it_ends,
    g16_who_leaves_has_waited_until_then,
    g16_what_needs_no_load_takes_no_time,
);
