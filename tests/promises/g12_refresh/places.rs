//! Where refreshes run: never on the caller's thread, on the spawner where there is one, and without any runtime on threads of the cache's own.

use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{DUE, KEY, OLD, due, due_with, settled, stale, stale_if_error, stale_while_revalidate};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{BoxFuture, Cache, CacheBuilder, LoadErrorKind, Loaded, MockClock, SpawnError, Spawner, StaleReason};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

type Threads = Arc<Mutex<Vec<ThreadId>>>;

/// A loader that notes the thread that it is called on.
fn noting(builder: CacheBuilder<u32, usize>, style: Style, threads: &Threads) -> CacheBuilder<u32, usize> {
    let threads = Arc::clone(threads);
    let note = move || threads.lock().expect("no holder panics").push(thread::current().id());
    match style {
        Style::Blocking => builder.loader_fn(move |_: &u32| {
            note();
            Loaded::ok(1)
        }),
        Style::Async => builder.async_loader_fn(move |_: u32| {
            let note = note.clone();
            async move {
                note();
                bellwether::ok(1)
            }
        }),
    }
}

fn g12_a_refresh_never_runs_on_its_callers_thread<F: Kind>() {
    // So does a load whose caller may get the stale value before it ends.
    for window in [stale_while_revalidate, stale_if_error] {
        for style in BOTH {
            let threads = Threads::default();
            let (cache, _) = due_with::<F>(noting(window(CacheBuilder::new()), style, &threads));
            assert!(cache.fetch_with(&KEY).is_ok());
            settled::<F>(&cache);
            let ran_on = threads.lock().expect("no holder panics").clone();
            assert!(ran_on.len() == 1 && ran_on[0] != thread::current().id(), "{style:?}");
            at_rest(&cache.sync());
        }
    }
}

/// A thread for each load; counts them.
struct Spawning(Arc<AtomicUsize>);

impl Spawner for Spawning {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.spawn_blocking(Box::new(move || futures::executor::block_on(future)))
    }
    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        thread::spawn(job);
        Ok(())
    }
}

fn g12_refreshes_run_on_the_builders_spawner<F: Kind>() {
    for style in BOTH {
        let (runway, spawned) = (Runway::new(0), Arc::new(AtomicUsize::new(0)));
        let builder = stale_while_revalidate(CacheBuilder::new()).spawner(Spawning(Arc::clone(&spawned)));
        let (cache, clock) = due::<F>(&runway, style, builder);
        for refreshes in 1..=3 {
            assert!(cache.fetch_with(&KEY).is_ok());
            settled::<F>(&cache);
            assert_eq!((spawned.load(Ordering::Relaxed), runway.begun()), (refreshes, refreshes), "{style:?}");
            clock.advance(DUE);
        }
        at_rest(&cache.sync());
    }
}

/// One that runs a load before it returns runs it on the caller's thread: it asked for that. Nobody hangs.
fn g12_a_spawner_may_run_a_refresh_at_once<F: Kind>() {
    struct Inline;
    impl Spawner for Inline {
        fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
            futures::executor::block_on(future);
            Ok(())
        }
        fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
            job();
            Ok(())
        }
    }
    // No executor may be entered twice on one thread, as the face without a runtime would: the call is a thread's.
    for style in BOTH {
        let runway = Runway::new(0);
        let (cache, _) = due::<F>(&runway, style, stale_while_revalidate(CacheBuilder::new()).spawner(Inline));
        assert_eq!(cache.sync().fetch_with(&KEY).ok().as_deref(), Some(&OLD), "{style:?}");
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0), "{style:?}");
        at_rest(&cache.sync());
    }
}

/// A value that a loader finds stale is refreshed like any other, and the loader isn't held up by it.
fn g12_a_loader_that_finds_a_stale_value_starts_its_refresh_and_goes_on<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (inner, _) = due::<F>(&runway, style, stale_while_revalidate(CacheBuilder::new()).max_concurrent_loads(1));
        let source: Cache<u32, usize> = inner.sync();
        let outer =
            F::Of::<u32, usize>::build(CacheBuilder::new().loader_fn(move |_: &u32| source.fetch_with(&KEY).map(|value| *value + 1)));
        assert_eq!(outer.fetch_with(&KEY).ok().as_deref(), Some(&(OLD + 1)), "{style:?}");
        runway.until_begun(0);
        runway.open(0);
        settled::<F>(&inner);
        assert_eq!(inner.fetch(&KEY).as_deref(), Some(&0));
        at_rest(&inner.sync());
        at_rest(&outer.sync());
    }
}

on_every_face_in_time!(
    g12_a_refresh_never_runs_on_its_callers_thread,
    g12_refreshes_run_on_the_builders_spawner,
    g12_a_spawner_may_run_a_refresh_at_once,
    g12_a_loader_that_finds_a_stale_value_starts_its_refresh_and_goes_on,
);

/// A runtime that ends takes its refresh with it, and no more than that: the value stays, and the next try runs elsewhere.
#[test]
fn g12_a_runtime_that_ends_takes_only_its_own_refresh_with_it() {
    in_time(|| {
        let (runway, clock) = (Runway::new(1), MockClock::new());
        let builder = stale_while_revalidate(CacheBuilder::new()).clock(clock.clone());
        let cache = runway.numbers(builder, Style::Async).build().expect("the settings make sense");
        cache.insert(KEY, OLD);
        clock.advance(DUE);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime can be had");
        let tasks = cache.to_async();
        assert_eq!(runtime.block_on(async { tasks.fetch_with(&KEY).await }).ok().as_deref(), Some(&OLD));
        runway.until_begun(0);
        runtime.shutdown_timeout(Duration::from_secs(60));
        until("its refresh has failed", || cache.metrics().loads_failed_by(LoadErrorKind::Cancelled) == 1);
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::BackingOff)));
        clock.advance(cache.entry_info(&KEY).and_then(|info| info.next_try).expect("it failed"));
        assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
        until("it is refreshed by the cache's own threads", || cache.fetch(&KEY).as_deref() == Some(&1));
        assert_eq!(at_rest(&cache).refreshes_failed, 1);
    });
}

/// The only thread of a runtime is not to be waited for by itself: a task's refresh runs when that thread is free, a thread's elsewhere.
#[test]
fn g12_on_a_current_thread_runtime_callers_have_the_value_at_once() {
    in_time(|| {
        for as_task in [false, true] {
            for style in BOTH {
                let (runway, clock) = (Runway::new(0), MockClock::new());
                let builder = stale_while_revalidate(CacheBuilder::new()).clock(clock.clone());
                let cache = runway.numbers(builder, style).build().expect("the settings make sense");
                cache.insert(KEY, OLD);
                clock.advance(DUE);
                let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be had");
                runtime.block_on(async {
                    let served = if as_task { cache.to_async().fetch_with(&KEY).await } else { cache.fetch_with(&KEY) };
                    assert_eq!(served.ok().as_deref(), Some(&OLD));
                    while cache.fetch(&KEY).is_none() {
                        tokio::task::yield_now().await;
                    }
                    assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0), "{style:?}");
                });
                assert_eq!(at_rest(&cache).loads_stored, 1);
            }
        }
    });
}
