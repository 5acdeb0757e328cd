//! Closures of entries that fail, panic, are dropped half-way, or call back into the cache.

use crate::apart::apart;
use crate::g04_entry::{until_waiting, vacant};
use crate::hush::caught;
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::watchdog::in_time;
use crate::ways::Way;
use bellwether::{Cache, CacheBuilder, Entry};
use futures::FutureExt;
use std::future::pending;

in_every_way!(
    g4_a_closure_that_fails_gives_the_entry_up_and_keeps_its_error_to_itself,
    g4_a_closure_that_panics_gives_the_entry_up,
    g6_a_closure_may_use_the_cache,
    g6_a_closure_may_write_its_own_key_which_overtakes_its_entry,
    g4_a_closure_that_fails_leaves_the_load_to_the_loader_of_those_who_fetch,
);

fn g4_a_closure_that_fails_gives_the_entry_up_and_keeps_its_error_to_itself(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
    let lead = Entry::Vacant(vacant(way.entry(&cache, 1)));
    let waiting = apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 9));
    until_waiting(&cache, 1);
    assert_eq!(way.try_make(lead, || Err("it fails")), Err("it fails"));
    assert_eq!(*waiting.result(), 9, "who waited makes its own");
    let again = way.try_make(way.entry(&cache, 1), || Err("it isn't asked"));
    assert_eq!(again.as_deref(), Ok(&9));
    at_rest(&cache);
}

fn g4_a_closure_that_panics_gives_the_entry_up(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
    let lead = Entry::Vacant(vacant(way.entry(&cache, 1)));
    let waiting = apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 9));
    until_waiting(&cache, 1);
    let panic = caught(|| way.make(lead, || panic!("it blows up on purpose")));
    assert_eq!(panic.expect_err("the panic goes on"), "it blows up on purpose");
    assert_eq!(*waiting.result(), 9);
    at_rest(&cache);
}

fn g6_a_closure_may_use_the_cache(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new().shards(1).loader_fn(|key: &u32| bellwether::ok(*key as usize)));
    let value = way.entry(&cache, 1).or_insert_with(|| {
        cache.insert(2, 20);
        assert_eq!(cache.get(&2, |value| *value), Some(20));
        assert!(cache.fetch(&1).is_none() && cache.try_entry(1).is_none(), "its own key is still to be brought");
        assert_eq!(*cache.entry(3).or_insert_with(|| *cache.entry(4).or_insert(40) + 1), 41);
        let loaded = way.fetch_with_nested(&cache, 5);
        cache.iter().map(|(_, value)| *value).sum::<usize>() + loaded
    });
    assert_eq!((*value, cache.len()), (20 + 41 + 40 + 5 + 5, 5));
    at_rest(&cache);
}

fn g6_a_closure_may_write_its_own_key_which_overtakes_its_entry(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
    let brought = way.make(way.entry(&cache, 1), || {
        cache.insert(1, 50);
        10
    });
    assert_eq!((*brought, cache.fetch(&1).as_deref()), (10, Some(&50)));
    let brought = way.make(way.entry(&cache, 2), || {
        cache.clear();
        10
    });
    assert_eq!((*brought, cache.len()), (10, 0));
    at_rest(&cache);
}

fn g4_a_closure_that_fails_leaves_the_load_to_the_loader_of_those_who_fetch(way: Way) {
    for style in BOTH {
        let runway = Runway::new(0);
        let cache = way.build(runway.numbers(CacheBuilder::new(), style));
        let lead = Entry::Vacant(vacant(way.entry(&cache, 1)));
        let waiting = apart(&cache, move |cache| way.fetch_with(&cache, &1));
        until_waiting(&cache, 1);
        assert!(way.try_make(lead, || Err(())).is_err());
        assert_eq!((*waiting.result().expect("the loader brings it"), runway.begun()), (0, 1), "{style:?}");
        at_rest(&cache);
    }
}

impl Way {
    /// A fetch from inside a closure, which on the async faces is in a runtime already.
    fn fetch_with_nested(self, cache: &Cache<u32, usize>, key: u32) -> usize {
        let fetched = std::thread::scope(|scope| scope.spawn(|| self.fetch_with(cache, &key)).join().expect("it doesn't panic"));
        *fetched.expect("the load brings it")
    }
}

/// A task that is dropped while its closure's future is under way gives the entry up.
#[test]
fn g4_a_future_that_is_dropped_half_way_gives_the_entry_up() {
    in_time(|| {
        for fallible in [false, true] {
            let cache: Cache<u32, usize> = Cache::builder().build().expect("the settings make sense");
            let tasks = cache.to_async();
            let mut making = Box::pin(async {
                let entry = tasks.entry(1).await;
                if fallible {
                    entry.or_try_insert_with_async(pending::<Result<usize, ()>>).await.ok()
                } else {
                    Some(entry.or_insert_with_async(pending::<usize>).await)
                }
            });
            assert!((&mut making).now_or_never().is_none());
            let waiting = apart(&cache, |cache| cache.entry(1).or_insert(9));
            until_waiting(&cache, 1);
            drop(making);
            assert_eq!(*waiting.result(), 9);
            at_rest(&cache);
        }
    });
}
