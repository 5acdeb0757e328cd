//! All forms of `or_`, and all kinds of values that may be given.

use crate::apart::apart;
use crate::g04_entry::{refusal, until_waiting, vacant};
use crate::hush::caught;
use crate::in_every_way;
use crate::rest::at_rest;
use crate::ways::{WAYS, Way};
use bellwether::{Cache, CacheBuilder, Entry, Loaded};
use std::sync::Arc;
use std::time::Duration;

in_every_way!(
    g4_every_form_of_or_brings_a_value_where_there_is_none_and_leaves_the_one_that_there_is,
    g8_a_cache_of_capacity_zero_makes_one_value_for_all_who_wait,
    g8_what_an_entry_brings_is_delivered_though_it_is_not_stored,
    g4_a_loaded_without_a_value_is_refused_and_the_entry_given_up,
    g18_an_insert_whose_weigher_panics_gives_the_entry_up,
    g9_what_an_entry_brings_has_its_own_times_and_weight,
    g17_an_entry_keeps_the_cache_alive,
);

fn g4_every_form_of_or_brings_a_value_where_there_is_none_and_leaves_the_one_that_there_is(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
    for expected in [(1, 10), (2, 20), (3, 30), (4, 40), (5, 0)] {
        for held in [false, true] {
            let (key, value) = expected;
            let value = if held { 99 } else { value };
            let entry = way.entry(&cache, key);
            assert_eq!((matches!(entry, Entry::Occupied(_)), *entry.key()), (held, key));
            let brought = match key {
                1 => entry.or_insert(value),
                2 => entry.or_insert(Arc::new(value)),
                3 => way.make(entry, || value),
                4 => way.try_make(entry, || Ok::<_, String>(value)).expect("it doesn't fail"),
                _ => entry.or_default(),
            };
            assert_eq!((key, *brought), expected);
            assert!(Arc::ptr_eq(&brought, &cache.fetch(&key).expect("it is held")));
        }
    }
    assert_eq!((cache.len(), at_rest(&cache).removals(bellwether::RemovalCause::Replaced)), (5, 0));
}

fn g8_a_cache_of_capacity_zero_makes_one_value_for_all_who_wait(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new().capacity(0).loader_fn(|_: &u32| bellwether::ok(9)));
    let lead = vacant(way.entry(&cache, 1));
    let of_a_way = |way: Way| {
        [
            apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 9)),
            apart(&cache, move |cache| way.fetch_with(&cache, &1).expect("the entry brings it")),
        ]
    };
    let waiting: Vec<_> = WAYS.into_iter().flat_map(of_a_way).collect();
    until_waiting(&cache, 6);
    let brought = way.make(Entry::Vacant(lead), || 7);
    assert!(waiting.into_iter().all(|waiting| Arc::ptr_eq(&waiting.result(), &brought)));
    assert!(cache.is_empty());
    drop(vacant(way.entry(&cache, 1)));
    at_rest(&cache);
}

fn g8_what_an_entry_brings_is_delivered_though_it_is_not_stored(way: Way) {
    let too_heavy = || Loaded::from(7).weight(u64::MAX);
    let uncached = || Loaded::from(7).uncached();
    for value in [too_heavy(), uncached()] {
        let cache: Cache<u32, usize> = way.build(CacheBuilder::new().capacity(10));
        let lead = vacant(way.entry(&cache, 1));
        let waiting = apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 9));
        until_waiting(&cache, 1);
        assert_eq!((*lead.insert(value), *waiting.result(), cache.len()), (7, 7, 0));
        at_rest(&cache);
    }
}

fn g4_a_loaded_without_a_value_is_refused_and_the_entry_given_up(way: Way) {
    for empty in [Loaded::absent(), Loaded::unchanged()] {
        let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
        let lead = vacant(way.entry(&cache, 1));
        let waiting = apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 9));
        until_waiting(&cache, 1);
        let text = refusal(|| lead.insert(empty));
        assert!(text.contains("no value") && text.contains("drop the entry"), "it says what to do instead: {text}");
        assert_eq!((*waiting.result(), cache.fetch(&1).as_deref()), (9, Some(&9)));
        at_rest(&cache);
    }
}

fn g18_an_insert_whose_weigher_panics_gives_the_entry_up(way: Way) {
    let weigher = |_: &u32, value: &usize| if *value == 13 { panic!("thirteen, on purpose") } else { 1 };
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new().weigher(weigher).loader_fn(|_: &u32| bellwether::ok(9)));
    let lead = vacant(way.entry(&cache, 1));
    let entry = apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 9));
    let fetch = apart(&cache, move |cache| way.fetch_with(&cache, &1).expect("the load brings it"));
    until_waiting(&cache, 2);
    let panic = caught(|| lead.insert(13)).expect_err("the weigher panics");
    assert!(panic.contains("thirteen"));
    assert_eq!((*entry.result(), *fetch.result()), (9, 9));
    at_rest(&cache);
}

fn g9_what_an_entry_brings_has_its_own_times_and_weight(way: Way) {
    let clock = bellwether::MockClock::new();
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new().clock(clock.clone()).capacity(10));
    let value = || Loaded::from(7).time_to_live(Duration::from_secs(1)).weight(4);
    assert_eq!((*way.entry(&cache, 1).or_insert(value()), cache.weight()), (7, 4));
    clock.advance(Duration::from_secs(1));
    drop(vacant(way.entry(&cache, 1)));
    assert_eq!(*way.entry(&cache, 1).or_insert(8), 8);
    assert_eq!((cache.fetch(&1).as_deref(), cache.weight()), (Some(&8), 1));
    at_rest(&cache);
}

/// The last handle may go before the entry, which is one itself.
fn g17_an_entry_keeps_the_cache_alive(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
    let lead = vacant(way.entry(&cache, 1));
    let waiting = apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 9));
    until_waiting(&cache, 1);
    drop(cache);
    assert_eq!((*lead.insert(7), *waiting.result()), (7, 7));
}
