//! Entries as heavy as the whole capacity, and heavier ones, under every policy.

use crate::faces::{Face, Kind};
use crate::g14_policies::{evicted, keys, weighing};
use crate::policies::{Rule, rules, try_insert};
use crate::rest::at_rest;
use bellwether::{BoxError, RemovalCause};

type Of<F> = <F as Kind>::Of<u64, u64>;

/// More than goes in one hold of a lock.
const CAPACITY: u64 = 600;
const SHARDS: [usize; 3] = [1, 3, 16];

fn settings() -> impl Iterator<Item = (Rule, usize)> {
    rules().flat_map(|rule| SHARDS.map(|shards| (rule, shards)))
}

/// Full of entries of weight one, keys 0 to 599, all of which are wanted.
fn full<F: Kind>((rule, shards): (Rule, usize), loaded: u64) -> Of<F> {
    let load = move |_: &u64| Ok::<_, BoxError>(loaded);
    let cache: Of<F> = F::Of::build(weighing(rule, shards, CAPACITY).loader_fn(load));
    (0..CAPACITY).for_each(|key| cache.insert(key, 1));
    (0..CAPACITY).for_each(|key| drop(cache.fetch(&key).expect("it is held")));
    cache
}

type Store<C> = fn(&C, u64);

/// Ways to store an entry of weight `CAPACITY`.
fn stores<F: Kind>() -> [Store<Of<F>>; 3] {
    [
        |cache, key| cache.insert(key, CAPACITY),
        |cache, key| {
            let stored = try_insert::<F, _, _>(cache, key, CAPACITY);
            assert_eq!(stored.is_ok(), cache.contains_key(&key));
        },
        |cache, key| assert_eq!(*cache.refresh(&key).expect("the loader brings it"), CAPACITY),
    ]
}

fn g14_as_heavy_as_the_capacity_it_fits_where_there_is_room<F: Kind>() {
    for setting @ (rule, shards) in settings() {
        for store in stores::<F>() {
            let load = |_: &u64| Ok::<_, BoxError>(CAPACITY);
            let cache: Of<F> = F::Of::build(weighing(rule, shards, CAPACITY).loader_fn(load));
            store(&cache, 1);
            assert_eq!((cache.len(), cache.weight(), keys(&cache)), (1, CAPACITY, vec![1]), "{setting:?}");
            // It is no more than itself in another form.
            store(&cache, 1);
            assert_eq!((cache.len(), cache.weight(), evicted(&cache.metrics())), (1, CAPACITY, 0), "{setting:?}");
            at_rest(&cache.sync());
        }
    }
}

fn g14_as_heavy_as_the_capacity_it_wins_or_disturbs_nothing<F: Kind>() {
    for setting @ (rule, _) in settings() {
        for store in stores::<F>() {
            let cache = full::<F>(setting, CAPACITY);
            store(&cache, CAPACITY);
            let metrics = at_rest(&cache.sync());
            if cache.contains_key(&CAPACITY) {
                assert!(!rule.keeps());
                assert_eq!((keys(&cache), cache.weight()), (vec![CAPACITY], CAPACITY), "{setting:?}");
                assert_eq!(evicted(&metrics), CAPACITY, "{setting:?}");
            } else {
                assert!(rule.keeps() || rule.contests(), "{setting:?}: who refuses it?");
                assert!(keys(&cache).into_iter().eq(0..CAPACITY), "{setting:?}: the others are all there");
                assert_eq!((evicted(&metrics), metrics.removals(RemovalCause::Rejected)), (0, 1), "{setting:?}");
            }
        }
    }
}

/// Over a key that is held it needs the room of all the others.
fn g14_over_its_own_old_value_it_wins_or_takes_just_that_along<F: Kind>() {
    for setting @ (rule, _) in settings() {
        for store in stores::<F>() {
            let cache = full::<F>(setting, CAPACITY);
            store(&cache, 7);
            let metrics = at_rest(&cache.sync());
            assert_eq!(metrics.removals(RemovalCause::Replaced), 1, "{setting:?}");
            if cache.contains_key(&7) {
                assert_eq!((keys(&cache), cache.weight()), (vec![7], CAPACITY), "{setting:?}");
                assert_eq!(evicted(&metrics), CAPACITY - 1, "{setting:?}");
            } else {
                assert!(rule.keeps() || rule.contests(), "{setting:?}: who refuses it?");
                assert!(keys(&cache).into_iter().eq((0..CAPACITY).filter(|&key| key != 7)), "{setting:?}: the others are all there");
                assert_eq!((evicted(&metrics), metrics.removals(RemovalCause::Rejected)), (0, 1), "{setting:?}");
            }
        }
    }
}

fn g14_heavier_it_is_rejected_and_disturbs_nothing<F: Kind>() {
    for setting in settings() {
        for heavy in [CAPACITY + 1, u64::MAX] {
            let cache = full::<F>(setting, heavy);
            cache.insert(CAPACITY, heavy);
            let refused = try_insert::<F, _, _>(&cache, CAPACITY, heavy).expect_err("it never fits");
            assert_eq!((refused.is_too_heavy(), refused.weight(), refused.capacity()), (true, heavy, CAPACITY), "{setting:?}");
            assert!(refused.to_string().contains("never fits"), "{refused}");
            assert_eq!(*cache.fetch_with(&CAPACITY).expect("it is delivered all the same"), heavy, "{setting:?}");
            let metrics = at_rest(&cache.sync());
            assert_eq!((metrics.removals(RemovalCause::Rejected), metrics.loads_refused, evicted(&metrics)), (3, 1, 0), "{setting:?}");
            assert!(keys(&cache).into_iter().eq(0..CAPACITY), "{setting:?}: all are there");
        }
    }
}

fn g14_heavier_over_a_key_that_is_held_it_takes_the_old_value_along<F: Kind>() {
    let refused: [fn(&Of<F>); 3] = [
        |cache| cache.insert(3, CAPACITY + 1),
        |cache| assert!(try_insert::<F, _, _>(cache, 3, u64::MAX).is_err()),
        |cache| assert_eq!(*cache.refresh(&3).expect("it is delivered all the same"), CAPACITY + 1),
    ];
    for setting in settings() {
        for refuse in refused {
            let cache = full::<F>(setting, CAPACITY + 1);
            refuse(&cache);
            let metrics = at_rest(&cache.sync());
            let left = [RemovalCause::Replaced, RemovalCause::Rejected, RemovalCause::Evicted].map(|cause| metrics.removals(cause));
            assert_eq!(left, [1, 1, 0], "{setting:?}");
            assert!(keys(&cache).into_iter().eq((0..CAPACITY).filter(|&key| key != 3)), "{setting:?}: the others are all there");
            assert_eq!(cache.weight(), CAPACITY - 1, "{setting:?}");
        }
    }
}

crate::on_every_face_in_time!(
    g14_as_heavy_as_the_capacity_it_fits_where_there_is_room,
    g14_as_heavy_as_the_capacity_it_wins_or_disturbs_nothing,
    g14_over_its_own_old_value_it_wins_or_takes_just_that_along,
    g14_heavier_it_is_rejected_and_disturbs_nothing,
    g14_heavier_over_a_key_that_is_held_it_takes_the_old_value_along,
);
