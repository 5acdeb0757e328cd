//! Ten thousand tasks and sixty-four threads miss one key together.

use crate::gate::{Gate, until};
use crate::rest::at_rest;
use crate::runway::{Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, LoadError};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

const TASKS: usize = 10_000;
const THREADS: usize = 64;
const KEY: u32 = 7;

type Cache = AsyncCache<u32, usize>;

/// How the herd asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// All by the cache's loader.
    ByLoader,
    /// Every other one with a closure of its own.
    ByLoaderAndClosures,
}

impl Asking {
    fn by_closure(self, caller: usize) -> bool {
        self == Self::ByLoaderAndClosures && caller % 2 == 0
    }
}

async fn task(cache: Cache, runway: Runway, asking: Asking, caller: usize, start: Gate) -> Result<Arc<usize>, LoadError> {
    start.pass().await;
    if !asking.by_closure(caller) {
        return cache.fetch_with(&KEY).await;
    }
    cache.fetch_or_load(&KEY, || async move { Ok::<_, BoxError>(runway.load_async().await) }).await
}

fn thread(cache: &Cache, runway: &Runway, asking: Asking, caller: usize, start: &Gate) -> Result<Arc<usize>, LoadError> {
    start.wait();
    if !asking.by_closure(caller) {
        return cache.to_sync().fetch_with(&KEY);
    }
    cache.to_sync().fetch_or_load(&KEY, || Ok::<_, BoxError>(runway.load()))
}

/// Sends the herd, lets the load go on when all of them have asked, and checks that there was one.
fn herd(style: Style, asking: Asking) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime can be had");
    let runway = Runway::new(1);
    let cache: Cache = runway.numbers(AsyncCache::builder(), style).build_async().expect("the settings make sense");
    let start = Gate::new();
    let tasks: Vec<_> =
        (0..TASKS).map(|caller| runtime.spawn(task(cache.clone(), runway.clone(), asking, caller, start.clone()))).collect();
    let threads: Vec<_> = (0..THREADS)
        .map(|caller| {
            let (cache, runway, start) = (cache.clone(), runway.clone(), start.clone());
            thread::spawn(move || thread(&cache, &runway, asking, caller, &start))
        })
        .collect();
    start.until_arrived(TASKS + THREADS);

    let begun = Instant::now();
    start.open();
    let herd = u64::try_from(TASKS + THREADS).expect("it is a small number");
    until("all of them have asked", || {
        let metrics = cache.metrics();
        metrics.hits + metrics.misses + metrics.joined == herd
    });
    runway.open(0);
    let by_tasks = runtime.block_on(futures::future::join_all(tasks));
    let of_tasks = by_tasks.into_iter().map(|result| result.expect("no task panics"));
    let of_threads = threads.into_iter().map(|thread| thread.join().expect("no thread panics"));
    let values: Vec<Arc<usize>> = of_tasks.chain(of_threads).map(|result| result.expect("the load brings it")).collect();
    println!("{TASKS} tasks and {THREADS} threads: {} load, {:?}", runway.begun(), begun.elapsed());

    assert_eq!(runway.begun(), 1, "one load, by whichever loader");
    assert_eq!(values.len(), TASKS + THREADS, "everyone is served");
    assert!(values.iter().all(|value| Arc::ptr_eq(value, &values[0])), "with the very same value");
    let metrics = at_rest(&cache.to_sync());
    assert_eq!((metrics.misses, metrics.joined, metrics.hits), (1, herd - 1, 0), "one led and all others joined");
    assert_eq!((metrics.loads_started, metrics.loads_stored), (1, 1));
}

#[test]
fn g1_ten_thousand_tasks_and_sixty_four_threads_cost_one_load_by_an_async_loader() {
    in_time(|| herd(Style::Async, Asking::ByLoader));
}

#[test]
fn g1_ten_thousand_tasks_and_sixty_four_threads_cost_one_load_by_a_blocking_loader() {
    in_time(|| herd(Style::Blocking, Asking::ByLoader));
}

#[test]
fn g1_loaders_and_closures_of_a_herd_join_the_flight_that_was_first() {
    in_time(|| herd(Style::Async, Asking::ByLoaderAndClosures));
    in_time(|| herd(Style::Blocking, Asking::ByLoaderAndClosures));
}
