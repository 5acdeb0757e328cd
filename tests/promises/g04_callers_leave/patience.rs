//! Callers with less patience than a load takes.

use crate::rest::at_rest;
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, LoadError, Source};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

const LOAD: Duration = Duration::from_millis(70);
const PATIENCE: Duration = Duration::from_millis(50);

fn cache() -> (AsyncCache<u32, u32>, Arc<AtomicU32>) {
    let loads = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&loads);
    let builder = AsyncCache::builder().async_loader_fn(move |key: u32| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            sleep(LOAD).await;
            Ok::<_, BoxError>(key)
        }
    });
    (builder.build_async().expect("the settings make sense"), loads)
}

/// A runtime whose clock stands still but for sleeps: the first sleep to end is the first to be due, on any machine.
fn paused() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime can be had")
}

fn real() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().expect("a runtime can be had")
}

#[test]
fn g4_a_hundred_callers_that_time_out_cost_one_load_and_the_next_call_hits() {
    in_time(|| {
        let (cache, loads) = cache();
        paused().block_on(async {
            let impatient = (0..100).map(|_| timeout(PATIENCE, cache.fetch_with(&1)));
            let results = futures::future::join_all(impatient).await;
            assert!(results.iter().all(Result::is_err), "a load takes longer than they wait");
            sleep(LOAD - PATIENCE + Duration::from_millis(1)).await;
            let found = cache.fetch_detailed(&1).await.expect("it is held");
            assert_eq!((*found.value, found.source), (1, Source::Hit));
        });
        assert_eq!(loads.load(Ordering::Relaxed), 1);
        let metrics = at_rest(&cache.to_sync());
        assert_eq!((metrics.misses, metrics.joined, metrics.hits), (1, 99, 1));
    });
}

/// The client that retries after each time-out gets there, since its tries share the load.
async fn retrying(cache: AsyncCache<u32, u32>) -> Result<Arc<u32>, LoadError> {
    loop {
        if let Ok(result) = timeout(PATIENCE, cache.fetch_with(&1)).await {
            return result;
        }
    }
}

fn callers_that_retry(runtime: &Runtime) {
    let (cache, loads) = cache();
    let callers: Vec<_> = (0..20).map(|_| runtime.spawn(retrying(cache.clone()))).collect();
    for value in runtime.block_on(futures::future::join_all(callers)) {
        assert_eq!(*value.expect("no task panics").expect("the load brings it"), 1);
    }
    assert_eq!(loads.load(Ordering::Relaxed), 1, "however often they asked");
    at_rest(&cache.to_sync());
}

#[test]
fn g4_callers_that_time_out_and_retry_share_one_load() {
    in_time(|| callers_that_retry(&paused()));
}

#[test]
fn g4_callers_that_time_out_and_retry_by_the_real_clock_share_one_load() {
    in_time(|| callers_that_retry(&real()));
}

#[test]
fn g4_select_that_drops_a_fetch_leaves_the_load() {
    in_time(|| {
        let (cache, loads) = cache();
        paused().block_on(async {
            tokio::select! {
                _ = cache.fetch_with(&1) => panic!("the load takes longer"),
                () = sleep(PATIENCE) => {}
            }
            assert_eq!(*cache.fetch_with(&1).await.expect("the load brings it"), 1);
        });
        assert_eq!(loads.load(Ordering::Relaxed), 1);
        at_rest(&cache.to_sync());
    });
}
