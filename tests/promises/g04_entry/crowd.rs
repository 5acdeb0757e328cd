//! Crowds that take an entry of one key at once: its value is made once.

use crate::apart::{Apart, apart};
use crate::gate::Gate;
use crate::rest::at_rest;
use crate::watchdog::in_time;
use crate::ways::WAYS;
use bellwether::{Cache, CacheBuilder};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const TASKS: usize = 1_000;
const THREADS: usize = 32;

/// `held_up` tells whether the value is made only when all have come.
fn a_crowd(builder: CacheBuilder<u32, usize>, held_up: bool) {
    let cache = builder.build().expect("the settings make sense");
    let (start, made) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
    let all = (TASKS + THREADS) as u64;
    let make = |made: Arc<AtomicUsize>, cache: Cache<u32, usize>| {
        move || {
            if held_up {
                crate::g04_entry::until_waiting(&cache, all - 1);
            }
            made.fetch_add(1, Ordering::Relaxed)
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime can be had");
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (start, tasks, make) = (start.clone(), cache.to_async(), make(Arc::clone(&made), cache.clone()));
            runtime.spawn(async move {
                start.pass().await;
                *tasks.entry(1).await.or_insert_with_async(|| async { tokio::task::block_in_place(make) }).await
            })
        })
        .collect();
    let threads: Vec<_> = (0..THREADS)
        .map(|n| {
            let (start, way, make) = (start.clone(), WAYS[n % 3], make(Arc::clone(&made), cache.clone()));
            apart(&cache, move |cache| {
                start.wait();
                *way.entry(&cache, 1).or_insert_with(make)
            })
        })
        .collect();
    start.until_arrived(TASKS + THREADS);
    start.open();
    assert!(threads.into_iter().map(Apart::result).all(|value| value == 0));
    for task in tasks {
        assert_eq!(runtime.block_on(task).expect("no task panics"), 0);
    }
    assert_eq!(made.load(Ordering::Relaxed), 1);
    let metrics = at_rest(&cache);
    assert_eq!((metrics.misses, metrics.hits + metrics.joined, metrics.loads_started), (1, all - 1, 0));
}

#[test]
fn g1_a_thousand_tasks_and_thirty_two_threads_that_take_an_entry_at_once_make_one_value() {
    in_time(|| {
        for _ in 0..5 {
            a_crowd(CacheBuilder::new(), false);
        }
    });
}

#[test]
fn g1_a_thousand_tasks_and_thirty_two_threads_that_all_wait_get_one_value() {
    in_time(|| a_crowd(CacheBuilder::new(), true));
}

#[test]
fn g1_a_crowd_gets_one_value_from_a_cache_that_holds_none() {
    in_time(|| a_crowd(CacheBuilder::new().capacity(0), true));
}
