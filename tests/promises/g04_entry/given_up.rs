//! Vacant entries that are dropped, leaked or kept beyond their time: one of those who wait is next.

use crate::apart::{Apart, apart};
use crate::g04_entry::{ENDS, LIMIT, until_waiting, vacant};
use crate::gate::PATIENCE;
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::watchdog::in_time;
use crate::ways::{WAYS, Way};
use bellwether::{Cache, CacheBuilder, Entry, LoadErrorKind, MockClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

in_every_way!(
    g4_when_an_entry_is_given_up_one_of_those_who_wait_for_entries_is_next_and_the_others_wait,
    g4_when_an_entry_is_given_up_one_closure_of_those_who_wait_runs,
    g4_leaked_entries_exhaust_nothing,
    g4_the_time_of_a_vacant_entry_runs_by_the_real_clock_too,
);

const WAITERS: u64 = 5;

fn g4_when_an_entry_is_given_up_one_of_those_who_wait_for_entries_is_next_and_the_others_wait(way: Way) {
    for end in ENDS {
        let clock = MockClock::new();
        let cache: Cache<u32, usize> = way.build(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT));
        let mut lead = vacant(way.entry(&cache, 1));
        let (send, receive) = mpsc::channel();
        for _ in 0..WAITERS {
            let send = send.clone();
            apart(&cache, move |cache| send.send(way.entry(&cache, 1)).expect("the test receives it"));
        }
        until_waiting(&cache, WAITERS);
        let mut overrun = Vec::new();
        for waiting in (2..WAITERS).rev() {
            overrun.extend(end.give_up(lead, &clock));
            lead = vacant(receive.recv_timeout(PATIENCE).expect("one is next"));
            until_waiting(&cache, waiting);
            assert!(receive.try_recv().is_err(), "{end:?}: one at a time");
        }
        let brought = lead.insert(7);
        for _ in 0..2 {
            let Entry::Occupied(entry) = receive.recv_timeout(PATIENCE).expect("all get it") else { panic!("it was brought") };
            assert!(Arc::ptr_eq(entry.get(), &brought), "{end:?}");
        }
        drop(overrun);
        assert_eq!(cache.fetch(&1).as_deref(), Some(&7), "an entry that is dropped late changes nothing");
        let metrics = at_rest(&cache);
        assert_eq!((metrics.misses, metrics.joined, metrics.loads_started), (1, WAITERS, 0), "second looks aren't counted");
    }
}

/// Each who waits has a closure of its own; the cache's loader, if there is one, isn't asked.
fn g4_when_an_entry_is_given_up_one_closure_of_those_who_wait_runs(way: Way) {
    for end in ENDS {
        for style in BOTH {
            let (clock, runway, ran) = (MockClock::new(), Runway::new(0), Arc::new(AtomicUsize::new(0)));
            let builder = runway.numbers(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), style);
            let cache = way.build(builder);
            let lead = vacant(way.entry(&cache, 1));
            let of_a_way = |waiting_way: Way| {
                let ran = Arc::clone(&ran);
                apart(&cache, move |cache| {
                    waiting_way.fetch_or_load(&cache, &1, move || {
                        ran.fetch_add(1, Ordering::Relaxed);
                        Ok(70)
                    })
                })
            };
            let waiting: Vec<_> = WAYS.into_iter().chain(WAYS).map(of_a_way).collect();
            until_waiting(&cache, 6);
            let overrun = end.give_up(lead, &clock);
            let brought: Vec<_> = waiting.into_iter().map(|waiting| waiting.result().expect("a closure brings it")).collect();
            assert!(brought.iter().all(|value| Arc::ptr_eq(value, &brought[0])), "{end:?}");
            assert_eq!((*brought[0], ran.load(Ordering::Relaxed), runway.begun()), (70, 1, 0), "{end:?}");
            drop(overrun);
            assert_eq!(at_rest(&cache).loads_started, 1);
        }
    }
}

fn g4_leaked_entries_exhaust_nothing(way: Way) {
    const MANY: u32 = 1_000;
    let (clock, runway) = (MockClock::new(), Runway::new(0));
    let builder = runway.numbers(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), crate::runway::Style::Async);
    let cache = way.build(builder);
    for key in 0..MANY {
        std::mem::forget(vacant(way.entry(&cache, key)));
    }
    clock.advance(LIMIT);
    // One key again and again, and then all of them in turn.
    for _ in 0..MANY {
        std::mem::forget(vacant(way.entry(&cache, 0)));
        clock.advance(LIMIT);
    }
    for key in 0..MANY {
        way.fetch_with(&cache, &key).expect("the load brings it");
    }
    let metrics = at_rest(&cache);
    assert_eq!((metrics.loads_started, metrics.misses, metrics.entries), (1_000, 3_000, 1_000));
}

fn g4_the_time_of_a_vacant_entry_runs_by_the_real_clock_too(way: Way) {
    let limit = Duration::from_millis(30);
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new().load_timeout(limit));
    let start = Instant::now();
    std::mem::forget(way.entry(&cache, 1));
    assert_eq!(*way.make(way.entry(&cache, 1), || 5), 5);
    assert!(start.elapsed() >= limit, "not before its time is over");
    assert_eq!(cache.fetch(&1).as_deref(), Some(&5));
    at_rest(&cache);
}

/// A caller that waits for an entry and leaves takes nobody's turn along, whenever it goes.
#[test]
fn g4_one_who_waits_for_an_entry_and_is_dropped_when_it_is_next_takes_nobodys_turn_along() {
    in_time(|| {
        let cache: Cache<u32, usize> = Cache::builder().build().expect("the settings make sense");
        let tasks = cache.to_async();
        let lead = vacant(cache.entry(1));
        let mut waiting: Vec<_> = (0..10).map(|_| Box::pin(tasks.entry(1))).collect();
        for task in &mut waiting {
            assert!(futures::FutureExt::now_or_never(task).is_none());
        }
        drop(lead);
        // All have been woken, and nine of them never look again.
        let last = waiting.pop().expect("there are ten");
        assert_eq!(*futures::executor::block_on(last).or_insert(10), 10);
        drop(waiting);
        at_rest(&cache);
    });
}

/// Whoever waits for the loader of a cache that has none hears just that, not of a load that there never was.
#[test]
fn g4_who_waited_for_a_vacant_entry_and_cannot_load_is_told_why() {
    in_time(|| {
        for way in WAYS {
            let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
            let lead = vacant(way.entry(&cache, 1));
            let waiting = apart(&cache, move |cache| way.fetch_with(&cache, &1));
            until_waiting(&cache, 1);
            drop(lead);
            assert_eq!(waiting.result().expect_err("there is no loader").kind(), LoadErrorKind::NoLoader, "{way:?}");
            at_rest(&cache);
        }
    });
}

#[test]
fn g17_who_waited_for_a_vacant_entry_of_a_cache_that_is_closed_is_told_so() {
    in_time(|| {
        for (way, style) in WAYS.into_iter().zip(BOTH.into_iter().cycle()) {
            let runway = Runway::new(0);
            let cache = way.build(runway.numbers(CacheBuilder::new(), style));
            let lead = vacant(way.entry(&cache, 1));
            let waiting = apart(&cache, move |cache| way.fetch_with(&cache, &1));
            until_waiting(&cache, 1);
            assert!(cache.close(), "no load is under way");
            drop(lead);
            assert_eq!(waiting.result().expect_err("it loads no more").kind(), LoadErrorKind::Closed, "{way:?}");
            assert_eq!((at_rest(&cache).loads_started, runway.begun()), (0, 0));
        }
    });
}

/// Entries of threads and tasks that come and go all the time: each is served in the end, and one value at a time is made.
#[test]
fn g4_entries_that_are_given_up_again_and_again_lose_nobody() {
    in_time(|| {
        let cache: Cache<u32, usize> = Cache::builder().build().expect("the settings make sense");
        let making = Arc::new(AtomicUsize::new(0));
        let worker = |n: usize| {
            let (way, making) = (WAYS[n % 3], Arc::clone(&making));
            apart(&cache, move |cache| {
                for round in 0..300 {
                    match way.entry(&cache, 1) {
                        Entry::Vacant(lead) => {
                            assert_eq!(making.fetch_add(1, Ordering::SeqCst), 0, "one lead at a time");
                            std::thread::yield_now();
                            making.fetch_sub(1, Ordering::SeqCst);
                            if (round + n) % 3 == 0 { drop(lead.insert(round)) } else { drop(lead) }
                        }
                        Entry::Occupied(entry) => drop(entry.remove()),
                    }
                }
            })
        };
        (0..6).map(worker).collect::<Vec<_>>().into_iter().for_each(Apart::result);
        at_rest(&cache);
    });
}
