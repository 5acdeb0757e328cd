//! A vacant entry leads its key's flight, under no lock.

use crate::apart::{Apart, apart};
use crate::g04_entry::{until_waiting, vacant};
use crate::gate::{Gate, until};
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::ways::{WAYS, Way};
use bellwether::{Cache, CacheBuilder, Entry};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

in_every_way!(
    g4_a_vacant_entry_leads_its_keys_flight_for_all_who_ask,
    g4_a_vacant_entry_holds_no_lock,
    g4_an_entry_waits_for_a_load_and_shows_what_it_brings,
    g4_an_entry_whose_load_fails_is_vacant_for_one_of_those_who_waited,
    g4_try_entry_never_waits,
    g16_entries_count_as_hit_joined_or_miss_and_not_as_loads,
);

/// All who can wait for a key: by an entry, by the loader and by a closure of their own, in each way.
fn all_kinds_of_waiters(cache: &Cache<u32, usize>) -> Vec<Apart<Arc<usize>>> {
    let of_a_way = |way: Way| {
        [
            apart(cache, move |cache| way.entry(&cache, 1).or_insert_with(|| -> usize { panic!("somebody else brings it") })),
            apart(cache, move |cache| way.fetch_with(&cache, &1).expect("the entry brings it")),
            apart(cache, move |cache| way.fetch_or_load(&cache, &1, || panic!("somebody else brings it")).expect("the entry brings it")),
            apart(cache, move |cache| way.refresh(&cache, &1).expect("the entry brings it")),
        ]
    };
    WAYS.into_iter().flat_map(of_a_way).collect()
}

fn g4_a_vacant_entry_leads_its_keys_flight_for_all_who_ask(way: Way) {
    for style in BOTH {
        let runway = Runway::new(0);
        let cache = way.build(runway.numbers(CacheBuilder::new(), style));
        let entry = vacant(way.entry(&cache, 1));
        assert_eq!(entry.key(), &1);
        let waiters = all_kinds_of_waiters(&cache);
        until_waiting(&cache, 12);
        assert!(!cache.contains_key(&1));
        let brought = entry.insert(70);
        for waiter in waiters {
            assert!(Arc::ptr_eq(&waiter.result(), &brought), "{style:?}");
        }
        assert_eq!((cache.fetch(&1), runway.begun()), (Some(brought), 0));
        let metrics = at_rest(&cache);
        assert_eq!((metrics.misses, metrics.joined, metrics.hits, metrics.loads_started), (1, 12, 1, 0));
    }
}

fn g4_a_vacant_entry_holds_no_lock(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new().shards(1));
    let entry = vacant(way.entry(&cache, 1));
    let other = vacant(way.entry(&cache, 2));
    cache.insert(3, 30);
    assert_eq!((cache.get(&1, |value| *value), cache.get(&3, |value| *value)), (None, Some(30)));
    assert_eq!((cache.iter().count(), cache.remove(&3).as_deref()), (1, Some(&30)));
    assert!(cache.get(&1, |_| ()).is_none() && cache.try_entry(1).is_none());
    assert_eq!((*other.insert(20), *entry.insert(10), cache.len()), (20, 10, 2));
    at_rest(&cache);
}

fn g4_an_entry_waits_for_a_load_and_shows_what_it_brings(way: Way) {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = way.build(runway.numbers(CacheBuilder::new(), style));
        let leader = apart(&cache, move |cache| way.fetch_with(&cache, &1));
        runway.until_begun(0);
        let waiting = apart(&cache, move |cache| way.entry(&cache, 1));
        until_waiting(&cache, 2);
        assert!(!waiting.is_over() && cache.try_entry(1).is_none());
        runway.open(0);
        let loaded = leader.result().expect("the load brings it");
        let Entry::Occupied(mut entry) = waiting.result() else { panic!("the load has brought it") };
        assert!(Arc::ptr_eq(entry.get(), &loaded));
        assert_eq!(entry.replace(9).as_deref(), Ok(&0));
        assert_eq!((cache.fetch(&1).as_deref(), entry.remove().as_deref(), cache.len()), (Some(&9), Some(&9), 0));
        at_rest(&cache);
    }
}

fn g4_an_entry_whose_load_fails_is_vacant_for_one_of_those_who_waited(way: Way) {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = way.build(runway.loader::<u32, usize>(CacheBuilder::new(), style, |_| Err("no".into())));
        let leader = apart(&cache, move |cache| way.fetch_with(&cache, &1));
        runway.until_begun(0);
        let waiting: Vec<_> = (0..5).map(|n| apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 50 + n))).collect();
        until_waiting(&cache, 6);
        runway.open(0);
        assert!(leader.result().is_err());
        let brought: Vec<_> = waiting.into_iter().map(Apart::result).collect();
        assert!(brought.iter().all(|value| Arc::ptr_eq(value, &brought[0])), "one brings it for all: {brought:?}");
        assert_eq!((cache.fetch(&1).as_ref(), runway.begun()), (Some(&brought[0]), 1));
        at_rest(&cache);
    }
}

fn g4_try_entry_never_waits(way: Way) {
    let runway = Runway::new(1);
    let cache = way.build(runway.numbers(CacheBuilder::new(), crate::runway::Style::Async));
    let attempt = || way.within(|| cache.try_entry(1));
    let entry = vacant(attempt().expect("nobody has the lead"));
    assert!(attempt().is_none() && attempt().is_none());
    drop(entry);
    assert_eq!(*attempt().expect("nobody has the lead").or_insert(10), 10);
    assert!(matches!(attempt(), Some(Entry::Occupied(_))));
    cache.invalidate(&1);
    let tasks = cache.to_async();
    let load = way.within(|| tasks.fetch_with(&1));
    runway.until_begun(0);
    assert!(attempt().is_none(), "a load is under way");
    runway.open(0);
    assert_eq!(*way.wait(load).expect("the load brings it"), 0);
    let metrics = at_rest(&cache);
    assert_eq!((metrics.hits, metrics.joined, metrics.misses), (1, 0, 6), "who doesn't wait hasn't joined");
}

fn g16_entries_count_as_hit_joined_or_miss_and_not_as_loads(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
    let counts = || {
        let metrics = cache.metrics();
        (metrics.hits, metrics.joined, metrics.misses)
    };
    let entry = vacant(way.entry(&cache, 1));
    assert_eq!(counts(), (0, 0, 1));
    let waiting = apart(&cache, move |cache| way.entry(&cache, 1));
    until_waiting(&cache, 1);
    // Counted just after it has its seat.
    until("it is counted", || cache.metrics().joined == 1);
    assert_eq!((counts(), cache.metrics().flights), ((0, 1, 1), 0), "the lead of a caller is no load");
    entry.insert(10);
    drop(waiting.result());
    assert_eq!(counts(), (0, 1, 1));
    drop(way.entry(&cache, 1).and_modify(|value| *value += 1));
    assert_eq!(counts(), (1, 1, 1));
    let metrics = at_rest(&cache);
    assert_eq!((metrics.loads_started, metrics.loads_ended(), metrics.waiters_peak, metrics.flights_peak), (0, 0, 1, 0));
}

/// A task holds the entry across awaits, and may move from thread to thread with it.
#[test]
fn g4_a_vacant_entry_may_be_held_across_awaits_of_a_task_that_moves() {
    crate::watchdog::in_time(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime can be had");
        let cache: Cache<u32, usize> = Cache::builder().shards(1).build().expect("the settings make sense");
        let (gate, held, tasks) = (Gate::new(), Arc::new(AtomicBool::new(false)), cache.to_async());
        let holder = runtime.spawn({
            let (gate, held) = (gate.clone(), Arc::clone(&held));
            async move {
                let entry = tasks.entry(1).await;
                held.store(true, Ordering::Release);
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                entry
                    .or_insert_with_async(|| async move {
                        gate.pass().await;
                        7_usize
                    })
                    .await
            }
        });
        until("the entry is held", || held.load(Ordering::Acquire));
        let thread = apart(&cache, |cache| cache.entry(1).or_insert(8));
        until_waiting(&cache, 1);
        gate.open();
        let brought = runtime.block_on(holder).expect("no task panics");
        assert_eq!((*brought, *thread.result()), (7, 7));
        at_rest(&cache);
    });
}
