//! Keys that aren't equal to themselves, and keys whose `Hash` and `Eq` say something else each time.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::together::together;
use bellwether::{BoxError, CacheBuilder, EvictionPolicy, LoadErrorKind, Loaded, MockClock};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Equal to nothing, as a float that is no number.
#[derive(Clone)]
struct NoNumber;

impl Hash for NoNumber {
    fn hash<H: Hasher>(&self, state: &mut H) {
        1_u8.hash(state);
    }
}

impl PartialEq for NoNumber {
    fn eq(&self, _other: &Self) -> bool {
        false
    }
}

impl Eq for NoNumber {}

fn g18_keys_unequal_to_themselves_take_no_more_than_the_capacity<F: Kind>() {
    for policy in [EvictionPolicy::Lru, EvictionPolicy::Sieve] {
        for shards in [1, 8] {
            let cache: <F as Kind>::Of<NoNumber, u32> = F::Of::build(CacheBuilder::new().capacity(10).shards(shards).eviction(policy));
            for n in 0..300 {
                cache.insert(NoNumber, n);
                assert_eq!(cache.len(), u64::from(n + 1).min(10));
                assert!(cache.fetch(&NoNumber).is_none() && cache.peek(&NoNumber).is_none() && !cache.contains_key(&NoNumber));
                assert!(cache.remove(&NoNumber).is_none() && !cache.invalidate(&NoNumber));
            }
            assert_eq!(cache.entries().len(), 10, "only a walk meets them");
            cache.insert_with(NoNumber, Loaded::value(0).weight(10));
            assert_eq!((cache.len(), cache.weight()), (1, 10));
            cache.validate();
            cache.clear();
            assert_eq!((cache.len(), cache.weight()), (0, 0));
        }
    }
}

fn g18_keys_unequal_to_themselves_are_loaded_each_time<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(0);
        let cache: <F as Kind>::Of<NoNumber, usize> = F::Of::build(runway.numbers(CacheBuilder::new().capacity(5).shards(1), style));
        for number in 0..20 {
            assert_eq!(*cache.fetch_with(&NoNumber).expect("the loader brings it"), number);
        }
        assert_eq!(*cache.refresh(&NoNumber).expect("the loader brings it"), 20);
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.misses, metrics.loads_stored, metrics.entries), (21, 21, 5));
    }
}

fn g18_flights_of_keys_unequal_to_themselves_all_end<F: Kind>() {
    const FLIGHTS: usize = 6;
    for style in BOTH {
        let (runway, clock) = (Runway::new(FLIGHTS), MockClock::new());
        let builder = CacheBuilder::new().capacity(4).clock(clock.clone()).load_timeout(Duration::from_secs(5));
        let cache: <F as Kind>::Of<NoNumber, usize> = F::Of::build(runway.numbers(builder, style));
        let fly = |number| {
            let caller = apart(&cache, |cache| cache.fetch_with(&NoNumber).map(|value| *value).map_err(|error| error.kind()));
            runway.until_begun(number);
            caller
        };
        let callers: Vec<_> = (0..FLIGHTS / 2).map(fly).collect();
        cache.insert(NoNumber, 100);
        cache.invalidate(&NoNumber);
        cache.clear();
        (0..FLIGHTS / 2).for_each(|number| runway.open(number));
        let mut brought: Vec<_> = callers.into_iter().map(|caller| caller.result().expect("the loader brings it")).collect();
        brought.sort_unstable();
        assert!(brought.into_iter().eq(0..FLIGHTS / 2), "each got what its own load brought");
        let late: Vec<_> = (FLIGHTS / 2..FLIGHTS).map(fly).collect();
        clock.advance(Duration::from_secs(5));
        (FLIGHTS / 2..FLIGHTS).for_each(|number| runway.open(number));
        assert!(late.into_iter().all(|caller| caller.result() == Err(LoadErrorKind::TimedOut)));
        let metrics = at_rest(&cache.sync());
        assert_eq!(metrics.loads_started, FLIGHTS as u64);
    }
}

/// Says something else each time.
#[derive(Clone)]
struct Fickle;

/// Steps through numbers, the same ones in each run of a single thread.
fn whim() -> u64 {
    static WHIMS: AtomicU64 = AtomicU64::new(0);
    let n = WHIMS.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
    (n ^ (n >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40
}

impl Hash for Fickle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (whim() % 3).hash(state);
    }
}

impl PartialEq for Fickle {
    fn eq(&self, _other: &Self) -> bool {
        whim() % 4 == 0
    }
}

impl Eq for Fickle {}

fn call<C: Face<Fickle, u64>>(cache: &C, random: &mut StdRng) {
    match random.random_range(0..100) {
        0..30 => cache.insert(Fickle, random.random()),
        30..45 => drop(cache.remove(&Fickle)),
        45..50 => cache.insert_with(Fickle, Loaded::value(1).weight(random.random_range(0..12))),
        50..70 => drop(cache.fetch(&Fickle)),
        70..90 => drop(cache.fetch_with(&Fickle)),
        90..95 => drop(cache.refresh(&Fickle)),
        95..97 => assert!(cache.entries().len() <= 1_000),
        97..99 => drop(cache.peek(&Fickle)),
        _ => cache.clear(),
    }
}

fn g18_keys_that_hash_and_compare_at_random_do_no_harm<F: Kind>() {
    const CALLS: usize = 3_000;
    for (shards, threads) in [(1, 1), (4, 3)] {
        let load = |_: &Fickle| Ok::<_, BoxError>(whim());
        let cache: <F as Kind>::Of<Fickle, u64> = F::Of::build(CacheBuilder::new().capacity(10).shards(shards).loader_fn(load));
        together(threads, |thread| {
            let mut random = StdRng::seed_from_u64(18 + thread as u64);
            for _ in 0..CALLS {
                call(&cache, &mut random);
                assert!(cache.weight() <= 10);
            }
        });
        until("all loads have ended", || cache.metrics().loads_started == cache.metrics().loads_ended());
        at_rest(&cache.sync());
        cache.clear();
        assert_eq!((cache.len(), cache.weight()), (0, 0));
        cache.validate();
    }
}

crate::on_every_face_in_time!(
    g18_keys_unequal_to_themselves_take_no_more_than_the_capacity,
    g18_keys_unequal_to_themselves_are_loaded_each_time,
    g18_flights_of_keys_unequal_to_themselves_all_end,
    g18_keys_that_hash_and_compare_at_random_do_no_harm,
);
