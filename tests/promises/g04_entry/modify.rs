//! `and_modify` works on a copy and loses no update.

use crate::apart::{Apart, apart};
use crate::g04_entry::vacant;
use crate::gate::Gate;
use crate::hush::caught;
use crate::in_every_way;
use crate::rest::at_rest;
use crate::watchdog::in_time;
use crate::ways::{WAYS, Way};
use bellwether::{Cache, CacheBuilder, Entry};
use std::sync::atomic::{AtomicUsize, Ordering};

in_every_way!(
    g3_a_change_that_another_write_comes_between_is_made_anew,
    g3_a_change_of_what_is_gone_meanwhile_changes_nothing_in_the_cache,
    g3_a_change_that_panics_leaves_the_value,
    g3_a_vacant_entry_is_not_changed,
);

fn shown(entry: &Entry<u32, usize>) -> Option<usize> {
    match entry {
        Entry::Occupied(entry) => Some(**entry.get()),
        Entry::Vacant(_) => None,
    }
}

fn g3_a_change_that_another_write_comes_between_is_made_anew(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
    cache.insert(1, 10);
    let mut seen = Vec::new();
    let entry = way.entry(&cache, 1).and_modify(|value| {
        if seen.len() < 3 {
            cache.insert(1, *value * 10);
        }
        seen.push(*value);
        *value += 1;
    });
    assert_eq!((seen, shown(&entry)), (vec![10, 100, 1_000, 10_000], Some(10_001)));
    assert_eq!(cache.fetch(&1).as_deref(), Some(&10_001));
    drop(entry);
    at_rest(&cache);
}

fn g3_a_change_of_what_is_gone_meanwhile_changes_nothing_in_the_cache(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
    cache.insert(1, 10);
    let entry = way.entry(&cache, 1).and_modify(|value| {
        cache.invalidate(&1);
        *value += 1;
    });
    assert_eq!((shown(&entry), cache.len()), (Some(11), 0));
    assert_eq!((*entry.or_insert(5), cache.len()), (11, 0));
    at_rest(&cache);
}

fn g3_a_change_that_panics_leaves_the_value(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
    cache.insert(1, 10);
    let changed = caught(|| {
        way.entry(&cache, 1).and_modify(|value| {
            *value = 13;
            panic!("thirteen, on purpose")
        })
    });
    assert!(changed.is_err());
    assert_eq!((cache.fetch(&1).as_deref(), shown(&way.entry(&cache, 1))), (Some(&10), Some(10)));
    at_rest(&cache);
}

fn g3_a_vacant_entry_is_not_changed(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
    let entry = way.entry(&cache, 1).and_modify(|_| panic!("there is nothing to change"));
    assert_eq!(*vacant(entry).insert(5), 5);
    at_rest(&cache);
}

/// Threads and tasks count together, by entries alone.
#[test]
fn g3_changes_by_many_threads_and_tasks_at_once_are_all_made() {
    const ROUNDS: usize = 250;
    const TASKS: usize = 100;
    const STEPS: usize = 10;
    in_time(|| {
        let cache: Cache<u32, usize> = Cache::builder().build().expect("the settings make sense");
        let (start, made) = (Gate::new(), std::sync::Arc::new(AtomicUsize::new(0)));
        let worker = |way: Way| {
            let (start, made) = (start.clone(), std::sync::Arc::clone(&made));
            apart(&cache, move |cache| {
                start.wait();
                for _ in 0..ROUNDS {
                    let entry = way.entry(&cache, 1).and_modify(|count| *count += 1);
                    way.make(entry, || {
                        made.fetch_add(1, Ordering::Relaxed);
                        1
                    });
                }
            })
        };
        let workers: Vec<_> = WAYS.into_iter().chain(WAYS).map(worker).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime can be had");
        let task = |_| {
            let (start, tasks) = (start.clone(), cache.to_async());
            runtime.spawn(async move {
                start.pass().await;
                for _ in 0..STEPS {
                    let entry = tasks.entry(1).await;
                    tokio::task::yield_now().await;
                    entry.and_modify(|count| *count += 1).or_insert_with_async(|| async { 1_usize }).await;
                }
            })
        };
        let tasks: Vec<_> = (0..TASKS).map(task).collect();
        start.open();
        workers.into_iter().for_each(Apart::result);
        for task in tasks {
            runtime.block_on(task).expect("no task panics");
        }
        assert_eq!(cache.fetch(&1).as_deref(), Some(&(6 * ROUNDS + TASKS * STEPS)));
        assert!(made.load(Ordering::Relaxed) <= 1, "the first one is made once, by a thread or a task");
        at_rest(&cache);
    });
}
