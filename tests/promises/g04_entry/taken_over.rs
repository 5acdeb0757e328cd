//! The load in place of an entry that was given up: whoever waited for it keeps it, and the end of whoever offered a place doesn't take it along.

use crate::gate::until;
use crate::rest::at_rest;
use crate::watchdog::in_time;
use bellwether::{AbandonedLoads, BoxError, Cache};

#[test]
fn g4_threads_that_waited_for_an_entry_keep_the_load_that_takes_over() {
    in_time(|| {
        let load = |key: &u32| {
            std::thread::yield_now();
            Ok::<_, BoxError>(*key)
        };
        let cache: Cache<u32, u32> =
            Cache::builder().loader_fn(load).abandoned_loads(AbandonedLoads::Cancel).build().expect("the settings make sense");
        for key in 0..200 {
            let entry = cache.entry(key);
            let waiter = cache.clone();
            let waiting = std::thread::spawn(move || waiter.fetch_with(&key));
            until("it waits", || cache.metrics().waiters == 1);
            drop(entry);
            assert_eq!(waiting.join().expect("a fetch doesn't panic").ok().as_deref(), Some(&key));
        }
        let metrics = at_rest(&cache);
        assert_eq!((metrics.loads_started, metrics.loads_stored), (200, 200), "none was cancelled, and none made twice");
    });
}

#[cfg(feature = "tokio")]
#[test]
fn g19_the_load_that_takes_over_outlives_the_runtime_that_was_offered_for_it() {
    use bellwether::AsyncCache;
    use futures::FutureExt;
    use futures::executor::block_on;

    in_time(|| {
        let cache: AsyncCache<u32, u32> = AsyncCache::builder()
            .async_loader_fn(|key: u32| async move { bellwether::ok(key) })
            .build_async()
            .expect("the settings make sense");
        let entry = block_on(cache.entry(1));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("there are threads");
        let first = cache.clone();
        runtime.spawn(async move { first.fetch_with(&1).await });
        until("the first waits", || cache.metrics().waiters == 1);
        drop(runtime);
        let mut second = cache.fetch_with(&1);
        assert!((&mut second).now_or_never().is_none());
        drop(entry);
        until("it is stored though nobody is polled", || cache.contains_key(&1));
        assert_eq!(block_on(second).ok().as_deref(), Some(&1));
        at_rest(&cache.to_sync());
    });
}
