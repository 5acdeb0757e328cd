//! After long idleness: deadlines over a century, taken in leaps. It ends, and costs each entry its own part.

use crate::faces::{Face, Kind};
use crate::g20_bills::{SECOND, expired, spent};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{CacheBuilder, MockClock};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);
const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 3_600);

/// Deadlines spread over a century, none a round number.
fn over_a_century<F: Kind>(entries: u32, clock: &MockClock, janitor: bool) -> Of<F> {
    let builder = CacheBuilder::new().clock(clock.clone());
    let cache: Of<F> = F::Of::build(if janitor { builder } else { builder.no_janitor() });
    (0..entries).for_each(|key| cache.insert_with_ttl(key, key, CENTURY * (key + 1) / entries));
    cache
}

fn g20_leaps_over_decades_reclaim_just_what_is_due<F: Kind>() {
    const ENTRIES: u32 = 5_000;
    for janitor in [true, false] {
        let clock = MockClock::new();
        let cache = over_a_century::<F>(ENTRIES, &clock, janitor);
        for years in [1, 2, 3, 10, 30, 31, 60, 90, 99, 100] {
            clock.set(years * YEAR);
            if !janitor {
                cache.run_maintenance();
            }
            let left = u64::from(ENTRIES - years * ENTRIES / 100);
            assert_eq!((cache.len(), cache.weight()), (left, left), "after {years} years, with a janitor: {janitor}");
        }
        assert_eq!(expired(&at_rest(&cache.sync())), u64::from(ENTRIES));
    }
}

/// Entries that were used for long come up again and again, each time once.
fn g20_entries_in_use_cost_little_however_long_it_was<F: Kind>() {
    const ENTRIES: u32 = 2_000;
    let clock = MockClock::new();
    let cache: Of<F> = F::Of::build(CacheBuilder::new().time_to_idle(YEAR).clock(clock.clone()));
    (0..ENTRIES).for_each(|key| cache.insert(key, key));
    for _ in 0..40 {
        clock.advance(YEAR / 2 + SECOND);
        (0..ENTRIES / 2).for_each(|key| assert!(cache.get(&key, |_| ()).is_some()));
    }
    assert_eq!(cache.len(), u64::from(ENTRIES / 2));
    clock.advance(10 * YEAR);
    assert_eq!((cache.len(), expired(&at_rest(&cache.sync()))), (0, u64::from(ENTRIES)));
}

/// The shortest of a few tries, in this thread's own time.
fn time_of<F: Kind>(entries: u32) -> Duration {
    let time = || {
        let clock = MockClock::new();
        let cache = over_a_century::<F>(entries, &clock, true);
        let start = spent();
        (1..=10).for_each(|decade| clock.set(10 * decade * YEAR));
        let took = spent() - start;
        assert_eq!(cache.len(), 0);
        took
    };
    (0..3).map(|_| time()).min().expect("there are some")
}

fn g20_what_a_cascade_costs_is_linear<F: Kind>() {
    const FEW: u32 = 500;
    const TIMES: u32 = 16;
    // What was quadratic would take two hundred and fifty times as long.
    let (few, many) = (time_of::<F>(FEW), time_of::<F>(FEW * TIMES));
    assert!(many < few * TIMES * 6, "{few:?} for {FEW}, {many:?} for {TIMES} times as many");
}

on_every_face_in_time!(
    g20_leaps_over_decades_reclaim_just_what_is_due,
    g20_entries_in_use_cost_little_however_long_it_was,
    g20_what_a_cascade_costs_is_linear,
);
