//! A queue is a chain of entries that knows how many they are and what they weigh.

use super::Nodes;
use crate::ground::chain::Chain;
use crate::ground::slab::Slot;

/// Entries in a row, with their number and weight.
#[derive(Debug)]
pub(super) struct Queue {
    chain: Chain,
    len: usize,
    weight: u64,
}

impl Queue {
    pub(super) const fn new() -> Self {
        Self { chain: Chain::new(), len: 0, weight: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn weight(&self) -> u64 {
        self.weight
    }

    pub(super) fn back(&self) -> Option<Slot> {
        self.chain.back()
    }

    /// The neighbour of `slot` on the side of the front.
    pub(super) fn before(&self, nodes: &impl Nodes, slot: Slot) -> Option<Slot> {
        self.chain.before(nodes, slot)
    }

    pub(super) fn push_front(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.len += 1;
        self.weight += nodes.weight(slot);
        self.chain.push_front(nodes, slot);
    }

    /// Takes out `slot`, which must be in this queue.
    pub(super) fn remove(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.len -= 1;
        self.weight -= nodes.weight(slot);
        self.chain.remove(nodes, slot);
    }

    /// Takes out the entry at the back.
    pub(super) fn pop_back(&mut self, nodes: &mut impl Nodes) -> Option<Slot> {
        let back = self.back()?;
        self.remove(nodes, back);
        Some(back)
    }

    /// Brings `slot`, which must be in this queue, to the front.
    pub(super) fn bring_to_front(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.chain.remove(nodes, slot);
        self.chain.push_front(nodes, slot);
    }

    /// An entry of this queue weighs `new` now and weighed `old` before.
    pub(super) fn reweighed(&mut self, old: u64, new: u64) {
        self.weight = self.weight - old + new;
    }

    /// Checks that number and weight are those of what is in the chain.
    #[cfg(any(test, debug_assertions, fuzzing))]
    pub(super) fn audit(&self, nodes: &impl Nodes) {
        let (mut len, mut weight, mut next) = (0, 0, self.back());
        while let Some(slot) = next {
            len += 1;
            weight += nodes.weight(slot);
            next = self.before(nodes, slot);
        }
        assert_eq!((len, weight), (self.len, self.weight), "a queue knows its number and weight");
    }
}
