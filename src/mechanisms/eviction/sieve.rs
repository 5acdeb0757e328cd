//! SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi: "SIEVE is Simpler than LRU", NSDI 2024): one queue in order of
//! arrival, and a hand that spares what was hit since it last came by.

use super::hits::Hits;
use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Arrival, Choice, Gone, Policy};
use super::{Nodes, Queue};
use crate::ground::slab::Slot;

/// Entries that the hand spares at most in one search, so that no write pays for a long walk; it then takes the next one, hit or not.
const PATIENCE: u32 = 256;

/// Front: came last. Back: came first.
pub(crate) struct Sieve {
    queue: Queue,
    /// Where the next search begins; the back where there is none.
    hand: Option<Slot>,
}

impl Sieve {
    pub(super) fn new() -> Self {
        Self { queue: Queue::new(), hand: None }
    }
}

impl Ordered for Sieve {
    fn row(&self, nth: u8, _course: &mut Course) -> Option<(Row<'_>, u8)> {
        (nth == 0).then_some((Row::Queue(&self.queue), 0))
    }

    /// The hand comes to the front, then to what is behind it; and what was hit has its turn in the next round.
    fn rank(&self, nodes: &impl Nodes, slot: Slot, course: &mut Course) -> Rank {
        course.hand_met |= self.hand.is_none_or(|hand| hand == slot);
        let (is_behind, is_hit) = (!course.hand_met, nodes.node(slot).marks() > 0);
        Rank::Nth(u8::from(is_behind) + 2 * u8::from(is_hit))
    }
}

impl Policy for Sieve {
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
        if self.hand == Some(slot) {
            self.hand = self.queue.before(nodes, slot);
        }
        self.queue.remove(nodes, slot);
    }

    fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64) {
        self.queue.reweighed(old, nodes.weight(slot));
    }

    fn victim(&mut self, nodes: &mut impl Nodes, _arrival: Option<&Arrival>) -> Choice {
        let Some(mut at) = self.hand.or_else(|| self.queue.back()) else { return Choice::Nothing };
        for _ in 0..PATIENCE {
            if !nodes.node_mut(at).take_mark() {
                break;
            }
            let next = self.queue.before(nodes, at).or_else(|| self.queue.back());
            at = next.expect("there is an entry, the one that was just looked at");
        }
        self.hand = Some(at);
        Choice::Evict(at)
    }

    #[cfg(any(test, debug_assertions, fuzzing))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        self.queue.audit(nodes);
        assert_eq!((self.queue.len(), self.queue.weight()), (entries, weight), "each entry is in the queue");
    }
}
