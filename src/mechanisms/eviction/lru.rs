//! Least recently used: one queue in order of use.

use super::hits::Hits;
use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Arrival, Choice, Gone, Policy};
use super::{Nodes, Queue};
use crate::ground::slab::Slot;

/// Front: used last. Back: used longest ago.
pub(crate) struct Lru {
    queue: Queue,
}

impl Lru {
    pub(super) fn new() -> Self {
        Self { queue: Queue::new() }
    }
}

impl Ordered for Lru {
    fn row(&self, nth: u8, _course: &mut Course) -> Option<(Row<'_>, u8)> {
        (nth == 0).then_some((Row::Queue(&self.queue), 0))
    }

    fn rank(&self, _nodes: &impl Nodes, _slot: Slot, _course: &mut Course) -> Rank {
        Rank::Nth(0)
    }
}

impl Policy for Lru {
    fn hits(&self) -> Hits {
        Hits::TOLD
    }

    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.queue.push_front(nodes, slot);
    }

    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.queue.bring_to_front(nodes, slot);
    }

    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot, _gone: Gone) {
        self.queue.remove(nodes, slot);
    }

    fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64) {
        self.queue.reweighed(old, nodes.weight(slot));
    }

    fn victim(&mut self, _nodes: &mut impl Nodes, _arrival: Option<&Arrival>) -> Choice {
        Choice::of(self.queue.back())
    }

    #[cfg(any(test, debug_assertions, fuzzing))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        self.queue.audit(nodes);
        assert_eq!((self.queue.len(), self.queue.weight()), (entries, weight), "each entry is in the queue");
    }
}
