//! After a refresh that failed the next try waits: 200 milliseconds, twice as long each time, 30 seconds at most; and the value stays.

use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{
    DUE, KEY, OLD, Of, SETTINGS, TICK, WINDOW, down, due_with, info, settled, sourced, stale, stale_while_revalidate,
};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::tally::tally;
use bellwether::{CacheBuilder, ErrorBackoff, Freshness, LoadErrorKind, Loaded, MockClock, Source, StaleReason};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(30);

/// What `refresh_after` leaves to a value that is due is more than any wait of these tests.
fn long(builder: CacheBuilder<u32, usize>) -> CacheBuilder<u32, usize> {
    builder.time_to_live(DUE).stale_while_revalidate(WINDOW * 10)
}

/// An access that starts the refresh, which fails. Gives the wait until the next try.
fn fail<F: Kind>(cache: &Of<F>) -> Duration {
    let before = cache.metrics().loads_started;
    assert_eq!(*cache.fetch_with(&KEY).expect("the value stays"), OLD);
    settled::<F>(cache);
    assert_eq!(cache.metrics().loads_started, before + 1, "the time for it had come");
    info::<F>(cache).next_try.expect("it failed")
}

/// Accesses that start nothing.
fn none_is_tried<F: Kind>(cache: &Of<F>) {
    let before = cache.metrics().loads_started;
    for _ in 0..50 {
        assert_eq!(*cache.fetch_with(&KEY).expect("the value stays"), OLD);
        assert_eq!(*cache.fetch_or_load(&KEY, || Loaded::ok(1)).expect("the value stays"), OLD);
    }
    assert_eq!(at_rest(&cache.sync()).loads_started, before);
}

/// The wait after so many failures in a row, without jitter.
fn wait_after(failures: u32) -> Duration {
    FIRST.saturating_mul(1 << (failures - 1)).min(LONGEST)
}

fn g12_each_wait_is_twice_the_one_before_times_a_jitter_and_thirty_seconds_at_most<F: Kind>() {
    for style in BOTH {
        let (builder, runway) = down(long(CacheBuilder::new()), style);
        let (cache, clock) = due_with::<F>(builder);
        for failures in 1..=12 {
            let wait = fail::<F>(&cache);
            assert!(wait >= wait_after(failures) / 2 && wait <= wait_after(failures), "{style:?}: {wait:?} after {failures}");
            assert_eq!(info::<F>(&cache).failures, failures);
            clock.advance(wait - TICK);
            none_is_tried::<F>(&cache);
            assert_eq!(info::<F>(&cache).next_try, Some(TICK));
            clock.advance(TICK);
            assert_eq!(info::<F>(&cache).next_try, None, "{style:?}: at the instant itself it may be tried");
        }
        assert_eq!(runway.begun(), 12);
        tally(&cache.sync(), |metrics| (metrics.refreshes_failed, metrics.loads_failed_by(LoadErrorKind::Failed)), (12, 12));
    }
}

/// Waits are drawn anew each time, over the whole of [½, 1].
fn g12_the_jitter_is_spread<F: Kind>() {
    let (builder, _) = down(long(CacheBuilder::new()), Style::Blocking);
    let (cache, _) = due_with::<F>(builder);
    let waits: Vec<_> = (0..60)
        .map(|_| {
            cache.expire(&KEY);
            fail::<F>(&cache)
        })
        .collect();
    // That all 60 fall into the same half of the range is less likely than 10^-17.
    assert!(waits.iter().all(|&wait| wait >= FIRST / 2 && wait <= FIRST), "{waits:?}");
    assert!(waits.iter().any(|&wait| wait < FIRST * 3 / 4) && waits.iter().any(|&wait| wait > FIRST * 3 / 4), "{waits:?}");
    at_rest(&cache.sync());
}

fn g12_without_jitter_the_waits_are_exact_and_as_set<F: Kind>() {
    let settings = [
        (ErrorBackoff::default().jitter(false), [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]),
        (
            ErrorBackoff::new(Duration::from_millis(50)).factor(3.0).max(Duration::from_secs(1)).jitter(false),
            [50, 150, 450, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000],
        ),
        (ErrorBackoff::new(Duration::from_millis(10)).factor(1.0).jitter(false), [10; 10]),
    ];
    for style in BOTH {
        for (backoff, waits) in settings {
            let (builder, runway) = down(long(CacheBuilder::new()).error_backoff(backoff), style);
            let (cache, clock) = due_with::<F>(builder);
            for wait in waits.map(Duration::from_millis) {
                assert_eq!(fail::<F>(&cache), wait, "{style:?}");
                clock.advance(wait - TICK);
                none_is_tried::<F>(&cache);
                clock.advance(TICK);
            }
            assert_eq!((runway.begun(), cache.metrics().negatives), (10, 0), "what has a value needs no other answer");
        }
    }
}

/// A wait never outlasts the value's own lifetime.
fn g12_no_wait_is_longer_than_the_value_lives<F: Kind>() {
    let live = Duration::from_secs(2);
    let (builder, _) = down(CacheBuilder::new().error_backoff(ErrorBackoff::new(LONGEST).jitter(false)), Style::Async);
    let clock = MockClock::new();
    let cache: Of<F> = F::Of::build(builder.time_to_live(live).refresh_after(live / 2).clock(clock.clone()));
    cache.insert(KEY, OLD);
    clock.advance(live / 2);
    assert_eq!(fail::<F>(&cache), live);
    at_rest(&cache.sync());
}

/// While it waits, a fresh value is a hit as ever, and a stale one says why it is shown.
fn g12_backing_off_is_seen_by_the_reason_and_by_the_info<F: Kind>() {
    for style in BOTH {
        for (setting, is_stale) in SETTINGS {
            let (builder, _) = down(setting(CacheBuilder::new()), style);
            let (cache, clock) = due_with::<F>(builder);
            assert_eq!((info::<F>(&cache).failures, info::<F>(&cache).next_try), (0, None));
            let wait = fail::<F>(&cache);
            let seen = info::<F>(&cache);
            assert_eq!((seen.failures, seen.next_try), (1, Some(wait)));
            assert_eq!(seen.state, if is_stale { Freshness::Stale } else { Freshness::RefreshDue }, "it is as old as before");
            let expected = Source::Stale { age: DUE, why: StaleReason::BackingOff };
            assert_eq!(sourced(cache.fetch_detailed(&KEY)), (OLD, if is_stale { expected } else { Source::Hit }), "{style:?}");
            clock.advance(wait);
            let expected = is_stale.then_some((OLD, StaleReason::Revalidating));
            assert_eq!(stale(cache.fetch_detailed(&KEY)), expected, "{style:?}");
            settled::<F>(&cache);
            assert_eq!(info::<F>(&cache).failures, 2);
            at_rest(&cache.sync());
        }
    }
}

/// A loader that fails as long as it is told to.
fn switchable<F: Kind>(style: Style) -> (Of<F>, MockClock, Arc<AtomicBool>) {
    let up = Arc::new(AtomicBool::new(false));
    let works = Arc::clone(&up);
    let answer = move |_| if works.load(Ordering::Relaxed) { Loaded::ok(OLD) } else { Err("down".into()) };
    let (cache, clock) = due_with::<F>(Runway::new(0).loader(long(CacheBuilder::new()), style, answer));
    (cache, clock, up)
}

fn g12_a_success_ends_the_back_off<F: Kind>() {
    for style in BOTH {
        for explicit in [false, true] {
            let (cache, clock, up) = switchable::<F>(style);
            for _ in 0..4 {
                let wait = fail::<F>(&cache);
                clock.advance(wait);
            }
            up.store(true, Ordering::Relaxed);
            if explicit {
                assert!(cache.refresh(&KEY).is_ok());
            } else {
                assert!(cache.fetch_with(&KEY).is_ok());
                settled::<F>(&cache);
            }
            assert_eq!((info::<F>(&cache).failures, info::<F>(&cache).next_try), (0, None), "{style:?}");
            up.store(false, Ordering::Relaxed);
            clock.advance(DUE);
            assert!(fail::<F>(&cache) <= FIRST, "{style:?}: it begins anew");
            assert_eq!(info::<F>(&cache).failures, 1);
            at_rest(&cache.sync());
        }
    }
}

fn g12_expire_ends_the_back_off<F: Kind>() {
    for style in BOTH {
        let (cache, clock, _) = switchable::<F>(style);
        for _ in 0..4 {
            let wait = fail::<F>(&cache);
            clock.advance(wait);
        }
        fail::<F>(&cache);
        none_is_tried::<F>(&cache);
        assert!(!cache.expire(&KEY), "it wasn't fresh");
        assert_eq!((info::<F>(&cache).failures, info::<F>(&cache).next_try), (0, None));
        assert!(fail::<F>(&cache) <= FIRST, "{style:?}: it begins anew, at once");
        at_rest(&cache.sync());
    }
}

/// The explicit `refresh` never waits; where it fails, the next try of others waits longer.
fn g12_an_explicit_refresh_does_not_wait_and_counts_as_a_try<F: Kind>() {
    for style in BOTH {
        let (cache, _, _) = switchable::<F>(style);
        fail::<F>(&cache);
        for failures in 2..6 {
            assert!(cache.refresh(&KEY).is_err());
            settled::<F>(&cache);
            let wait = info::<F>(&cache).next_try.expect("it failed");
            assert!(info::<F>(&cache).failures == failures && wait >= wait_after(failures) / 2, "{style:?}: {wait:?} after {failures}");
        }
        none_is_tried::<F>(&cache);
        tally(&cache.sync(), |metrics| (metrics.loads_failed(), metrics.refreshes_failed, metrics.refreshes_started), (5, 1, 1));
    }
}

/// Each wait has to do with how often the load failed, not with how young the value was when it was last found good.
fn g12_a_value_that_was_expired_just_after_it_came_is_not_tried_at_each_access<F: Kind>() {
    for style in BOTH {
        let (builder, runway) = down(stale_while_revalidate(CacheBuilder::new()), style);
        let cache: Of<F> = F::Of::build(builder.clock(MockClock::new()));
        cache.insert(KEY, OLD);
        assert!(cache.expire(&KEY), "it was fresh");
        let wait = fail::<F>(&cache);
        assert!(wait >= FIRST / 2, "{style:?}: {wait:?}");
        none_is_tried::<F>(&cache);
        assert_eq!(runway.begun(), 1);
    }
}

on_every_face_in_time!(
    g12_each_wait_is_twice_the_one_before_times_a_jitter_and_thirty_seconds_at_most,
    g12_the_jitter_is_spread,
    g12_without_jitter_the_waits_are_exact_and_as_set,
    g12_no_wait_is_longer_than_the_value_lives,
    g12_backing_off_is_seen_by_the_reason_and_by_the_info,
    g12_a_success_ends_the_back_off,
    g12_expire_ends_the_back_off,
    g12_an_explicit_refresh_does_not_wait_and_counts_as_a_try,
    g12_a_value_that_was_expired_just_after_it_came_is_not_tried_at_each_access,
);
