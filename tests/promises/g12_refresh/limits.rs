//! `max_concurrent_refreshes`: never more at a time; what is beyond is dropped and counted, and the next access tries again.

use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{DUE, KEY, OLD, Of, due, settled, stale, stale_while_revalidate};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::tally::tally;
use crate::together::together;
use bellwether::{CacheBuilder, LoadErrorKind, Loaded, MockClock, StaleReason};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(10);

/// A cache whose keys 0 to `keys` hold [`OLD`] and are due.
fn many<F: Kind>(runway: &Runway, style: Style, keys: u32, builder: CacheBuilder<u32, usize>) -> (Of<F>, MockClock) {
    let (cache, clock) = due::<F>(runway, style, stale_while_revalidate(builder));
    (0..keys).for_each(|key| cache.insert_with(key, Loaded::value(OLD).time_to_live(Duration::ZERO)));
    (cache, clock)
}

fn g12_no_more_refreshes_run_than_may_and_the_next_access_tries_again<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(2);
        let (cache, _) = many::<F>(&runway, style, 6, CacheBuilder::new().max_concurrent_refreshes(2));
        for round in 1..=3 {
            (0..6).for_each(|key| assert_eq!(stale(cache.fetch_detailed(&key)), Some((OLD, StaleReason::Revalidating))));
            let metrics = cache.metrics();
            assert_eq!((metrics.refreshes, metrics.refreshes_started, metrics.refreshes_dropped), (2, 2, 4 * round), "{style:?}");
            assert_eq!(metrics.loads_started, 2);
        }
        // What was dropped hasn't failed.
        assert_eq!(cache.entry_info(&5).map(|info| (info.failures, info.next_try)), Some((0, None)));
        (0..2).for_each(|number| runway.until_begun(number));
        runway.open(0);
        runway.open(1);
        for _ in 0..4 {
            (0..6).for_each(|key| drop(cache.fetch_with(&key).expect("it is held")));
            settled::<F>(&cache);
        }
        assert!((0..6).all(|key| cache.contains_key(&key)), "{style:?}: by and by all are fresh");
        assert_eq!(at_rest(&cache.sync()).refreshes_started, 6);
    }
}

/// The loader itself counts how many it is at.
fn g12_under_a_storm_no_more_refreshes_run_than_may<F: Kind>() {
    for style in BOTH {
        let (now, peak) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let clock = MockClock::new();
        let builder = CacheBuilder::new().clock(clock.clone()).stale_while_revalidate(Duration::MAX).max_concurrent_refreshes(3);
        let enter = {
            let (now, peak) = (Arc::clone(&now), Arc::clone(&peak));
            move || {
                peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            }
        };
        let leave = move || {
            now.fetch_sub(1, Ordering::SeqCst);
        };
        // Values are over as soon as they are there, so that each access wants a refresh.
        let answer = || Loaded::ok(Loaded::value(1).time_to_live(Duration::ZERO));
        let builder = match style {
            Style::Blocking => builder.loader_fn(move |_: &u32| {
                enter();
                std::thread::yield_now();
                leave();
                answer()
            }),
            Style::Async => builder.async_loader_fn(move |_: u32| {
                let (enter, leave) = (enter.clone(), leave.clone());
                async move {
                    enter();
                    std::thread::yield_now();
                    leave();
                    answer()
                }
            }),
        };
        let cache: Of<F> = F::Of::build(builder);
        (0..16).for_each(|key| cache.insert_with(key, Loaded::value(1).time_to_live(Duration::ZERO)));
        together(4, |thread| {
            (0..400_u32).for_each(|n| {
                assert_eq!(cache.fetch_with(&((n * 7 + u32::try_from(thread).expect("there are four")) % 16)).ok().as_deref(), Some(&1));
                assert!(cache.metrics().refreshes <= 3);
            });
        });
        settled::<F>(&cache);
        let metrics = at_rest(&cache.sync());
        assert!(peak.load(Ordering::SeqCst) <= 3, "{style:?}: {peak:?}");
        assert_eq!((metrics.stale_hits, metrics.loads_stored), (1_600, metrics.refreshes_started), "{style:?}");
        assert!(metrics.refreshes_started > 0);
    }
}

/// Loads that somebody waits for are no refreshes.
fn g12_other_loads_need_no_place_among_the_refreshes<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (cache, _) = many::<F>(&runway, style, 3, CacheBuilder::new().max_concurrent_refreshes(1));
        assert!(cache.fetch_with(&0).is_ok());
        runway.until_begun(0);
        assert!(cache.fetch_with(&100).is_ok_and(|value| *value != OLD) && cache.refresh(&2).is_ok_and(|value| *value != OLD));
        assert_eq!((cache.metrics().refreshes, cache.metrics().refreshes_dropped), (1, 0), "{style:?}");
        runway.open(0);
        settled::<F>(&cache);
        at_rest(&cache.sync());
    }
}

/// A refresh that a write has overtaken, or that timed out while its loader goes on, keeps its place until it really ends.
fn g12_a_refresh_keeps_its_place_until_its_loader_is_done<F: Kind>() {
    for style in BOTH {
        for times_out in [false, true] {
            let runway = Runway::new(1);
            let builder = CacheBuilder::new().max_concurrent_refreshes(1);
            let (cache, clock) = due::<F>(&runway, style, stale_while_revalidate(builder).load_timeout(LIMIT));
            cache.insert_with(2, Loaded::value(OLD).time_to_live(Duration::ZERO));
            assert!(cache.fetch_with(&KEY).is_ok());
            runway.until_begun(0);
            if times_out {
                clock.advance(LIMIT);
                until("it has timed out", || cache.metrics().loads_failed_by(LoadErrorKind::TimedOut) == 1);
            } else {
                cache.insert(KEY, 5);
            }
            if times_out && style == Style::Async {
                until("its loader is dropped", || cache.metrics().refreshes == 0);
                runway.open(0);
            } else {
                assert_eq!(stale(cache.fetch_detailed(&2)), Some((OLD, StaleReason::Revalidating)));
                assert_eq!((cache.metrics().refreshes, cache.metrics().refreshes_dropped), (1, 1), "{style:?}, {times_out}");
                runway.open(0);
                settled::<F>(&cache);
            }
            assert_eq!(cache.fetch_with(&2).ok().as_deref(), Some(&OLD));
            settled::<F>(&cache);
            assert_eq!(cache.fetch(&2).as_deref(), Some(&1), "{style:?}, {times_out}");
            tally(&cache.sync(), |metrics| metrics.refreshes_started, 2);
        }
    }
}

/// Dropped ones are neither hits nor anything else but what their callers got.
fn g12_who_wanted_a_refresh_that_was_dropped_is_counted_as_any_other<F: Kind>() {
    let runway = Runway::new(1);
    let builder = CacheBuilder::new().max_concurrent_refreshes(1).time_to_live(DUE * 9).refresh_after(DUE);
    let (cache, clock) = due::<F>(&runway, Style::Async, builder);
    cache.insert(2, OLD);
    clock.advance(DUE);
    (1..=2).for_each(|key| assert_eq!(cache.fetch_with(&key).ok().as_deref(), Some(&OLD)));
    runway.open(0);
    settled::<F>(&cache);
    let metrics = at_rest(&cache.sync());
    assert_eq!((metrics.hits, metrics.misses, metrics.turned_away, metrics.refreshes_dropped), (2, 0, 0, 1));
    assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0));
}

on_every_face_in_time!(
    g12_no_more_refreshes_run_than_may_and_the_next_access_tries_again,
    g12_under_a_storm_no_more_refreshes_run_than_may,
    g12_other_loads_need_no_place_among_the_refreshes,
    g12_a_refresh_keeps_its_place_until_its_loader_is_done,
    g12_who_wanted_a_refresh_that_was_dropped_is_counted_as_any_other,
);
