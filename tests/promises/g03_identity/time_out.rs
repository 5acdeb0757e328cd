//! A flight that timed out, and its load that goes on unheard, leave the flight that took its place alone.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use bellwether::{CacheBuilder, LoadErrorKind, MockClock};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(10);

fn builder(clock: &MockClock) -> CacheBuilder<u32, usize> {
    CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT)
}

/// The first flight is overtaken, then it times out while the second is in the air: its caller looks again and joins the second.
fn g3_the_time_out_of_a_superseded_flight_leaves_its_successor_alone<F: Kind>() {
    // By async loads: the caller of a blocking one would be stuck in its loader.
    let (clock, runway) = (MockClock::new(), Runway::new(2));
    let cache = F::Of::<u32, usize>::build(runway.numbers(builder(&clock), Style::Async));
    let before = apart(&cache, |cache| cache.fetch_with(&1));
    runway.until_begun(0);
    clock.advance(LIMIT / 2);
    cache.invalidate(&1);
    let after = apart(&cache, |cache| cache.fetch_with(&1));
    runway.until_begun(1);
    clock.advance(LIMIT / 2);
    until("the first load has timed out", || cache.metrics().loads_failed_by(LoadErrorKind::TimedOut) == 1);
    let late = apart(&cache, |cache| cache.fetch_with(&1));
    until("the late caller joins", || cache.metrics().joined == 1);
    runway.open(1);
    for caller in [before, after, late] {
        assert_eq!(*caller.result().expect("the second load brings it"), 1);
    }
    assert_eq!((cache.fetch(&1).as_deref(), runway.begun()), (Some(&1), 2));
    at_rest(&cache.sync());
}

/// The first flight times out, a new one begins, then the first load brings its value after all.
fn g3_a_load_that_comes_after_its_time_out_leaves_the_next_flight_alone<F: Kind>() {
    for style in BOTH {
        let (clock, runway) = (MockClock::new(), Runway::new(2));
        let cache = F::Of::<u32, usize>::build(runway.numbers(builder(&clock), style));
        let before = apart(&cache, |cache| cache.fetch_with(&1));
        runway.until_begun(0);
        clock.advance(LIMIT);
        // A thread that is in its loader notices nothing; all others are told.
        if !(F::IS_BLOCKING && style == Style::Blocking) {
            until("the first load has timed out", || cache.metrics().loads_failed_by(LoadErrorKind::TimedOut) == 1);
        }
        let after = apart(&cache, |cache| cache.fetch_with(&1));
        runway.until_begun(1);
        // The first load goes on, heard by nobody but a thread that runs it itself.
        runway.open(0);
        assert_eq!(before.result().expect_err("it took too long").kind(), LoadErrorKind::TimedOut, "{style:?}");
        assert!(!cache.contains_key(&1), "{style:?}: a value that comes too late isn't stored");
        let late = apart(&cache, |cache| cache.fetch_with(&1));
        until("the late caller joins", || cache.metrics().joined == 1);
        runway.open(1);
        for caller in [after, late] {
            assert_eq!(*caller.result().expect("the second load brings it"), 1, "{style:?}");
        }
        assert_eq!((cache.fetch(&1).as_deref(), runway.begun()), (Some(&1), 2), "{style:?}");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_stored, metrics.loads_failed_by(LoadErrorKind::TimedOut)), (1, 1), "{style:?}");
    }
}

on_every_face_in_time!(
    g3_the_time_out_of_a_superseded_flight_leaves_its_successor_alone,
    g3_a_load_that_comes_after_its_time_out_leaves_the_next_flight_alone,
);
