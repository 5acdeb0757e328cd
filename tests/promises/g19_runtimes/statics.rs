//! A static cache, used from one short-lived runtime after the other, as tests of a service do.

use crate::g19_runtimes::{many, one};
use crate::gate::until;
use crate::rest::at_rest;
use crate::watchdog::in_time;
use bellwether::{AsyncCache, Loaded};
use futures::FutureExt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::sleep;

type Squares = AsyncCache<u32, u32>;

fn squares() -> Squares {
    let builder = AsyncCache::builder().async_loader_fn(|key: u32| async move {
        // Timers are the runtime's own.
        sleep(Duration::from_millis(1)).await;
        Loaded::ok(key * key)
    });
    builder.build_async().expect("the settings make sense")
}

/// Of either kind, by turns.
fn runtime(turn: u32) -> Runtime {
    if turn % 2 == 0 { one() } else { many("short-lived") }
}

#[test]
fn g19_a_static_cache_serves_a_hundred_runtimes_one_after_the_other() {
    static CACHE: LazyLock<Squares> = LazyLock::new(squares);
    in_time(|| {
        for turn in 0..100 {
            let runtime = runtime(turn);
            runtime.block_on(async {
                assert_eq!(*CACHE.fetch_with(&turn).await.expect("this runtime loads it"), turn * turn);
                assert_eq!(*CACHE.fetch_with(&(turn / 2)).await.expect("an earlier one has loaded it"), (turn / 2) * (turn / 2));
                assert_eq!(*CACHE.refresh(&0).await.expect("this runtime loads it"), 0);
                let task = tokio::spawn(async move { CACHE.fetch_with(&(turn + 1_000)).await });
                assert_eq!(*task.await.expect("the task doesn't panic").expect("it is loaded"), (turn + 1_000) * (turn + 1_000));
            });
        }
        let metrics = at_rest(&CACHE.to_sync());
        assert_eq!((metrics.loads_stored, metrics.loads_failed()), (300, 0));
    });
}

/// Each leaves a load behind, which goes with its runtime, and the next finds the key usable.
#[test]
fn g19_loads_left_behind_by_one_runtime_are_no_trouble_to_the_next() {
    static CACHE: LazyLock<Squares> = LazyLock::new(squares);
    in_time(|| {
        for turn in 0..100 {
            let runtime = runtime(turn);
            runtime.block_on(async {
                let found = CACHE.fetch_with(&(turn)).await;
                // The load was lost with the runtime before, or had just been stored there.
                assert_eq!(*found.expect("this runtime loads it"), turn * turn);
                drop(CACHE.fetch_with(&(turn + 1)).now_or_never());
            });
            runtime.shutdown_timeout(Duration::from_secs(10));
        }
        let metrics = at_rest(&CACHE.to_sync());
        assert_eq!(metrics.loads_started, metrics.loads_stored + metrics.loads_failed());
    });
}

/// Several at once: who joins a load of a runtime that ends looks again by calling again.
#[test]
fn g19_a_static_cache_serves_several_runtimes_at_once() {
    static CACHE: LazyLock<Squares> = LazyLock::new(squares);
    static LOST: AtomicU32 = AtomicU32::new(0);
    in_time(|| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                std::thread::spawn(move || {
                    for turn in 0..25 {
                        runtime(turn + thread).block_on(async {
                            for key in [turn, turn + 1, turn + 100 * thread] {
                                let value = loop {
                                    match CACHE.fetch_with(&key).await {
                                        Ok(value) => break value,
                                        Err(error) => {
                                            assert!(error.is_retryable(), "{error}");
                                            LOST.fetch_add(1, Ordering::Relaxed);
                                        }
                                    }
                                };
                                assert_eq!(*value, key * key);
                                CACHE.invalidate(&turn);
                            }
                            // A load that this runtime doesn't wait for.
                            drop(CACHE.fetch_with(&(turn + 1)));
                        });
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no thread panics"));
        until("all has ended", || CACHE.metrics().flights == 0);
        let metrics = at_rest(&CACHE.to_sync());
        assert!(metrics.loads_started >= 100);
    });
}
