//! Segmented LRU (Karedla, Love, Wherry: "Caching Strategies to Improve Disk System Performance", IEEE Computer 27(3), 1994): what was
//! used again since it came in is protected from what wasn't.

use super::hits::Hits;
use super::node::Node;
use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Arrival, Bounds, Choice, Gone, Policy};
use super::{Nodes, Queue};
use crate::ground::slab::Slot;

/// Entries that one call sends back to probation at most: after a shrink there may be many.
const PATIENCE: u32 = 64;

const PROBATION: u8 = 0;
const PROTECTED: u8 = 1;

/// Two queues in order of use: front used last, back used longest ago.
pub(crate) struct Slru {
    /// Entries that weren't used since they came in, and those that have lost their protection.
    probation: Queue,
    protected: Queue,
    /// The weight that may be protected.
    protected_share: u64,
    /// Whether anything has ever to go.
    is_bounded: bool,
}

impl Slru {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { probation: Queue::new(), protected: Queue::new(), protected_share: protected_share(bounds), is_bounded: is_bounded(bounds) }
    }

    fn queue_of(&mut self, node: &Node) -> &mut Queue {
        if node.region == PROTECTED { &mut self.protected } else { &mut self.probation }
    }

    /// Brings `slot` to the front of the queue of `region`.
    fn transfer(&mut self, nodes: &mut impl Nodes, slot: Slot, region: u8) {
        self.queue_of(nodes.node(slot)).remove(nodes, slot);
        nodes.node_mut(slot).region = region;
        self.queue_of(nodes.node(slot)).push_front(nodes, slot);
    }

    /// Sends what was used longest ago back to probation while too much is protected.
    fn settle(&mut self, nodes: &mut impl Nodes) {
        for _ in 0..PATIENCE {
            if self.protected.weight() <= self.protected_share {
                break;
            }
            let back = self.protected.back().expect("what weighs something isn't empty");
            self.transfer(nodes, back, PROBATION);
        }
    }

    /// Where `slot` belongs that was used: an entry heavier than all that may be protected would drive out the rest for nothing.
    fn region_for(&self, nodes: &impl Nodes, slot: Slot) -> u8 {
        if nodes.weight(slot) > self.protected_share { PROBATION } else { PROTECTED }
    }
}

/// Four fifths.
fn protected_share(bounds: Bounds) -> u64 {
    bounds.weight - bounds.weight.div_ceil(5)
}

fn is_bounded(bounds: Bounds) -> bool {
    bounds.weight < u64::MAX
}

impl Ordered for Slru {
    fn row(&self, nth: u8, _course: &mut Course) -> Option<(Row<'_>, u8)> {
        match nth {
            0 => Some((Row::Queue(&self.probation), 0)),
            1 => Some((Row::Queue(&self.protected), 1)),
            _ => None,
        }
    }

    fn rank(&self, nodes: &impl Nodes, slot: Slot, _course: &mut Course) -> Rank {
        Rank::Nth(u8::from(nodes.node(slot).region == PROTECTED))
    }
}

impl Policy for Slru {
    fn hits(&self) -> Hits {
        Hits::told_if(self.is_bounded)
    }

    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        nodes.node_mut(slot).region = PROBATION;
        self.probation.push_front(nodes, slot);
    }

    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        let region = self.region_for(nodes, slot);
        self.transfer(nodes, slot, region);
        self.settle(nodes);
    }

    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot, _gone: Gone) {
        self.queue_of(nodes.node(slot)).remove(nodes, slot);
    }

    fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64) {
        self.queue_of(nodes.node(slot)).reweighed(old, nodes.weight(slot));
        if nodes.node(slot).region == PROTECTED && self.region_for(nodes, slot) == PROBATION {
            self.transfer(nodes, slot, PROBATION);
        }
        self.settle(nodes);
    }

    fn victim(&mut self, nodes: &mut impl Nodes, _arrival: Option<&Arrival>) -> Choice {
        self.settle(nodes);
        Choice::of(self.probation.back().or_else(|| self.protected.back()))
    }

    fn resized(&mut self, _nodes: &mut impl Nodes, bounds: Bounds) {
        self.protected_share = protected_share(bounds);
        self.is_bounded = is_bounded(bounds);
    }

    #[cfg(any(test, debug_assertions, fuzzing))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        self.probation.audit(nodes);
        self.protected.audit(nodes);
        let held = (self.probation.len() + self.protected.len(), self.probation.weight() + self.protected.weight());
        assert_eq!(held, (entries, weight), "each entry is in one of the queues");
    }
}
