//! A miniature simulation: the policy at work on a slice of the keys, in a cache as much smaller, that holds no values
//! (Waldspurger, Saemundsson, Ahmad, Park: "Cache Modeling and Optimization using Miniature Simulations", ATC 2017).

use super::super::Nodes;
use super::super::node::Node;
use super::super::policy::{Arrival, Bounds, Choice, Gone, Verdict};
use super::lazy_window::LazyWindow;
use super::setting::Setting;
use crate::ground::chain::{Link, Links};
use crate::ground::slab::Slot;
use hashbrown::HashTable;
use std::time::Duration;

/// A cache of keys alone.
pub(super) struct Simulation {
    window: LazyWindow,
    keys: Keys,
    index: HashTable<Slot>,
    capacity: u64,
    weight: u64,
}

/// Nodes, weights and hashes by slot.
struct Keys {
    keys: Vec<Key>,
    vacant: Vec<Slot>,
}

struct Key {
    node: Node,
    hash: u64,
    weight: u64,
}

impl Simulation {
    pub(super) fn new(bounds: Bounds, setting: Setting) -> Self {
        let keys = Keys { keys: Vec::new(), vacant: Vec::new() };
        Self { window: LazyWindow::new(bounds, setting), keys, index: HashTable::new(), capacity: bounds.weight, weight: 0 }
    }

    /// A request for a key, whose entry weighs `weight` if it comes in. Says whether it is a hit.
    pub(super) fn request(&mut self, hash: u64, weight: u64) -> bool {
        let keys = &self.keys.keys;
        let is_it = |&slot: &Slot| keys[slot as usize].hash == hash;
        if let Some(&slot) = self.index.find(hash, is_it) {
            self.keys.node(slot).mark();
            return true;
        }
        if weight <= self.capacity && self.make_room(hash, weight) {
            let slot = self.keys.insert(hash, weight);
            let keys = &self.keys.keys;
            self.index.insert_unique(hash, slot, |&other| keys[other as usize].hash);
            self.weight += weight;
            self.window.admitted(&mut self.keys, slot);
        }
        false
    }

    fn make_room(&mut self, hash: u64, weight: u64) -> bool {
        let missing = weight.saturating_sub(self.capacity - self.weight);
        if missing == 0 {
            return true;
        }
        let arrival = Arrival { hash, weight, missing };
        if self.window.arrives(&mut self.keys, &arrival) == Verdict::Refused {
            return false;
        }
        while weight > self.capacity - self.weight {
            let Choice::Evict(victim) = self.window.victim(&mut self.keys, Some(&arrival)) else { return false };
            self.window.removed(&mut self.keys, victim, Gone::Evicted);
            let Key { hash, weight, .. } = self.keys.keys[victim as usize];
            if let Ok(entry) = self.index.find_entry(hash, |&other| other == victim) {
                entry.remove();
            }
            self.keys.vacant.push(victim);
            self.weight -= weight;
        }
        true
    }
}

impl Keys {
    fn insert(&mut self, hash: u64, weight: u64) -> Slot {
        let key = Key { node: Node::new(Duration::ZERO), hash, weight };
        if let Some(slot) = self.vacant.pop() {
            self.keys[slot as usize] = key;
            return slot;
        }
        self.keys.push(key);
        Slot::try_from(self.keys.len() - 1).expect("a simulation holds few keys")
    }
}

impl Links for Keys {
    fn link(&self, slot: Slot) -> Link {
        self.keys[slot as usize].node.link
    }
    fn link_mut(&mut self, slot: Slot) -> &mut Link {
        &mut self.keys[slot as usize].node.link
    }
}

impl Nodes for Keys {
    fn node(&self, slot: Slot) -> &Node {
        &self.keys[slot as usize].node
    }
    fn node_mut(&mut self, slot: Slot) -> &mut Node {
        &mut self.keys[slot as usize].node
    }
    fn weight(&self, slot: Slot) -> u64 {
        self.keys[slot as usize].weight
    }
    fn hash(&self, slot: Slot) -> u64 {
        self.keys[slot as usize].hash
    }
}
