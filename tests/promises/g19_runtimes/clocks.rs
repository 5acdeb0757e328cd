//! Runtimes whose clock stands still, and runtimes without timers.

use crate::apart::apart;
use crate::rest::at_rest;
use crate::watchdog::in_time;
use bellwether::{AsyncCache, CacheBuilder, LoadErrorKind, Loaded};
use futures::executor::block_on;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

const HOUR: Duration = Duration::from_secs(3_600);

fn paused() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime can be had")
}

/// Without timers and sockets.
fn bare() -> [Runtime; 2] {
    [
        Builder::new_current_thread().build().expect("a runtime can be had"),
        Builder::new_multi_thread().worker_threads(1).build().expect("a runtime can be had"),
    ]
}

fn slow(builder: CacheBuilder<u32, u32>) -> AsyncCache<u32, u32> {
    let builder = builder.async_loader_fn(|key: u32| async move {
        sleep(HOUR).await;
        Loaded::ok(key)
    });
    builder.build_async().expect("the settings make sense")
}

/// An hour passes in no time where the runtime's clock jumps: no real minute of the time-out has passed.
#[test]
fn g19_a_paused_clock_times_no_load_out() {
    in_time(|| {
        let runtime = paused();
        let cache = slow(AsyncCache::builder());
        runtime.block_on(async {
            let start = tokio::time::Instant::now();
            let both = futures::future::join(cache.fetch_with(&1), cache.fetch_with(&2)).await;
            assert_eq!((both.0.map(|value| *value).ok(), both.1.map(|value| *value).ok()), (Some(1), Some(2)));
            assert!(start.elapsed() >= HOUR && start.elapsed() < 2 * HOUR);
            // Closing has a limit, too, by the same real time.
            drop(cache.fetch_with(&3));
            assert!(cache.close_within(Duration::MAX).await);
            assert!(cache.contains_key(&3));
        });
        at_rest(&cache.to_sync());
    });
}

/// Nothing moves the paused clock while there is something to do, so that real time is all that passes.
#[test]
fn g19_on_a_paused_clock_the_time_out_comes_after_real_time() {
    const LIMIT: Duration = Duration::from_millis(50);
    in_time(|| {
        let runtime = paused();
        let builder = AsyncCache::<u32, u32>::builder().load_timeout(LIMIT);
        let cache = builder.async_loader_fn(|_: u32| std::future::pending::<Result<u32, bellwether::BoxError>>());
        let cache = cache.build_async().expect("the settings make sense");
        let start = Instant::now();
        let result = runtime.block_on(async { cache.fetch_with(&1).await });
        assert_eq!(result.map_err(|error| error.kind()), Err(LoadErrorKind::TimedOut));
        assert!(start.elapsed() >= LIMIT);
        // Its loads go on, or are dropped, only while it is driven.
        drop(runtime);
        at_rest(&cache.to_sync());
    });
}

#[test]
fn g19_a_runtime_without_timers_loads_and_times_out_as_any() {
    const LIMIT: Duration = Duration::from_millis(50);
    in_time(|| {
        for runtime in bare() {
            let load = |key: u32| async move {
                if key == 9 {
                    std::future::pending::<()>().await;
                }
                tokio::task::yield_now().await;
                Loaded::ok(key)
            };
            let build = |builder: CacheBuilder<u32, u32>| builder.async_loader_fn(load).build_async().expect("the settings make sense");
            // What is to be loaded has all the time that it takes on a busy machine.
            let (cache, hasty) = (build(CacheBuilder::new()), build(CacheBuilder::new().load_timeout(LIMIT)));
            runtime.block_on(async {
                assert_eq!(*cache.fetch_with(&1).await.expect("the loader brings it"), 1);
                let start = Instant::now();
                let late = hasty.fetch_with(&9).await;
                assert_eq!(late.map_err(|error| error.kind()), Err(LoadErrorKind::TimedOut));
                assert!(start.elapsed() >= LIMIT);
                assert_eq!(*cache.refresh(&1).await.expect("the loader brings it"), 1);
                cache.wait_idle().await;
                hasty.wait_idle().await;
            });
            drop(runtime);
            at_rest(&cache.to_sync());
            at_rest(&hasty.to_sync());
        }
    });
}

/// A loader that needs timers where there are none fails with its panic's message, and nothing hangs.
#[test]
fn g19_a_loader_that_needs_timers_where_there_are_none_fails_with_its_message() {
    in_time(|| {
        let cache = slow(AsyncCache::builder());
        let by_thread = apart(&cache.to_sync(), |cache| cache.fetch_with(&1)).result();
        let results = [by_thread, block_on(cache.fetch_with(&2))];
        for result in results {
            let error = result.expect_err("there is no timer");
            assert_eq!(error.kind(), LoadErrorKind::Panicked);
            assert!(error.to_string().contains("reactor") || error.to_string().contains("runtime"), "{error}");
        }
        at_rest(&cache.to_sync());
    });
}
