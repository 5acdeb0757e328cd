//! The end of a cache, and callers that go away, while refreshes run.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{KEY, OLD, Of, due, due_with, settled, stale, stale_while_revalidate};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::tally::tally;
use bellwether::{AbandonedLoads, CacheBuilder, Loaded, StaleReason};
use futures::FutureExt;
use std::sync::{Arc, Weak};
use std::time::Duration;

fn g12_close_waits_for_a_refresh_and_its_value_is_stored<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (cache, _) = due::<F>(&runway, style, stale_while_revalidate(CacheBuilder::new()));
        assert!(cache.fetch_with(&KEY).is_ok());
        runway.until_begun(0);
        let closing = apart(&cache.sync(), |cache| cache.close_within(Duration::MAX));
        until("it is closed", || cache.refresh(&2).is_err());
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)), "what is held is served");
        assert!(!closing.is_over(), "{style:?}");
        runway.open(0);
        assert!(closing.result(), "{style:?}: all have landed");
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0));
        assert_eq!(at_rest(&cache.sync()).refreshes_started, 1);
    }
}

fn g12_a_closed_cache_starts_no_refresh<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(0);
        let (cache, _) = due::<F>(&runway, style, stale_while_revalidate(CacheBuilder::new()));
        assert!(cache.sync().close());
        (0..20).for_each(|_| assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD)));
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.refreshes_started, metrics.refreshes_failed, metrics.loads_started, runway.begun()), (0, 0, 0, 0), "{style:?}");
    }
}

/// A limit of the closing's own: what isn't done by then is given up.
fn g12_close_does_not_wait_for_ever_for_a_refresh_that_hangs<F: Kind>() {
    for style in BOTH {
        let (runway, limit) = (Runway::new(1), Duration::from_secs(5));
        let (cache, clock) = due::<F>(&runway, style, stale_while_revalidate(CacheBuilder::new()));
        assert!(cache.fetch_with(&KEY).is_ok());
        runway.until_begun(0);
        let closing = apart(&cache.sync(), move |cache| cache.close_within(limit));
        until("it gives up", || {
            clock.advance(limit);
            closing.is_over()
        });
        assert!(!closing.result(), "{style:?}");
        runway.open(0);
        settled::<F>(&cache);
        at_rest(&cache.sync());
    }
}

/// A loader that keeps `held` while it loads, until the gate is opened.
fn holding(builder: CacheBuilder<u32, usize>, style: Style, gate: &Gate, held: &Weak<()>) -> CacheBuilder<u32, usize> {
    let (gate, held) = (gate.clone(), held.clone());
    match style {
        Style::Blocking => builder.loader_fn(move |_: &u32| {
            let _held = held.upgrade();
            gate.wait();
            Loaded::ok(1)
        }),
        Style::Async => builder.async_loader_fn(move |_: u32| {
            let (gate, held) = (gate.clone(), held.clone());
            async move {
                let _held = held.upgrade();
                gate.pass().await;
                Loaded::ok(1)
            }
        }),
    }
}

/// An async load that nobody can hear of any more is dropped; a blocking one can't be, and is left to end unheard.
fn g12_the_last_handle_takes_running_refreshes_with_it<F: Kind>() {
    for style in BOTH {
        let (gate, held) = (Gate::new(), Arc::new(()));
        let value = Arc::new(OLD);
        let (cache, _) = due_with::<F>(holding(stale_while_revalidate(CacheBuilder::new()), style, &gate, &Arc::downgrade(&held)));
        cache.insert_with(KEY, Loaded::from(Arc::clone(&value)).time_to_live(Duration::ZERO));
        assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
        gate.until_arrived(1);
        until("the loader has begun", || Arc::strong_count(&held) == 2);
        drop(cache);
        if style == Style::Blocking {
            gate.open();
        }
        until("the loader is gone", || Arc::strong_count(&held) == 1);
        until("the value is gone", || Arc::strong_count(&value) == 1);
    }
}

/// A refresh isn't for its waiters alone: they may come and go.
fn g12_a_refresh_is_not_cancelled_for_want_of_waiters<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let builder = CacheBuilder::new().abandoned_loads(AbandonedLoads::Cancel);
        let (cache, _) = due::<F>(&runway, style, stale_while_revalidate(builder));
        assert!(cache.fetch_with(&KEY).is_ok());
        runway.until_begun(0);
        let tasks = cache.sync().to_async();
        let mut waiter = tasks.refresh(&KEY);
        assert!((&mut waiter).now_or_never().is_none());
        assert_eq!(cache.metrics().waiters, 1);
        drop(waiter);
        drop(tasks.refresh(&KEY));
        assert_eq!(cache.metrics().flights, 1, "{style:?}: it goes on");
        runway.open(0);
        settled::<F>(&cache);
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0), "{style:?}");
        tally(&cache.sync(), |metrics| (metrics.loads_stored, metrics.loads_failed()), (1, 0));
    }
}

/// The caller that started it may be dropped before it is ever polled: it has its value, and the refresh is the cache's.
fn g12_the_caller_that_started_a_refresh_may_go_at_once<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let builder = CacheBuilder::new().abandoned_loads(AbandonedLoads::Cancel);
        let (cache, _) = due::<F>(&runway, style, stale_while_revalidate(builder));
        drop(cache.sync().to_async().fetch_with(&KEY));
        runway.until_begun(0);
        runway.open(0);
        settled::<F>(&cache);
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0), "{style:?}");
        at_rest(&cache.sync());
    }
}

/// `wait_idle` knows of refreshes.
fn g12_waiting_until_a_cache_is_idle_waits_for_refreshes<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (cache, _): (Of<F>, _) = due::<F>(&runway, style, stale_while_revalidate(CacheBuilder::new()));
        assert!(cache.fetch_with(&KEY).is_ok());
        runway.until_begun(0);
        let idle = apart(&cache.sync(), |cache| {
            cache.wait_idle();
            cache.fetch(&KEY).as_deref().copied()
        });
        runway.open(0);
        assert_eq!(idle.result(), Some(0), "{style:?}");
        settled::<F>(&cache);
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g12_close_waits_for_a_refresh_and_its_value_is_stored,
    g12_a_closed_cache_starts_no_refresh,
    g12_close_does_not_wait_for_ever_for_a_refresh_that_hangs,
    g12_the_last_handle_takes_running_refreshes_with_it,
    g12_a_refresh_is_not_cancelled_for_want_of_waiters,
    g12_the_caller_that_started_a_refresh_may_go_at_once,
    g12_waiting_until_a_cache_is_idle_waits_for_refreshes,
);
