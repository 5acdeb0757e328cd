//! What a walk shows: each fresh entry once, and nothing else; and that it leaves no trace.

use super::walks::Walk;
use super::{Of, holding, keys_of};
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, EvictionPolicy, Loaded, MockClock};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn every_walk_gives_each_entry_once<F: Kind>() {
    for shards in [1, 4] {
        for entries in [0, 1, 63, 64, 65, 256, 257, 3_000] {
            let cache = holding::<F>(shards, 0..entries);
            for walk in Walk::ALL {
                let all = walk.all::<F, _, _>(&cache);
                assert!(all.iter().all(|(key, value)| **value == key * 10));
                assert_eq!(keys_of(all), (0..entries).collect::<Vec<_>>(), "{walk:?}, {shards} shards, {entries} entries");
            }
        }
    }
}

fn g09_no_walk_shows_what_is_stale_or_over_or_absent<F: Kind>() {
    let clock = MockClock::new();
    let builder = CacheBuilder::new()
        .clock(clock.clone())
        .time_to_live(10 * SECOND)
        .stale_while_revalidate(20 * SECOND)
        .negative_ttl(100 * SECOND)
        .loader_fn(|_: &u64| Ok::<_, BoxError>(Loaded::absent()));
    let cache = Of::<F>::build(builder);
    (0..300).for_each(|key| cache.insert(key, key));
    clock.advance(15 * SECOND);
    (300..600).for_each(|key| cache.insert_with_ttl(key, key, SECOND));
    clock.advance(4 * SECOND);
    (600..900).for_each(|key| cache.insert(key, key));
    for key in 900..1_000 {
        assert_eq!(cache.fetch_optional(&key).expect("the loader answers"), None);
    }
    for key in [0, 300] {
        assert!(cache.fetch_stale(&key).is_some() && cache.peek(&key).is_none(), "{key} is stale");
    }
    for walk in Walk::ALL {
        assert_eq!(keys_of(walk.all::<F, _, _>(&cache)), (600..900).collect::<Vec<_>>(), "{walk:?}");
    }
    clock.advance(100 * SECOND);
    for walk in Walk::ALL {
        assert_eq!(walk.all::<F, _, _>(&cache), [], "{walk:?}");
    }
}

fn g16_no_walk_leaves_a_trace<F: Kind>() {
    const ENTRIES: u64 = 500;
    let victims = |walk: Option<Walk>| {
        let clock = MockClock::new();
        let builder = CacheBuilder::new().clock(clock.clone()).capacity(ENTRIES).shards(1).eviction(EvictionPolicy::Lru);
        let cache = Of::<F>::build(builder.time_to_idle(10 * SECOND));
        (0..ENTRIES).for_each(|key| cache.insert(key, key));
        // Some of these hits are still on their way to the policy.
        (0..ENTRIES).step_by(7).for_each(|key| drop(cache.fetch(&key)));
        clock.advance(6 * SECOND);
        let before = cache.metrics();
        if let Some(walk) = walk {
            walk.all::<F, _, _>(&cache);
            assert_eq!(cache.metrics(), before, "{walk:?} counts nothing");
        }
        let mut victims = Vec::new();
        for key in ENTRIES..ENTRIES + 300 {
            cache.insert(key, key);
            victims.push((0..ENTRIES).filter(|key| !cache.contains_key(key)).count());
        }
        let left: Vec<_> = (0..ENTRIES).filter(|key| cache.contains_key(key)).collect();
        clock.advance(5 * SECOND);
        assert_eq!((0..ENTRIES).filter(|key| cache.contains_key(key)).count(), 0, "{walk:?} is no use: they are idle");
        at_rest(&cache.sync());
        (victims, left)
    };
    let unwalked = victims(None);
    for walk in [Walk::Iter, Walk::Snapshot, Walk::Pages(50), Walk::Stream, Walk::Hottest, Walk::Coldest] {
        assert_eq!(victims(Some(walk)), unwalked, "{walk:?} changes nothing for the policy");
    }
}

fn a_snapshot_is_apart_from_the_cache_and_knows_its_length<F: Kind>() {
    let cache = holding::<F>(4, 0..1_000);
    let mut snapshot = if F::IS_BLOCKING { cache.sync().iter_snapshot() } else { cache.sync().to_async().iter_snapshot() };
    cache.clear();
    cache.insert(7, 7);
    drop(cache);
    assert_eq!((snapshot.len(), snapshot.size_hint()), (1_000, (1_000, Some(1_000))));
    let ends = [snapshot.next(), snapshot.next_back()].map(|entry| entry.expect("there are many").0);
    assert_eq!(snapshot.len(), 998);
    let mut keys: Vec<_> = snapshot.by_ref().map(|(key, _)| key).chain(ends).collect();
    keys.sort_unstable();
    assert_eq!(keys, (0..1_000).collect::<Vec<_>>());
    assert_eq!((snapshot.next(), snapshot.next_back(), snapshot.len()), (None, None, 0));
}

fn a_walk_that_is_broken_off_holds_nothing_back<F: Kind>() {
    let cache = holding::<F>(1, 0..1_000);
    let threads = cache.sync();
    let mut iter = threads.iter_with_batch_size(100);
    let (key, value) = iter.next().expect("there are many");
    // Writers go on while it stands half way.
    cache.insert(key, 1);
    cache.clear();
    assert_eq!(std::sync::Arc::strong_count(&value), 1, "the walk has given it out");
    let waiting: Vec<_> = iter.by_ref().take(2).map(|(_, value)| value).collect();
    drop(iter);
    assert!(waiting.iter().all(|value| std::sync::Arc::strong_count(value) == 1));
    at_rest(&threads);
}

on_every_face_in_time!(
    every_walk_gives_each_entry_once,
    g09_no_walk_shows_what_is_stale_or_over_or_absent,
    g16_no_walk_leaves_a_trace,
    a_snapshot_is_apart_from_the_cache_and_knows_its_length,
    a_walk_that_is_broken_off_holds_nothing_back,
);
