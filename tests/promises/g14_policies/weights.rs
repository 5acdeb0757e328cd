//! Weights that change with the value, under every policy.

use crate::faces::{Face, Kind};
use crate::g14_policies::{evicted, keys, weighing};
use crate::policies::rules;
use crate::rest::at_rest;
use bellwether::{BoxError, Loaded, RemovalCause};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Of<F> = <F as Kind>::Of<u64, u64>;

fn g14_a_replaced_value_gives_back_its_own_weight_and_takes_the_new_one<F: Kind>() {
    for rule in rules() {
        for shards in [1, 5] {
            let cache: Of<F> = F::Of::build(weighing(rule, shards, 1_000));
            (0..10).for_each(|key| cache.insert(key, 10));
            let steps = [(40, 130), (40, 130), (3, 93), (0, 90), (0, 90), (910, 1_000), (0, 90), (1, 91), (10, 100)];
            for (weight, held) in steps {
                cache.insert(5, weight);
                assert_eq!((cache.weight(), cache.len()), (held, 10), "{rule:?}: {weight} in place of what was there");
                assert_eq!(cache.fetch(&5).as_deref(), Some(&weight), "{rule:?}");
                cache.validate();
            }
            let metrics = at_rest(&cache.sync());
            assert_eq!((metrics.removals(RemovalCause::Replaced), evicted(&metrics)), (9, 0), "{rule:?}");
        }
    }
}

/// A load that lands in place of what is held.
fn g14_a_refreshed_value_brings_its_own_weight<F: Kind>() {
    for rule in rules() {
        for shards in [1, 5] {
            let weight = Arc::new(AtomicU64::new(0));
            let next = Arc::clone(&weight);
            let load = move |&key: &u64| Ok::<_, BoxError>(Loaded::value(key).weight(next.load(Ordering::Relaxed)));
            let cache: Of<F> = F::Of::build(weighing(rule, shards, 100).loader_fn(load));
            for (new, held) in [(3, 3), (0, 0), (100, 100), (1, 1), (0, 0), (60, 60)] {
                weight.store(new, Ordering::Relaxed);
                assert_eq!(*cache.refresh(&1).expect("the loader brings it"), 1);
                assert_eq!((cache.weight(), cache.len(), cache.contains_key(&1)), (held, 1, true), "{rule:?}: {new}");
                at_rest(&cache.sync());
            }
        }
    }
}

/// A value that grows in a full cache stays, or is refused as a whole; either way no more leave than must.
fn g14_a_value_that_grows_in_a_full_cache_makes_others_go_or_goes_itself<F: Kind>() {
    for rule in rules() {
        for shards in [1, 2, 7] {
            for grows in 0..10 {
                let setting = format!("{rule:?} with {shards} shards, the {grows}th of ten");
                let cache: Of<F> = F::Of::build(weighing(rule, shards, 100));
                (0..10).for_each(|key| cache.insert(key, 10));
                cache.insert(grows, 55);
                let metrics = at_rest(&cache.sync());
                assert_eq!(metrics.removals(RemovalCause::Replaced), 1, "{setting}: one was written over");
                if cache.contains_key(&grows) {
                    assert!(!rule.keeps(), "{setting}");
                    assert_eq!((cache.weight(), cache.len(), evicted(&metrics)), (95, 5, 5), "{setting}: as few went as could");
                } else {
                    assert!(rule.keeps() || rule.contests(), "{setting}: who refuses it?");
                    assert!(keys(&cache).into_iter().eq((0..10).filter(|&key| key != grows)), "{setting}");
                    assert_eq!((evicted(&metrics), metrics.removals(RemovalCause::Rejected)), (0, 1), "{setting}");
                }
            }
        }
    }
}

/// One that shrinks, or stays as it is, needs nobody's room.
fn g14_a_value_that_does_not_grow_is_held_even_in_a_full_cache<F: Kind>() {
    for rule in rules() {
        for shards in [1, 2, 7] {
            let cache: Of<F> = F::Of::build(weighing(rule, shards, 100));
            (0..10).for_each(|key| cache.insert(key, 10));
            for (key, weight) in [(0, 10), (9, 9), (5, 1), (5, 0), (3, 10)] {
                cache.insert(key, weight);
                assert_eq!(cache.fetch(&key).as_deref(), Some(&weight), "{rule:?} with {shards} shards: {key}");
            }
            let metrics = at_rest(&cache.sync());
            assert_eq!((cache.len(), cache.weight(), evicted(&metrics)), (10, 89, 0), "{rule:?} with {shards} shards");
            assert_eq!(metrics.removals(RemovalCause::Rejected), 0, "{rule:?} with {shards} shards");
        }
    }
}

crate::on_every_face_in_time!(
    g14_a_replaced_value_gives_back_its_own_weight_and_takes_the_new_one,
    g14_a_refreshed_value_brings_its_own_weight,
    g14_a_value_that_grows_in_a_full_cache_makes_others_go_or_goes_itself,
    g14_a_value_that_does_not_grow_is_held_even_in_a_full_cache,
);
