//! G14: values that grow and shrink under changes weigh what they are, and never take more than the capacity.

use super::scene::Hands;
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::together::observed;
use bellwether::{CacheBuilder, ComputeResult, EvictionPolicy};
use std::sync::atomic::{AtomicU64, Ordering};

type Bytes = Vec<u8>;

/// How a value is made to be as long as it is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    Compute,
    TryCompute,
    Upsert,
    Replace,
    Swap,
}

const WAYS: [By; 5] = [By::Compute, By::TryCompute, By::Upsert, By::Replace, By::Swap];

impl By {
    /// Says whether it was written. An upsert always is.
    fn resize(self, cache: &Hands<u32, Bytes>, key: u32, length: usize) -> bool {
        match self {
            Self::Compute => cache.compute(&key, |bytes| bytes.resize(length, 1)),
            Self::TryCompute => cache.try_compute(&key, |bytes| bytes.resize(length, 1)) == ComputeResult::Done(()),
            Self::Upsert => {
                cache.upsert(key, Vec::new, |bytes| bytes.resize(length, 1));
                true
            }
            Self::Replace => cache.replace(key, vec![1; length]).is_some(),
            Self::Swap => cache.sync().peek(&key).is_some_and(|held| cache.compare_and_swap(&key, &held, vec![1; length]).is_ok()),
        }
    }
}

fn builder(policy: EvictionPolicy, capacity: u64, shards: usize) -> CacheBuilder<u32, Bytes> {
    CacheBuilder::new().eviction(policy).capacity(capacity).shards(shards).weigher(|_, bytes: &Bytes| bytes.len() as u64)
}

/// The weight that is held is the sum of what the values are.
fn is_weighed<F: Kind>(cache: &F::Of<u32, Bytes>, what: &str) {
    at_rest(&cache.sync());
    let recount: usize = cache.entries().iter().map(|(_, bytes)| bytes.len()).sum();
    assert_eq!(cache.weight(), recount as u64, "{what}");
}

fn g14_a_value_alone_grows_to_the_capacity_and_no_further<F: Kind>() {
    for policy in EvictionPolicy::ALL {
        for way in WAYS {
            for shards in [1, 4] {
                let what = format!("{policy}, {way:?}, {shards} shards");
                let cache: F::Of<u32, Bytes> = F::Of::build(builder(policy, 12, shards));
                let hands = Hands::of::<F>(&cache);
                cache.insert(1, vec![1]);
                for length in (0..=12).chain([5, 12, 1, 11, 0, 3]) {
                    assert!(way.resize(&hands, 1, length), "{what}: {length}");
                    assert_eq!((cache.peek(&1).map(|bytes| bytes.len()), cache.weight()), (Some(length), length as u64), "{what}");
                }
                assert!(way.resize(&hands, 1, 13), "{what}: it is done, and refused");
                assert_eq!((cache.peek(&1), cache.weight(), cache.len()), (None, 0, 0), "{what}");
                is_weighed::<F>(&cache, &what);
            }
        }
    }
}

fn g14_a_value_that_grows_among_others_takes_their_room_and_no_more<F: Kind>() {
    for policy in EvictionPolicy::ALL {
        for way in WAYS {
            for shards in [1, 4] {
                let what = format!("{policy}, {way:?}, {shards} shards");
                let cache: F::Of<u32, Bytes> = F::Of::build(builder(policy, 64, shards));
                let hands = Hands::of::<F>(&cache);
                (0..64).for_each(|key| cache.insert(key, vec![1]));
                for length in [2, 3, 7, 20, 40, 64, 10, 64, 65, 1] {
                    if !hands.sync().contains_key(&5) {
                        cache.insert(5, vec![1]);
                    }
                    way.resize(&hands, 5, length);
                    assert!(cache.weight() <= 64, "{what}: {}", cache.weight());
                    is_weighed::<F>(&cache, &what);
                }
            }
        }
    }
}

fn g14_many_that_change_what_they_weigh_never_weigh_too_much<F: Kind>() {
    for policy in [EvictionPolicy::Adaptive, EvictionPolicy::Lru, EvictionPolicy::None] {
        for shards in [1, 4] {
            let what = format!("{policy}, {shards} shards");
            let cache: F::Of<u32, Bytes> = F::Of::build(builder(policy, 50, shards));
            let hands = Hands::of::<F>(&cache);
            let most = AtomicU64::new(0);
            observed(
                4,
                || {
                    most.fetch_max(cache.weight(), Ordering::Relaxed);
                },
                |thread| {
                    for (round, key) in (0..150).zip((0..9_u32).cycle()) {
                        let number = round * 4 + thread;
                        let length = (number * 7) % 53;
                        if !WAYS[number % 5].resize(&hands, key, length) {
                            hands.insert_if_absent(key, vec![1; length]);
                        }
                    }
                },
            );
            assert!(most.load(Ordering::Relaxed) <= 50, "{what}: {most:?}");
            is_weighed::<F>(&cache, &what);
        }
    }
}

/// Where nothing is ever evicted, what doesn't fit beside the others is refused, and leaves them alone.
fn g14_without_eviction_a_value_that_outgrows_the_room_leaves_alone<F: Kind>() {
    for way in WAYS {
        let cache: F::Of<u32, Bytes> = F::Of::build(builder(EvictionPolicy::None, 10, 1));
        let hands = Hands::of::<F>(&cache);
        cache.insert(1, vec![1; 6]);
        cache.insert(2, vec![1; 3]);
        assert!(way.resize(&hands, 2, 4), "{way:?}");
        assert_eq!(cache.weight(), 10, "{way:?}");
        assert!(way.resize(&hands, 2, 5), "{way:?}");
        assert_eq!((cache.len(), cache.weight(), cache.contains_key(&1)), (1, 6, true), "{way:?}");
        assert!(hands.insert_if_absent(3, vec![1; 5]).is_none(), "{way:?}: it is refused");
        assert_eq!((cache.len(), cache.weight()), (1, 6), "{way:?}");
        is_weighed::<F>(&cache, "none");
    }
}

/// The weight that is held lasts no longer than the value: a stale value's room goes to the newcomer of its own key.
fn g14_a_newcomer_takes_the_room_of_its_own_key_s_stale_value<F: Kind>() {
    for policy in EvictionPolicy::ALL {
        for shards in [1, 4] {
            let clock = bellwether::MockClock::new();
            let live = std::time::Duration::from_secs(10);
            let builder = builder(policy, 12, shards).clock(clock.clone()).time_to_live(live).stale_if_error(live);
            let cache: F::Of<u32, Bytes> = F::Of::build(builder);
            let hands = Hands::of::<F>(&cache);
            for (number, length) in [12, 3, 12, 1, 11, 12].into_iter().enumerate() {
                assert_eq!(hands.insert_if_absent(1, vec![1; length]), None);
                assert_eq!(hands.insert_if_absent(1, vec![1; 4]).map(|held| held.len()), Some(length));
                assert_eq!((cache.len(), cache.weight()), (1, length as u64), "{policy}, {shards} shards, {number}");
                is_weighed::<F>(&cache, "stale");
                clock.advance(live);
            }
        }
    }
}

on_every_face_in_time!(
    g14_a_value_alone_grows_to_the_capacity_and_no_further,
    g14_a_value_that_grows_among_others_takes_their_room_and_no_more,
    g14_many_that_change_what_they_weigh_never_weigh_too_much,
    g14_without_eviction_a_value_that_outgrows_the_room_leaves_alone,
    g14_a_newcomer_takes_the_room_of_its_own_key_s_stale_value,
);
