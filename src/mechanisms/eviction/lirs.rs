//! LIRS (Jiang, Zhang: "LIRS: An Efficient Low Inter-reference Recency Set Replacement Policy to Improve Buffer Cache
//! Performance", SIGMETRICS 2002): entries whose last two uses lay close together stay, all others pass through.
//!
//! The paper's stack is a list of what was used since the stayer did that was used longest ago. Here each use has a number instead, and a key is
//! in the stack if its last use has a greater number than that stayer's: the same set, and nothing to be pruned.

use super::history::{History, as_many_as};
use super::hits::Hits;
use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Arrival, Bounds, Choice, Gone, Policy, Verdict};
use super::{Nodes, Queue};
use crate::ground::slab::Slot;

/// Entries that turn from stayers to passers, and keys that are forgotten, at most in one call.
const STEPS: u32 = 64;
/// So many keys are remembered for each entry that is held; with one, loops that are longer than the cache are seen too seldom.
const GONE: usize = 2;
/// The passers' share is one part in so many, but room for so many entries of ordinary weight.
const PARTS: u64 = 100;
const PASSERS: u64 = 2;

/// The regions of a node.
const STAYS: u8 = 0;
const PASSES: u8 = 1;

/// Weights are counted where the paper counts blocks; the keys that are remembered are bounded by the number of entries.
pub(crate) struct Lirs {
    bounds: Bounds,
    /// The paper's LIR set. Front: used last.
    stayers: Queue,
    /// The paper's list Q: entries of the HIR set. Front: came last, or used last.
    passers: Queue,
    /// The HIR set's evicted keys that are in the stack, with the numbers of their last uses.
    gone: History<u64>,
    /// By slot, the number of the entry's last use.
    uses: Vec<u64>,
    /// The number of the last use of all.
    now: u64,
    /// What the stayers may weigh.
    share: u64,
    /// A key in the stack for which room is being made.
    returning: Option<u64>,
}

impl Lirs {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            stayers: Queue::new(),
            passers: Queue::new(),
            gone: History::new(),
            uses: Vec::new(),
            now: 0,
            share: stayers_share(bounds),
            returning: None,
        }
    }

    fn is_bounded(&self) -> bool {
        self.bounds.weight < u64::MAX
    }

    fn held(&self) -> usize {
        self.stayers.len() + self.passers.len()
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.gone.len()
    }

    fn queue(&mut self, region: u8) -> &mut Queue {
        if region == STAYS { &mut self.stayers } else { &mut self.passers }
    }

    /// The number of the last use of the entry in `slot`.
    fn last_use(&self, slot: Slot) -> u64 {
        self.uses.get(slot as usize).copied().unwrap_or(0)
    }

    /// Notes that the entry in `slot` is used now.
    fn note_use(&mut self, slot: Slot) {
        let at = slot as usize;
        self.now += 1;
        // While there is no bound all entries stay, and no number is asked for.
        if at >= self.uses.len() && self.is_bounded() {
            self.uses.resize(at + 1, 0);
        }
        if let Some(last) = self.uses.get_mut(at) {
            *last = self.now;
        }
    }

    /// Whether a key of that last use is in the paper's stack.
    fn is_in_stack(&self, last_use: u64) -> bool {
        self.stayers.back().is_some_and(|oldest| last_use > self.last_use(oldest))
    }

    /// Whether an entry that is used stays from now on.
    fn should_stay(&self, weight: u64, was_in_stack: bool) -> bool {
        let has_room = self.stayers.weight().checked_add(weight).is_some_and(|sum| sum <= self.share);
        has_room || (was_in_stack && weight <= self.share)
    }

    /// Turns stayers into passers that weigh more than their share, and forgets keys that have fallen from the stack, or are too many.
    fn settle(&mut self, nodes: &mut impl Nodes, held: usize) {
        for _ in 0..STEPS {
            if self.stayers.weight() <= self.share {
                break;
            }
            let Some(slot) = self.stayers.pop_back(nodes) else { break };
            nodes.node_mut(slot).region = PASSES;
            self.passers.push_front(nodes, slot);
        }
        let most = as_many_as(held, self.bounds).saturating_mul(GONE);
        for _ in 0..STEPS {
            let Some(&last_use) = self.gone.oldest() else { break };
            if self.gone.len() <= most && self.is_in_stack(last_use) {
                break;
            }
            self.gone.forget_oldest();
        }
    }
}

/// What stayers may weigh: all but a hundredth, or but two entries where that is more; at least half.
fn stayers_share(bounds: Bounds) -> u64 {
    let Bounds { weight, entries } = bounds;
    if weight == u64::MAX {
        return weight;
    }
    let ordinary = entries.map_or(1, |entries| weight / entries.max(1));
    let passers = (weight / PARTS).max(ordinary.saturating_mul(PASSERS)).min(weight / 2);
    weight - passers
}

impl Ordered for Lirs {
    fn row(&self, nth: u8, _course: &mut Course) -> Option<(Row<'_>, u8)> {
        match nth {
            0 => Some((Row::Queue(&self.passers), 0)),
            1 => Some((Row::Queue(&self.stayers), 1)),
            _ => None,
        }
    }

    fn rank(&self, nodes: &impl Nodes, slot: Slot, _course: &mut Course) -> Rank {
        Rank::Nth(u8::from(nodes.node(slot).region == STAYS))
    }
}

impl Policy for Lirs {
    fn hits(&self) -> Hits {
        Hits::told_if(self.is_bounded())
    }

    fn arrives(&mut self, _nodes: &mut impl Nodes, arrival: &Arrival) -> Verdict {
        if self.gone.recall(arrival.hash).is_some_and(|last_use| self.is_in_stack(last_use)) {
            self.returning = Some(arrival.hash);
        }
        Verdict::Welcome
    }

    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        let hash = nodes.hash(slot);
        let returns = self.returning.take_if(|returning| *returning == hash).is_some();
        let returns = returns || self.gone.recall(hash).is_some_and(|last_use| self.is_in_stack(last_use));
        let region = if self.should_stay(nodes.weight(slot), returns) { STAYS } else { PASSES };
        self.note_use(slot);
        nodes.node_mut(slot).region = region;
        self.queue(region).push_front(nodes, slot);
        self.settle(nodes, self.held());
    }

    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        let region = nodes.node(slot).region;
        let was_in_stack = self.is_in_stack(self.last_use(slot));
        self.queue(region).remove(nodes, slot);
        let stays = region == STAYS || self.should_stay(nodes.weight(slot), was_in_stack);
        let region = if stays { STAYS } else { PASSES };
        self.note_use(slot);
        nodes.node_mut(slot).region = region;
        self.queue(region).push_front(nodes, slot);
        self.settle(nodes, self.held());
    }

    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot, gone: Gone) {
        let region = nodes.node(slot).region;
        let (last_use, held) = (self.last_use(slot), self.held());
        if gone == Gone::Evicted && region == PASSES && self.is_in_stack(last_use) && self.is_bounded() {
            self.gone.remember(nodes.hash(slot), last_use);
        }
        self.queue(region).remove(nodes, slot);
        if self.held() == 0 {
            // With the stayers all keys have fallen from the stack.
            (self.uses, self.gone) = (Vec::new(), History::new());
        }
        // The entry still counts, for another comes in its place.
        self.settle(nodes, held);
    }

    fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64) {
        self.queue(nodes.node(slot).region).reweighed(old, nodes.weight(slot));
        self.settle(nodes, self.held());
    }

    fn victim(&mut self, _nodes: &mut impl Nodes, _arrival: Option<&Arrival>) -> Choice {
        Choice::of(self.passers.back().or_else(|| self.stayers.back()))
    }

    fn resized(&mut self, nodes: &mut impl Nodes, bounds: Bounds) {
        self.bounds = bounds;
        self.share = stayers_share(bounds);
        self.settle(nodes, self.held());
    }

    #[cfg(any(test, debug_assertions, fuzzing))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        self.stayers.audit(nodes);
        self.passers.audit(nodes);
        self.gone.audit();
        assert_eq!(self.held(), entries, "each entry is in one of the queues");
        assert_eq!(self.stayers.weight() + self.passers.weight(), weight, "the queues hold the weight");
    }
}
