//! The pure function of an entry's times at each boundary.

mod backoff;
mod early;
mod settings;

use super::{Freshness, Origin, OwnRules, Refresh, Rules, Times};
use crate::ground::time::{Clock, Deadline, MockClock, Tick};
use std::time::Duration;

/// When the entries of these tests are stored, in nanoseconds.
const STORED: u64 = 1_000;
const FULL: Rules = Rules {
    time_to_live: nanos(100),
    refresh: Refresh::After(nanos(60)),
    stale_while_revalidate: nanos(20),
    stale_if_error: nanos(50),
    ..Rules::NONE
};

const fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

fn at(age: u64) -> Tick {
    Tick::from_nanos(STORED + age)
}

fn origin(load_time: Duration) -> Origin {
    Origin { load_time, reread: false }
}

/// The times of an entry that took no load.
fn times(rules: Rules) -> Times {
    Times::new(&rules, origin(Duration::ZERO), at(0))
}

/// The state at `age` where chance has no part in it.
fn state(times: &Times, age: u64) -> Freshness {
    let state = times.freshness(at(age), || panic!("it isn't a matter of chance"));
    assert_eq!(times.last().has_passed_at(at(age)), state == Freshness::Expired, "the last deadline is the end of it");
    state
}

/// Asserts what the entry is worth from each age on until just before the next.
fn steps(rules: Rules, steps: &[(u64, Freshness)]) {
    let times = times(rules);
    for (number, &(from, expected)) in steps.iter().enumerate() {
        let until = steps.get(number + 1).map_or(u64::MAX - STORED, |next| next.0) - 1;
        assert_eq!((state(&times, from), state(&times, until)), (expected, expected), "from {from} until {until} by {rules:?}");
    }
}

#[test]
fn g09_each_state_begins_at_its_deadline() {
    use Freshness::{ErrorFallback, Expired, Fresh, RefreshDue, Stale};
    let plain = Rules { time_to_live: nanos(100), ..Rules::NONE };
    steps(Rules::NONE, &[(0, Fresh)]);
    steps(plain, &[(0, Fresh), (100, Expired)]);
    steps(FULL, &[(0, Fresh), (60, RefreshDue), (100, Stale), (120, ErrorFallback), (150, Expired)]);
    steps(Rules { stale_if_error: Duration::ZERO, ..FULL }, &[(0, Fresh), (60, RefreshDue), (100, Stale), (120, Expired)]);
    steps(Rules { stale_while_revalidate: Duration::ZERO, ..FULL }, &[(60, RefreshDue), (100, ErrorFallback), (150, Expired)]);
    steps(Rules { stale_while_revalidate: nanos(50), ..FULL }, &[(60, RefreshDue), (100, Stale), (150, Expired)]);
    // What an entry brings of its own may have the windows the other way round.
    steps(Rules { stale_while_revalidate: nanos(80), ..FULL }, &[(60, RefreshDue), (100, Stale), (180, Expired)]);
    steps(Rules { refresh: Refresh::After(nanos(100)), ..FULL }, &[(0, Fresh), (100, Stale), (120, ErrorFallback), (150, Expired)]);
    steps(Rules { refresh: Refresh::After(nanos(200)), ..FULL }, &[(0, Fresh), (100, Stale), (120, ErrorFallback), (150, Expired)]);
    steps(Rules { refresh: Refresh::Ahead(0.25), ..plain }, &[(0, Fresh), (25, RefreshDue), (100, Expired)]);
    steps(Rules { refresh: Refresh::Ahead(0.25), ..Rules::NONE }, &[(0, Fresh)]);
    steps(Rules { refresh: Refresh::After(nanos(60)), ..Rules::NONE }, &[(0, Fresh), (60, RefreshDue)]);
    steps(Rules { time_to_live: Duration::ZERO, ..FULL }, &[(0, Stale), (20, ErrorFallback), (50, Expired)]);
}

#[test]
fn g09_the_idle_bound_cuts_all_of_it_short() {
    use Freshness::{ErrorFallback, Expired, Fresh, RefreshDue, Stale};
    let idle = |idle| Rules { time_to_idle: nanos(idle), ..FULL };
    steps(idle(30), &[(0, Fresh), (30, Expired)]);
    steps(idle(80), &[(0, Fresh), (60, RefreshDue), (80, Expired)]);
    steps(idle(110), &[(60, RefreshDue), (100, Stale), (110, Expired)]);
    steps(idle(130), &[(100, Stale), (120, ErrorFallback), (130, Expired)]);
    steps(idle(150), &[(120, ErrorFallback), (150, Expired)]);
    steps(idle(500), &[(120, ErrorFallback), (150, Expired)]);
    steps(idle(0), &[(0, Expired)]);
    steps(Rules { time_to_idle: nanos(7), ..Rules::NONE }, &[(0, Fresh), (7, Expired)]);
}

#[test]
fn g09_a_use_moves_the_idle_bound_and_nothing_else() {
    let clock = MockClock::new();
    clock.set(nanos(STORED));
    let kept = times(Rules { time_to_idle: nanos(30), ..FULL });
    let by = Clock::from(clock.clone());
    for age in [29, 58, 87, 116, 145] {
        clock.set(nanos(STORED + age));
        assert_eq!(kept.last(), Deadline::after(at(age - 29), nanos(30)).min(Deadline::after(at(0), nanos(150))));
        kept.note_use(&by);
    }
    assert_eq!((kept.ends(), kept.stored()), (Deadline::after(at(0), nanos(100)), at(0)));
    assert_eq!((state(&kept, 149), state(&kept, 150)), (Freshness::ErrorFallback, Freshness::Expired));
    // A clock that has jumped back makes no use earlier than one before.
    clock.set(nanos(STORED));
    kept.note_use(&by);
    assert_eq!(state(&kept, 149), Freshness::ErrorFallback);
}

#[test]
fn g09_the_shortcuts_say_what_the_function_says() {
    let clock = MockClock::new();
    let by = Clock::from(clock.clone());
    for rules in [Rules::NONE, FULL, Rules { time_to_idle: nanos(80), ..FULL }, Rules { stale_if_error: Duration::ZERO, ..FULL }] {
        for reread in [false, true] {
            let times = Times::new(&rules, Origin { load_time: Duration::ZERO, reread }, at(0));
            for age in 0..200 {
                clock.set(nanos(STORED + age));
                let state = times.freshness(at(age), || 1.0);
                assert_eq!(times.is_shown(&by), state.is_shown(), "{age} by {rules:?}");
                assert_eq!(times.is_over(&by), state == Freshness::Expired, "{age} by {rules:?}");
                assert_eq!(times.is_calm(&by), state == Freshness::Fresh, "{age} by {rules:?}");
                assert!(!times.is_plainly_fresh(&by) || state == Freshness::Fresh, "{age} by {rules:?}");
                assert_eq!((times.seen(&by).freshness, times.judged(&by)), (state, (state, true)), "{age} by {rules:?}");
            }
        }
    }
}

#[test]
fn g09_a_moved_end_moves_what_goes_by_it() {
    let mut times = times(FULL);
    times.live_for(nanos(30), at(0));
    assert_eq!([29, 30, 50, 80].map(|age| state(&times, age)), {
        use Freshness::{ErrorFallback, Expired, Fresh, Stale};
        [Fresh, Stale, ErrorFallback, Expired]
    });
    times.live_for(Duration::MAX, at(0));
    assert_eq!([59, 60, 1 << 60].map(|age| state(&times, age)), [Freshness::Fresh, Freshness::RefreshDue, Freshness::RefreshDue]);
    times.expire(at(70));
    assert_eq!([70, 89, 90, 119, 120].map(|age| state(&times, age)), {
        use Freshness::{ErrorFallback, Expired, Stale};
        [Stale, Stale, ErrorFallback, ErrorFallback, Expired]
    });
    times.expire(at(110));
    assert_eq!(times.last(), Deadline::after(at(0), nanos(120)), "what is stale already stays so no longer");
    // However far a coarse clock lags that the hit asks.
    assert!(!times.is_plainly_fresh(&Clock::from(MockClock::new())));
}

#[test]
fn g18_the_longest_durations_never_end_and_never_wrap() {
    let longest = [Duration::MAX, Duration::MAX - nanos(1), nanos(u64::MAX), nanos(u64::MAX - STORED)];
    let end = Tick::from_nanos(u64::MAX);
    for long in longest {
        let rules = [
            Rules { time_to_live: long, ..FULL },
            Rules { time_to_live: long, time_to_idle: long, ..FULL },
            Rules { time_to_live: long, refresh: Refresh::Ahead(0.9), jitter: 0.5, ..Rules::NONE },
        ];
        for rules in rules {
            assert!(times(rules).freshness(end, || 1.0).is_shown(), "{rules:?}");
            assert!(times(rules).last().is_never() && times(rules).ends().is_never(), "{rules:?}");
        }
        let window = Rules { stale_while_revalidate: long, stale_if_error: long, ..FULL };
        assert_eq!(times(window).freshness(end, || 1.0), Freshness::Stale);
        assert_eq!(times(Rules { stale_if_error: long, ..FULL }).freshness(end, || 1.0), Freshness::ErrorFallback);
    }
    let last = Rules { time_to_live: nanos(u64::MAX - STORED - 1), ..Rules::NONE };
    assert_eq!(
        (state(&times(last), u64::MAX - STORED - 2), state(&times(last), u64::MAX - STORED - 1)),
        (Freshness::Fresh, Freshness::Expired)
    );
}

#[test]
fn g09_the_longest_time_between_the_clock_s_start_and_end() {
    let clock = MockClock::new();
    let by = Clock::from(clock.clone());
    clock.set(Duration::MAX);
    for rules in [Rules::NONE, FULL, Rules { time_to_idle: nanos(1), ..FULL }] {
        let times = rules.times(&OwnRules::default(), origin(Duration::ZERO), &by);
        assert!(times.is_shown(&by), "at its end the clock reaches no deadline: {rules:?}");
    }
}
