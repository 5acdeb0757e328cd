//! First in, first out: one queue in order of arrival.

use super::hits::Hits;
use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Arrival, Choice, Gone, Policy};
use super::{Nodes, Queue};
use crate::ground::slab::Slot;

/// Front: came last. Back: came first.
pub(crate) struct Fifo {
    queue: Queue,
}

impl Fifo {
    pub(super) fn new() -> Self {
        Self { queue: Queue::new() }
    }
}

impl Ordered for Fifo {
    fn row(&self, nth: u8, _course: &mut Course) -> Option<(Row<'_>, u8)> {
        (nth == 0).then_some((Row::Queue(&self.queue), 0))
    }

    fn rank(&self, _nodes: &impl Nodes, _slot: Slot, _course: &mut Course) -> Rank {
        Rank::Nth(0)
    }
}

impl Policy for Fifo {
    fn hits(&self) -> Hits {
        Hits::IGNORED
    }

    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.queue.push_front(nodes, slot);
    }

    fn touched(&mut self, _nodes: &mut impl Nodes, _slot: Slot) {}

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
