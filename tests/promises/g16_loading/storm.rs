//! All methods of all faces at once, from threads and from tasks, at random: at rest every account balances.

use crate::g16_loading::lookups;
use crate::g16_loading::players::{Books, LIMIT, Storm, answer, nested, play_task, play_thread, yield_now};
use crate::hush::hush;
use crate::rest::at_rest;
use crate::runway::Style;
use crate::watchdog::in_time;
use bellwether::{AbandonedLoads, CacheBuilder, LoadErrorKind, MetricsSnapshot};
use futures::executor::block_on;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::{Builder, Runtime};

/// Four threads, two tasks on a runtime and two without: more than there are cores.
const THREADS: usize = 4;
const ON_RUNTIME: usize = 2;
const WITHOUT: usize = 2;
const SEEDS: u64 = 40;

fn build(style: Style, seed: u64, books: &Arc<Books>) -> Storm {
    let builder = CacheBuilder::new().capacity(8).shards(2).clock(books.clock.clone()).load_timeout(LIMIT);
    let builder = builder.max_concurrent_loads(2).max_queued_loads(2);
    let fate = if seed % 2 == 0 { AbandonedLoads::Finish } else { AbandonedLoads::Cancel };
    let builder = builder.abandoned_loads(fate);
    let books = Arc::clone(books);
    let builder = match style {
        Style::Blocking => builder.loader_fn(move |&key: &u32| {
            let turn = books.turn();
            std::thread::yield_now();
            if let Some((cache, other)) = books.other(key, turn) {
                books.looks();
                nested(cache.fetch_with(&other))?;
            }
            answer(turn)
        }),
        Style::Async => builder.async_loader_fn(move |key: u32| {
            let books = Arc::clone(&books);
            async move {
                let turn = books.turn();
                for _ in 0..turn % 4 {
                    yield_now().await;
                }
                if let Some((cache, other)) = books.other(key, turn) {
                    books.looks();
                    nested(cache.to_async().fetch_with(&other).await)?;
                }
                answer(turn)
            }
        }),
    };
    builder.build().expect("the settings make sense")
}

/// One storm, and what was counted in it.
fn storm(style: Style, seed: u64, runtime: &Runtime) -> MetricsSnapshot {
    let books = Arc::new(Books::default());
    let cache = build(style, seed, &books);
    assert!(books.cache.set(cache.clone()).is_ok(), "it is set once");
    let random = |actor: usize| StdRng::seed_from_u64(seed * 100 + actor as u64);
    std::thread::scope(|scope| {
        let on_runtime: Vec<_> =
            (0..ON_RUNTIME).map(|n| runtime.spawn(play_task(cache.to_async(), Arc::clone(&books), random(n)))).collect();
        for n in 0..WITHOUT {
            let task = play_task(cache.to_async(), Arc::clone(&books), random(ON_RUNTIME + n));
            scope.spawn(|| block_on(task));
        }
        for n in 0..THREADS {
            let (cache, books, random) = (&cache, &books, random(ON_RUNTIME + WITHOUT + n));
            scope.spawn(move || play_thread(cache, books, random));
        }
        on_runtime.into_iter().for_each(|task| block_on(task).expect("no task panics"));
    });
    balances(&cache, &books, &format!("seed {seed}, {style:?}"))
}

fn balances(cache: &Storm, books: &Books, scene: &str) -> MetricsSnapshot {
    let metrics = at_rest(cache);
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (hits, misses, joined) = lookups(&metrics);
    assert_eq!(hits + misses + joined, of(&books.lookups), "each lookup once, {scene}: {metrics:?}");
    assert_eq!(metrics.loads_started, metrics.loads_ended(), "each load has one outcome, {scene}: {metrics:?}");
    assert!(metrics.turned_away >= of(&books.away), "who was turned away is counted, {scene}: {metrics:?}");
    let gauges = [metrics.flights, metrics.waiters, metrics.permits, metrics.queued];
    assert_eq!(gauges, [0; 4], "nothing is left, {scene}: {metrics:?}");
    // A load that a load asks for needs no permit; a queue may be longer by those that waited for their key's turn before.
    assert!((1..=2).contains(&metrics.permits_peak), "{scene}: {metrics:?}");
    assert_eq!((metrics.entries, metrics.weight), (cache.iter().count() as u64, cache.weight()), "{scene}");
    assert!(metrics.load_time <= books.clock.elapsed() * u32::try_from(metrics.loads_started).unwrap_or(u32::MAX), "{scene}");
    metrics
}

/// How often each thing happened that can happen to a lookup or a load.
fn happenings(metrics: &MetricsSnapshot) -> [u64; 13] {
    use LoadErrorKind::{Cancelled, Failed, Panicked, TimedOut};
    let [failed, panicked, timed_out, cancelled] = [Failed, Panicked, TimedOut, Cancelled].map(|kind| metrics.loads_failed_by(kind));
    let &MetricsSnapshot { hits, joined, turned_away, queued_peak, loads_stored, loads_absent, .. } = metrics;
    let &MetricsSnapshot { loads_uncached, loads_refused, loads_superseded, .. } = metrics;
    [
        hits,
        joined,
        turned_away,
        queued_peak,
        loads_stored,
        loads_absent,
        loads_uncached,
        loads_refused,
        loads_superseded,
        failed,
        panicked,
        timed_out,
        cancelled,
    ]
}

fn storms(style: Style) {
    hush();
    in_time(move || {
        let runtime = Builder::new_multi_thread().worker_threads(2).build().expect("a runtime can be had");
        let mut all = [0; 13];
        for seed in 0..SEEDS {
            let happened = happenings(&storm(style, seed, &runtime));
            all.iter_mut().zip(happened).for_each(|(all, happened)| *all += happened);
        }
        assert!(!all.contains(&0), "all that can happen has happened: {all:?}");
    });
}

#[test]
fn g16_after_a_storm_of_blocking_loads_all_accounts_balance() {
    storms(Style::Blocking);
}

#[test]
fn g16_after_a_storm_of_async_loads_all_accounts_balance() {
    storms(Style::Async);
}
