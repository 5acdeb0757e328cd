//! What is on its way while the capacity changes: loads that land, heavy entries for which room is being gathered, and entries that are pinned.

use crate::apart;
use crate::faces::{Face, Kind};
use crate::g14_set_capacity::{evicted, keys};
use crate::policies::{capacity, rules, set_capacity};
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::together::observed;
use bellwether::{BoxError, CacheBuilder, CustomPolicy, Loaded, PolicyEntry, PolicySlot, RemovalCause};

type Of<F> = <F as Kind>::Of<u64, u64>;

/// A load that was begun under a large capacity lands under a small one, and the other way round.
fn g14_a_load_lands_by_the_capacity_of_its_landing<F: Kind>() {
    for rule in rules() {
        for style in BOTH {
            for (before, after) in [(100, 5), (5, 100), (100, 0), (0, 9)] {
                let runway = Runway::new(1);
                let builder = rule.apply(CacheBuilder::<u64, usize>::new().capacity(before).shards(2));
                let builder = runway.loader(builder, style, |number| Ok(Loaded::value(number).weight(8)));
                let cache: F::Of<u64, usize> = F::Of::build(builder);
                let fetching = apart::apart(&cache, |cache| cache.fetch_with(&1).map(|value| *value));
                runway.until_begun(0);
                set_capacity::<F, _, _>(&cache, after);
                runway.open(0);
                assert_eq!(fetching.result().expect("it is delivered all the same"), 0);
                let metrics = at_rest(&cache.sync());
                let fits = after >= 8;
                let setting = format!("{rule:?}, {style:?}: from {before} to {after}");
                assert_eq!((cache.contains_key(&1), cache.weight()), (fits, if fits { 8 } else { 0 }), "{setting}");
                assert_eq!((metrics.loads_stored, metrics.loads_refused), (u64::from(fits), u64::from(!fits)), "{setting}");
            }
        }
    }
}

/// Writers of entries as heavy as all there is gather room over all shards while the capacity goes up and down.
fn g14_heavy_entries_come_while_the_capacity_changes<F: Kind>() {
    const MOST: u64 = 1_000;
    for rule in rules() {
        for shards in [1, 8] {
            let load = |&key: &u64| Ok::<_, BoxError>(Loaded::value(key).weight(MOST / 2 - key % 7));
            let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(MOST).shards(shards).loader_fn(load)));
            let look = || {
                let (weight, metrics) = (cache.weight(), cache.metrics());
                assert!(weight <= MOST && metrics.weight <= MOST, "{weight} of {MOST}");
            };
            observed(4, look, |thread| {
                for round in 0..150_usize {
                    let key = (round * 10 + thread) as u64;
                    match thread {
                        0 => set_capacity::<F, _, _>(&cache, [MOST, MOST / 2, 30, MOST - 1, 0, 400][round % 6]),
                        1 => cache.insert_with(key, Loaded::value(key).weight(MOST)),
                        2 => drop(cache.fetch_with(&key).expect("the loader brings it")),
                        _ => (0..10).for_each(|n| cache.insert(key * 100 + n, n)),
                    }
                }
            });
            set_capacity::<F, _, _>(&cache, MOST);
            let metrics = at_rest(&cache.sync());
            assert_eq!((metrics.capacity, metrics.weight), (MOST, cache.weight()), "{rule:?}");
            cache.clear();
            (0..MOST).for_each(|key| cache.insert(key, key));
            assert_eq!(cache.len(), MOST, "{rule:?}: no room was lost on the way");
            at_rest(&cache.sync());
        }
    }
}

/// Keys below this are pinned.
const PINNED: u64 = 100;

#[derive(Default)]
struct Pinning(Vec<PolicySlot>);

impl CustomPolicy<u64, u64> for Pinning {
    fn admitted(&mut self, slot: PolicySlot, _entry: &PolicyEntry<'_, u64, u64>) {
        self.0.push(slot);
    }
    fn touched(&mut self, slot: PolicySlot) {
        self.removed(slot);
        self.0.push(slot);
    }
    fn removed(&mut self, slot: PolicySlot) {
        self.0.retain(|&held| held != slot);
    }
    fn victim(&mut self) -> Option<PolicySlot> {
        self.0.first().copied()
    }
    fn pinned(&self, entry: &PolicyEntry<'_, u64, u64>) -> bool {
        *entry.key < PINNED
    }
}

fn g14_pinned_entries_leave_last_and_only_where_there_is_no_room_for_them<F: Kind>() {
    for shards in [1, 4] {
        let cache: Of<F> = F::Of::build(CacheBuilder::new().capacity(400).shards(shards).custom_eviction(|_| Pinning::default()));
        (0..400).for_each(|key| cache.insert(key, key));
        if shards == 1 {
            set_capacity::<F, _, _>(&cache, PINNED + 5);
            assert!((0..PINNED).all(|key| cache.contains_key(&key)), "all others leave first");
        }
        assert_eq!(cache.metrics().removals(RemovalCause::Rejected), 0);
        set_capacity::<F, _, _>(&cache, 40);
        assert_eq!((cache.len(), cache.weight(), capacity::<F, _, _>(&cache)), (40, 40, 40), "with {shards} shards");
        set_capacity::<F, _, _>(&cache, 0);
        assert_eq!((cache.len(), evicted(&at_rest(&cache.sync()))), (0, 400), "with {shards} shards");
        set_capacity::<F, _, _>(&cache, 3);
        (0..3).for_each(|key| cache.insert(key, key));
        cache.insert(200, 200);
        assert_eq!(keys(&cache), [0, 1, 2], "with {shards} shards: they are pinned again");
        at_rest(&cache.sync());
    }
}

crate::on_every_face_in_time!(
    g14_a_load_lands_by_the_capacity_of_its_landing,
    g14_heavy_entries_come_while_the_capacity_changes,
    g14_pinned_entries_leave_last_and_only_where_there_is_no_room_for_them,
);
