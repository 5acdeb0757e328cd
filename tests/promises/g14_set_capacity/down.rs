//! Down: just as much leaves as is too much, for the policy's choice, and the new capacity holds.

use crate::faces::{Face, Kind};
use crate::g14_set_capacity::{evicted, keys};
use crate::policies::{Rule, capacity, rules, set_capacity, try_insert};
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, EvictionPolicy, Loaded, MockClock, RemovalCause};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u64, u64>;

const SECOND: Duration = Duration::from_secs(1);

fn g14_as_much_leaves_as_is_too_much<F: Kind>() {
    for rule in rules() {
        for shards in [1, 4, 64] {
            let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(2_000).shards(shards)));
            (0..2_000).for_each(|key| cache.insert(key, key));
            (0..2_000).step_by(3).for_each(|key| drop(cache.fetch(&key)));
            for size in [2_000, 1_999, 1_200, 300, 7, 1] {
                set_capacity::<F, _, _>(&cache, size);
                assert_eq!((cache.len(), cache.weight(), capacity::<F, _, _>(&cache)), (size, size, size), "{rule:?} with {shards} shards");
                let metrics = at_rest(&cache.sync());
                assert_eq!((evicted(&metrics), metrics.weight, metrics.capacity), (2_000 - size, size, size), "{rule:?}");
                assert!(keys(&cache).into_iter().all(|key| cache.fetch(&key).as_deref() == Some(&key)), "{rule:?}: what is left is sound");
            }
            cache.insert(5_000, 1);
            assert_eq!((cache.len(), cache.contains_key(&5_000)), (1, !rule.keeps()), "{rule:?}");
            set_capacity::<F, _, _>(&cache, 2_000);
            cache.clear();
            (0..2_000).for_each(|key| cache.insert(key, key));
            assert_eq!((cache.len(), cache.weight()), (2_000, 2_000), "{rule:?}: it grows again");
            at_rest(&cache.sync());
        }
    }
}

fn g14_weighted_entries_leave_until_they_fit_and_no_longer<F: Kind>() {
    for rule in rules() {
        for shards in [1, 4] {
            let left = Arc::new(Mutex::new(Vec::new()));
            let seen = Arc::clone(&left);
            let listen = move |_: &u64, value: &Arc<u64>, cause| {
                assert_eq!(cause, RemovalCause::Evicted);
                seen.lock().expect("no holder panics").push(**value);
            };
            let builder = CacheBuilder::new().capacity(10_000).shards(shards).weigher(|_, &value| value).on_removal(listen);
            let cache: Of<F> = F::Of::build(rule.apply(builder));
            (1..140).for_each(|key| cache.insert(key, key));
            let mut held = cache.weight();
            assert_eq!(held, 139 * 140 / 2);
            for size in [9_730, 9_000, 4_000, 300, 20, 0] {
                set_capacity::<F, _, _>(&cache, size);
                cache.run_maintenance();
                let went = std::mem::take(&mut *left.lock().expect("no holder panics"));
                assert_eq!(cache.weight(), held - went.iter().sum::<u64>(), "{rule:?}: each is told");
                held = cache.weight();
                assert!(held <= size, "{rule:?}: {held} of {size}");
                assert!(went.last().is_none_or(|last| held + last > size), "{rule:?}: {went:?} was too much for {size}, {held} are held");
                at_rest(&cache.sync());
            }
        }
    }
}

fn g14_to_zero_and_back<F: Kind>() {
    for rule in rules() {
        for shards in [1, 8] {
            let load = |&key: &u64| Ok::<_, BoxError>(key);
            let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(600).shards(shards).loader_fn(load)));
            (0..600).for_each(|key| cache.insert(key, key));
            set_capacity::<F, _, _>(&cache, 0);
            assert_eq!((cache.len(), cache.weight(), evicted(&cache.metrics())), (0, 0, 600), "{rule:?}");
            assert_eq!(*cache.fetch_with(&1).expect("it is delivered all the same"), 1);
            let refused = try_insert::<F, _, _>(&cache, 1, 1).expect_err("nothing fits");
            assert!(refused.is_too_heavy());
            cache.insert_with(1, Loaded::value(1).weight(0));
            assert_eq!(cache.len(), 0, "{rule:?}: not even what weighs nothing");
            at_rest(&cache.sync());
            set_capacity::<F, _, _>(&cache, 3);
            (0..3).for_each(|key| drop(cache.fetch_with(&key).expect("the loader brings it")));
            assert_eq!(keys(&cache), [0, 1, 2], "{rule:?}");
            at_rest(&cache.sync());
        }
    }
}

/// What is left is what the policy would have kept.
fn g14_the_least_recent_leave_first_under_lru<F: Kind>() {
    for rule in [Rule::Of(EvictionPolicy::Lru), Rule::Custom] {
        let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(1_000).shards(1)));
        (0..1_000).for_each(|key| cache.insert(key, key));
        (0..1_000).step_by(10).for_each(|key| drop(cache.fetch(&key)));
        set_capacity::<F, _, _>(&cache, 100);
        assert!(keys(&cache).into_iter().eq((0..1_000).step_by(10)), "{rule:?}: those that were hit");
        set_capacity::<F, _, _>(&cache, 10);
        assert!(keys(&cache).into_iter().eq((900..1_000).step_by(10)), "{rule:?}: those that were hit last");
        at_rest(&cache.sync());
    }
}

/// What has expired is no loss, and isn't called evicted.
fn g14_what_has_expired_leaves_first<F: Kind>() {
    for rule in rules() {
        let clock = MockClock::new();
        let builder = CacheBuilder::new().capacity(900).shards(1).no_janitor().clock(clock.clone());
        let cache: Of<F> = F::Of::build(rule.apply(builder));
        (0..900).for_each(|key| cache.insert_with_ttl(key, key, if key % 3 == 0 { SECOND } else { 9 * SECOND }));
        clock.advance(SECOND);
        set_capacity::<F, _, _>(&cache, 600);
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.removals(RemovalCause::Expired), evicted(&metrics)), (300, 0), "{rule:?}");
        assert!(keys(&cache).into_iter().eq((0..900).filter(|key| key % 3 != 0)), "{rule:?}");
    }
}

crate::on_every_face_in_time!(
    g14_as_much_leaves_as_is_too_much,
    g14_weighted_entries_leave_until_they_fit_and_no_longer,
    g14_to_zero_and_back,
    g14_the_least_recent_leave_first_under_lru,
    g14_what_has_expired_leaves_first,
);
