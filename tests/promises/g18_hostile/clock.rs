//! A clock that jumps while a load is in the air.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use bellwether::{CacheBuilder, LoadErrorKind, MockClock};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, usize>;

const KEY: u32 = 1;
const START: Duration = Duration::from_secs(1_000);
const LIMIT: Duration = Duration::from_secs(60);
const TTL: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_nanos(1);

/// Moves the clock, by steps, while a load is in the air.
fn flown<F: Kind>(moves: &[Duration], check: impl Fn(&MockClock, &Of<F>, Result<usize, LoadErrorKind>)) {
    for style in BOTH {
        let (clock, runway) = (MockClock::new(), Runway::new(1));
        clock.set(START);
        let builder = CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT).time_to_live(TTL);
        let cache: Of<F> = F::Of::build(runway.numbers(builder, style));
        let caller = apart(&cache, |cache| cache.fetch_with(&KEY).map(|value| *value).map_err(|error| error.kind()));
        runway.until_begun(0);
        moves.iter().for_each(|&to| clock.set(to));
        runway.open(0);
        check(&clock, &cache, caller.result());
        assert_eq!(*cache.refresh(&KEY).expect("the next load lands"), 1);
        at_rest(&cache.sync());
    }
}

fn g18_a_clock_that_jumps_back_during_a_load_lets_it_land<F: Kind>() {
    for moves in [&[Duration::ZERO][..], &[Duration::ZERO, START + LIMIT - TICK], &[START + TTL, TICK, START]] {
        flown::<F>(moves, |clock, cache, result| {
            assert_eq!(result, Ok(0), "it had time left");
            let stored = clock.elapsed();
            clock.set(stored + TTL - TICK);
            assert!(cache.contains_key(&KEY), "it lives from when it was stored");
            clock.set(stored + TTL);
            assert!(!cache.contains_key(&KEY));
            clock.set(Duration::ZERO);
            assert!(!cache.contains_key(&KEY), "what was reclaimed at its deadline is gone");
        });
    }
}

fn g18_a_clock_that_jumps_past_the_time_out_ends_the_load_though_it_jumps_back<F: Kind>() {
    for moves in [&[START + LIMIT][..], &[Duration::MAX]] {
        flown::<F>(moves, |_, cache, result| {
            assert_eq!(result, Err(LoadErrorKind::TimedOut));
            assert!(!cache.contains_key(&KEY));
        });
    }
}

fn g18_a_clock_at_its_end_goes_nowhere_and_loads_still_land<F: Kind>() {
    for style in BOTH {
        let clock = MockClock::new();
        clock.set(Duration::MAX);
        clock.advance(Duration::MAX);
        let builder = CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT).time_to_live(TTL);
        let cache: Of<F> = F::Of::build(Runway::new(0).numbers(builder, style));
        assert_eq!(*cache.fetch_with(&KEY).expect("no time passes any more"), 0);
        assert!(cache.contains_key(&KEY), "what ends beyond the end of the clock doesn't end");
        clock.set(Duration::ZERO);
        assert!(cache.contains_key(&KEY));
        at_rest(&cache.sync());
    }
}

crate::on_every_face_in_time!(
    g18_a_clock_that_jumps_back_during_a_load_lets_it_land,
    g18_a_clock_that_jumps_past_the_time_out_ends_the_load_though_it_jumps_back,
    g18_a_clock_at_its_end_goes_nowhere_and_loads_still_land,
);
