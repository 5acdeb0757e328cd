//! Back-off: how long the next try waits.

use super::{FULL, at, nanos, times};
use crate::ground::dice;
use crate::ground::time::Deadline;
use crate::vocabulary::expiry::backoff::ErrorBackoff;
use std::time::Duration;

#[test]
fn g12_each_wait_after_a_failure_is_longer_until_the_longest() {
    let exact = ErrorBackoff::default().jitter(false);
    let milliseconds = Duration::from_millis;
    let waits =
        |backoff: ErrorBackoff, lifetime: Duration| (0..10).map(|failures| backoff.wait(failures, lifetime, 0.5)).collect::<Vec<_>>();
    let doubled = [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000].map(milliseconds);
    assert_eq!(waits(exact, Duration::MAX), doubled);
    assert_eq!(waits(exact, milliseconds(1_000)), doubled.map(|wait| wait.min(milliseconds(1_000))), "never longer than the value lives");
    assert_eq!(exact.wait(3, Duration::ZERO, 1.0), Duration::ZERO);
    let own = ErrorBackoff::new(milliseconds(8)).factor(1.5).max(milliseconds(20)).jitter(false);
    assert_eq!(waits(own, Duration::MAX)[..4], [milliseconds(8), milliseconds(12), milliseconds(18), milliseconds(20)]);
    assert_eq!(waits(ErrorBackoff::new(milliseconds(8)).factor(1.0).jitter(false), Duration::MAX), [milliseconds(8); 10]);
}

#[test]
fn g12_the_jitter_of_a_wait_is_between_a_half_and_the_whole() {
    let backoff = ErrorBackoff::default();
    let milliseconds = Duration::from_millis;
    let by = |chance| backoff.wait(0, Duration::MAX, chance);
    assert_eq!([by(0.0), by(0.5), by(1.0)], [milliseconds(100), milliseconds(150), milliseconds(200)]);
    assert_eq!(backoff.wait(20, Duration::MAX, 0.0), Duration::from_secs(15), "the longest wait is jittered, too");
    assert_eq!(backoff.wait(20, Duration::from_secs(10), 0.0), Duration::from_secs(5));
    for _ in 0..1_000 {
        let wait = by(dice::throw());
        assert!(wait >= milliseconds(100) && wait <= milliseconds(200));
    }
}

#[test]
fn g18_no_number_of_failures_and_no_wait_is_too_much() {
    for failures in [0, 31, 32, 1_023, 1_024, 1 << 31, u32::MAX] {
        for factor in [1.0, 2.0, 1e300, f64::MAX] {
            for first in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
                for max in [Duration::ZERO, Duration::from_secs(30), Duration::MAX] {
                    let wait = ErrorBackoff::new(first).factor(factor).max(max).wait(failures, Duration::MAX, 1.0);
                    assert!(wait <= max, "{failures} {factor} {first:?} {max:?}");
                    assert!(!first.is_zero() || wait.is_zero(), "{failures} {factor} {first:?} {max:?}: nothing doubled is nothing");
                }
            }
        }
    }
}

#[test]
fn g12_failures_count_up_and_a_new_try_waits() {
    let mut times = times(FULL);
    let backoff = ErrorBackoff::new(nanos(10)).jitter(false);
    assert_eq!(times.trouble(), (0, Deadline::START));
    for (failures, wait) in [(1, 10), (2, 20), (3, 40), (4, 80), (5, 150), (6, 150)] {
        times.load_failed(at(60), &backoff);
        assert_eq!(times.trouble(), (failures, Deadline::after(at(60), nanos(wait))), "so long it is of use at all");
    }
    times.expire(at(61));
    assert_eq!(times.trouble(), (0, Deadline::START), "expire clears the way");
}
