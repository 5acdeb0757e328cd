//! ARC (Megiddo, Modha: "ARC: A Self-Tuning, Low Overhead Replacement Cache", FAST 2003): entries used once and entries used
//! again share the room, and what returns soon after it went moves the border.

use super::history::{History, as_many_as};
use super::hits::Hits;
use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Arrival, Bounds, Choice, Gone, Policy, Verdict};
use super::{Nodes, Queue};
use crate::ground::slab::Slot;

/// Keys that are forgotten at most in one call.
const STEPS: u32 = 64;

/// The regions of a node.
const ONCE: u8 = 0;
const AGAIN: u8 = 1;

/// Weights are counted where the paper counts pages; the keys that are remembered are bounded by the number of entries.
pub(crate) struct Arc {
    bounds: Bounds,
    /// The paper's T1: used once since they came in. Front: came last.
    once: Queue,
    /// The paper's T2: used again. Front: used last.
    again: Queue,
    /// The paper's B1: evicted from `once`.
    once_gone: History,
    /// The paper's B2: evicted from `again`.
    again_gone: History,
    /// The paper's p: what `once` should weigh.
    target: u64,
    /// A remembered key for which room is being made, and where it was.
    returning: Option<(u64, u8)>,
}

impl Arc {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            once: Queue::new(),
            again: Queue::new(),
            once_gone: History::new(),
            again_gone: History::new(),
            target: 0,
            returning: None,
        }
    }

    fn is_bounded(&self) -> bool {
        self.bounds.weight < u64::MAX
    }

    fn held(&self) -> usize {
        self.once.len() + self.again.len()
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.once_gone.len() + self.again_gone.len()
    }

    fn queue(&mut self, region: u8) -> &mut Queue {
        if region == ONCE { &mut self.once } else { &mut self.again }
    }

    /// What `once` lacks of being over its target.
    fn lacking(&self) -> u64 {
        self.target.checked_sub(self.once.weight()).map_or(0, |lacking| lacking.saturating_add(1))
    }

    /// Takes a key out of what is remembered, moves the border for it, and says where it was.
    fn recall(&mut self, hash: u64, weight: u64) -> Option<u8> {
        // As the paper counts, the key itself is still among them.
        let (once, again) = (self.once_gone.len(), self.again_gone.len());
        if self.once_gone.recall(hash).is_some() {
            self.target = self.target.saturating_add(step(weight, again, once)).min(self.bounds.weight);
            return Some(ONCE);
        }
        self.again_gone.recall(hash)?;
        self.target = self.target.saturating_sub(step(weight, once, again));
        Some(AGAIN)
    }

    /// Forgets keys in excess: `once` with what is remembered of it may be as many as are held, all together twice as many.
    fn forget_excess(&mut self, held: usize) {
        let most = as_many_as(held, self.bounds);
        for _ in 0..STEPS {
            let once = self.once.len() + self.once_gone.len();
            let all = once + self.again.len() + self.again_gone.len();
            let forgot =
                (once > most && self.once_gone.forget_oldest()) || (all > most.saturating_mul(2) && self.again_gone.forget_oldest());
            if !forgot {
                break;
            }
        }
    }
}

/// How far the border moves for a key that returns, `here` being how many are remembered where it was: further where they are few.
fn step(weight: u64, there: usize, here: usize) -> u64 {
    let step = u128::from(weight) * there.max(here) as u128 / here.max(1) as u128;
    u64::try_from(step).unwrap_or(u64::MAX)
}

impl Ordered for Arc {
    fn row(&self, nth: u8, course: &mut Course) -> Option<(Row<'_>, u8)> {
        match (nth, course.begins_behind(self.lacking())) {
            (0, true) => Some((Row::Queue(&self.again), 0)),
            (0, false) | (1, true) => Some((Row::Queue(&self.once), 1)),
            (1, false) => Some((Row::Queue(&self.again), 2)),
            _ => None,
        }
    }

    /// What was used again gives what the others lack of their target, until they are over it; then the others go, then the rest.
    fn rank(&self, nodes: &impl Nodes, slot: Slot, course: &mut Course) -> Rank {
        Rank::Nth(match nodes.node(slot).region {
            ONCE => 1,
            _ if course.is_first(nodes.weight(slot), self.lacking()) => 0,
            _ => 2,
        })
    }
}

impl Policy for Arc {
    fn hits(&self) -> Hits {
        Hits::told_if(self.is_bounded())
    }

    fn arrives(&mut self, _nodes: &mut impl Nodes, arrival: &Arrival) -> Verdict {
        if let Some(region) = self.recall(arrival.hash, arrival.weight) {
            self.returning = Some((arrival.hash, region));
        }
        Verdict::Welcome
    }

    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        let hash = nodes.hash(slot);
        let returns = self.returning.take_if(|(returning, _)| *returning == hash).is_some();
        let returns = returns || self.recall(hash, nodes.weight(slot)).is_some();
        let region = if returns { AGAIN } else { ONCE };
        nodes.node_mut(slot).region = region;
        self.queue(region).push_front(nodes, slot);
        self.forget_excess(self.held());
    }

    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        let node = nodes.node_mut(slot);
        let was = std::mem::replace(&mut node.region, AGAIN);
        self.queue(was).remove(nodes, slot);
        self.again.push_front(nodes, slot);
    }

    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot, gone: Gone) {
        let region = nodes.node(slot).region;
        let held = self.held();
        self.queue(region).remove(nodes, slot);
        if gone == Gone::Evicted && self.is_bounded() {
            let history = if region == ONCE { &mut self.once_gone } else { &mut self.again_gone };
            history.remember(nodes.hash(slot), ());
        }
        if self.held() == 0 && gone == Gone::Left {
            // Of a shard that was emptied nothing stays behind.
            (self.once_gone, self.again_gone) = (History::new(), History::new());
        }
        // The entry still counts, for another comes in its place.
        self.forget_excess(held);
    }

    fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64) {
        self.queue(nodes.node(slot).region).reweighed(old, nodes.weight(slot));
    }

    fn victim(&mut self, _nodes: &mut impl Nodes, arrival: Option<&Arrival>) -> Choice {
        // Where both have what they should, the one gives way whose key returns.
        let favours_again = arrival.is_some_and(|arrival| self.returning == Some((arrival.hash, AGAIN)));
        let once_is_over = self.once.weight() > self.target || (favours_again && self.once.weight() == self.target);
        let (first, second) = if once_is_over { (&self.once, &self.again) } else { (&self.again, &self.once) };
        Choice::of(first.back().or_else(|| second.back()))
    }

    fn resized(&mut self, _nodes: &mut impl Nodes, bounds: Bounds) {
        self.bounds = bounds;
        self.target = self.target.min(bounds.weight);
        self.forget_excess(self.held());
    }

    #[cfg(any(test, debug_assertions, fuzzing))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        self.once.audit(nodes);
        self.again.audit(nodes);
        self.once_gone.audit();
        self.again_gone.audit();
        assert_eq!(self.held(), entries, "each entry is in one of the queues");
        assert_eq!(self.once.weight() + self.again.weight(), weight, "the queues hold the weight");
        assert!(self.target <= self.bounds.weight, "the border is within the capacity");
    }
}
