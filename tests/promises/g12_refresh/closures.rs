//! `fetch_or_load` where a value is due: a task's closure runs in the background, a thread's on that thread, and others are served meanwhile.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{DUE, KEY, OLD, Of, due, due_with, info, kind, settled, stale, stale_while_revalidate};
use crate::gate::{Gate, until};
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{Runway, Style};
use crate::tally::tally;
use bellwether::{BoxError, CacheBuilder, LoadErrorKind, Loaded, StaleReason};
use futures::FutureExt;
use std::sync::Arc;
use std::thread;

const NEW: usize = 7;

type Closure = fn() -> Result<Loaded<usize>, BoxError>;

/// A cache without a loader whose value is due.
fn bare<F: Kind>() -> Of<F> {
    due_with::<F>(stale_while_revalidate(CacheBuilder::new())).0
}

fn unneeded() -> Result<Loaded<usize>, BoxError> {
    panic!("somebody loads it already")
}

fn g12_the_closure_of_a_task_runs_in_the_background<F: Kind>() {
    let (cache, gate) = (bare::<F>(), Gate::new());
    let tasks = cache.sync().to_async();
    let held = gate.clone();
    let load = || async move {
        held.pass().await;
        Loaded::ok(NEW)
    };
    let served = tasks.fetch_or_load(&KEY, load).now_or_never().expect("it has the value at once");
    assert_eq!(served.ok().as_deref(), Some(&OLD));
    gate.until_arrived(1);
    let served = tasks.fetch_or_load(&KEY, || async { unneeded() }).now_or_never().expect("it has the value at once");
    assert_eq!(served.ok().as_deref(), Some(&OLD));
    assert_eq!(cache.fetch_or_load(&KEY, unneeded).ok().as_deref(), Some(&OLD), "so has a thread");
    assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)));
    gate.open();
    settled::<F>(&cache);
    assert_eq!(cache.fetch(&KEY).as_deref(), Some(&NEW));
    tally(&cache.sync(), |metrics| (metrics.refreshes_started, metrics.loads_stored, metrics.stale_hits, metrics.misses), (1, 1, 4, 0));
}

/// Whether the closure itself panics, its future does, or it returns an error.
fn g12_a_tasks_closure_that_fails_leaves_the_value<F: Kind>() {
    hush();
    for way in 0..3 {
        let cache = bare::<F>();
        let tasks = cache.sync().to_async();
        let load = move || {
            assert!(way != 0, "{ON_PURPOSE}");
            async move {
                assert!(way != 1, "{ON_PURPOSE}");
                Err::<usize, _>("down")
            }
        };
        let served = tasks.fetch_or_load(&KEY, load).now_or_never().expect("it has the value at once");
        assert_eq!(served.ok().as_deref(), Some(&OLD));
        settled::<F>(&cache);
        assert_eq!((info::<F>(&cache).failures, stale(cache.fetch_detailed(&KEY))), (1, Some((OLD, StaleReason::BackingOff))));
        let served = tasks.fetch_or_load(&KEY, || async { unneeded() }).now_or_never().expect("it has the value at once");
        assert!(served.is_ok(), "it waits for the next try");
        let failure = if way < 2 { LoadErrorKind::Panicked } else { LoadErrorKind::Failed };
        tally(&cache.sync(), |metrics| (metrics.loads_failed_by(failure), metrics.refreshes_failed), (1, 1));
    }
}

/// It may borrow, so it can't run anywhere else.
fn g12_the_closure_of_a_thread_runs_on_that_thread_while_others_are_served<F: Kind>() {
    let (cache, gate) = (bare::<F>().sync(), Gate::new());
    let held = gate.clone();
    let loads = apart(&cache, move |cache| {
        let (mut ran_on, here) = (None, thread::current().id());
        let loaded = cache.fetch_or_load(&KEY, || {
            ran_on = Some(thread::current().id());
            held.wait();
            Loaded::ok(NEW)
        });
        assert_eq!(ran_on, Some(here));
        loaded
    });
    gate.until_arrived(1);
    let others: Vec<_> = (0..4).map(|_| apart(&cache, |cache| cache.fetch_or_load(&KEY, unneeded))).collect();
    for other in others {
        assert_eq!(other.result().ok().as_deref(), Some(&OLD), "others are served");
    }
    assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)));
    assert!(!loads.is_over());
    gate.open();
    assert_eq!(loads.result().ok().as_deref(), Some(&NEW), "it gets what it brought");
    assert_eq!(cache.fetch(&KEY).as_deref(), Some(&NEW));
    tally(&cache, |metrics| (metrics.loads_started, metrics.loads_stored, metrics.joined), (1, 1, 0));
}

fn g12_a_threads_closure_that_fails_gives_it_the_value_held<F: Kind>() {
    hush();
    let failures: [Closure; 2] = [|| Err("down".into()), || panic!("{ON_PURPOSE}")];
    for fail in failures {
        // Stale, and fresh but due.
        for builder in [stale_while_revalidate(CacheBuilder::new()), CacheBuilder::new().refresh_after(DUE)] {
            let (cache, _) = due_with::<F>(builder);
            let sync = cache.sync();
            assert_eq!(sync.fetch_or_load(&KEY, fail).ok().as_deref(), Some(&OLD));
            assert_eq!(info::<F>(&cache).failures, 1);
            assert_eq!(sync.fetch_or_load(&KEY, unneeded).ok().as_deref(), Some(&OLD), "the next try waits");
            tally(&sync, |metrics| (metrics.loads_started, metrics.loads_failed()), (1, 1));
        }
    }
}

fn g12_a_threads_closure_can_say_that_nothing_has_changed_or_that_the_key_is_gone<F: Kind>() {
    let cache = bare::<F>();
    let held = cache.fetch_stale(&KEY).expect("it is held").value;
    let unchanged = cache.sync().fetch_or_load(&KEY, || Loaded::ok(Loaded::unchanged())).expect("it was given a value");
    assert!(Arc::ptr_eq(&held, &unchanged) && cache.contains_key(&KEY), "it is fresh again");
    assert_eq!(at_rest(&cache.sync()).loads_unchanged, 1);

    let cache = bare::<F>();
    assert_eq!(kind(cache.sync().fetch_or_load(&KEY, || Loaded::ok(Loaded::absent()))), Some(LoadErrorKind::Absent));
    assert!(cache.fetch_stale(&KEY).is_none(), "absence never brings the stale value back");
    assert_eq!(at_rest(&cache.sync()).loads_absent, 1);
}

/// The refresh that a loader is at is everybody's.
fn g12_no_closure_is_called_while_the_loader_refreshes<F: Kind>() {
    for style in [Style::Blocking, Style::Async] {
        let runway = Runway::new(1);
        let (cache, _) = due::<F>(&runway, style, stale_while_revalidate(CacheBuilder::new()));
        assert!(cache.fetch_with(&KEY).is_ok());
        runway.until_begun(0);
        assert_eq!(cache.fetch_or_load(&KEY, unneeded).ok().as_deref(), Some(&OLD));
        assert_eq!(cache.sync().fetch_or_load(&KEY, unneeded).ok().as_deref(), Some(&OLD));
        runway.open(0);
        settled::<F>(&cache);
        assert_eq!(at_rest(&cache.sync()).loads_started, 1, "{style:?}");
    }
}

/// A write overtakes the closure: what it brings is its caller's alone; and if it fails, the old value isn't brought back.
fn g12_a_threads_closure_that_a_write_overtook_stores_nothing<F: Kind>() {
    for fails in [false, true] {
        let (cache, gate) = (bare::<F>(), Gate::new());
        let held = gate.clone();
        let loads = apart(&cache.sync(), move |cache| {
            cache.fetch_or_load(&KEY, || {
                held.wait();
                if fails { Err("down".into()) } else { Loaded::ok(NEW) }
            })
        });
        gate.until_arrived(1);
        cache.invalidate(&KEY);
        gate.open();
        let result = loads.result();
        if fails {
            assert_eq!(kind(result), Some(LoadErrorKind::Failed), "what was invalidated isn't shown");
        } else {
            assert_eq!(result.ok().as_deref(), Some(&NEW));
        }
        until("it is over", || cache.metrics().flights == 0);
        assert!(cache.fetch_stale(&KEY).is_none());
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g12_the_closure_of_a_task_runs_in_the_background,
    g12_a_tasks_closure_that_fails_leaves_the_value,
    g12_the_closure_of_a_thread_runs_on_that_thread_while_others_are_served,
    g12_a_threads_closure_that_fails_gives_it_the_value_held,
    g12_a_threads_closure_can_say_that_nothing_has_changed_or_that_the_key_is_gone,
    g12_no_closure_is_called_while_the_loader_refreshes,
    g12_a_threads_closure_that_a_write_overtook_stores_nothing,
);
