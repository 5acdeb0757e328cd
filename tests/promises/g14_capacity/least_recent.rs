//! Under LRU a cache of one shard holds, after every single call, exactly what a list by recency holds: no hit is forgotten, however many
//! come between two writes.

use crate::cases::cases;
use crate::faces::{Face, Kind};
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, EvictionPolicy, Loaded};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

type Of<F> = <F as Kind>::Of<u64, u64>;

const KEYS: u64 = 14;

/// What the loader's values weigh.
fn loaded_weight(key: u64) -> u64 {
    1 + key % 4
}

#[derive(Clone, Debug)]
enum Step {
    Insert {
        key: u64,
        weight: u64,
    },
    Fetch(u64),
    Get(u64),
    FetchWith(u64),
    /// Loads anew what is held, with a weight that needs no more room.
    Refresh(u64),
    Peek(u64),
    Contains(u64),
    Walk,
    Remove(u64),
    /// Hits without a write between them: so many, over a run of keys.
    Burst {
        from: u64,
        keys: u64,
        hits: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..KEYS;
    prop_oneof![
        4 => (key.clone(), 0..8_u64).prop_map(|(key, weight)| Step::Insert { key, weight }),
        1 => (key.clone(), 8..24_u64).prop_map(|(key, weight)| Step::Insert { key, weight }),
        2 => key.clone().prop_map(Step::Fetch),
        2 => key.clone().prop_map(Step::Get),
        4 => key.clone().prop_map(Step::FetchWith),
        1 => key.clone().prop_map(Step::Refresh),
        1 => key.clone().prop_map(Step::Peek),
        1 => key.clone().prop_map(Step::Contains),
        1 => Just(Step::Walk),
        1 => key.clone().prop_map(Step::Remove),
        1 => (key, 1..KEYS, 1..300_u64).prop_map(|(from, keys, hits)| Step::Burst { from, keys, hits }),
    ]
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Entry {
    key: u64,
    value: u64,
    weight: u64,
}

/// The list: used last in front.
struct Model {
    capacity: u64,
    list: VecDeque<Entry>,
}

impl Model {
    fn find(&self, key: u64) -> Option<usize> {
        self.list.iter().position(|entry| entry.key == key)
    }

    fn remove(&mut self, key: u64) -> Option<Entry> {
        self.find(key).and_then(|at| self.list.remove(at))
    }

    fn used(&mut self, key: u64) -> Option<u64> {
        let entry = self.remove(key)?;
        self.list.push_front(entry);
        Some(entry.value)
    }

    fn insert(&mut self, entry: Entry) {
        self.remove(entry.key);
        if entry.weight > self.capacity {
            return;
        }
        while self.list.iter().map(|entry| entry.weight).sum::<u64>() + entry.weight > self.capacity {
            // What weighs nothing would make no room.
            let last = self.list.iter().rposition(|entry| entry.weight > 0).expect("something has that weight");
            self.list.remove(last);
        }
        self.list.push_front(entry);
    }

    /// By the list's own account, in no order.
    fn held(&self) -> Vec<(u64, u64)> {
        let mut held: Vec<_> = self.list.iter().map(|entry| (entry.key, entry.value)).collect();
        held.sort_unstable();
        held
    }
}

/// A cache beside its model. Each value is a new number.
struct Pair<C> {
    cache: C,
    model: Model,
    versions: Arc<AtomicU64>,
}

impl<C: Face<u64, u64>> Pair<C> {
    fn new(capacity: u64, build: fn(CacheBuilder<u64, u64>) -> C) -> Self {
        let versions = Arc::new(AtomicU64::new(0));
        let ours = Arc::clone(&versions);
        let load = move |&key: &u64| {
            let value = ours.fetch_add(1, Ordering::Relaxed);
            Ok::<_, BoxError>(Loaded::value(value).weight(loaded_weight(key)))
        };
        let builder = CacheBuilder::new().capacity(capacity).shards(1).eviction(EvictionPolicy::Lru).loader_fn(load);
        let model = Model { capacity, list: VecDeque::new() };
        Self { cache: build(builder), model, versions }
    }

    fn insert(&mut self, key: u64, weight: u64) {
        let value = self.versions.fetch_add(1, Ordering::Relaxed);
        self.cache.insert_with(key, Loaded::value(value).weight(weight));
        self.model.insert(Entry { key, value, weight });
    }

    fn make(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Insert { key, weight } => self.insert(key, weight),
            Step::Fetch(key) => prop_assert_eq!(self.cache.fetch(&key).map(|value| *value), self.model.used(key)),
            Step::Get(key) => prop_assert_eq!(self.cache.get(&key, |&value| value), self.model.used(key)),
            Step::FetchWith(key) => {
                let value = *self.cache.fetch_with(&key).expect("the loader brings it");
                match self.model.used(key) {
                    Some(held) => prop_assert_eq!(value, held),
                    None => self.model.insert(Entry { key, value, weight: loaded_weight(key) }),
                }
            }
            Step::Refresh(key) => {
                let weight = loaded_weight(key);
                // A landed load is no use of the entry, which keeps its place.
                if let Some(at) = self.model.find(key).filter(|&at| self.model.list[at].weight >= weight) {
                    let value = *self.cache.refresh(&key).expect("the loader brings it");
                    self.model.list[at] = Entry { key, value, weight };
                }
            }
            Step::Peek(key) => {
                let held = self.model.find(key).map(|at| self.model.list[at].value);
                prop_assert_eq!(self.cache.peek(&key).map(|value| *value), held);
            }
            Step::Contains(key) => prop_assert_eq!(self.cache.contains_key(&key), self.model.find(key).is_some()),
            Step::Walk => prop_assert_eq!(self.cache.entries().len(), self.model.list.len()),
            Step::Remove(key) => {
                prop_assert_eq!(self.cache.remove(&key).map(|value| *value), self.model.remove(key).map(|entry| entry.value));
            }
            Step::Burst { from, keys, hits } => {
                for n in 0..hits {
                    let key = (from + n % keys) % KEYS;
                    prop_assert_eq!(self.cache.fetch(&key).map(|value| *value), self.model.used(key));
                }
            }
        }
        self.agree()
    }

    fn agree(&self) -> Result<(), TestCaseError> {
        // By `peek`, which leaves no trace, so that the order of use stays the steps' own.
        let of = |key| self.cache.peek(&key).map(|value| (key, *value));
        let held: Vec<(u64, u64)> = (0..3 * KEYS).filter_map(of).collect();
        prop_assert_eq!(held, self.model.held());
        prop_assert_eq!(self.cache.weight(), self.model.list.iter().map(|entry| entry.weight).sum::<u64>());
        prop_assert_eq!(self.cache.len(), self.model.list.len() as u64);
        Ok(())
    }

    /// New entries of weight one push all others out, one by one: the whole order comes to light.
    fn run_out(&mut self) -> Result<(), TestCaseError> {
        for key in KEYS..2 * KEYS {
            self.insert(key, 1);
            self.agree()?;
        }
        Ok(())
    }
}

fn g14_under_lru_one_shard_holds_what_a_list_by_recency_holds<F: Kind>() {
    cases(150, &(prop::collection::vec(step(), 1..80), 1..20_u64), |(steps, capacity)| {
        let mut pair = Pair::<Of<F>>::new(capacity, F::Of::build);
        for step in &steps {
            pair.make(step)?;
        }
        pair.run_out()?;
        at_rest(&pair.cache.sync());
        Ok(())
    });
}

fn g14_under_lru_no_hit_of_a_thousand_between_two_writes_is_forgotten<F: Kind>() {
    const HELD: u64 = 1_000;
    for stride in [1, 7, 333, 999] {
        let cache: Of<F> = F::Of::build(CacheBuilder::new().capacity(HELD).shards(1).eviction(EvictionPolicy::Lru));
        (0..HELD).for_each(|key| cache.insert(key, key));
        let hit = |n: u64| n * stride % HELD;
        for n in 0..HELD {
            // Each in another way of hitting.
            match n % 2 {
                0 => drop(cache.fetch(&hit(n)).expect("it is held")),
                _ => cache.get(&hit(n), |_| ()).expect("it is held"),
            }
        }
        for n in 0..HELD {
            cache.insert(HELD + n, 0);
            assert!(!cache.contains_key(&hit(n)), "hit {n} of {HELD} goes now");
            let next = n + 1;
            assert!(next == HELD || cache.contains_key(&hit(next)), "hit {next} of {HELD} goes next");
        }
        cache.validate();
    }
}

crate::on_every_face_in_time!(
    g14_under_lru_one_shard_holds_what_a_list_by_recency_holds,
    g14_under_lru_no_hit_of_a_thousand_between_two_writes_is_forgotten,
);
