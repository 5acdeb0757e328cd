//! Entries as heavy as the whole capacity, and heavier ones.

use crate::faces::{Face, Kind};
use crate::g14_capacity::weights::{settings, weighing};
use crate::rest::at_rest;
use crate::tally::tally;
use bellwether::RemovalCause;

type Of<F> = <F as Kind>::Of<u64, u64>;

const CAPACITY: u64 = 700;
/// Long enough that its room is not had in one hold of a lock.
const SMALL: u64 = CAPACITY;

/// A cache full of entries of weight one, keys 0 to 699.
fn full<F: Kind>(setting: (bellwether::EvictionPolicy, usize), heavy: u64) -> Of<F> {
    let load = move |_: &u64| Ok::<_, bellwether::BoxError>(heavy);
    let cache: Of<F> = F::Of::build(weighing(setting, CAPACITY).loader_fn(load));
    (0..SMALL).for_each(|key| cache.insert(key, 1));
    assert_eq!((cache.len(), cache.weight()), (SMALL, CAPACITY));
    cache
}

fn g14_an_entry_as_heavy_as_the_capacity_is_stored<F: Kind>() {
    let stores: [fn(&Of<F>); 3] = [
        |cache| cache.insert(SMALL, CAPACITY),
        |cache| cache.insert(3, CAPACITY),
        |cache| assert_eq!(*cache.fetch_with(&SMALL).expect("the loader brings it"), CAPACITY),
    ];
    for setting in settings() {
        for store in stores {
            let cache = full::<F>(setting, CAPACITY);
            store(&cache);
            let entries = cache.entries();
            assert_eq!((entries.len(), cache.len(), cache.weight()), (1, 1, CAPACITY));
            assert_eq!(*entries[0].1, CAPACITY);
            at_rest(&cache.sync());
            cache.insert(1, 1);
            assert_eq!((cache.len(), cache.weight()), (1, 1), "and leaves again, as a whole");
        }
    }
}

fn g14_a_heavier_one_is_rejected_and_disturbs_nothing<F: Kind>() {
    for setting in settings() {
        for heavy in [CAPACITY + 1, u64::MAX] {
            let cache = full::<F>(setting, heavy);
            cache.insert(SMALL, heavy);
            assert_eq!(*cache.fetch_with(&SMALL).expect("it is delivered all the same"), heavy);
            tally(&cache.sync(), |metrics| (metrics.removals(RemovalCause::Rejected), metrics.loads_refused), (2, 1));
            assert_eq!(cache.metrics().removals(RemovalCause::Evicted), 0);
            assert!((0..SMALL).all(|key| cache.contains_key(&key)), "the others are all there");
            assert!(!cache.contains_key(&SMALL));
        }
    }
}

fn g14_a_value_refused_over_a_key_that_is_held_takes_the_old_value_along<F: Kind>() {
    let refused: [fn(&Of<F>); 3] = [
        |cache| cache.insert(3, CAPACITY + 1),
        |cache| cache.insert(3, u64::MAX),
        |cache| assert_eq!(*cache.refresh(&3).expect("it is delivered all the same"), CAPACITY + 1),
    ];
    for setting in settings() {
        for refuse in refused {
            let cache = full::<F>(setting, CAPACITY + 1);
            refuse(&cache);
            let left = [RemovalCause::Replaced, RemovalCause::Rejected, RemovalCause::Evicted];
            tally(&cache.sync(), |metrics| left.map(|cause| metrics.removals(cause)), [1, 1, 0]);
            assert!(!cache.contains_key(&3), "neither the new one nor the old");
            assert_eq!((cache.len(), cache.weight()), (SMALL - 1, CAPACITY - 1));
            assert!((0..SMALL).filter(|&key| key != 3).all(|key| cache.contains_key(&key)), "the others are all there");
        }
    }
}

fn g14_heavy_entries_in_turn_each_take_the_place_of_the_last<F: Kind>() {
    for setting in settings() {
        let cache = full::<F>(setting, CAPACITY);
        for key in 0..200 {
            cache.insert(key, CAPACITY - key % 3);
            assert!(cache.contains_key(&key));
            assert_eq!(cache.len(), 1);
        }
        for key in 0..200 {
            assert_eq!(*cache.refresh(&key).expect("the loader brings it"), CAPACITY);
            assert!(cache.contains_key(&key));
            assert_eq!((cache.len(), cache.weight()), (1, CAPACITY));
        }
        at_rest(&cache.sync());
    }
}

crate::on_every_face_in_time!(
    g14_an_entry_as_heavy_as_the_capacity_is_stored,
    g14_a_heavier_one_is_rejected_and_disturbs_nothing,
    g14_a_value_refused_over_a_key_that_is_held_takes_the_old_value_along,
    g14_heavy_entries_in_turn_each_take_the_place_of_the_last,
);
