//! Runtimes that shut down during a load, or have before it.

use crate::apart::apart;
use crate::gate::until;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, LoadErrorKind};
use futures::FutureExt;
use futures::executor::block_on;
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime can be had")
}

/// The load runs on the runtime of the task that missed. It ends with it, and all who wait elsewhere hear so at once.
#[test]
fn g5_a_runtime_that_shuts_down_during_a_load_frees_those_who_wait_elsewhere() {
    in_time(|| {
        let (ending, other) = (runtime(), runtime());
        let runway = Runway::new(1);
        let cache = runway.numbers::<u32>(AsyncCache::builder(), Style::Async).build_async().expect("the settings make sense");
        let caller = cache.clone();
        ending.spawn(async move { caller.fetch_with(&1).await });
        runway.until_begun(0);
        let thread = apart(&cache.to_sync(), |cache| cache.fetch_with(&1));
        let caller = cache.clone();
        let task = other.spawn(async move { caller.fetch_with(&1).await });
        let mut here = cache.fetch_with(&1);
        assert!((&mut here).now_or_never().is_none());
        until("all have joined", || cache.metrics().joined == 3);

        ending.shutdown_background();
        assert_eq!(thread.result().expect_err("its load was dropped").kind(), LoadErrorKind::Cancelled);
        let by_task = other.block_on(task).expect("the task doesn't panic");
        assert_eq!(by_task.expect_err("its load was dropped").kind(), LoadErrorKind::Cancelled);
        let error = block_on(here).expect_err("its load was dropped");
        assert!(error.kind() == LoadErrorKind::Cancelled && error.is_retryable());

        assert_eq!(*cache.to_sync().fetch_with(&1).expect("the next load brings it"), 1);
        cache.invalidate(&1);
        let on_other = other.block_on(async { cache.fetch_with(&1).await });
        assert_eq!(*on_other.expect("the next load brings it"), 2);
        let metrics = at_rest(&cache.to_sync());
        assert_eq!((metrics.loads_failed_by(LoadErrorKind::Cancelled), metrics.loads_stored), (1, 2));
    });
}

/// A blocking load has its own place: it survives the runtime of the task that started it.
#[test]
fn g5_a_blocking_load_goes_on_when_the_runtime_of_its_caller_shuts_down() {
    in_time(|| {
        let ending = runtime();
        let runway = Runway::new(1);
        let cache = runway.numbers::<u32>(AsyncCache::builder(), Style::Blocking).build_async().expect("the settings make sense");
        let caller = cache.clone();
        ending.spawn(async move { caller.fetch_with(&1).await });
        runway.until_begun(0);
        let thread = apart(&cache.to_sync(), |cache| cache.fetch_with(&1));
        until("the thread joins", || cache.metrics().joined == 1);
        ending.shutdown_background();
        runway.open(0);
        assert_eq!(*thread.result().expect("the load goes on"), 0);
        assert_eq!((cache.fetch(&1).as_deref(), runway.begun()), (Some(&0), 1));
        at_rest(&cache.to_sync());
    });
}

/// The builder's runtime is where loads are to run and nowhere else: without it they fail, with an error and not for ever.
#[test]
fn g5_a_spawner_whose_runtime_is_gone_fails_loads_at_once() {
    in_time(|| {
        for style in BOTH {
            let gone = runtime();
            let runway = Runway::new(0);
            let builder = runway.numbers::<u32>(AsyncCache::builder().spawner(gone.handle().clone()), style);
            let cache = builder.build_async().expect("the settings make sense");
            gone.shutdown_background();
            let expected = match style {
                Style::Async => LoadErrorKind::Cancelled,
                Style::Blocking => LoadErrorKind::Overloaded,
            };
            assert_eq!(block_on(cache.fetch_with(&1)).expect_err("there is no place for it").kind(), expected);
            assert_eq!(block_on(cache.fetch_with(&1)).expect_err("there is still none").kind(), expected);
            // A value from elsewhere is as good as any.
            cache.insert(1, 50);
            assert_eq!(*block_on(cache.fetch_with(&1)).expect("it is held"), 50);
            assert_eq!((runway.begun(), at_rest(&cache.to_sync()).loads_failed()), (0, 2));
        }
    });
}

/// G19 with it: a runtime that ends takes only its own loads with it.
#[test]
fn g5_a_cache_that_was_built_in_a_runtime_outlives_it() {
    in_time(|| {
        for style in BOTH {
            let gone = runtime();
            let runway = Runway::new(0);
            let cache = {
                let _inside = gone.enter();
                runway.numbers::<u32>(AsyncCache::builder(), style).build_async().expect("the settings make sense")
            };
            assert_eq!(*cache.to_sync().fetch_with(&1).expect("the loader brings it"), 0);
            gone.shutdown_background();
            let threads = cache.to_sync();
            assert_eq!(*threads.fetch_with(&1).expect("it is held"), 0);
            assert_eq!(*threads.fetch_with(&2).expect("the loader brings it"), 1, "{style:?}");
            assert_eq!(*block_on(cache.fetch_with(&3)).expect("the loader brings it"), 2, "{style:?}");
            at_rest(&threads);
        }
    });
}
