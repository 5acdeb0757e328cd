//! Writers, loads and a capacity that goes up and down, with an observer who knows when it does.
//!
//! The observer must not be wrong itself. While the capacity only shrinks, what is held later is within what the capacity was before; while it only grows,
//! what is held earlier is within what it is afterwards. So it reads the capacity before and after the weight, and where no more than one change was
//! under way in between the weight is within the larger of the two.

use crate::faces::{Face, Kind};
use crate::policies::{Rule, capacity, rules, set_capacity};
use crate::rest::at_rest;
use crate::together::observed;
use bellwether::{BoxError, CacheBuilder, Loaded};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::atomic::{AtomicU64, Ordering};

type Of<F> = <F as Kind>::Of<u64, u64>;

const SIZES: [u64; 6] = [10, 400, 3, 1_000, 50, 700];
/// Of the capacity, in one storm.
const CHANGES: usize = if cfg!(debug_assertions) { 60 } else { 240 };

/// A cache whose capacity one thread changes, and how many changes have begun.
struct Changing<C> {
    cache: C,
    begun: AtomicU64,
}

impl<C: Face<u64, u64>> Changing<C> {
    fn new(cache: C) -> Self {
        Self { cache, begun: AtomicU64::new(0) }
    }

    fn set<F: Kind>(&self, size: u64) {
        self.begun.fetch_add(1, Ordering::SeqCst);
        set_capacity::<F, _, _>(&self.cache, size);
        assert_eq!(capacity::<F, _, _>(&self.cache), size);
        // Nobody else sets it: from here on until the next change it holds.
        let weight = self.cache.weight();
        assert!(weight <= size, "{weight} of {size}");
    }

    /// Reads how much is held, and whether that may be.
    fn look<F: Kind>(&self, read: impl Fn(&C) -> u64) {
        let begun = self.begun.load(Ordering::SeqCst);
        let before = capacity::<F, _, _>(&self.cache);
        let held = read(&self.cache);
        let after = capacity::<F, _, _>(&self.cache);
        if self.begun.load(Ordering::SeqCst) == begun {
            assert!(held <= before.max(after), "{held} while the capacity was {before}, then {after}");
        }
    }
}

fn call<C: Face<u64, u64>>(cache: &C, random: &mut StdRng, weights: u64) {
    let key = random.random_range(0..2_000);
    match random.random_range(0..20) {
        0 => drop(cache.remove(&key)),
        1..5 => drop(cache.fetch_with(&key).expect("the loader brings it")),
        5 => drop(cache.refresh(&key).expect("the loader brings it")),
        6..9 => drop(cache.fetch(&key)),
        _ => cache.insert_with(key, Loaded::value(key).weight(random.random_range(1..=weights))),
    }
}

fn storm<F: Kind>(rule: Rule, shards: usize, weights: u64) {
    let load = move |&key: &u64| Ok::<_, BoxError>(Loaded::value(key).weight(1 + key % weights));
    let builder = rule.apply(CacheBuilder::new().capacity(100).shards(shards).loader_fn(load));
    let changing = Changing::new(<Of<F> as Face<u64, u64>>::build(builder));
    let look = || {
        changing.look::<F>(|cache| cache.weight());
        changing.look::<F>(|cache| cache.metrics().weight);
        // Each weighs one at least.
        changing.look::<F>(|cache| cache.len());
    };
    observed(3, look, |thread| {
        let mut random = StdRng::seed_from_u64(thread as u64);
        match thread {
            0 => (0..CHANGES).for_each(|round| changing.set::<F>(SIZES[round % SIZES.len()])),
            _ => (0..25 * CHANGES).for_each(|_| call(&changing.cache, &mut random, weights)),
        }
    });
    at_rest(&changing.cache.sync());
}

fn g14_what_is_held_is_within_a_capacity_that_changes<F: Kind>() {
    for (number, rule) in rules().enumerate() {
        storm::<F>(rule, [1, 4, 16][number % 3], 1);
        storm::<F>(rule, [16, 1, 4][number % 3], 30);
    }
}

/// A reading of the counters fits together, too, if no more than one change is under way meanwhile.
fn g14_the_counters_never_show_more_weight_than_capacity<F: Kind>() {
    let changing = Changing::new(<Of<F> as Face<u64, u64>>::build(CacheBuilder::new().capacity(1_000).shards(4)));
    let look = || {
        let begun = changing.begun.load(Ordering::SeqCst);
        let metrics = changing.cache.metrics();
        if changing.begun.load(Ordering::SeqCst) == begun {
            assert!(metrics.weight <= metrics.capacity && metrics.entries <= metrics.capacity, "{metrics:?}");
        }
    };
    observed(2, look, |thread| match thread {
        0 => (0..400).for_each(|round| {
            // Down, and up again after a while.
            changing.set::<F>(if round % 2 == 0 { 100 } else { 1_000 });
            (0..100).for_each(|key| changing.cache.insert(10_000 + key, key));
        }),
        _ => (0..30_000).for_each(|key| changing.cache.insert(key, key)),
    });
    at_rest(&changing.cache.sync());
}

crate::on_every_face_in_time!(g14_what_is_held_is_within_a_capacity_that_changes, g14_the_counters_never_show_more_weight_than_capacity,);
