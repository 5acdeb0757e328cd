//! The ways in which a refresh can fail, besides an error: a panic, a time-out, a place that doesn't take it. The value stays.

use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{DUE, KEY, OLD, SETTINGS, WINDOW, due, due_with, info, settled, stale, stale_while_revalidate};
use crate::gate::until;
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::tally::tally;
use bellwether::{BoxFuture, CacheBuilder, LoadErrorKind, SpawnError, Spawner, StaleReason};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(10);

fn g12_a_refresh_that_panics_leaves_the_value<F: Kind>() {
    hush();
    for (setting, _) in SETTINGS {
        for style in BOTH {
            let runway = Runway::new(0);
            let (cache, _) = due_with::<F>(runway.loader(setting(CacheBuilder::new()), style, |_| panic!("{ON_PURPOSE}")));
            for _ in 0..10 {
                assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
                settled::<F>(&cache);
            }
            assert_eq!((info::<F>(&cache).failures, runway.begun()), (1, 1), "{style:?}");
            tally(&cache.sync(), |metrics| (metrics.loads_failed_by(LoadErrorKind::Panicked), metrics.refreshes_failed), (1, 1));
        }
    }
}

fn g12_a_refresh_that_never_returns_is_over_at_its_time_out<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(2);
        let (cache, clock) = due::<F>(&runway, style, stale_while_revalidate(CacheBuilder::new()).load_timeout(LIMIT));
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)));
        runway.until_begun(0);
        until("its task waits", || cache.metrics().refreshes == 1);
        clock.advance(LIMIT);
        until("it is over", || cache.metrics().flights == 0);
        let wait = info::<F>(&cache).next_try.expect("it failed");
        assert_eq!((info::<F>(&cache).failures, stale(cache.fetch_detailed(&KEY))), (1, Some((OLD, StaleReason::BackingOff))), "{style:?}");
        // A blocking load can't be stopped: it still counts among those under way.
        until("an async one is dropped", || cache.metrics().refreshes == u64::from(style == Style::Blocking));
        clock.advance(wait);
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)), "the next try is made all the same");
        runway.until_begun(1);
        runway.open(0);
        until("the late one has ended", || cache.metrics().refreshes == 1);
        assert_eq!(cache.fetch_stale(&KEY).map(|fetched| *fetched.value), Some(OLD), "{style:?}: what comes too late is not stored");
        runway.open(1);
        settled::<F>(&cache);
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&1), "{style:?}");
        let counted = |metrics: &bellwether::MetricsSnapshot| {
            (metrics.loads_failed_by(LoadErrorKind::TimedOut), metrics.refreshes_failed, metrics.refreshes_started, metrics.loads_stored)
        };
        tally(&cache.sync(), counted, (1, 1, 2, 1));
    }
}

/// By the real clock somebody has to keep the time of a load that nobody waits for.
fn g12_a_refresh_that_never_returns_is_over_at_its_time_out_by_the_real_clock<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(20);
        let builder = CacheBuilder::new().stale_while_revalidate(Duration::MAX).load_timeout(Duration::from_millis(30));
        let cache = F::Of::<u32, usize>::build(runway.numbers(builder, style));
        cache.insert_with_ttl(KEY, OLD, Duration::ZERO);
        let mut tries = 0;
        // Where threads are slow to come its time is over before its loader is called, which then isn't: another is tried.
        while runway.begun() == 0 {
            tries += 1;
            until("a refresh is tried", || {
                assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
                cache.metrics().refreshes_started == tries
            });
            until("it is over", || {
                let metrics = cache.metrics();
                metrics.flights == 0 && metrics.loads_failed_by(LoadErrorKind::TimedOut) == tries
            });
        }
        assert_eq!(cache.fetch_stale(&KEY).map(|fetched| *fetched.value), Some(OLD), "{style:?}");
        (0..20).for_each(|number| runway.open(number));
        at_rest(&cache.sync());
    }
}

/// A spawner that takes nothing; says how often it was asked.
struct Refusing(Arc<AtomicUsize>);

impl Refusing {
    fn refuse(&self) -> Result<(), SpawnError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(SpawnError::new("full"))
    }
}

impl Spawner for Refusing {
    fn spawn(&self, _: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.refuse()
    }
    fn spawn_blocking(&self, _: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        self.refuse()
    }
}

fn g12_a_refresh_that_nobody_runs_leaves_the_value_and_is_tried_again<F: Kind>() {
    for style in BOTH {
        let (runway, asked) = (Runway::new(0), Arc::new(AtomicUsize::new(0)));
        let builder = stale_while_revalidate(CacheBuilder::new()).spawner(Refusing(Arc::clone(&asked)));
        let (cache, clock) = due::<F>(&runway, style, builder);
        for tries in 1..=3 {
            for _ in 0..10 {
                assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
            }
            settled::<F>(&cache);
            assert_eq!((info::<F>(&cache).failures, asked.load(Ordering::Relaxed)), (tries, tries as usize), "{style:?}");
            clock.advance(info::<F>(&cache).next_try.expect("it failed"));
        }
        let failure = if style == Style::Async { LoadErrorKind::Cancelled } else { LoadErrorKind::Overloaded };
        tally(&cache.sync(), |metrics| (metrics.loads_failed_by(failure), metrics.refreshes_failed, metrics.refreshes_started), (3, 3, 3));
        assert_eq!(runway.begun(), 0);
    }
}

/// Only what fails often in a row waits long, whichever way it fails.
fn g12_failures_of_all_kinds_count_in_a_row<F: Kind>() {
    hush();
    for style in BOTH {
        let runway = Runway::new(0);
        let answer = |number| if number % 2 == 0 { panic!("{ON_PURPOSE}") } else { Err("down".into()) };
        let (cache, clock) = due_with::<F>(runway.loader(stale_while_revalidate(CacheBuilder::new()), style, answer));
        for failures in 1..=6 {
            assert!(cache.fetch_with(&KEY).is_ok());
            settled::<F>(&cache);
            assert_eq!(info::<F>(&cache).failures, failures, "{style:?}");
            clock.advance(info::<F>(&cache).next_try.expect("it failed"));
        }
        assert!(clock.elapsed() < DUE + WINDOW);
        tally(&cache.sync(), |metrics| (metrics.loads_failed(), metrics.refreshes_failed), (6, 6));
    }
}

on_every_face_in_time!(
    g12_a_refresh_that_panics_leaves_the_value,
    g12_a_refresh_that_never_returns_is_over_at_its_time_out,
    g12_a_refresh_that_never_returns_is_over_at_its_time_out_by_the_real_clock,
    g12_a_refresh_that_nobody_runs_leaves_the_value_and_is_tried_again,
    g12_failures_of_all_kinds_count_in_a_row,
);
