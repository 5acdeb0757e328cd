//! Idle times: entries that are used stay, and the others go when nobody has used them for so long.

use crate::faces::{Face, Kind};
use crate::g11_reclaim::{SECOND, TICK, expired};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, Loaded, MockClock};

type Of<F> = <F as Kind>::Of<u32, u32>;

const IDLE: u32 = 10;
const KEY: u32 = 7;

fn builder(clock: &MockClock) -> CacheBuilder<u32, u32> {
    let load = |key: &u32| Ok::<_, BoxError>(*key);
    CacheBuilder::new().time_to_idle(IDLE * SECOND).clock(clock.clone()).loader_fn(load)
}

fn g11_entries_that_are_used_stay_and_the_others_go<F: Kind>() {
    const ENTRIES: u32 = 200;
    for shards in [1, 8] {
        let clock = MockClock::new();
        let cache: Of<F> = F::Of::build(builder(&clock).shards(shards));
        (0..ENTRIES).for_each(|key| cache.insert(key, key));
        // Key `k` is used for `k` rounds and no longer.
        for round in 1..=ENTRIES + 2 {
            clock.advance(6 * SECOND);
            (round..ENTRIES).for_each(|key| assert!(cache.fetch(&key).is_some(), "key {key} in round {round}"));
            // Last used six seconds ago, or just now.
            assert_eq!(
                cache.len(),
                u64::from((ENTRIES + 1).saturating_sub(round)).min(u64::from(ENTRIES)),
                "{shards} shards, round {round}"
            );
        }
        assert_eq!(expired(&at_rest(&cache.sync())), u64::from(ENTRIES));
    }
}

fn g11_uses_of_every_kind_keep_an_entry_and_glances_do_not<F: Kind>() {
    type Act<F> = (&'static str, bool, fn(&Of<F>));
    let acts: [Act<F>; 13] = [
        ("get", true, |cache| assert!(cache.get(&KEY, |_| ()).is_some())),
        ("fetch", true, |cache| drop(cache.fetch(&KEY))),
        ("fetch_with", true, |cache| drop(cache.fetch_with(&KEY))),
        ("fetch_optional", true, |cache| drop(cache.fetch_optional(&KEY))),
        ("fetch_detailed", true, |cache| drop(cache.fetch_detailed(&KEY))),
        ("fetch_or_load", true, |cache| drop(cache.fetch_or_load(&KEY, || Loaded::ok(1)))),
        ("fetch_stale", true, |cache| drop(cache.fetch_stale(&KEY))),
        ("entry", true, |cache| drop(cache.sync().entry(KEY))),
        ("a refresh", true, |cache| drop(cache.refresh(&KEY))),
        ("peek", false, |cache| drop(cache.peek(&KEY))),
        ("contains_key", false, |cache| assert!(cache.contains_key(&KEY))),
        ("iter", false, |cache| drop(cache.entries())),
        ("entry_info, set_ttl and persist", false, |cache| {
            assert!(cache.entry_info(&KEY).is_some() && cache.set_ttl(&KEY, 500 * SECOND) && cache.persist(&KEY));
        }),
    ];
    for (what, is_use, act) in acts {
        let clock = MockClock::new();
        let cache: Of<F> = F::Of::build(builder(&clock));
        cache.insert(KEY, 1);
        clock.advance(4 * SECOND);
        act(&cache);
        clock.set(IDLE * SECOND - TICK);
        assert_eq!(cache.len(), 1, "{what}");
        clock.advance(TICK);
        assert_eq!(cache.len(), u64::from(is_use), "{what}, {IDLE} seconds after it was stored");
        clock.set((IDLE + 4) * SECOND - TICK);
        assert_eq!(cache.len(), u64::from(is_use), "{what}");
        clock.advance(TICK);
        assert_eq!((cache.len(), cache.weight()), (0, 0), "{what}, {IDLE} seconds after it");
        assert_eq!(expired(&at_rest(&cache.sync())), 1, "{what}");
    }
}

fn g11_the_idle_time_cuts_the_time_to_live_and_the_windows_short<F: Kind>() {
    for (ttl, window) in [(60, 0), (8, 60), (60, 60)] {
        let clock = MockClock::new();
        let cache: Of<F> = F::Of::build(builder(&clock).time_to_live(ttl * SECOND).stale_while_revalidate(window * SECOND));
        cache.insert(1, 1);
        clock.advance(IDLE * SECOND - TICK);
        assert_eq!(cache.len(), 1, "{ttl}, {window}");
        clock.advance(TICK);
        assert_eq!(cache.len(), 0, "{ttl}, {window}");
        at_rest(&cache.sync());
    }
}

/// However often an entry is used, the end of its time to live is kept.
fn g11_no_use_keeps_an_entry_beyond_its_time_to_live<F: Kind>() {
    let clock = MockClock::new();
    let cache: Of<F> = F::Of::build(builder(&clock).time_to_live(35 * SECOND));
    (0..100).for_each(|key| cache.insert(key, key));
    for _ in 1..7 {
        clock.advance(5 * SECOND);
        (0..100).for_each(|key| assert!(cache.get(&key, |_| ()).is_some()));
        assert_eq!(cache.len(), 100);
    }
    clock.advance(5 * SECOND - TICK);
    assert_eq!(cache.len(), 100);
    clock.advance(TICK);
    assert_eq!(cache.len(), 0);
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g11_entries_that_are_used_stay_and_the_others_go,
    g11_uses_of_every_kind_keep_an_entry_and_glances_do_not,
    g11_the_idle_time_cuts_the_time_to_live_and_the_windows_short,
    g11_no_use_keeps_an_entry_beyond_its_time_to_live,
);
