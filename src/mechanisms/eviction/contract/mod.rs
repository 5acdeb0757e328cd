//! What every policy must hold; and beside, a file for each, the policies against plain models of their papers.

mod adaptive;
mod arc;
mod clock;
mod cost_aware;
mod fifo;
mod ghost;
mod history;
mod lfu;
mod lirs;
mod lru;
mod none;
mod random;
mod s3_fifo;
mod sieve;
mod sketch;
mod slru;
mod tiny_lfu;
mod weights;

use super::family::Family;
use super::policy::Policy;
use super::{Arrival, Bounds, Choice, EvictionPolicy, Gone, Node, Nodes, Verdict};
use crate::ground::chain::{Link, Links};
use crate::ground::slab::Slot;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

const SLOTS: u32 = 16;

/// Every policy that evicts.
fn policies() -> impl Iterator<Item = EvictionPolicy> {
    EvictionPolicy::ALL.into_iter().filter(|&policy| policy != EvictionPolicy::None)
}

/// Nodes, weights and hashes of so many slots, apart from any store.
pub(super) struct Table {
    nodes: Vec<Node>,
    weights: Vec<u64>,
    hashes: Vec<u64>,
}

impl Table {
    pub(super) fn new(slots: u32) -> Self {
        let hash = |slot: u32| u64::from(slot + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self {
            nodes: (0..slots).map(|_| Node::new(Duration::ZERO)).collect(),
            weights: vec![1; slots as usize],
            hashes: (0..slots).map(hash).collect(),
        }
    }

    /// Gives `slot` to a new entry.
    pub(super) fn renew(&mut self, slot: Slot, weight: u64, cost: Duration) {
        self.nodes[slot as usize] = Node::new(cost);
        self.weights[slot as usize] = weight;
    }
}

impl Links for Table {
    fn link(&self, slot: Slot) -> Link {
        self.nodes[slot as usize].link
    }
    fn link_mut(&mut self, slot: Slot) -> &mut Link {
        &mut self.nodes[slot as usize].link
    }
}

impl Nodes for Table {
    fn node(&self, slot: Slot) -> &Node {
        &self.nodes[slot as usize]
    }
    fn node_mut(&mut self, slot: Slot) -> &mut Node {
        &mut self.nodes[slot as usize]
    }
    fn weight(&self, slot: Slot) -> u64 {
        self.weights[slot as usize]
    }
    fn hash(&self, slot: Slot) -> u64 {
        self.hashes[slot as usize]
    }
}

/// A policy with the entries that it holds, each in the slot of its key's number: what a shard is to it.
pub(super) struct Held<P> {
    pub(super) policy: P,
    pub(super) table: Table,
    pub(super) held: BTreeSet<Slot>,
    pub(super) weight: u64,
    capacity: u64,
}

impl<P: Policy> Held<P> {
    pub(super) fn new(policy: P, slots: u32, capacity: u64) -> Self {
        Self { policy, table: Table::new(slots), held: BTreeSet::new(), weight: 0, capacity }
    }

    /// One request for a key, whose entry weighs one: a hit, or a miss and an entry that comes in. Gives the victim, if there was one.
    pub(super) fn request(&mut self, key: Slot) -> Option<Slot> {
        self.request_of(key, 1, Duration::ZERO).expect("an entry of weight one is welcome").first().copied()
    }

    /// One request for a key, by the weight and the cost of its entry if it is a miss. Gives the victims, or nothing if it was refused.
    pub(super) fn request_of(&mut self, key: Slot, weight: u64, cost: Duration) -> Option<Vec<Slot>> {
        if self.held.contains(&key) {
            if self.policy.hit(self.table.node(key), self.table.hash(key)) {
                self.policy.touched(&mut self.table, key);
            }
            return Some(Vec::new());
        }
        let mut victims = Vec::new();
        if self.weight + weight > self.capacity {
            let arrival = Arrival { hash: self.table.hash(key), weight, missing: self.weight + weight - self.capacity };
            if self.policy.arrives(&mut self.table, &arrival) == Verdict::Refused {
                return None;
            }
            while self.weight + weight > self.capacity {
                let Choice::Evict(victim) = self.policy.victim(&mut self.table, Some(&arrival)) else { panic!("entries are held") };
                self.remove(victim, Gone::Evicted);
                victims.push(victim);
            }
        }
        self.table.renew(key, weight, cost);
        self.policy.admitted(&mut self.table, key);
        self.held.insert(key);
        self.weight += weight;
        Some(victims)
    }

    pub(super) fn remove(&mut self, key: Slot, gone: Gone) {
        self.policy.removed(&mut self.table, key, gone);
        assert!(self.held.remove(&key), "{key} is held");
        self.weight -= self.table.weight(key);
    }

    pub(super) fn reweigh(&mut self, key: Slot, weight: u64) {
        let old = std::mem::replace(&mut self.table.weights[key as usize], weight);
        self.weight = self.weight - old + weight;
        self.policy.reweighed(&mut self.table, key, old);
    }

    pub(super) fn audit(&self) {
        self.policy.audit(&self.table, self.held.len(), self.weight);
    }
}

/// The bounds of so many entries of weight one.
pub(super) fn entries(capacity: u64) -> Bounds {
    Bounds { weight: capacity, entries: Some(capacity) }
}

fn family(policy: EvictionPolicy, slots: u32, capacity: u64) -> Held<Family> {
    Held::new(Family::new(policy, entries(capacity), None), slots, capacity)
}

proptest! {
    #[test]
    fn every_victim_is_held_and_every_entry_can_be_had(
        steps in prop::collection::vec((0..SLOTS, 0..8_u8, 1..4_u64), 1..300),
        capacity in 3..20_u64,
    ) {
        for policy in policies() {
            let mut shard = family(policy, SLOTS, capacity);
            for &(key, kind, weight) in &steps {
                let is_held = shard.held.contains(&key);
                match kind {
                    0 if is_held => shard.remove(key, Gone::Left),
                    1 if is_held && shard.weight - shard.table.weight(key) + weight <= capacity => shard.reweigh(key, weight),
                    _ => drop(shard.request_of(key, weight, Duration::from_micros(u64::from(kind)))),
                }
                prop_assert!(shard.weight <= capacity);
                shard.audit();
            }
            while let Choice::Evict(victim) = shard.policy.victim(&mut shard.table, None) {
                shard.remove(victim, Gone::Evicted);
                shard.audit();
            }
            prop_assert!(shard.held.is_empty(), "{policy:?} lost {:?}", shard.held);
        }
    }
}
