//! All accounts balance after threads have come and gone, each of which kept its own books.

use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::rest::at_rest;
use crate::tally::tally;
use crate::together::together;
use bellwether::{BoxError, CacheBuilder, Loaded, MetricsSnapshot, RemovalCause};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

const KEYS: u32 = 60;
const CAPACITY: u64 = 40;
const THREADS: usize = 6;
/// Each time with new threads.
const TIMES: u64 = 8;
const CALLS: usize = 1_500;
const SEED: u64 = 0x1E16;

/// A value that says how many of its kind there are.
struct Alive(Arc<AtomicI64>);

impl Alive {
    fn new(number: &Arc<AtomicI64>) -> Self {
        number.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(number))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a thread did.
#[derive(Default)]
struct Did {
    lookups: u64,
    hits: u64,
    inserts: u64,
}

fn call<C: Face<u32, Alive>>(cache: &C, random: &mut StdRng, alive: &Arc<AtomicI64>, did: &mut Did) {
    let key = random.random_range(0..KEYS);
    let weight = random.random_range(0..6) * random.random_range(0..10);
    match random.random_range(0..100) {
        0..25 => {
            did.inserts += 1;
            cache.insert_with(key, Loaded::value(Alive::new(alive)).weight(weight));
        }
        25..32 => drop(cache.remove(&key)),
        32..34 => cache.insert_with(key, Loaded::absent()),
        34..35 => cache.clear(),
        35..50 => {
            did.lookups += 1;
            did.hits += u64::from(cache.fetch(&key).is_some());
        }
        50..60 => {
            did.lookups += 1;
            did.hits += u64::from(cache.get(&key, |_| ()).is_some());
        }
        60..65 => drop(cache.peek(&key)),
        65..70 => drop(cache.contains_key(&key).then_some(String::new())),
        70..90 => {
            did.lookups += 1;
            drop(cache.fetch_with(&key));
        }
        90..95 => {
            did.lookups += 1;
            drop(cache.refresh(&key));
        }
        _ => {
            did.lookups += 1;
            let alive = Arc::clone(alive);
            drop(cache.fetch_or_load(&key, move || Loaded::ok(Loaded::value(Alive::new(&alive)).weight(weight))));
        }
    }
}

/// What a loader brings, in turn: values of all weights, absence, nothing to keep, nothing new, an error.
fn answer(turn: u64, alive: &Arc<AtomicI64>) -> Result<Loaded<Alive>, BoxError> {
    match turn % 16 {
        0 => Loaded::ok(Loaded::absent()),
        1 => Loaded::ok(Loaded::value(Alive::new(alive)).uncached()),
        2 => Loaded::ok(Loaded::unchanged()),
        3 => Err("not today".into()),
        4 => Loaded::ok(Loaded::value(Alive::new(alive)).weight(CAPACITY + turn)),
        heavy => Loaded::ok(Loaded::value(Alive::new(alive)).weight(heavy)),
    }
}

/// Values that were held and have left.
fn left(metrics: &MetricsSnapshot) -> u64 {
    use RemovalCause::{Absent, Cleared, Evicted, Expired, Invalidated, Replaced};
    [Evicted, Expired, Replaced, Invalidated, Cleared, Absent].map(|cause| metrics.removals(cause)).iter().sum()
}

fn g16_the_books_balance_after_many_threads<F: Kind>() {
    let (alive, turns) = (Arc::new(AtomicI64::new(0)), AtomicU64::new(0));
    let ours = Arc::clone(&alive);
    let load = move |_: &u32| answer(turns.fetch_add(1, Ordering::Relaxed), &ours);
    let cache: <F as Kind>::Of<u32, Alive> = F::Of::build(CacheBuilder::new().capacity(CAPACITY).shards(4).loader_fn(load));
    let mut total = Did::default();
    for time in 0..TIMES {
        let done = together(THREADS, |thread| {
            let mut random = StdRng::seed_from_u64(SEED + time * 100 + thread as u64);
            let mut did = Did::default();
            (0..CALLS).for_each(|_| call(&cache, &mut random, &alive, &mut did));
            did
        });
        for did in done {
            total.lookups += did.lookups;
            total.hits += did.hits;
            total.inserts += did.inserts;
        }
        let metrics = at_rest(&cache.sync());
        assert_eq!(metrics.hits + metrics.misses + metrics.joined, total.lookups, "{metrics:?}");
        assert!(metrics.hits >= total.hits, "hits of those that load come on top");
        assert_eq!(metrics.loads_started, metrics.loads_ended());
        assert_eq!((metrics.entries, metrics.weight), (cache.len(), cache.weight()));
        // All that was to be stored is held, has left, or was too heavy. What was found unchanged was held before.
        let balance = |metrics: &MetricsSnapshot| {
            let brought = metrics.loads_stored + metrics.loads_refused;
            let accounted = metrics.entries + left(metrics) + metrics.removals(RemovalCause::Rejected);
            (total.inserts + brought).abs_diff(accounted)
        };
        tally(&cache.sync(), balance, 0);
        assert!(metrics.removals(RemovalCause::Superseded) <= metrics.loads_superseded);
        let held = i64::try_from(cache.len()).expect("a small number");
        // A value that a load brought may be let go a moment after the load has left the books.
        until("all values that left are gone", || alive.load(Ordering::Relaxed) == held);
    }
    drop(cache);
    until("the cache took its values along", || alive.load(Ordering::Relaxed) == 0);
}

crate::on_every_face_in_time!(g16_the_books_balance_after_many_threads);
