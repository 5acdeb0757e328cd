//! Entries that are dropped or filled in odd places: inside the closure of `get`, while a runtime ends, while a thread unwinds.

use crate::apart::apart;
use crate::g04_entry::{refusal, until_waiting, vacant};
use crate::gate::until;
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::watchdog::in_time;
use crate::ways::Way;
use bellwether::{Cache, CacheBuilder};

in_every_way!(
    g6_a_vacant_entry_that_is_dropped_inside_get_lets_those_who_wait_get_on,
    g6_a_vacant_entry_that_is_filled_inside_get_is_refused_and_given_up,
    g4_a_vacant_entry_that_goes_with_its_thread_lets_those_who_wait_get_on,
);

fn g6_a_vacant_entry_that_is_dropped_inside_get_lets_those_who_wait_get_on(way: Way) {
    for style in BOTH {
        let runway = Runway::new(0);
        let cache = way.build(runway.numbers(CacheBuilder::new().shards(1), style));
        cache.insert(2, 20);
        let (lead, unwatched) = (vacant(way.entry(&cache, 1)), vacant(way.entry(&cache, 3)));
        let fetch = apart(&cache, move |cache| way.fetch_with(&cache, &1));
        let entry = apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 9));
        until_waiting(&cache, 2);
        assert_eq!(cache.get(&2, |value| (drop((lead, unwatched)), *value).1), Some(20));
        assert_eq!((*fetch.result().expect("the loader brings it"), *entry.result()), (0, 0), "{style:?}");
        until("the other is given up as well", || cache.try_entry(3).is_some());
        at_rest(&cache);
    }
}

fn g6_a_vacant_entry_that_is_filled_inside_get_is_refused_and_given_up(way: Way) {
    for style in BOTH {
        let runway = Runway::new(0);
        let cache = way.build(runway.numbers(CacheBuilder::new().shards(1), style));
        cache.insert(2, 20);
        let lead = vacant(way.entry(&cache, 1));
        let fetch = apart(&cache, move |cache| way.fetch_with(&cache, &1));
        let entry = apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 9));
        until_waiting(&cache, 2);
        let text = refusal(|| cache.get(&2, |_| lead.insert(10)));
        assert!(text.contains("closure of `get`"), "{text}");
        let fetched = fetch.result().expect("the loader takes over from an entry that was given up");
        assert_eq!((*fetched, *entry.result(), runway.begun()), (0, 0, 1), "{style:?}");
        at_rest(&cache);
    }
}

fn g4_a_vacant_entry_that_goes_with_its_thread_lets_those_who_wait_get_on(way: Way) {
    crate::hush::hush();
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
    let holder = std::thread::spawn({
        let cache = cache.clone();
        move || {
            let _lead = vacant(way.entry(&cache, 1));
            until_waiting(&cache, 1);
            panic!("the holder ends on purpose");
        }
    });
    until("the lead is taken", || cache.metrics().misses == 1);
    let waiting = apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 9));
    assert!(holder.join().is_err());
    assert_eq!(*waiting.result(), 9);
    at_rest(&cache);
}

/// Tasks that hold entries, or wait for them, go with their runtime.
#[test]
fn g19_entries_of_a_runtime_that_ends_are_given_up() {
    in_time(|| {
        let cache: Cache<u32, usize> = Cache::builder().build().expect("the settings make sense");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime can be had");
        for key in 0..10 {
            for _ in 0..3 {
                let tasks = cache.to_async();
                runtime.spawn(async move {
                    let _lead = tasks.entry(key).await;
                    std::future::pending::<()>().await;
                });
            }
        }
        until_waiting(&cache, 20);
        let waiting: Vec<_> = (0..10).map(|key| apart(&cache, move |cache| cache.entry(key).or_insert(7))).collect();
        until_waiting(&cache, 30);
        drop(runtime);
        assert!(waiting.into_iter().all(|waiting| *waiting.result() == 7));
        assert_eq!(at_rest(&cache).entries, 10);
    });
}

/// Holders that come and go on two threads race the time-outs of a limit that is about as long as they hold.
#[test]
fn g4_entries_that_run_out_just_as_they_are_filled_are_filled_once() {
    in_time(|| {
        let builder = CacheBuilder::<u32, usize>::new().load_timeout(std::time::Duration::from_micros(300));
        let cache = builder.build().expect("the settings make sense");
        for round in 0..300 {
            let lead = vacant(cache.entry(1));
            let waiting: Vec<_> = [Way::Blocking, Way::WithoutRuntime]
                .map(|way| apart(&cache, move |cache| *way.make(way.entry(&cache, 1), || 1_000)))
                .into_iter()
                .collect();
            until("all have come", || {
                let metrics = cache.metrics();
                metrics.hits + metrics.joined + metrics.misses == 4 * round + 3
            });
            lead.insert(7);
            let got: Vec<_> = waiting.into_iter().map(crate::apart::Apart::result).collect();
            assert!(got.iter().all(|value| [7, 1_000].contains(value)), "{got:?}");
            assert!(cache.fetch(&1).is_some());
            cache.invalidate(&1);
            at_rest(&cache);
        }
    });
}
