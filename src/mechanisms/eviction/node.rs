//! A node is what policies keep in each entry: marks that hits leave, a region, a place in a queue, and what the entry cost.

use crate::ground::chain::{Link, Links};
use crate::ground::slab::Slot;
use crate::ground::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// A policy's part of an entry.
#[derive(Debug)]
pub(crate) struct Node {
    /// Raised by hits under the read lock, cleared under the write lock.
    marks: AtomicU8,
    /// Which of its queues a policy holds the entry in; each policy has numbers of its own.
    pub(super) region: u8,
    /// What it took to load, in microseconds, at least one.
    cost: u32,
    pub(crate) link: Link,
}

impl Node {
    pub(crate) fn new(cost: Duration) -> Self {
        let cost = u32::try_from(cost.as_micros()).unwrap_or(u32::MAX).max(1);
        Self { marks: AtomicU8::new(0), region: 0, cost, link: Link::LOOSE }
    }

    /// Takes over what `held` is to its policy, but for the cost.
    pub(crate) fn take_place_of(&mut self, held: &mut Self) {
        let cost = self.cost;
        std::mem::swap(self, held);
        self.cost = cost;
    }

    /// What the entry took to load, in microseconds, at least one.
    pub(crate) fn cost(&self) -> u32 {
        self.cost
    }

    /// Marks a hit. Stores only where there is something to change: entries that are hit often stay unwritten, and their cache lines shared.
    #[inline]
    pub(crate) fn mark(&self) {
        self.mark_up_to(1);
    }

    /// Counts a hit, up to `most`. Of two hits at a time one may be lost.
    #[inline]
    pub(super) fn mark_up_to(&self, most: u8) {
        // Relaxed: the shard's lock orders it before every look that counts.
        let marks = self.marks.load(Ordering::Relaxed);
        if marks < most {
            self.marks.store(marks + 1, Ordering::Relaxed);
        }
    }

    /// How many hits are marked.
    pub(super) fn marks(&self) -> u8 {
        self.marks.load(Ordering::Relaxed)
    }

    /// Sets how many hits are marked, under the write lock.
    pub(super) fn set_marks(&mut self, marks: u8) {
        self.marks.store(marks, Ordering::Relaxed);
    }

    /// Clears the marks and says whether there was any.
    pub(crate) fn take_mark(&mut self) -> bool {
        let was = self.marks();
        if was > 0 {
            self.set_marks(0);
        }
        was > 0
    }
}

/// Where the nodes of slots lie, and what a policy may know of the entries in them.
pub(crate) trait Nodes: Links {
    fn node(&self, slot: Slot) -> &Node;
    fn node_mut(&mut self, slot: Slot) -> &mut Node;
    /// The entry's weight.
    fn weight(&self, slot: Slot) -> u64;
    /// The hash of the entry's key.
    fn hash(&self, slot: Slot) -> u64;
}
