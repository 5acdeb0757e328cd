//! CLOCK (Corbató: "A Paging Experiment with the Multics System", MIT Project MAC, 1968): first in, first out, but an entry that was hit
//! gets a second chance.

use super::hits::Hits;
use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Arrival, Choice, Gone, Policy};
use super::{Nodes, Queue};
use crate::ground::slab::Slot;

/// Entries that get their second chance at most in one search, so that no write pays for a long walk; it then takes the next one, hit or not.
const PATIENCE: u32 = 256;

/// The clock's hand stands between back and front: what it spares goes from the one to the other.
pub(crate) struct Clock {
    queue: Queue,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { queue: Queue::new() }
    }
}

impl Ordered for Clock {
    fn row(&self, nth: u8, _course: &mut Course) -> Option<(Row<'_>, u8)> {
        (nth == 0).then_some((Row::Queue(&self.queue), 0))
    }

    /// What was hit has its turn in the next round.
    fn rank(&self, nodes: &impl Nodes, slot: Slot, _course: &mut Course) -> Rank {
        Rank::Nth(u8::from(nodes.node(slot).marks() > 0))
    }
}

impl Policy for Clock {
    fn hits(&self) -> Hits {
        Hits::marked(1)
    }

    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.queue.push_front(nodes, slot);
    }

    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        nodes.node(slot).mark();
    }

    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot, _gone: Gone) {
        self.queue.remove(nodes, slot);
    }

    fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64) {
        self.queue.reweighed(old, nodes.weight(slot));
    }

    fn victim(&mut self, nodes: &mut impl Nodes, _arrival: Option<&Arrival>) -> Choice {
        for _ in 0..PATIENCE {
            match self.queue.back() {
                Some(back) if nodes.node_mut(back).take_mark() => self.queue.bring_to_front(nodes, back),
                unmarked => return Choice::of(unmarked),
            }
        }
        Choice::of(self.queue.back())
    }

    #[cfg(any(test, debug_assertions, fuzzing))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        self.queue.audit(nodes);
        assert_eq!((self.queue.len(), self.queue.weight()), (entries, weight), "each entry is in the queue");
    }
}
