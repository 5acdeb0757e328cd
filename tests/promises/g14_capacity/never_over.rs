//! Never over: threads write at the same time, and another one looks on all the while.

use crate::faces::{Face, Kind};
use crate::g14_capacity::weights::weighing;
use crate::rest::at_rest;
use crate::together::observed;
use bellwether::{BoxError, CacheBuilder, EvictionPolicy, Loaded, RemovalCause};
use std::sync::Arc;

type Of<F> = <F as Kind>::Of<u64, u64>;

const CAPACITY: u64 = 1_000;
/// Entries that come and go.
const ROUNDS: u64 = if cfg!(debug_assertions) { 10_000 } else { 60_000 };
const SHARDS: [usize; 4] = [1, 2, 4, 64];
const POLICIES: [EvictionPolicy; 2] = [EvictionPolicy::Lru, EvictionPolicy::Sieve];

/// Looks at all that can be seen of how much is held.
fn look(cache: &impl Face<u64, u64>, most_entries: u64) {
    let weight = cache.weight();
    assert!(weight <= CAPACITY, "{weight} of {CAPACITY}");
    let entries = cache.len();
    assert!(entries <= most_entries, "{entries} entries, where {most_entries} fit");
    let metrics = cache.metrics();
    assert!(metrics.weight <= CAPACITY && metrics.entries <= most_entries, "{metrics:?}");
}

fn g14_two_and_four_writers_of_the_whole_capacity_all_get_on<F: Kind>() {
    const ROUNDS: u64 = 2_000;
    for threads in [2, 4] {
        for shards in SHARDS {
            let policy = POLICIES[shards % 2];
            let cache: Of<F> = F::Of::build(weighing((policy, shards), CAPACITY));
            let looks = observed(
                threads,
                || look(&cache, 1),
                |thread| {
                    for round in 0..ROUNDS {
                        // Own keys, so that they land in different shards and each needs all the room of the other.
                        cache.insert(thread as u64 + round % 16 * 4, CAPACITY);
                    }
                },
            );
            assert!(looks > 0);
            assert_eq!((cache.len(), cache.weight(), cache.entries().len()), (1, CAPACITY, 1), "one is left");
            let metrics = at_rest(&cache.sync());
            assert_eq!(metrics.removals(RemovalCause::Rejected), 0, "each was stored");
            let left = metrics.removals(RemovalCause::Evicted) + metrics.removals(RemovalCause::Replaced);
            assert_eq!(left, threads as u64 * ROUNDS - 1, "and all but the last left");
        }
    }
}

fn g14_loads_of_the_whole_capacity_all_get_on<F: Kind>() {
    const ROUNDS: u64 = 300;
    for shards in SHARDS {
        let load = |key: &u64| Ok::<_, BoxError>(Loaded::value(*key).weight(CAPACITY));
        let cache: Of<F> = F::Of::build(weighing((POLICIES[shards % 2], shards), CAPACITY).loader_fn(load));
        observed(
            4,
            || look(&cache, 1),
            |thread| {
                for round in 0..ROUNDS {
                    let key = thread as u64 + round % 16 * 4;
                    assert_eq!(*cache.fetch_with(&key).expect("the loader brings it"), key);
                }
            },
        );
        assert_eq!((cache.len(), cache.weight()), (1, CAPACITY));
        let metrics = at_rest(&cache.sync());
        assert_eq!(metrics.loads_stored, metrics.loads_started, "each was stored");
    }
}

fn g14_one_writer_of_the_whole_capacity_among_many_of_small_entries<F: Kind>() {
    const ROUNDS: u64 = 3_000;
    for shards in SHARDS {
        let cache: Of<F> = F::Of::build(weighing((POLICIES[shards % 2], shards), CAPACITY));
        observed(
            3,
            || look(&cache, CAPACITY),
            |thread| {
                for round in 0..ROUNDS {
                    match thread {
                        0 if round % 20 == 0 => cache.insert(0, CAPACITY),
                        0 => {}
                        _ => cache.insert(thread as u64 * 10_000 + round, 1 + round % 7),
                    }
                }
            },
        );
        assert!(cache.weight() > 0);
        at_rest(&cache.sync());
    }
}

fn g14_writers_of_single_entries_never_hold_more_than_fit<F: Kind>() {
    const ROUNDS: u64 = if cfg!(debug_assertions) { 750 } else { 4_000 };
    for shards in SHARDS {
        for fit in [1, 2, 7] {
            let cache: Of<F> = F::Of::build(CacheBuilder::new().capacity(fit).shards(shards));
            observed(
                3,
                || look(&cache, fit),
                |thread| {
                    (0..ROUNDS).for_each(|round| cache.insert(thread as u64 * ROUNDS + round, round));
                },
            );
            assert_eq!((cache.len(), cache.weight()), (fit, fit), "and as many as fit are held");
            at_rest(&cache.sync());
        }
    }
}

/// Room that is freed may be taken at once by another thread: by then what had it must be off the books. Two threads, each with a key of its
/// own, have room for one entry between them, so that a single one too many is seen.
fn come_and_go<F: Kind>(rounds: u64, take_out: impl Fn(&Of<F>, &u64) + Sync) {
    for _ in 0..8 {
        // The hash function is another one each time: now and then the two keys share a shard and get in each other's way. The policy has no
        // part in it, and the default one's simulations would be most of the work.
        let cache: Of<F> = F::Of::build(CacheBuilder::new().capacity(1).shards(8).eviction(EvictionPolicy::Lru));
        observed(
            2,
            || look(&cache, 1),
            |thread| {
                let key = thread as u64;
                for round in 0..rounds {
                    cache.insert(key, round);
                    take_out(&cache, &key);
                }
            },
        );
        assert_eq!((cache.len(), cache.weight()), (0, 0));
        at_rest(&cache.sync());
    }
}

fn g14_what_is_removed_is_off_the_books_before_its_room_is_taken<F: Kind>() {
    come_and_go::<F>(ROUNDS, |cache, key| {
        cache.invalidate(key);
    });
}

fn g14_what_a_refused_value_took_along_is_off_the_books_before_its_room_is_taken<F: Kind>() {
    let too_heavy = Arc::new(0_u64);
    come_and_go::<F>(ROUNDS, |cache, key| cache.insert_with(*key, Loaded::from(Arc::clone(&too_heavy)).weight(2)));
}

fn g14_what_was_cleared_is_off_the_books_before_its_room_is_taken<F: Kind>() {
    come_and_go::<F>(ROUNDS / 10, |cache, _| cache.clear());
}

crate::on_every_face_in_time!(
    g14_two_and_four_writers_of_the_whole_capacity_all_get_on,
    g14_loads_of_the_whole_capacity_all_get_on,
    g14_one_writer_of_the_whole_capacity_among_many_of_small_entries,
    g14_writers_of_single_entries_never_hold_more_than_fit,
    g14_what_is_removed_is_off_the_books_before_its_room_is_taken,
    g14_what_a_refused_value_took_along_is_off_the_books_before_its_room_is_taken,
    g14_what_was_cleared_is_off_the_books_before_its_room_is_taken,
);
