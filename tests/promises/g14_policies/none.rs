//! The policy that evicts nothing: what is held stays until it expires or is removed, and what is new is refused with a clear result.

use crate::faces::{Face, Kind};
use crate::g14_policies::{evicted, keys, weighing};
use crate::policies::{Rule, set_capacity, try_insert};
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, EvictionPolicy, LoadErrorKind, Loaded, MockClock, RemovalCause};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u64, u64>;

const SIZE: u64 = 400;
const SHARDS: [usize; 3] = [1, 4, 64];
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
/// Keys from here on are absent at the source.
const ABSENT: u64 = 1 << 20;

fn builder(shards: usize) -> CacheBuilder<u64, u64> {
    let load = |&key: &u64| Ok::<_, BoxError>(if key >= ABSENT { Loaded::absent() } else { Loaded::value(key + 1) });
    CacheBuilder::new().capacity(SIZE).shards(shards).eviction(EvictionPolicy::None).loader_fn(load)
}

fn full<F: Kind>(builder: CacheBuilder<u64, u64>) -> Of<F> {
    let cache: Of<F> = F::Of::build(builder);
    (0..SIZE).for_each(|key| cache.insert(key, key));
    cache
}

fn g14_a_full_cache_refuses_what_is_new_and_says_so<F: Kind>() {
    for shards in SHARDS {
        let cache = full::<F>(builder(shards));
        for key in SIZE..SIZE + 50 {
            let refused = try_insert::<F, _, _>(&cache, key, key).expect_err("it is full");
            assert_eq!((refused.weight(), refused.capacity(), refused.is_too_heavy()), (1, SIZE, false));
            let text = refused.to_string();
            assert!(text.contains("full") && text.contains("policy") && text.contains(&SIZE.to_string()), "{text}");
            cache.insert(key, key);
            assert!(!cache.contains_key(&key));
        }
        assert!(keys(&cache).into_iter().eq(0..SIZE), "what was held is held");
        let metrics = at_rest(&cache.sync());
        assert_eq!((evicted(&metrics), metrics.removals(RemovalCause::Rejected)), (0, 100));
        assert!(cache.invalidate(&7));
        assert_eq!(try_insert::<F, _, _>(&cache, SIZE, 1), Ok(()), "there is room now");
        assert!(try_insert::<F, _, _>(&cache, SIZE + 1, 1).is_err(), "and now there isn't");
    }
}

fn g14_a_full_cache_delivers_what_it_does_not_store<F: Kind>() {
    for shards in SHARDS {
        let cache = full::<F>(builder(shards));
        for key in SIZE..SIZE + 20 {
            for _ in 0..2 {
                assert_eq!(*cache.fetch_with(&key).expect("the loader brings it"), key + 1);
                assert!(!cache.contains_key(&key));
            }
        }
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_refused, metrics.loads_started, evicted(&metrics)), (40, 40, 0));
        assert!(keys(&cache).into_iter().eq(0..SIZE));
    }
}

fn g14_over_a_key_that_is_held_a_value_is_stored_if_it_needs_no_more<F: Kind>() {
    for shards in SHARDS {
        let cache = full::<F>(builder(shards));
        for key in 0..SIZE {
            assert_eq!(try_insert::<F, _, _>(&cache, key, key + 7), Ok(()));
            assert_eq!(cache.fetch(&key).as_deref(), Some(&(key + 7)));
            assert_eq!(*cache.refresh(&key).expect("the loader brings it"), key + 1);
            assert_eq!(cache.fetch(&key).as_deref(), Some(&(key + 1)));
        }
        // One that needs more is refused, and what it was to take the place of leaves all the same.
        cache.insert_with(5, Loaded::value(1).weight(2));
        assert!(keys(&cache).into_iter().eq((0..SIZE).filter(|&key| key != 5)));
        let metrics = at_rest(&cache.sync());
        let left = [RemovalCause::Replaced, RemovalCause::Rejected, RemovalCause::Evicted].map(|cause| metrics.removals(cause));
        assert_eq!(left, [2 * SIZE + 1, 1, 0]);
    }
}

/// Whatever has expired makes room, in whichever shard it is.
fn g14_what_has_expired_makes_room_in_any_shard<F: Kind>() {
    for shards in SHARDS {
        let clock = MockClock::new();
        // By nobody else: the writes themselves find it.
        let cache: Of<F> = F::Of::build(builder(shards).no_janitor().clock(clock.clone()));
        for key in 0..SIZE {
            cache.insert_with_ttl(key, key, if key % 2 == 0 { SECOND } else { HOUR });
        }
        assert!(try_insert::<F, _, _>(&cache, SIZE, 1).is_err());
        clock.advance(SECOND);
        for key in SIZE..SIZE + SIZE / 2 {
            match key % 2 {
                0 => assert_eq!(try_insert::<F, _, _>(&cache, key, key), Ok(()), "{shards} shards: {key}"),
                _ => assert_eq!(*cache.fetch_with(&key).expect("the loader brings it"), key + 1),
            }
            assert!(cache.contains_key(&key), "{shards} shards: {key} has the room of what has expired");
        }
        assert!(try_insert::<F, _, _>(&cache, 2 * SIZE, 1).is_err(), "the other half stays");
        assert!((0..SIZE).all(|key| cache.contains_key(&key) == (key % 2 == 1)));
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.removals(RemovalCause::Expired), evicted(&metrics), cache.len()), (SIZE / 2, 0, SIZE));
    }
}

/// An entry as heavy as all that has expired, over several shards.
fn g14_what_has_expired_makes_room_for_a_heavy_entry<F: Kind>() {
    for shards in SHARDS {
        let clock = MockClock::new();
        let builder = weighing(Rule::Of(EvictionPolicy::None), shards, 1_000).no_janitor().clock(clock.clone());
        let cache: Of<F> = F::Of::build(builder);
        (0..900).for_each(|key| cache.insert_with_ttl(key, 1, SECOND));
        (900..1_000).for_each(|key| cache.insert(key, 1));
        clock.advance(SECOND);
        assert!(try_insert::<F, _, _>(&cache, 2_000, 901).is_err(), "{shards} shards: a hundred stay");
        assert_eq!(try_insert::<F, _, _>(&cache, 2_001, 900), Ok(()), "{shards} shards");
        assert_eq!((cache.len(), cache.weight()), (101, 1_000));
        assert_eq!(evicted(&at_rest(&cache.sync())), 0);
    }
}

/// Answers without a value go before anything is refused, and never take the place of a value.
fn g14_remembered_answers_make_room_and_take_none_of_values<F: Kind>() {
    for shards in SHARDS {
        let cache: Of<F> = F::Of::build(builder(shards).negative_ttl(HOUR));
        for key in ABSENT..ABSENT + SIZE / 8 {
            assert_eq!(cache.fetch_with(&key).expect_err("it is absent").kind(), LoadErrorKind::Absent);
        }
        let remembered = cache.metrics().negatives;
        assert!(remembered > 0 && remembered <= SIZE / 8, "{remembered} of {SIZE}");
        for key in 0..SIZE {
            assert_eq!(try_insert::<F, _, _>(&cache, key, key), Ok(()), "{shards} shards: {key}, beside {remembered} answers");
        }
        assert_eq!((cache.len(), cache.metrics().negatives), (SIZE, 0));
        assert!(try_insert::<F, _, _>(&cache, SIZE, 1).is_err(), "{shards} shards: now it is full");
        for key in ABSENT..ABSENT + 100 {
            assert!(cache.fetch_with(&key).is_err());
        }
        assert!(keys(&cache).into_iter().eq(0..SIZE), "{shards} shards: no value leaves for an answer");
        assert_eq!(evicted(&at_rest(&cache.sync())), 0);
    }
}

fn g14_what_stays_leaves_where_the_capacity_shrinks<F: Kind>() {
    for shards in SHARDS {
        let cache = full::<F>(builder(shards));
        set_capacity::<F, _, _>(&cache, SIZE / 4);
        assert_eq!((cache.len(), evicted(&cache.metrics())), (SIZE / 4, SIZE * 3 / 4));
        assert!(try_insert::<F, _, _>(&cache, SIZE, 1).is_err());
        set_capacity::<F, _, _>(&cache, SIZE / 4 + 1);
        assert_eq!(try_insert::<F, _, _>(&cache, SIZE, 1), Ok(()));
        at_rest(&cache.sync());
    }
}

/// At the bound of their number the oldest of those without weight make way: nobody's room is at stake.
fn g14_a_full_cache_takes_what_weighs_nothing<F: Kind>() {
    let cache = full::<F>(builder(4));
    for key in SIZE..SIZE + 200 {
        cache.insert_with(key, Loaded::value(key).weight(0));
        assert!(cache.contains_key(&key));
    }
    assert_eq!((cache.len(), cache.weight()), (SIZE + 200, SIZE));
    at_rest(&cache.sync());
}

crate::on_every_face_in_time!(
    g14_a_full_cache_refuses_what_is_new_and_says_so,
    g14_a_full_cache_delivers_what_it_does_not_store,
    g14_over_a_key_that_is_held_a_value_is_stored_if_it_needs_no_more,
    g14_what_has_expired_makes_room_in_any_shard,
    g14_what_has_expired_makes_room_for_a_heavy_entry,
    g14_remembered_answers_make_room_and_take_none_of_values,
    g14_what_stays_leaves_where_the_capacity_shrinks,
    g14_a_full_cache_takes_what_weighs_nothing,
);
