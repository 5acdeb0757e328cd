//! Refreshes that are lost: taken by a place that never runs them, or waiting for a permit that never comes. Each has its end all the same, as
//! nobody waits for it who could end it.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{KEY, OLD, WINDOW, due, info, stale, stale_while_revalidate};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use bellwether::{BoxFuture, CacheBuilder, ErrorBackoff, LoadErrorKind, Loaded, SpawnError, Spawner, StaleReason};
use std::any::Any;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(10);

/// A spawner that takes everything and runs nothing.
#[derive(Clone, Default)]
struct Hoard(Arc<Mutex<Vec<Box<dyn Any + Send>>>>);

impl Hoard {
    fn take(&self, work: Box<dyn Any + Send>) {
        self.0.lock().expect("no holder panics").push(work);
    }

    fn throw_away(&self) {
        let all = std::mem::take(&mut *self.0.lock().expect("no holder panics"));
        drop(all);
    }
}

impl Spawner for Hoard {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.take(Box::new(future));
        Ok(())
    }
    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        self.take(Box::new(job));
        Ok(())
    }
}

fn g12_a_refresh_that_its_place_never_runs_is_over_at_its_time_out<F: Kind>() {
    for style in BOTH {
        let (runway, hoard) = (Runway::new(0), Hoard::default());
        let builder = stale_while_revalidate(CacheBuilder::new()).load_timeout(LIMIT).spawner(hoard.clone());
        let (cache, clock) = due::<F>(&runway, style, builder);
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)));
        clock.advance(LIMIT);
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::BackingOff)), "{style:?}: it has failed");
        let wait = info::<F>(&cache).next_try.expect("it failed");
        clock.advance(wait);
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)));
        assert_eq!(cache.metrics().refreshes_started, 2, "{style:?}: another is tried");
        hoard.throw_away();
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_failed_by(LoadErrorKind::TimedOut), metrics.refreshes), (1, 0), "{style:?}");
    }
}

/// The janitor keeps the time where the clock is the real one.
fn g12_a_refresh_that_its_place_never_runs_is_over_at_its_time_out_by_the_real_clock<F: Kind>() {
    for style in BOTH {
        let (runway, hoard) = (Runway::new(0), Hoard::default());
        let builder =
            CacheBuilder::new().stale_while_revalidate(Duration::MAX).load_timeout(Duration::from_millis(30)).spawner(hoard.clone());
        let cache = F::Of::<u32, usize>::build(runway.numbers(builder, style));
        cache.insert_with_ttl(KEY, OLD, Duration::ZERO);
        assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
        until("it has timed out", || cache.metrics().loads_failed_by(LoadErrorKind::TimedOut) == 1);
        hoard.throw_away();
        at_rest(&cache.sync());
    }
}

/// That nobody ran it is no fault of the loader: the next call for the key, which has no value any more, isn't given that for an answer.
fn g12_a_lost_refresh_of_what_is_held_no_more_is_no_failure_to_remember<F: Kind>() {
    for style in BOTH {
        let (runway, hoard) = (Runway::new(0), Hoard::default());
        let builder = stale_while_revalidate(CacheBuilder::new()).error_backoff(ErrorBackoff::default()).spawner(hoard.clone());
        let (cache, clock) = due::<F>(&runway, style, builder);
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)));
        clock.advance(WINDOW);
        hoard.throw_away();
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_failed(), metrics.entries, metrics.negatives), (1, 0, 0), "{style:?}");
    }
}

/// A load that holds the only permit and never ends.
fn g12_a_refresh_that_never_gets_a_permit_is_over_at_its_time_out<F: Kind>() {
    for style in BOTH {
        let (runway, gate) = (Runway::new(0), Gate::new());
        let builder = stale_while_revalidate(CacheBuilder::new()).load_timeout(LIMIT).max_concurrent_loads(1);
        let (cache, clock) = due::<F>(&runway, style, builder);
        let held = gate.clone();
        let holder = apart(&cache.sync(), move |cache| {
            cache.fetch_or_load(&2, || {
                held.wait();
                Loaded::ok(2)
            })
        });
        gate.until_arrived(1);
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)));
        until("it waits for the permit", || cache.metrics().queued == 1 && cache.metrics().refreshes == 1);
        clock.advance(LIMIT);
        let reason = stale(cache.fetch_detailed(&KEY));
        let after = (cache.metrics().queued, cache.metrics().refreshes);
        gate.open();
        drop(holder.result());
        assert_eq!((reason, after), (Some((OLD, StaleReason::BackingOff)), (0, 0)), "{style:?}: it has failed, and waits no more");
        at_rest(&cache.sync());
        assert_eq!(runway.begun(), 0);
    }
}

on_every_face_in_time!(
    g12_a_refresh_that_its_place_never_runs_is_over_at_its_time_out,
    g12_a_refresh_that_its_place_never_runs_is_over_at_its_time_out_by_the_real_clock,
    g12_a_lost_refresh_of_what_is_held_no_more_is_no_failure_to_remember,
    g12_a_refresh_that_never_gets_a_permit_is_over_at_its_time_out,
);
