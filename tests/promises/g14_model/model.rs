//! The cache as one would write it without a thought of speed: a map, no bound but on single entries, no threads.

use crate::g14_model::steps::{Answer, Outcome, Own, TTL};
use std::collections::BTreeMap;

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Held {
    pub(crate) value: u64,
    pub(crate) weight: u64,
    /// `None` for never.
    deadline: Option<u64>,
    ttl: u64,
}

/// What a load comes to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Got {
    Value(u64),
    Absent,
    Failed,
    Panicked,
}

pub(crate) struct Model {
    pub(crate) now: u64,
    /// What weighs more is not stored.
    pub(crate) capacity: u64,
    held: BTreeMap<u64, Held>,
    /// How many inserted values came to be held.
    pub(crate) inserted: u64,
}

/// What a value weighs that doesn't say so itself.
pub(crate) fn weigh(value: u64) -> u64 {
    1 + value % 5
}

impl Model {
    pub(crate) fn new(capacity: u64) -> Self {
        Self { now: 0, capacity, held: BTreeMap::new(), inserted: 0 }
    }

    /// The fresh value of a key.
    pub(crate) fn fresh(&self, key: u64) -> Option<Held> {
        self.held.get(&key).copied().filter(|held| held.deadline.is_none_or(|deadline| self.now < deadline))
    }

    pub(crate) fn value(&self, key: u64) -> Option<u64> {
        self.fresh(key).map(|held| held.value)
    }

    pub(crate) fn all_fresh(&self) -> BTreeMap<u64, u64> {
        self.held.keys().filter_map(|&key| self.value(key).map(|value| (key, value))).collect()
    }

    pub(crate) fn len(&self) -> u64 {
        self.held.len() as u64
    }

    pub(crate) fn weight(&self) -> u64 {
        self.held.values().map(|held| held.weight).sum()
    }

    /// What has expired by now is gone for good, even if the clock goes back.
    pub(crate) fn reclaim(&mut self) {
        let now = self.now;
        self.held.retain(|_, held| held.deadline.is_none_or(|deadline| now < deadline));
    }

    /// Whether it is held now.
    fn store(&mut self, key: u64, value: u64, own: Own) -> bool {
        let weight = own.weight.unwrap_or_else(|| weigh(value));
        if weight > self.capacity || self.capacity == 0 {
            self.held.remove(&key);
            return false;
        }
        let ttl = own.ttl.unwrap_or(TTL);
        let deadline = (ttl != u64::MAX).then(|| self.now + ttl);
        self.held.insert(key, Held { value, weight, deadline, ttl });
        true
    }

    pub(crate) fn insert(&mut self, key: u64, answer: Answer, value: u64) {
        match answer {
            Answer::Value(own) => self.inserted += u64::from(self.store(key, value, own)),
            Answer::Uncached(_) | Answer::Absent => drop(self.remove(key)),
            Answer::Unchanged(_) => {}
        }
    }

    pub(crate) fn remove(&mut self, key: u64) -> Option<u64> {
        let value = self.value(key);
        self.held.remove(&key);
        value
    }

    pub(crate) fn clear(&mut self) {
        self.held.clear();
    }

    /// A load of a key ends like this.
    pub(crate) fn load(&mut self, key: u64, outcome: Outcome, value: u64) -> Got {
        let current = self.value(key);
        if current.is_none() {
            self.held.remove(&key);
        }
        match outcome {
            Outcome::Answer(Answer::Value(own)) => {
                self.store(key, value, own);
                Got::Value(value)
            }
            Outcome::Answer(Answer::Uncached(_)) => {
                self.held.remove(&key);
                Got::Value(value)
            }
            Outcome::Answer(Answer::Absent) => {
                self.held.remove(&key);
                Got::Absent
            }
            Outcome::Answer(Answer::Unchanged(own)) => match current {
                Some(current) => {
                    // It keeps the settings that it came with, but for those that the answer brings.
                    let held = self.held[&key];
                    let own = Own { weight: own.weight.or(Some(held.weight)), ttl: own.ttl.or(Some(held.ttl)) };
                    self.store(key, current, own);
                    Got::Value(current)
                }
                None => Got::Failed,
            },
            Outcome::Error => Got::Failed,
            Outcome::Panic => Got::Panicked,
        }
    }

    /// The cache, being small, has let go of a key.
    pub(crate) fn forget(&mut self, key: u64) {
        self.held.remove(&key);
    }
}
