//! Pages: any number is safe as a cursor, and a listing goes on whatever happened between two of its pages.

use super::walks::paged;
use super::{Of, holding};
use crate::cases::cases;
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type Page = (u64, Vec<(u64, Arc<u64>)>);

fn scan<F: Kind>(cache: &Of<F>, cursor: u64, count: usize) -> Page {
    let threads = cache.sync();
    if F::IS_BLOCKING { threads.scan(cursor, count) } else { threads.to_async().scan(cursor, count) }
}

/// Numbers of all kinds, odd ones above all.
fn cursor() -> impl Strategy<Value = u64> {
    prop_oneof![
        any::<u64>(),
        0..2_000_u64,
        (0..8_u64, 0..2_000_u64).prop_map(|(shard, slot)| 1 + (shard << 32 | slot)),
        (0..64_u32, any::<bool>()).prop_map(|(bits, more)| (1_u64 << bits).wrapping_sub(u64::from(more))),
        Just(u64::MAX),
    ]
}

fn count() -> impl Strategy<Value = usize> {
    prop_oneof![0..20_usize, any::<usize>(), Just(usize::MAX)]
}

fn g18_any_number_is_safe_as_a_cursor<F: Kind>() {
    for shards in [1, 3] {
        let cache = holding::<F>(shards, 0..1_000);
        (0..1_000).filter(|key| key % 3 == 0).for_each(|key| assert!(cache.invalidate(&key)));
        let before = cache.metrics();
        cases(300, &(cursor(), count()), |(from, count)| {
            let (next, page) = scan::<F>(&cache, from, count);
            prop_assert!(page.len() <= count, "{} entries, asked for {count}", page.len());
            prop_assert!(page.iter().all(|(key, value)| key % 3 != 0 && **value == key * 10));
            let keys: BTreeSet<_> = page.iter().map(|&(key, _)| key).collect();
            prop_assert_eq!(keys.len(), page.len(), "none is on a page twice");
            prop_assert!(next == 0 || next > from || (count == 0 && next == from), "{next} after {from}: it goes on");
            if count == 0 {
                prop_assert_eq!((next, page.len()), (from, 0), "it gives the cursor back");
            }
            // From there on it comes to an end.
            let (mut cursor, mut pages) = (next, 0);
            while cursor != 0 {
                cursor = scan::<F>(&cache, cursor, 100).0;
                pages += 1;
                prop_assert!(pages < 100, "it comes to no end");
            }
            Ok(())
        });
        assert_eq!(cache.metrics(), before);
        at_rest(&cache.sync());
    }
}

/// The number is what it is documented to be, so that pages are told apart by their order.
fn pages_go_from_shard_to_shard_and_upwards_in_each<F: Kind>() {
    let cache = holding::<F>(3, 0..500);
    let cursors = std::cell::RefCell::new(Vec::new());
    let all = paged(|cursor| {
        cursors.borrow_mut().push(cursor);
        scan::<F>(&cache, cursor, 10)
    });
    assert_eq!(all.len(), 500);
    let cursors = cursors.into_inner();
    assert!(cursors.len() <= 51, "{} pages of ten, and at most an empty one at the end", cursors.len());
    let shards: BTreeSet<_> = cursors[1..].iter().map(|cursor| (cursor - 1) >> 32).collect();
    assert_eq!(shards, (0..3).collect::<BTreeSet<_>>());
    assert_eq!(scan::<F>(&cache, 1, 500), scan::<F>(&cache, 0, 500), "1 is the first slot of the first shard");
}

#[derive(Clone, Debug)]
enum Between {
    Insert(u64),
    Remove(u64),
    Replace(u64),
    Crowd(u64),
    Leave(u64),
}

fn between() -> impl Strategy<Value = Between> {
    prop_oneof![
        (300..600_u64).prop_map(Between::Insert),
        (300..600_u64).prop_map(Between::Remove),
        (0..300_u64).prop_map(Between::Replace),
        (0..200_u64).prop_map(Between::Crowd),
        (0..200_u64).prop_map(Between::Leave),
    ]
}

fn a_listing_goes_on_across_inserts_and_removals<F: Kind>() {
    let pages = prop::collection::vec((1..60_usize, prop::collection::vec(between(), 0..10)), 1..60);
    for shards in [1, 2] {
        cases(60, &pages, |pages| {
            let cache = holding::<F>(shards, 0..450);
            let (mut cursor, mut met) = (0, BTreeMap::<u64, u32>::new());
            for (count, between) in pages.into_iter().chain(std::iter::repeat((40, Vec::new()))) {
                let (next, page) = scan::<F>(&cache, cursor, count);
                page.into_iter().for_each(|(key, _)| *met.entry(key).or_default() += 1);
                cursor = next;
                if cursor == 0 {
                    break;
                }
                for step in between {
                    match step {
                        Between::Insert(key) | Between::Replace(key) => cache.insert(key, 1),
                        Between::Remove(key) => drop(cache.remove(&key)),
                        Between::Crowd(many) => (600..600 + many).for_each(|key| cache.insert(key, 1)),
                        Between::Leave(many) => (600..600 + many).for_each(|key| drop(cache.remove(&key))),
                    }
                }
            }
            for key in 0..300 {
                prop_assert_eq!(met.get(&key), Some(&1), "{} stayed", key);
            }
            Ok(())
        });
    }
}

fn a_listing_goes_on_after_the_cache_was_cleared<F: Kind>() {
    let cache = holding::<F>(2, 0..500);
    let (cursor, page) = scan::<F>(&cache, 0, 100);
    assert_eq!(page.len(), 100);
    cache.clear();
    assert_eq!(scan::<F>(&cache, cursor, 100), (0, Vec::new()));
    (0..500).for_each(|key| cache.insert(key, key * 10));
    let rest = paged(|from| scan::<F>(&cache, from.max(cursor), 100));
    assert!(rest.len() < 500 && rest.iter().all(|(key, value)| **value == key * 10), "what is held now, from there on");
    assert_eq!(paged(|from| scan::<F>(&cache, from, 100)).len(), 500);
}

on_every_face_in_time!(
    g18_any_number_is_safe_as_a_cursor,
    pages_go_from_shard_to_shard_and_upwards_in_each,
    a_listing_goes_on_across_inserts_and_removals,
    a_listing_goes_on_after_the_cache_was_cleared,
);
