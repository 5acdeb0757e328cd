//! G2: no read of any kind sees an entry whose tag was struck, from the moment of the strike on, whether or not it has gone by then.

use super::scene::Hands;
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::secs;
use bellwether::{CacheBuilder, Entry, Loaded, MockClock};
use std::sync::Arc;

/// The value in hand where it is needed; else it is let go, so that nobody has it but the cache.
fn still<T: Default>(needed: bool, value: T) -> T {
    if needed { value } else { T::default() }
}

const KEY: u32 = 1;
const OLD: u32 = 7;
/// What isn't struck.
const OTHER: u32 = 2;

/// A read: what it sees of the key.
type Read = fn(&Hands<u32, u32>, &Arc<u32>) -> Option<u32>;

fn of_key(all: impl IntoIterator<Item = (u32, Arc<u32>)>) -> Option<u32> {
    all.into_iter().find(|(key, _)| *key == KEY).map(|(_, value)| *value)
}

fn if_so(seen: bool) -> Option<u32> {
    seen.then_some(OLD)
}

fn occupied(entry: Option<Entry<u32, u32>>) -> Option<u32> {
    match entry {
        Some(Entry::Occupied(entry)) => Some(**entry.get()),
        Some(Entry::Vacant(_)) | None => None,
    }
}

/// Every call that says anything of what is held.
const READS: &[(&str, Read)] = &[
    ("get", |hands, _| hands.sync().get(&KEY, |value| *value)),
    ("fetch", |hands, _| hands.sync().fetch(&KEY).as_deref().copied()),
    ("peek", |hands, _| hands.sync().peek(&KEY).as_deref().copied()),
    ("contains_key", |hands, _| if_so(hands.sync().contains_key(&KEY))),
    ("fetch_stale", |hands, _| hands.sync().fetch_stale(&KEY).map(|fetched| *fetched.value)),
    ("entry_info", |hands, _| if_so(hands.sync().entry_info(&KEY).is_some())),
    ("iter", |hands, _| of_key(hands.sync().iter())),
    ("iter_snapshot", |hands, _| of_key(hands.snapshot())),
    ("scan", |hands, _| of_key(hands.scan())),
    ("hottest and coldest", |hands, _| of_key(hands.ranked())),
    ("entry", |hands, _| occupied(Some(hands.entry(KEY)))),
    ("try_entry", |hands, _| occupied(hands.sync().try_entry(KEY))),
    ("remove", |hands, _| hands.sync().remove(&KEY).as_deref().copied()),
    ("invalidate", |hands, _| if_so(hands.sync().invalidate(&KEY))),
    ("invalidate_for", |hands, _| if_so(hands.invalidate_for(&KEY, secs(1)))),
    ("invalidate_if", |hands, _| {
        let mut seen = None;
        hands.invalidate_if(|key, value| {
            seen = seen.or((*key == KEY).then_some(*value));
            false
        });
        seen
    }),
    ("expire", |hands, _| if_so(hands.sync().expire(&KEY))),
    ("set_ttl", |hands, _| if_so(hands.sync().set_ttl(&KEY, secs(1)))),
    ("persist", |hands, _| if_so(hands.sync().persist(&KEY))),
    ("insert_if_absent", |hands, _| hands.insert_if_absent(KEY, 100).as_deref().copied()),
    ("replace", |hands, _| hands.replace(KEY, 100).as_deref().copied()),
    ("compare_and_swap", |hands, old| if_so(hands.compare_and_swap(&KEY, old, 100).is_ok())),
    ("compute", |hands, _| if_so(hands.compute(&KEY, |_| {}))),
    ("try_compute", |hands, _| if_so(hands.try_compute(&KEY, |_| {}))),
    ("upsert", |hands, _| {
        let mut seen = None;
        hands.upsert(KEY, || 100, |value| seen = Some(*value));
        seen.filter(|&seen| seen == OLD)
    }),
    #[cfg(feature = "bulk")]
    ("multiget", |hands, _| hands.multiget(&[OTHER, KEY]).into_iter().map(|value| *value).find(|&value| value == OLD)),
];

/// A cache with one entry that carries tags, and one that carries another.
fn scene<F: Kind>(has_janitor: bool, is_mocked: bool) -> (F::Of<u32, u32>, Hands<u32, u32>, Arc<u32>) {
    let builder = CacheBuilder::new().time_to_live(secs(1_000));
    let builder = if has_janitor { builder } else { builder.no_janitor() };
    let builder = if is_mocked { builder.clock(MockClock::new()) } else { builder };
    let (cache, hands) = Hands::build::<F>(builder.loader_fn(|_: &u32| Loaded::ok(100)));
    cache.insert_with(KEY, Loaded::value(OLD).tags(["a", "b"]));
    cache.insert_with(OTHER, Loaded::value(8).tags(["b"]));
    let old = cache.peek(&KEY).expect("it is held");
    (cache, hands, old)
}

fn strike(hands: &Hands<u32, u32>, number: usize) {
    // Without stale windows the two are alike.
    if number == 0 {
        hands.invalidate_tag("a");
    } else {
        hands.expire_tag("a");
    }
}

fn g2_no_read_sees_what_was_struck<F: Kind>() {
    for (name, read) in READS {
        for (has_janitor, is_mocked) in [(true, true), (true, false), (false, true), (false, false)] {
            for number in 0..2 {
                for is_swept in [false, true] {
                    let (cache, hands, old) = scene::<F>(has_janitor, is_mocked);
                    // Nobody else has it in hand where a call needs that.
                    let old = still(*name == "compare_and_swap", old);
                    assert_eq!(cache.peek(&KEY).as_deref(), Some(&OLD), "before the strike");
                    strike(&hands, number);
                    if is_swept {
                        cache.run_maintenance();
                        assert_eq!(cache.len(), 1, "only the other is left");
                    }
                    assert_eq!(read(&hands, &old), None, "{name}: janitor {has_janitor}, mock {is_mocked}, swept {is_swept}");
                    assert_eq!(cache.peek(&OTHER).as_deref(), Some(&8), "{name}: the other stays");
                }
            }
        }
    }
}

/// The other half of the test above: each of these calls sees what was not struck.
fn g2_each_read_sees_what_was_not_struck<F: Kind>() {
    for (name, read) in READS {
        let (_cache, hands, old) = scene::<F>(false, true);
        hands.invalidate_tag("c");
        let held = still(*name == "compare_and_swap", old);
        assert_eq!(read(&hands, &held), Some(OLD), "{name}");
    }
}

fn g2_what_was_struck_is_loaded_anew<F: Kind>() {
    for has_janitor in [true, false] {
        for number in 0..2 {
            for is_swept in [false, true] {
                let (cache, hands, _) = scene::<F>(has_janitor, true);
                strike(&hands, number);
                if is_swept {
                    cache.run_maintenance();
                }
                assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&100));
                assert_eq!(cache.fetch(&KEY).as_deref(), Some(&100));
                cache.run_maintenance();
                assert_eq!(cache.fetch(&KEY).as_deref(), Some(&100), "the sweep leaves what came after the strike");
                assert_eq!(at_rest(&cache.sync()).loads_started, 1);
            }
        }
    }
}

on_every_face_in_time!(g2_no_read_sees_what_was_struck, g2_each_read_sees_what_was_not_struck, g2_what_was_struck_is_loaded_anew);
