//! Where windows are closed and what goes out of them is loaded: with and without runtimes, spawners and a janitor.

use super::scene::{HOUR, Of, Scene, Source, of, outcome, put_all, wait};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::Gate;
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Style};
use bellwether::{BoxFuture, Cache, CacheBuilder, LoadErrorKind, Loaded, SpawnError, Spawner};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

const MOMENT: Duration = Duration::from_millis(1);

/// A spawner without timers, which counts what it is given, and refuses or panics if a test says so.
#[derive(Clone, Default)]
struct Threads {
    given: Arc<AtomicUsize>,
    refuses: bool,
    panics: bool,
}

impl Threads {
    fn is_given(&self, work: impl FnOnce() + Send + 'static) -> Result<(), SpawnError> {
        self.given.fetch_add(1, Ordering::Relaxed);
        assert!(!self.panics, "{ON_PURPOSE}");
        if self.refuses {
            return Err(SpawnError::new("full"));
        }
        thread::spawn(work);
        Ok(())
    }
}

impl Spawner for Threads {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.is_given(move || futures::executor::block_on(future))
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        self.is_given(job)
    }
}

fn g19_window_is_closed_where_the_spawner_has_no_timers<F: Kind>() {
    for style in BOTH {
        let (source, threads) = (Source::plain(), Threads::default());
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new().batch_window(MOMENT).spawner(threads.clone()), style));
        let tasks = cache.sync().to_async();
        let fetches = [1, 2, 3].map(|key| tasks.fetch_with(&key));
        assert_eq!(fetches.map(wait), [Ok(10), Ok(20), Ok(30)], "{style:?}");
        assert_eq!(threads.given.load(Ordering::Relaxed), source.calls().len(), "{style:?}: each call is a task of the spawner's");
        assert!(source.singles().is_empty(), "{style:?}");
        at_rest(&cache.sync());
    }
}

fn g5_window_ends_all_that_the_spawner_does_not_take<F: Kind>() {
    hush();
    for style in BOTH {
        for panics in [false, true] {
            let threads = Threads { refuses: true, panics, ..Threads::default() };
            let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.spawner(threads).max_concurrent_loads(1));
            let kind = if style == Style::Blocking { LoadErrorKind::Overloaded } else { LoadErrorKind::Cancelled };
            for _ in 0..2 {
                let fetches = [1, 2, 3].map(|key| scene.tasks.fetch_with(&key));
                scene.close();
                assert_eq!(fetches.map(wait), [Err(kind); 3], "{style:?}, {panics}");
                at_rest(&scene.sync());
            }
        }
    }
}

/// The window would never close: each miss is loaded at once.
fn g19_window_without_a_janitor_is_none<F: Kind>() {
    for style in BOTH {
        for spawner in [None, Some(Threads::default())] {
            let source = Source::plain();
            let builder = CacheBuilder::new().batch_window(HOUR).no_janitor();
            let builder = match spawner {
                Some(spawner) => builder.spawner(spawner),
                None => builder,
            };
            let cache: Of<F> = F::Of::build(source.given(builder, style));
            for key in [1, 2] {
                assert_eq!(outcome(cache.fetch_with(&key)), Ok(of(key)), "{style:?}");
            }
            assert!(source.calls().iter().all(|keys| keys.len() == 1), "{style:?}");
            assert_eq!(source.calls().concat().len() + source.singles().len(), 2, "{style:?}");
            at_rest(&cache.sync());
        }
    }
}

/// A mock clock closes it, whether or not there is a janitor.
fn g19_window_without_a_janitor_goes_by_a_mock_clock<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::set(&Source::plain(), style, CacheBuilder::no_janitor);
        let both = [1, 2].map(|key| scene.tasks.fetch_with(&key));
        scene.close();
        assert_eq!(both.map(wait), [Ok(10), Ok(20)], "{style:?}");
        assert_eq!(scene.source.calls(), [[1, 2]], "{style:?}");
        at_rest(&scene.sync());
    }
}

/// Callers of several runtimes and of none stand in one window: what one of them misses first is loaded for all, though its runtime ends.
fn g19_window_outlives_the_runtime_of_who_missed_first<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::new(&Source::plain(), style);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime can be had");
        let first = {
            let _inside = runtime.enter();
            scene.tasks.fetch_with(&1)
        };
        let second = scene.tasks.fetch_with(&2);
        runtime.shutdown_timeout(Duration::from_secs(30));
        scene.close();
        assert_eq!((wait(first), wait(second)), (Ok(10), Ok(20)), "{style:?}");
        assert_eq!(scene.source.calls(), [[1, 2]], "{style:?}");
        at_rest(&scene.sync());
    }
}

fn g19_window_serves_tasks_of_a_current_thread_runtime<F: Kind>() {
    for style in BOTH {
        let source = Source::plain();
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new().batch_window(MOMENT), style));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be had");
        let tasks = cache.sync().to_async();
        let found = runtime.block_on(async { futures::future::join_all([1, 2, 3].map(|key| tasks.fetch_with(&key))).await });
        assert_eq!(found.into_iter().map(outcome).collect::<Vec<_>>(), [Ok(10), Ok(20), Ok(30)], "{style:?}");
        at_rest(&cache.sync());
    }
}

/// A thread that may not wait there says so; one whose load needs nothing of the runtime waits.
fn g19_window_blocking_calls_inside_a_current_thread_runtime<F: Kind>() {
    for style in BOTH {
        let gate = Gate::new();
        let held = gate.clone();
        let source = Source::new(move |keys, out| {
            let held = held.clone();
            async move {
                held.pass().await;
                put_all(&keys, &out);
                Ok(())
            }
        });
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new().batch_window(MOMENT), style));
        let sync: Cache<u32, u32> = cache.sync();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be had");
        // Who finds its answer there has nothing to wait for: it doesn't come before it is waited for, where that is refused.
        if style == Style::Blocking {
            gate.open();
        }
        let asked = runtime.block_on(async { std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| outcome(sync.fetch_with(&1)))) });
        gate.open();
        match style {
            Style::Blocking => assert_eq!(asked.expect("a blocking loader has a thread of its own"), Ok(10)),
            Style::Async => {
                let panic = asked.expect_err("it would have to wait");
                let text = panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
                assert!(text.is_some_and(|text| text.contains("only thread")), "it says why");
            }
        }
        let from_a_thread = runtime.block_on(async {
            let sync = sync.clone();
            tokio::task::spawn_blocking(move || outcome(sync.fetch_with(&2))).await
        });
        assert_eq!(from_a_thread.expect("it doesn't panic"), Ok(20), "{style:?}");
        sync.wait_idle();
        at_rest(&cache.sync());
    }
}

/// A vacant entry that is given up while somebody waits for a load of its key: that load is a single miss.
fn g4_window_takes_in_the_load_that_takes_over_from_an_entry<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::new(&Source::plain(), style);
        let entry = scene.sync().entry(1);
        let (waits, other) = (scene.tasks.fetch_with(&1), scene.tasks.fetch_with(&2));
        drop(entry);
        assert!(scene.source.calls().is_empty() && scene.source.singles().is_empty(), "{style:?}");
        scene.close();
        assert_eq!((wait(waits), wait(other)), (Ok(10), Ok(20)), "{style:?}");
        assert_eq!(scene.source.calls(), [[1, 2]], "{style:?}");
        // Who takes an entry while its key stands in the window waits for the load.
        let held_back = scene.tasks.fetch_with(&3);
        let taker = apart(&scene.cache, |cache| *cache.sync().entry(3).or_insert_with(|| 0));
        crate::gate::until("it waits", || scene.cache.metrics().waiters == 2);
        scene.close();
        assert_eq!((wait(held_back), taker.result()), (Ok(30), 30), "{style:?}");
        assert_eq!(scene.cache.fetch_or_load(&3, || Loaded::ok(0)).as_deref().ok(), Some(&30), "{style:?}");
        at_rest(&scene.sync());
    }
}

on_every_face_in_time!(
    g19_window_is_closed_where_the_spawner_has_no_timers,
    g5_window_ends_all_that_the_spawner_does_not_take,
    g19_window_without_a_janitor_is_none,
    g19_window_without_a_janitor_goes_by_a_mock_clock,
    g19_window_outlives_the_runtime_of_who_missed_first,
    g19_window_serves_tasks_of_a_current_thread_runtime,
    g19_window_blocking_calls_inside_a_current_thread_runtime,
    g4_window_takes_in_the_load_that_takes_over_from_an_entry,
);
