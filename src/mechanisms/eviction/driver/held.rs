//! A policy with the entries that it holds, apart from any store: what tests and fuzz targets drive.

#[cfg(test)]
use super::super::policy::Bounds;
use super::super::policy::Policy;
use super::super::{Arrival, Choice, Gone, Node, Nodes, Verdict};
use crate::ground::chain::{Link, Links};
use crate::ground::slab::Slot;
use std::collections::BTreeSet;
use std::time::Duration;

/// Nodes, weights and hashes of so many slots, apart from any store.
pub(crate) struct Table {
    pub(crate) nodes: Vec<Node>,
    weights: Vec<u64>,
    hashes: Vec<u64>,
}

impl Table {
    pub(crate) fn new(slots: u32) -> Self {
        let hash = |slot: u32| u64::from(slot + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self {
            nodes: (0..slots).map(|_| Node::new(Duration::ZERO)).collect(),
            weights: vec![1; slots as usize],
            hashes: (0..slots).map(hash).collect(),
        }
    }

    /// Gives `slot` to a new entry.
    pub(crate) fn renew(&mut self, slot: Slot, weight: u64, cost: Duration) {
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
pub(crate) struct Held<P> {
    pub(crate) policy: P,
    pub(crate) table: Table,
    pub(crate) held: BTreeSet<Slot>,
    pub(crate) weight: u64,
    pub(crate) capacity: u64,
}

impl<P: Policy> Held<P> {
    pub(crate) fn new(policy: P, slots: u32, capacity: u64) -> Self {
        Self { policy, table: Table::new(slots), held: BTreeSet::new(), weight: 0, capacity }
    }

    /// One request for a key, whose entry weighs one: a hit, or a miss and an entry that comes in. Gives the victim, if there was one.
    #[cfg(test)]
    pub(crate) fn request(&mut self, key: Slot) -> Option<Slot> {
        self.request_of(key, 1, Duration::ZERO).expect("an entry of weight one is welcome").first().copied()
    }

    /// One request for a key, by the weight and the cost of its entry if it is a miss. Gives the victims, or nothing if it was refused.
    pub(crate) fn request_of(&mut self, key: Slot, weight: u64, cost: Duration) -> Option<Vec<Slot>> {
        if self.held.contains(&key) {
            if self.policy.hit(self.table.node(key), self.table.hash(key)) {
                self.policy.touched(&mut self.table, key);
            }
            return Some(Vec::new());
        }
        let mut victims = Vec::new();
        if weight > self.capacity - self.weight {
            let arrival = Arrival { hash: self.table.hash(key), weight, missing: weight - (self.capacity - self.weight) };
            if self.policy.arrives(&mut self.table, &arrival) == Verdict::Refused {
                return None;
            }
            while weight > self.capacity - self.weight {
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

    pub(crate) fn remove(&mut self, key: Slot, gone: Gone) {
        self.policy.removed(&mut self.table, key, gone);
        assert!(self.held.remove(&key), "{key} is held");
        self.weight -= self.table.weight(key);
    }

    pub(crate) fn reweigh(&mut self, key: Slot, weight: u64) {
        let old = std::mem::replace(&mut self.table.weights[key as usize], weight);
        self.weight = self.weight - old + weight;
        self.policy.reweighed(&mut self.table, key, old);
    }

    pub(crate) fn audit(&self) {
        self.policy.audit(&self.table, self.held.len(), self.weight);
    }
}

/// The bounds of so many entries of weight one.
#[cfg(test)]
pub(crate) fn entries(capacity: u64) -> Bounds {
    Bounds { weight: capacity, entries: Some(capacity) }
}
