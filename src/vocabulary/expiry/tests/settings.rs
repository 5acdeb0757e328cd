//! What settings come to: jitter, what an entry brings of its own, ends by the wall clock.

use super::{FULL, nanos};
use crate::vocabulary::expiry::early::XFetch;
use crate::vocabulary::expiry::{Lifetime, OwnRules, Refresh, Rules, part_of};
use std::time::{Duration, SystemTime};

#[test]
fn g09_jitter_shortens_life_and_refresh_by_one_throw_and_nothing_else() {
    const THROWS: u32 = 10_000;
    let rules =
        Rules { time_to_live: nanos(1_000_000), refresh: Refresh::After(nanos(800_000)), time_to_idle: nanos(500), jitter: 0.25, ..FULL };
    let mut sum = 0_u64;
    for _ in 0..THROWS {
        let shortened = rules.jittered();
        let live = shortened.time_to_live;
        assert!(live >= nanos(750_000) && live < rules.time_to_live);
        let Refresh::After(after) = shortened.refresh else { panic!("it is what it was") };
        // Both are cut to a whole nanosecond.
        assert!(after.abs_diff(live * 4 / 5) <= nanos(1) && after <= live);
        assert_eq!(Rules { time_to_live: rules.time_to_live, refresh: rules.refresh, ..shortened }, rules);
        sum += u64::try_from(live.as_nanos()).expect("it is short");
    }
    // A uniform throw over 250,000 has a standard deviation of 72,169; the mean of 10,000 of them one of 722.
    assert!((sum / u64::from(THROWS)).abs_diff(875_000) < 6 * 722, "{}", sum / u64::from(THROWS));
    for part in [Refresh::Ahead(0.5), Refresh::Early(XFetch::new(1.0)), Refresh::Never, Refresh::After(Duration::MAX)] {
        assert_eq!(Rules { refresh: part, ..rules }.jittered().refresh, part);
    }
    assert_eq!(Rules { jitter: 0.0, ..rules }.jittered(), Rules { jitter: 0.0, ..rules });
    assert!(rules.answer_time(nanos(100)) <= nanos(100) && rules.answer_time(nanos(100)) >= nanos(74));
    assert_eq!(rules.answer_time(Duration::MAX), Duration::MAX);
}

#[test]
fn g18_a_part_of_a_duration_is_at_most_all_of_it() {
    assert_eq!(part_of(nanos(1_000), 0.5), nanos(500));
    assert_eq!((part_of(nanos(1_000), 1.0), part_of(nanos(1_000), 0.0)), (nanos(1_000), Duration::ZERO));
    assert_eq!((part_of(Duration::ZERO, 1.0), part_of(nanos(1), 0.999)), (Duration::ZERO, Duration::ZERO));
    assert_eq!((part_of(Duration::MAX, 0.5), part_of(Duration::MAX, 0.0)), (Duration::MAX, Duration::MAX));
    for whole in [nanos(u64::MAX), nanos(u64::MAX - 1), nanos((1 << 53) + 1), Duration::MAX - nanos(1)] {
        assert!(part_of(whole, 1.0) <= whole, "{whole:?}");
        let half = part_of(whole, 0.5);
        assert!(half <= whole && half > Duration::ZERO, "{whole:?}");
    }
}

#[test]
fn g09_what_an_entry_brings_comes_before_the_cache_s_rules() {
    assert_eq!(FULL.with(&OwnRules::default()), FULL);
    let own = OwnRules {
        lifetime: Some(Lifetime::For(nanos(1))),
        time_to_idle: Some(nanos(2)),
        refresh_after: Some(nanos(3)),
        stale_while_revalidate: Some(nanos(4)),
        stale_if_error: Some(nanos(5)),
    };
    let expected = Rules {
        time_to_live: nanos(1),
        time_to_idle: nanos(2),
        refresh: Refresh::After(nanos(3)),
        stale_while_revalidate: nanos(4),
        stale_if_error: nanos(5),
        jitter: 0.0,
    };
    assert_eq!(FULL.with(&own), expected);
    assert_eq!(Rules { refresh: Refresh::Ahead(0.5), ..FULL }.with(&own), expected);
}

#[test]
fn g09_an_end_by_the_wall_clock_is_what_is_left_until_then() {
    let hour = Duration::from_secs(3_600);
    let left = Lifetime::Until(SystemTime::now() + hour).left();
    assert!(left <= hour && left > hour - Duration::from_secs(600), "{left:?}");
    for past in [SystemTime::UNIX_EPOCH, SystemTime::now(), SystemTime::now() - hour] {
        assert_eq!(Lifetime::Until(past).left(), Duration::ZERO);
    }
    for time in [Duration::ZERO, hour, Duration::MAX] {
        assert_eq!(Lifetime::For(time).left(), time);
    }
}
