//! A hundred thousand random weighted calls under every policy: what is held is what was written last, weighs what a recount finds, and nothing leaves
//! while there is room.

use crate::faces::{Face, Kind};
use crate::g14_policies::evicted;
use crate::policies::{Rule, rules, try_insert};
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, Loaded};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;

/// The value holds a number above, its weight below.
type Of<F> = <F as Kind>::Of<u64, u64>;

const CAPACITY: u64 = 500;
const KEYS: u64 = 150;
const CALLS: u64 = 100_000;
/// A recount for each so many calls.
const RECOUNT: u64 = 5_000;

fn weight_of(value: u64) -> u64 {
    value & u64::from(u32::MAX)
}

/// Mostly light, at times nothing, all the capacity or too much.
fn weight(random: &mut StdRng) -> u64 {
    match random.random_range(0..100) {
        0..5 => 0,
        5 => CAPACITY,
        6 => CAPACITY + 1,
        7..10 => random.random_range(0..=CAPACITY),
        _ => random.random_range(1..20),
    }
}

/// A cache, and what was written to it.
struct Run<C> {
    cache: C,
    written: HashMap<u64, u64>,
    random: StdRng,
    number: u64,
    /// How many were evicted until now.
    gone: u64,
}

impl<C: Face<u64, u64>> Run<C> {
    fn value(&mut self) -> u64 {
        self.number += 1;
        self.number << 32 | weight(&mut self.random)
    }

    fn call<F: Kind>(&mut self) {
        let (key, cache) = (self.random.random_range(0..KEYS), self.cache.clone());
        let free = CAPACITY - cache.weight();
        let written = match self.random.random_range(0..1_000) {
            0..300 => {
                let value = self.value();
                cache.insert(key, value);
                Some(value)
            }
            300..400 => {
                let value = self.value();
                let stored = try_insert::<F, _, _>(&cache, key, value);
                assert_eq!(stored.is_ok(), cache.contains_key(&key), "it says whether it is held: {stored:?}");
                Some(value)
            }
            400..650 => Some(*cache.fetch_with(&key).expect("the loader brings it")),
            650..700 => Some(*cache.refresh(&key).expect("the loader brings it")),
            700..750 => {
                cache.remove(&key);
                self.written.remove(&key);
                None
            }
            750..999 => {
                let found = cache.fetch(&key).map(|value| *value);
                assert!(found.is_none() || found == self.written.get(&key).copied(), "{key} holds what was written last");
                None
            }
            _ => {
                cache.clear();
                self.written.clear();
                None
            }
        };
        if let Some(value) = written {
            self.written.insert(key, value);
            let gone = std::mem::replace(&mut self.gone, evicted(&cache.metrics()));
            let needs_none = weight_of(value) <= free || weight_of(value) > CAPACITY;
            assert!(!needs_none || weight_of(value) == 0 || self.gone == gone, "{key}: nothing leaves while there is room");
            assert!(weight_of(value) > free || cache.contains_key(&key), "{key} fits without anybody's room");
        }
        assert!(cache.weight() <= CAPACITY);
    }

    fn recount(&self) {
        at_rest(&self.cache.sync());
        let entries = self.cache.entries();
        assert_eq!(entries.len() as u64, self.cache.len());
        assert_eq!(entries.iter().map(|(_, value)| weight_of(**value)).sum::<u64>(), self.cache.weight());
        entries.iter().for_each(|(key, value)| assert_eq!(self.written.get(key), Some(&**value), "{key} holds what was written last"));
    }
}

fn run<F: Kind>(rule: Rule, shards: usize) {
    let builder = rule.apply(CacheBuilder::new().capacity(CAPACITY).shards(shards).weigher(|_, &value| weight_of(value)));
    // Loads are numbered apart.
    let loads = std::sync::Mutex::new((StdRng::seed_from_u64(15), 1_u64 << 30));
    let load = move |_: &u64| {
        let mut loads = loads.lock().expect("no holder panics");
        loads.1 += 1;
        let value = loads.1 << 32 | weight(&mut loads.0);
        Ok::<_, BoxError>(Loaded::value(value))
    };
    let cache: Of<F> = F::Of::build(builder.loader_fn(load));
    let mut run = Run { cache, written: HashMap::new(), random: StdRng::seed_from_u64(14), number: 0, gone: 0 };
    // The calls are plain functions on every face: one goes all the way.
    let calls = if F::IS_BLOCKING { CALLS } else { CALLS / 10 };
    for call in 1..=calls {
        run.call::<F>();
        if call % RECOUNT == 0 {
            run.recount();
        }
    }
    run.recount();
    println!("{rule:?}: {:?}", run.cache.metrics());
}

/// A fifth of the policies each, so that no test takes long.
fn fifth<F: Kind>(which: usize) {
    for (number, rule) in rules().enumerate().filter(|(number, _)| number % 5 == which) {
        run::<F>(rule, 1 + number % 4);
    }
}

fn g14_random_calls_keep_the_accounts_under_the_first_fifth<F: Kind>() {
    fifth::<F>(0);
}

fn g14_random_calls_keep_the_accounts_under_the_second_fifth<F: Kind>() {
    fifth::<F>(1);
}

fn g14_random_calls_keep_the_accounts_under_the_third_fifth<F: Kind>() {
    fifth::<F>(2);
}

fn g14_random_calls_keep_the_accounts_under_the_fourth_fifth<F: Kind>() {
    fifth::<F>(3);
}

fn g14_random_calls_keep_the_accounts_under_the_last_fifth<F: Kind>() {
    fifth::<F>(4);
}

crate::on_every_face_in_time!(
    g14_random_calls_keep_the_accounts_under_the_first_fifth,
    g14_random_calls_keep_the_accounts_under_the_second_fifth,
    g14_random_calls_keep_the_accounts_under_the_third_fifth,
    g14_random_calls_keep_the_accounts_under_the_fourth_fifth,
    g14_random_calls_keep_the_accounts_under_the_last_fifth,
);
