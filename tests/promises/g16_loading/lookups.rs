//! Each lookup is counted once, by its first look, however often it looks again.

use crate::apart::{Apart, apart};
use crate::faces::{Face, Kind};
use crate::g16_loading::lookups;
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::together::together;
use bellwether::{BoxError, CacheBuilder, Entry, LoadErrorKind, Loaded};

type Of<F> = <F as Kind>::Of<u32, usize>;

const KEY: u32 = 1;

fn vacant<F: Kind>(cache: &Of<F>) -> Entry<u32, usize> {
    let entry = cache.sync().entry(KEY);
    assert!(matches!(entry, Entry::Vacant(_)));
    entry
}

fn g16_entries_count_as_lookups_and_not_as_loads<F: Kind>() {
    let cache: Of<F> = F::Of::build(Runway::new(0).numbers(CacheBuilder::new(), Style::Blocking));
    let (threads, tasks) = (cache.sync(), cache.sync().to_async());
    drop(vacant::<F>(&cache));
    assert_eq!(lookups(&cache.metrics()), (0, 1, 0), "a vacant entry is a miss");
    let entry = vacant::<F>(&cache);
    assert!(threads.try_entry(KEY).is_none() && tasks.try_entry(KEY).is_none());
    assert_eq!(lookups(&cache.metrics()), (0, 4, 0), "what somebody else is to bring is a miss for one who doesn't wait");
    assert_eq!(*entry.or_insert(5), 5);
    assert_eq!(lookups(&cache.metrics()), (0, 4, 0), "to bring the value is no lookup");
    drop((threads.entry(KEY), threads.try_entry(KEY), tasks.try_entry(KEY), futures::executor::block_on(tasks.entry(KEY))));
    assert_eq!(lookups(&cache.metrics()), (4, 4, 0), "an occupied entry is a hit");
    assert_eq!(*threads.entry(2).or_insert_with(|| 6), 6);
    assert_eq!(*threads.entry(2).and_modify(|value| *value += 1).or_default(), 7);
    let metrics = at_rest(&threads);
    assert_eq!((lookups(&metrics), metrics.loads_started, metrics.flights_peak), ((5, 5, 0), 0, 0));
}

/// Each of those who wait becomes the next holder and gives up as well: all are counted once.
fn g16_who_looks_again_after_an_entry_was_given_up_is_counted_once<F: Kind>() {
    const WAITERS: u64 = 6;
    let cache: Of<F> = F::Of::build(CacheBuilder::new());
    let entry = vacant::<F>(&cache);
    let waiters: Vec<_> = (0..WAITERS).map(|_| apart(&cache.sync(), |cache| drop(cache.entry(KEY)))).collect();
    until("all wait", || cache.metrics().joined == WAITERS);
    drop(entry);
    waiters.into_iter().for_each(Apart::result);
    let metrics = at_rest(&cache.sync());
    assert_eq!((lookups(&metrics), metrics.loads_started, metrics.waiters_peak), ((0, 1, WAITERS), 0, WAITERS));
}

/// By its own closure, or by the loader that takes over: the load is counted, and no other lookup.
fn g16_who_loads_after_an_entry_was_given_up_is_counted_once<F: Kind>() {
    for style in BOTH {
        for own in [false, true] {
            let runway = Runway::new(0);
            let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
            let entry = vacant::<F>(&cache);
            let waiter = apart(&cache, move |cache| if own { cache.fetch_or_load(&KEY, || Loaded::ok(8)) } else { cache.fetch_with(&KEY) });
            until("it waits", || cache.metrics().waiters == 1);
            drop(entry);
            assert_eq!(*waiter.result().expect("it is loaded"), if own { 8 } else { 0 });
            let metrics = at_rest(&cache.sync());
            assert_eq!((lookups(&metrics), metrics.loads_started, metrics.loads_stored), ((0, 1, 1), 1, 1), "{style:?}");
        }
    }
}

/// Without a loader there is nothing that could take over: whoever waited hears that, and is counted once.
fn g16_who_can_not_load_after_an_entry_was_given_up_is_counted_once<F: Kind>() {
    let cache: Of<F> = F::Of::build(CacheBuilder::new());
    let entry = vacant::<F>(&cache);
    let waiter = apart(&cache, |cache| cache.fetch_with(&KEY));
    until("it waits", || cache.metrics().waiters == 1);
    drop(entry);
    let error = waiter.result().expect_err("nobody brings it");
    let metrics = at_rest(&cache.sync());
    assert_eq!((lookups(&metrics), metrics.loads_started), ((0, 1, 1), 0));
    assert_eq!(error.kind(), LoadErrorKind::NoLoader);
}

/// The first load fails after a write overtook it; all look again, of whom one loads.
fn g16_who_looks_again_after_an_overtaken_failure_is_counted_once<F: Kind>() {
    const JOINERS: u64 = 5;
    for style in BOTH {
        let runway = Runway::new(1);
        let answer = |number| if number == 0 { Err(BoxError::from("not this one")) } else { Loaded::ok(number) };
        let cache: Of<F> = F::Of::build(runway.loader(CacheBuilder::new(), style, answer));
        let leader = apart(&cache, |cache| cache.fetch_with(&KEY));
        runway.until_begun(0);
        let calls: [fn(Of<F>) -> bool; 5] = [
            |cache| cache.fetch_with(&KEY).is_ok(),
            |cache| cache.fetch_optional(&KEY).is_ok(),
            |cache| cache.fetch_detailed(&KEY).is_ok(),
            |cache| cache.fetch_or_load(&KEY, || Loaded::ok(7)).is_ok(),
            |cache| *cache.sync().entry(KEY).or_insert(7) > 0,
        ];
        let joiners: Vec<_> = calls.into_iter().map(|call| apart(&cache, call)).collect();
        until("all have joined", || cache.metrics().joined == JOINERS);
        cache.invalidate(&KEY);
        runway.open(0);
        assert!(leader.result().is_ok() && joiners.into_iter().all(Apart::result));
        let metrics = at_rest(&cache.sync());
        assert_eq!(lookups(&metrics), (0, 1, JOINERS), "{style:?}");
        assert_eq!(metrics.loads_failed_by(LoadErrorKind::Failed), 1);
    }
}

fn g16_glances_at_what_is_under_way_count_nothing<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
        cache.insert(2, 20);
        let leader = apart(&cache, |cache| cache.fetch_with(&KEY));
        runway.until_begun(0);
        for key in [KEY, 2, 3] {
            assert_eq!((cache.peek(&key).is_some(), cache.contains_key(&key)), (key == 2, key == 2));
        }
        assert_eq!((cache.entries().len(), cache.len(), cache.weight()), (1, 1, 1));
        assert_eq!(cache.fetch(&KEY).map(|_| ()), None, "it doesn't wait, and is a miss");
        runway.open(0);
        leader.result().expect("the loader brings it");
        let metrics = at_rest(&cache.sync());
        assert_eq!((lookups(&metrics), metrics.waiters_peak, metrics.loads_started), ((0, 2, 0), 1, 1), "{style:?}");
    }
}

/// Sixteen threads on few cores; each key is loaded once, whoever comes first.
fn g16_counters_are_exact_after_more_threads_than_cores<F: Kind>() {
    const THREADS: usize = 16;
    const KEYS: u32 = 400;
    for style in BOTH {
        let runway = Runway::new(0);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
        together(THREADS, |thread| {
            // Each begins elsewhere.
            for key in (0..KEYS).cycle().skip(25 * thread).take(KEYS as usize) {
                assert!(cache.fetch_with(&key).is_ok());
            }
        });
        let metrics = at_rest(&cache.sync());
        let (hits, misses, joined) = lookups(&metrics);
        assert_eq!(misses, u64::from(KEYS), "{style:?}");
        assert_eq!((hits + misses + joined, metrics.loads_stored), (u64::from(KEYS) * THREADS as u64, u64::from(KEYS)));
        assert_eq!((runway.begun(), metrics.removals(bellwether::RemovalCause::Replaced)), (KEYS as usize, 0));
    }
}

on_every_face_in_time!(
    g16_entries_count_as_lookups_and_not_as_loads,
    g16_who_looks_again_after_an_entry_was_given_up_is_counted_once,
    g16_who_loads_after_an_entry_was_given_up_is_counted_once,
    g16_who_can_not_load_after_an_entry_was_given_up_is_counted_once,
    g16_who_looks_again_after_an_overtaken_failure_is_counted_once,
    g16_glances_at_what_is_under_way_count_nothing,
    g16_counters_are_exact_after_more_threads_than_cores,
);
