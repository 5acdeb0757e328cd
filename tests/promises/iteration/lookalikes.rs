//! Walks that stand half way while keys leave and come back, and while values are replaced.

use super::{Of, holding};
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use bellwether::{Cache, EntryStream, RandomState};
use futures::StreamExt;
use std::collections::BTreeMap;
use std::iter::from_fn;
use std::sync::Arc;

type Stoppable<'a> = Box<dyn Iterator<Item = (u64, Arc<u64>)> + 'a>;

/// A walk that can be stopped at any entry: by an iterator, by a stream, or by pages.
fn walks(cache: &Cache<u64, u64>) -> Vec<(&'static str, Stoppable<'_>)> {
    let mut stream: EntryStream<u64, u64, RandomState> = cache.to_async().stream_with_batch_size(1);
    let mut cursor = Some(0);
    let mut page = Vec::new().into_iter();
    let pages = from_fn(move || {
        loop {
            if let Some(entry) = page.next() {
                return Some(entry);
            }
            let (next, entries) = cache.scan(cursor?, 1);
            (cursor, page) = (Some(next).filter(|&next| next != 0), entries.into_iter());
        }
    });
    vec![
        ("iter", Box::new(cache.iter_with_batch_size(1)) as Stoppable<'_>),
        ("stream", Box::new(from_fn(move || futures::executor::block_on(stream.next())))),
        ("pages", Box::new(pages)),
    ]
}

/// A cursor that counts entries would skip as many that stay as leave before it.
fn entries_that_leave_before_the_cursor_make_it_skip_none<F: Kind>() {
    for shards in [1, 3] {
        for which in 0..3 {
            let cache = holding::<F>(shards, 0..600).sync();
            let (name, mut walk) = walks(&cache).swap_remove(which);
            let mut met: Vec<u64> = walk.by_ref().take(200).map(|(key, _)| key).collect();
            met.iter().for_each(|key| assert!(cache.invalidate(key)));
            met.extend(walk.map(|(key, _)| key));
            met.sort_unstable();
            assert_eq!(met, (0..600).collect::<Vec<_>>(), "{name}: all others stay, and are met");
        }
    }
}

/// Nor does it give any twice if others come before it: slots are taken anew from the first on.
fn entries_that_come_before_the_cursor_make_it_repeat_none<F: Kind>() {
    for which in 0..3 {
        let cache = holding::<F>(1, 0..600).sync();
        (0..300).for_each(|key| assert!(cache.invalidate(&key)));
        let (name, mut walk) = walks(&cache).swap_remove(which);
        let mut met: Vec<u64> = walk.by_ref().take(100).map(|(key, _)| key).collect();
        (1_000..1_300).for_each(|key| cache.insert(key, key));
        met.extend(walk.map(|(key, _)| key).filter(|&key| key < 1_000));
        met.sort_unstable();
        assert_eq!(met, (300..600).collect::<Vec<_>>(), "{name}");
    }
}

/// Of pages this isn't promised: they remember nothing.
fn no_key_is_met_twice_though_it_leaves_and_comes_back<F: Kind>() {
    for which in 0..2 {
        for (clear, shards) in [(false, 1), (false, 2), (true, 1), (true, 2)] {
            let cache = holding::<F>(shards, 0..600).sync();
            let (name, mut walk) = walks(&cache).swap_remove(which);
            let mut met: BTreeMap<u64, u32> = walk.by_ref().take(250).map(|(key, _)| (key, 1)).collect();
            if clear {
                cache.clear();
                // Others take the slots behind, these the ones ahead.
                (2_000..2_600).for_each(|key| cache.insert(key, key));
                met.keys().for_each(|&key| cache.insert(key, 1));
            } else {
                // These take each other's slots, which are ahead if the last ones to leave were.
                (250..600).filter(|key| !met.contains_key(key)).for_each(|key| drop(cache.remove(&key)));
                met.keys().rev().for_each(|key| assert!(cache.invalidate(key)));
                met.keys().for_each(|&key| cache.insert(key, 1));
            }
            walk.for_each(|(key, _)| *met.entry(key).or_default() += 1);
            let twice: Vec<_> = met.iter().filter(|&(_, &times)| times > 1).collect();
            assert!(twice.is_empty(), "{name}, clear: {clear}: {twice:?}");
            if clear && shards == 1 {
                assert_eq!(met.len(), 250, "{name}: what has come since isn't met");
            }
        }
    }
}

fn replaced_values_keep_their_place<F: Kind>() {
    for which in 0..3 {
        let cache = holding::<F>(2, 0..500).sync();
        let (name, mut walk) = walks(&cache).swap_remove(which);
        let before: Vec<(u64, u64)> = walk.by_ref().take(200).map(|(key, value)| (key, *value)).collect();
        (0..500).for_each(|key| cache.insert(key, 1));
        let after: Vec<(u64, u64)> = walk.map(|(key, value)| (key, *value)).collect();
        assert!(before.iter().all(|&(key, value)| value == key * 10));
        // One may have been taken along with the last that was given out.
        assert!(after.iter().filter(|&&(_, value)| value != 1).count() <= 1, "{name} gives the values that are held by then");
        let mut keys: Vec<u64> = before.into_iter().chain(after).map(|(key, _)| key).collect();
        keys.sort_unstable();
        assert_eq!(keys, (0..500).collect::<Vec<_>>(), "{name} meets each once");
    }
}

fn a_walk_ends_though_entries_come_ahead_of_it_for_ever<F: Kind>() {
    for which in 0..2 {
        let cache: Of<F> = holding::<F>(1, 0..10);
        let cache = cache.sync();
        let (name, walk) = walks(&cache).swap_remove(which);
        let mut next = 10;
        let met = walk
            .inspect(|_| {
                (next..next + 10).for_each(|key| cache.insert(key, key));
                next += 10;
            })
            .take(1_000)
            .count();
        assert_eq!(met, 10, "{name}");
    }
}

on_every_face_in_time!(
    entries_that_leave_before_the_cursor_make_it_skip_none,
    entries_that_come_before_the_cursor_make_it_repeat_none,
    no_key_is_met_twice_though_it_leaves_and_comes_back,
    replaced_values_keep_their_place,
    a_walk_ends_though_entries_come_ahead_of_it_for_ever,
);
