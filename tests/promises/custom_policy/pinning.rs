//! Pinned entries stay, whatever room is missing, and nobody waits for them.

use crate::custom_policy::keys;
use crate::faces::{Face, Kind};
use crate::policies::{Oldest, set_capacity, try_insert};
use crate::rest::at_rest;
use crate::together::together;
use bellwether::{BoxError, CacheBuilder, CustomPolicy, LoadErrorKind, Loaded, MockClock, PolicyEntry, PolicySlot, RemovalCause};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u64, u64>;

/// Keys below this are pinned.
const PINNED: u64 = 1_000;
const SECOND: Duration = Duration::from_secs(1);

/// What was used longest ago, if it isn't pinned.
#[derive(Default)]
struct Pinning(Oldest);

impl CustomPolicy<u64, u64> for Pinning {
    fn admitted(&mut self, slot: PolicySlot, entry: &PolicyEntry<'_, u64, u64>) {
        self.0.admitted(slot, entry);
    }
    fn touched(&mut self, slot: PolicySlot) {
        CustomPolicy::<u64, u64>::touched(&mut self.0, slot);
    }
    fn removed(&mut self, slot: PolicySlot) {
        CustomPolicy::<u64, u64>::removed(&mut self.0, slot);
    }
    fn victim(&mut self) -> Option<PolicySlot> {
        CustomPolicy::<u64, u64>::victim(&mut self.0)
    }
    fn pinned(&self, entry: &PolicyEntry<'_, u64, u64>) -> bool {
        *entry.key < PINNED
    }
}

fn builder(shards: usize, capacity: u64) -> CacheBuilder<u64, u64> {
    let load = |&key: &u64| Ok::<_, BoxError>(key);
    CacheBuilder::new().capacity(capacity).shards(shards).loader_fn(load).custom_eviction(|_| Pinning::default())
}

fn g14_pinned_entries_stay_and_others_leave<F: Kind>() {
    for shards in [1, 4, 16] {
        let cache: Of<F> = F::Of::build(builder(shards, 100));
        (0..60).for_each(|key| cache.insert(key, key));
        for key in PINNED..PINNED + 500 {
            cache.insert(key, key);
            assert!(cache.contains_key(&key), "with {shards} shards: {key} has just come");
        }
        drop(cache.fetch_with(&2_000).expect("the loader brings it"));
        assert!(cache.contains_key(&2_000));
        assert!((0..60).all(|key| cache.contains_key(&key)), "with {shards} shards: they are pinned");
        assert_eq!((cache.len(), cache.metrics().removals(RemovalCause::Rejected)), (100, 0));
        at_rest(&cache.sync());
    }
}

fn g14_where_all_are_pinned_a_new_one_is_refused<F: Kind>() {
    for shards in [1, 4, 16] {
        let cache: Of<F> = F::Of::build(builder(shards, 50));
        (0..50).for_each(|key| cache.insert(key, key));
        for key in [100, PINNED, PINNED + 1] {
            let refused = try_insert::<F, _, _>(&cache, key, key).expect_err("nothing may leave");
            assert_eq!((refused.is_too_heavy(), refused.weight(), refused.capacity()), (false, 1, 50));
            assert!(refused.to_string().contains("policy"), "{refused}");
            assert_eq!(*cache.fetch_with(&key).expect("it is delivered all the same"), key);
        }
        cache.insert_with(PINNED, Loaded::value(1).weight(50));
        assert!(keys(&cache).into_iter().eq(0..50), "with {shards} shards: all are there");
        // Over one of their own keys nothing has to leave.
        cache.insert(7, 70);
        assert_eq!(cache.fetch(&7).as_deref(), Some(&70));
        let metrics = at_rest(&cache.sync());
        let left = [RemovalCause::Evicted, RemovalCause::Rejected].map(|cause| metrics.removals(cause));
        assert_eq!((left, metrics.loads_refused, metrics.policy_faults), ([0, 7], 3, 0), "with {shards} shards");
        assert!(cache.invalidate(&7), "pinned ones may be removed");
        assert_eq!(try_insert::<F, _, _>(&cache, PINNED, 1), Ok(()), "and leave room");
        assert_eq!(try_insert::<F, _, _>(&cache, PINNED + 1, 1), Ok(()), "which one that isn't pinned leaves to the next");
        assert!(!cache.contains_key(&PINNED));
        at_rest(&cache.sync());
    }
}

/// A pinned entry that grows needs the room of others; where there is none it leaves as a refused value does.
fn g14_a_pinned_entry_that_grows_is_stored_or_refused<F: Kind>() {
    for shards in [1, 4] {
        let cache: Of<F> = F::Of::build(builder(shards, 50));
        (0..49).for_each(|key| cache.insert(key, key));
        cache.insert(PINNED, 1);
        cache.insert_with(3, Loaded::value(3).weight(2));
        assert!(cache.contains_key(&3) && !cache.contains_key(&PINNED), "with {shards} shards");
        cache.insert_with(3, Loaded::value(3).weight(3));
        assert!(keys(&cache).into_iter().eq((0..49).filter(|&key| key != 3)), "with {shards} shards: the others are all there");
        at_rest(&cache.sync());
    }
}

fn g14_pinned_entries_expire<F: Kind>() {
    for shards in [1, 4] {
        let clock = MockClock::new();
        let cache: Of<F> = F::Of::build(builder(shards, 50).no_janitor().clock(clock.clone()));
        (0..50).for_each(|key| cache.insert_with_ttl(key, key, if key < 20 { SECOND } else { 9 * SECOND }));
        assert!(try_insert::<F, _, _>(&cache, PINNED, 1).is_err());
        clock.advance(SECOND);
        (100..120).for_each(|key| assert_eq!(try_insert::<F, _, _>(&cache, key, 1), Ok(()), "with {shards} shards: {key}"));
        assert!(try_insert::<F, _, _>(&cache, PINNED, 1).is_err());
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.removals(RemovalCause::Expired), metrics.removals(RemovalCause::Evicted)), (20, 0));
    }
}

fn g14_pinned_entries_give_way_to_a_smaller_capacity<F: Kind>() {
    for shards in [1, 4] {
        let cache: Of<F> = F::Of::build(builder(shards, 50));
        (0..50).for_each(|key| cache.insert(key, key));
        set_capacity::<F, _, _>(&cache, 20);
        assert_eq!((cache.len(), cache.weight()), (20, 20), "with {shards} shards");
        assert!(try_insert::<F, _, _>(&cache, PINNED, 1).is_err());
        set_capacity::<F, _, _>(&cache, 21);
        assert_eq!(try_insert::<F, _, _>(&cache, PINNED, 1), Ok(()));
        at_rest(&cache.sync());
    }
}

/// Nobody waits for room that nobody gives up.
fn g14_writers_of_a_cache_full_of_pinned_entries_all_get_on<F: Kind>() {
    for shards in [1, 8] {
        let cache: Of<F> = F::Of::build(builder(shards, 64));
        (0..60).for_each(|key| cache.insert(key, key));
        together(4, |thread| {
            for round in 0..300 {
                let key = PINNED + thread as u64 * 1_000 + round;
                match round % 4 {
                    0 => cache.insert_with(key, Loaded::value(1).weight(5)),
                    1 => drop(cache.fetch_with(&key).expect("the loader brings it")),
                    2 => cache.insert_with(key, Loaded::value(1).weight(4)),
                    _ => cache.insert(key, 1),
                }
            }
        });
        assert!((0..60).all(|key| cache.contains_key(&key)), "with {shards} shards");
        at_rest(&cache.sync());
        assert_eq!(cache.fetch_or_load(&1, || Loaded::ok(5)).map(|value| *value).map_err(|error| error.kind()), Ok::<_, LoadErrorKind>(1));
    }
}

/// Some that aren't pinned behind many that are: the search goes on where it can't look at all at once.
fn g14_one_entry_behind_many_pinned_ones_is_found<F: Kind>() {
    let cache: Of<F> = F::Of::build(builder(1, 900));
    (0..899).for_each(|key| cache.insert(key, key));
    for key in PINNED..PINNED + 40 {
        let mut tries = 0;
        while try_insert::<F, _, _>(&cache, key, key).is_err() {
            tries += 1;
            assert!(tries < 10, "{key} never gets in, though one may leave for it");
        }
    }
    assert!((0..899).all(|key| cache.contains_key(&key)));
    at_rest(&cache.sync());
}

fn g14_a_smaller_capacity_costs_no_pinned_entry_while_others_are_there<F: Kind>() {
    for shards in [1, 4] {
        let cache: Of<F> = F::Of::build(builder(shards, 1_400));
        (0..PINNED).for_each(|key| cache.insert(key, key));
        (PINNED..PINNED + 400).for_each(|key| cache.insert(key, key));
        set_capacity::<F, _, _>(&cache, 1_010);
        assert_eq!((cache.len(), (0..PINNED).filter(|key| cache.contains_key(key)).count()), (1_010, 1_000), "with {shards} shards");
        set_capacity::<F, _, _>(&cache, 5);
        assert_eq!(cache.len(), 5, "there is no room for all that are pinned");
        at_rest(&cache.sync());
    }
}

crate::on_every_face_in_time!(
    g14_a_smaller_capacity_costs_no_pinned_entry_while_others_are_there,
    g14_pinned_entries_stay_and_others_leave,
    g14_where_all_are_pinned_a_new_one_is_refused,
    g14_a_pinned_entry_that_grows_is_stored_or_refused,
    g14_pinned_entries_expire,
    g14_pinned_entries_give_way_to_a_smaller_capacity,
    g14_writers_of_a_cache_full_of_pinned_entries_all_get_on,
    g14_one_entry_behind_many_pinned_ones_is_found,
);
