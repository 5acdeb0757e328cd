//! All the policies that a cache can have, a custom one among them, and what both faces do with the capacity.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use crate::faces::{Face, Kind};
use bellwether::{CacheBuilder, CustomPolicy, EvictionPolicy, Key, PolicyEntry, PolicySlot, Refused, Value};
use std::collections::{BTreeMap, HashMap};

/// A policy that a cache can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    Of(EvictionPolicy),
    /// Of the user's own: the entry that was used longest ago leaves.
    Custom,
}

/// Every policy.
pub fn rules() -> impl Iterator<Item = Rule> {
    EvictionPolicy::ALL.into_iter().map(Rule::Of).chain([Rule::Custom])
}

/// Every policy under which something leaves where room is missing.
pub fn evicting() -> impl Iterator<Item = Rule> {
    rules().filter(|rule| !rule.keeps())
}

impl Rule {
    pub fn apply<K: Key, V: Value>(self, builder: CacheBuilder<K, V>) -> CacheBuilder<K, V> {
        match self {
            Self::Of(policy) => builder.eviction(policy),
            Self::Custom => builder.custom_eviction(|_| Oldest::default()),
        }
    }

    /// Whether what is held stays, and what is new is refused.
    pub fn keeps(self) -> bool {
        self == Self::Of(EvictionPolicy::None)
    }

    /// Whether a heavy entry has to be worth what it takes the place of.
    pub fn contests(self) -> bool {
        matches!(self, Self::Of(EvictionPolicy::Adaptive | EvictionPolicy::TinyLfu))
    }
}

/// The entry that was used longest ago leaves.
#[derive(Default)]
pub struct Oldest {
    order: BTreeMap<u64, PolicySlot>,
    moments: HashMap<PolicySlot, u64>,
    now: u64,
}

impl Oldest {
    fn leaves(&mut self, slot: PolicySlot) {
        if let Some(moment) = self.moments.remove(&slot) {
            self.order.remove(&moment);
        }
    }

    fn comes(&mut self, slot: PolicySlot) {
        self.now += 1;
        self.order.insert(self.now, slot);
        self.moments.insert(slot, self.now);
    }
}

impl<K, V> CustomPolicy<K, V> for Oldest {
    fn admitted(&mut self, slot: PolicySlot, _entry: &PolicyEntry<'_, K, V>) {
        self.comes(slot);
    }

    fn touched(&mut self, slot: PolicySlot) {
        self.leaves(slot);
        self.comes(slot);
    }

    fn removed(&mut self, slot: PolicySlot) {
        self.leaves(slot);
    }

    fn victim(&mut self) -> Option<PolicySlot> {
        self.order.first_key_value().map(|(_, &slot)| slot)
    }
}

/// Sets the capacity, by the face's own method.
pub fn set_capacity<F: Kind, K: Key, V: Value>(cache: &impl Face<K, V>, capacity: u64) {
    let threads = cache.sync();
    if F::IS_BLOCKING { threads.set_capacity(capacity) } else { threads.to_async().set_capacity(capacity) }
}

/// The capacity, by the face's own method.
pub fn capacity<F: Kind, K: Key, V: Value>(cache: &impl Face<K, V>) -> u64 {
    let threads = cache.sync();
    if F::IS_BLOCKING { threads.capacity() } else { threads.to_async().capacity() }
}

/// Inserts if it is sure to be held, by the face's own method.
pub fn try_insert<F: Kind, K: Key, V: Value>(cache: &impl Face<K, V>, key: K, value: V) -> Result<(), Refused> {
    let threads = cache.sync();
    if F::IS_BLOCKING { threads.try_insert(key, value) } else { threads.to_async().try_insert(key, value) }
}
