//! Many threads that count together lose no count, whichever way they count, and however small the cache is.

use super::scene::Hands;
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::together::together;
use bellwether::{CacheBuilder, ComputeResult};
use std::sync::atomic::{AtomicU64, Ordering};

const THREADS: usize = 4;
const EACH: usize = 300;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    Compute,
    TryCompute,
    Upsert,
    Swap,
    Entry,
}

const ALL: [By; 5] = [By::Compute, By::TryCompute, By::Upsert, By::Swap, By::Entry];

impl By {
    /// Adds one to key 1, which is held.
    fn count(self, cache: &Hands<u32, u64>) {
        let add = |count: &mut u64| *count += 1;
        match self {
            Self::Compute => assert!(cache.compute(&1, add)),
            Self::TryCompute => while cache.try_compute(&1, add) == ComputeResult::Busy {},
            Self::Upsert => cache.upsert(1, || 0, add),
            Self::Swap => loop {
                let held = cache.sync().peek(&1).expect("it is held");
                if cache.compare_and_swap(&1, &held, *held + 1).is_ok() {
                    return;
                }
            },
            Self::Entry => drop(cache.sync().entry(1).and_modify(add).or_insert(1)),
        }
    }
}

/// Caches in which nothing is evicted while one key is used: without bounds, and with room for just one.
fn builders() -> [CacheBuilder<u32, u64>; 2] {
    [CacheBuilder::new(), CacheBuilder::new().capacity(1)]
}

fn counts<F: Kind>(builder: CacheBuilder<u32, u64>, way: impl Fn(usize, usize) -> By + Sync, what: &str) {
    let cache: F::Of<u32, u64> = F::Of::build(builder);
    cache.insert(1, 0);
    let hands = Hands::of::<F>(&cache);
    together(THREADS, |thread| (0..EACH).for_each(|round| way(thread, round).count(&hands)));
    assert_eq!(cache.fetch(&1).as_deref(), Some(&((THREADS * EACH) as u64)), "{what}");
    at_rest(&cache.sync());
}

fn g3_many_that_count_the_same_way_lose_no_count<F: Kind>() {
    for way in ALL {
        for (bound, builder) in builders().into_iter().enumerate() {
            counts::<F>(builder, |_, _| way, &format!("{way:?}, {bound}"));
        }
    }
}

fn g3_many_that_count_in_all_ways_at_once_lose_no_count<F: Kind>() {
    for (bound, builder) in builders().into_iter().enumerate() {
        counts::<F>(builder, |thread, round| ALL[(thread + round) % ALL.len()], &format!("all, {bound}"));
    }
}

/// The first count, too: whoever comes first stores it, and nobody's is lost.
fn g3_many_upserts_of_what_is_not_held_lose_no_count<F: Kind>() {
    for round in 0..200 {
        let [free, bounded] = builders();
        let cache: F::Of<u32, u64> = F::Of::build(if round % 2 == 0 { free } else { bounded });
        let hands = Hands::of::<F>(&cache);
        together(THREADS, |_| (0..3).for_each(|_| hands.upsert(1, || 0, |count| *count += 1)));
        assert_eq!(cache.fetch(&1).as_deref(), Some(&(THREADS as u64 * 3)));
        at_rest(&cache.sync());
    }
}

/// Of all who would store what isn't held just one does, and all others get what that one stored.
fn g3_one_of_many_is_the_first<F: Kind>() {
    for round in 0..200 {
        let [free, bounded] = builders();
        let cache: F::Of<u32, u64> = F::Of::build(if round % 2 == 0 { free } else { bounded });
        let hands = Hands::of::<F>(&cache);
        let gave = together(THREADS, |thread| hands.insert_if_absent(1, thread as u64).map(|held| *held));
        let first = *cache.fetch(&1).expect("one of them is held");
        let expected: Vec<_> = (0..THREADS as u64).map(|thread| (thread != first).then_some(first)).collect();
        assert_eq!(gave, expected);
        at_rest(&cache.sync());
    }
}

/// Each value that a replacement gives back was put there by just one other.
fn g3_each_value_is_replaced_once<F: Kind>() {
    for builder in builders() {
        let cache: F::Of<u32, u64> = F::Of::build(builder);
        cache.insert(1, 0);
        let hands = Hands::of::<F>(&cache);
        let number = AtomicU64::new(1);
        let gave = together(THREADS, |_| {
            let replace = |_| *hands.replace(1, number.fetch_add(1, Ordering::Relaxed)).expect("one is always held");
            (0..EACH).map(replace).collect::<Vec<_>>()
        });
        let mut all: Vec<u64> = gave.into_iter().flatten().chain([*cache.fetch(&1).expect("one is held")]).collect();
        all.sort_unstable();
        assert_eq!(all, (0..=(THREADS * EACH) as u64).collect::<Vec<_>>());
        at_rest(&cache.sync());
    }
}

/// While keys push each other out, a count may be lost with its entry, but never between two counts of one entry.
fn g3_where_entries_come_and_go_no_two_counts_of_one_stay_are_the_same<F: Kind>() {
    let cache: F::Of<u32, u64> = F::Of::build(CacheBuilder::new().capacity(1).shards(2));
    let hands = Hands::of::<F>(&cache);
    let stays = AtomicU64::new(1);
    let gave = together(THREADS, |thread| {
        let step = |round: usize| {
            if round % 8 == 7 {
                cache.insert(if thread % 2 == 0 { 2 } else { 3 }, 0);
            }
            let start = || stays.fetch_add(1, Ordering::Relaxed) << 32;
            hands.upsert(1, start, |count| {
                *count += 1;
                *count
            })
        };
        (0..EACH).map(step).collect::<Vec<_>>()
    });
    let mut all: Vec<u64> = gave.into_iter().flatten().collect();
    all.sort_unstable();
    let (before, total) = (all.len(), THREADS * EACH);
    all.dedup();
    assert_eq!((before, all.len()), (total, total), "each count was given once");
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g3_many_that_count_the_same_way_lose_no_count,
    g3_many_that_count_in_all_ways_at_once_lose_no_count,
    g3_many_upserts_of_what_is_not_held_lose_no_count,
    g3_one_of_many_is_the_first,
    g3_each_value_is_replaced_once,
    g3_where_entries_come_and_go_no_two_counts_of_one_stay_are_the_same,
);
