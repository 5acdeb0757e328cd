//! A vacant entry beyond its time: an insert through it is an insert like any other.

use crate::apart::apart;
use crate::g04_entry::{LIMIT, until_waiting, vacant};
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::ways::{WAYS, Way};
use bellwether::{Cache, CacheBuilder, Loaded, MockClock, RemovalCause};
use futures::FutureExt;
use std::time::Duration;

in_every_way!(
    g4_an_insert_just_in_time_serves_those_who_wait,
    g4_a_late_insert_that_nobody_has_waited_for_is_stored,
    g4_a_late_insert_takes_the_place_of_what_was_loaded_meanwhile,
    g4_a_late_insert_overtakes_a_load_in_the_air,
    g4_a_late_uncached_value_leaves_nothing_behind,
);

fn cache(way: Way, clock: &MockClock) -> Cache<u32, usize> {
    way.build(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT))
}

fn g4_an_insert_just_in_time_serves_those_who_wait(way: Way) {
    let clock = MockClock::new();
    let cache = cache(way, &clock);
    let lead = vacant(way.entry(&cache, 1));
    let waiting: Vec<_> = WAYS.map(|way| apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 9))).into_iter().collect();
    until_waiting(&cache, 3);
    clock.advance(LIMIT - Duration::from_nanos(1));
    lead.insert(7);
    assert!(waiting.into_iter().all(|waiting| *waiting.result() == 7));
    at_rest(&cache);
}

fn g4_a_late_insert_that_nobody_has_waited_for_is_stored(way: Way) {
    let clock = MockClock::new();
    let cache = cache(way, &clock);
    let lead = vacant(way.entry(&cache, 1));
    clock.advance(LIMIT);
    let value = lead.insert(7);
    assert_eq!(cache.fetch(&1), Some(value));
    // Nor does it stand in anybody's way.
    cache.invalidate(&1);
    assert_eq!(*way.make(way.entry(&cache, 1), || 8), 8);
    at_rest(&cache);
}

fn g4_a_late_insert_takes_the_place_of_what_was_loaded_meanwhile(way: Way) {
    for style in BOTH {
        let (clock, runway) = (MockClock::new(), Runway::new(0));
        let cache = way.build(runway.numbers(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), style));
        let lead = vacant(way.entry(&cache, 1));
        clock.advance(LIMIT);
        assert_eq!(*way.fetch_with(&cache, &1).expect("the load brings it"), 0, "the entry's time is over");
        assert_eq!(*lead.insert(7), 7);
        assert_eq!(cache.fetch(&1).as_deref(), Some(&7), "{style:?}");
        assert_eq!(at_rest(&cache).removals(RemovalCause::Replaced), 1);
    }
}

fn g4_a_late_insert_overtakes_a_load_in_the_air(way: Way) {
    for style in BOTH {
        let (clock, runway) = (MockClock::new(), Runway::new(1));
        let cache = way.build(runway.numbers(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), style));
        let (lead, tasks) = (vacant(way.entry(&cache, 1)), cache.to_async());
        let mut fetch = way.within(|| tasks.fetch_with(&1));
        assert!((&mut fetch).now_or_never().is_none(), "the entry is held");
        clock.advance(LIMIT);
        runway.until_begun(0);
        lead.insert(7);
        assert_eq!(*way.fetch_with(&cache, &1).expect("it is held"), 7);
        runway.open(0);
        let first = *way.wait(fetch).expect("its own load, or a look at what was inserted, brings it");
        assert!([0, 7].contains(&first));
        let metrics = at_rest(&cache);
        assert_eq!((cache.fetch(&1).as_deref(), metrics.loads_superseded), (Some(&7), 1), "{style:?}");
    }
}

fn g4_a_late_uncached_value_leaves_nothing_behind(way: Way) {
    let clock = MockClock::new();
    let cache = cache(way, &clock);
    let lead = vacant(way.entry(&cache, 1));
    clock.advance(LIMIT);
    cache.insert(1, 5);
    assert_eq!(*lead.insert(Loaded::from(7).uncached()), 7);
    assert!(!cache.contains_key(&1));
    at_rest(&cache);
}
