//! Early refresh: as often as its chance says, and by that alone.

use super::{at, origin};
use crate::ground::dice;
use crate::ground::time::{Clock, MockClock, Tick};
use crate::vocabulary::expiry::early::XFetch;
use crate::vocabulary::expiry::{Freshness, Refresh, Rules, Times};
use std::time::Duration;

/// The times of an entry whose load took ten seconds and that lives for a hundred.
fn early(beta: f64) -> Times {
    let rules = Rules { time_to_live: Duration::from_secs(100), refresh: Refresh::Early(XFetch::new(beta)), ..Rules::NONE };
    Times::new(&rules, origin(Duration::from_secs(10)), at(0))
}

const SECOND: u64 = 1_000_000_000;

/// The chance of XFetch that a refresh is due while so many nanoseconds remain: `exp(-remaining / (beta * load time))`.
#[expect(clippy::cast_precision_loss, reason = "a chance needs no more")]
fn chance(beta: f64, remaining: u64) -> f64 {
    (-(remaining as f64) / (beta * 10.0 * SECOND as f64)).exp()
}

#[test]
fn g12_early_refresh_is_due_exactly_for_the_throws_below_its_chance() {
    for beta in [0.25, 1.0, 2.5] {
        let times = early(beta);
        for remaining in [1, SECOND, 7 * SECOND, 10 * SECOND, 25 * SECOND, 60 * SECOND] {
            let chance = chance(beta, remaining);
            let due = |throw: f64| times.freshness(at(100 * SECOND - remaining), || throw) == Freshness::RefreshDue;
            assert!(due(chance * 0.999_999), "beta {beta}, {remaining} left");
            assert!(!due((chance * 1.000_001).min(1.0)), "beta {beta}, {remaining} left");
            assert!(!due(1.0), "the least favourable throw is never early");
        }
    }
    assert_eq!(early(1.0).freshness(at(100 * SECOND), || panic!("no more chance")), Freshness::Expired);
}

#[test]
fn g12_early_refresh_comes_as_often_as_its_chance_says() {
    const THROWS: u32 = 40_000;
    for beta in [0.5, 1.0, 3.0] {
        let times = early(beta);
        for remaining in [SECOND / 2, 2 * SECOND, 5 * SECOND, 10 * SECOND, 20 * SECOND, 40 * SECOND] {
            let throw = |_: &u32| times.freshness(at(100 * SECOND - remaining), dice::throw) == Freshness::RefreshDue;
            let due = u32::try_from((0..THROWS).filter(throw).count()).expect("there are fewer throws");
            let chance = chance(beta, remaining);
            let (throws, expected) = (f64::from(THROWS), f64::from(THROWS) * chance);
            let tolerance = 6.0 * (throws * chance * (1.0 - chance)).sqrt() + 1.0;
            assert!((f64::from(due) - expected).abs() <= tolerance, "beta {beta}, {remaining} left: {due}, not {expected}");
        }
    }
}

/// Before no throw at all can make it due, a read needs no dice.
#[test]
fn g12_early_refresh_is_no_matter_for_a_read_long_before_the_end() {
    let clock = MockClock::new();
    let by = Clock::from(clock.clone());
    let rules = Rules { time_to_live: Duration::from_secs(1_000), refresh: Refresh::Early(XFetch::new(1.0)), ..Rules::NONE };
    let times = Times::new(&rules, origin(Duration::from_secs(10)), Tick::from_nanos(0));
    clock.set(Duration::from_secs(1_000 - 369));
    assert!(times.is_plainly_fresh(&by) && times.is_calm(&by));
    clock.set(Duration::from_secs(1_000 - 367));
    assert!(!times.is_plainly_fresh(&by) && !times.is_calm(&by) && times.is_shown(&by));
    for load_time in [Duration::ZERO, Duration::MAX] {
        let times = Times::new(&rules, origin(load_time), Tick::from_nanos(0));
        let never = load_time.is_zero();
        assert_eq!(times.freshness(Tick::from_nanos(999 * SECOND), || 0.9) == Freshness::Fresh, never, "{load_time:?}");
        assert_eq!(times.freshness(Tick::from_nanos(999 * SECOND), || 0.0) == Freshness::Fresh, never, "{load_time:?}");
    }
}
