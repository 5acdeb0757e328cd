//! W-TinyLFU (Einziger, Friedman, Manes: "TinyLFU: A Highly Efficient Cache Admission Policy", ACM ToS 13(4), 2017): a window by recency,
//! and behind it a segmented LRU that lets in only what was asked for more often than what it would displace.

use super::hits::Hits;
use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Arrival, Bounds, Choice, Gone, Policy, Verdict};
use super::random::Xorshift;
use super::sketch::Sketch;
use super::{Nodes, Queue};
use crate::ground::slab::Slot;

/// Entries that one call moves or compares at most.
const PATIENCE: u32 = 64;
/// An entry of at most so many times the mean weight is an ordinary one.
const ORDINARY: u128 = 2;
/// A candidate that was asked for so often and still loses has a chance, one in so many. Without it entries that nobody asks for any more, but
/// whose counters stand high, would hold out against newer ones for long.
const WARM: u32 = 6;
const CHANCE: usize = 128;

const WINDOW: u8 = 0;
const PROBATION: u8 = 1;
const PROTECTED: u8 = 2;

/// Queues in order of use. Front: used last. Back: used longest ago.
pub(crate) struct TinyLfu {
    /// What came in lately.
    window: Queue,
    /// What was admitted and not used since, and what has lost its protection.
    probation: Queue,
    protected: Queue,
    /// How often keys were asked for.
    sketch: Sketch,
    /// The hash of an arrival whose request is counted already.
    counted: Option<u64>,
    dice: Xorshift,
    bounds: Bounds,
}

impl TinyLfu {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            window: Queue::new(),
            probation: Queue::new(),
            protected: Queue::new(),
            sketch: Sketch::new(bounds.entries),
            counted: None,
            dice: Xorshift::new(),
            bounds,
        }
    }

    /// Bytes of what is known of the keys.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.sketch.memory()
    }

    fn is_bounded(&self) -> bool {
        self.bounds.weight < u64::MAX
    }

    /// One per cent.
    fn window_share(&self) -> u64 {
        self.bounds.weight.div_ceil(100)
    }

    /// What the window lacks of its share.
    fn lacking(&self) -> u64 {
        self.window_share().saturating_sub(self.window.weight())
    }

    /// Four fifths of what isn't the window's.
    fn protected_share(&self) -> u64 {
        let main = self.bounds.weight - self.window_share();
        main - main.div_ceil(5)
    }

    fn queue(&mut self, region: u8) -> &mut Queue {
        match region {
            PROTECTED => &mut self.protected,
            PROBATION => &mut self.probation,
            _ => &mut self.window,
        }
    }

    /// Brings `slot` to the front of the queue of `region`.
    fn transfer(&mut self, nodes: &mut impl Nodes, slot: Slot, region: u8) {
        let from = std::mem::replace(&mut nodes.node_mut(slot).region, region);
        self.queue(from).remove(nodes, slot);
        self.queue(region).push_front(nodes, slot);
    }

    /// Sends what was used longest ago back to probation while too much is protected.
    fn settle(&mut self, nodes: &mut impl Nodes) {
        for _ in 0..PATIENCE {
            if self.protected.weight() <= self.protected_share() {
                break;
            }
            let back = self.protected.back().expect("what weighs something isn't empty");
            self.transfer(nodes, back, PROBATION);
        }
    }

    /// Sends what was used longest ago out of the window while it holds too much, but for its newest entry. There was room for it all: it
    /// needs no contest.
    fn shed(&mut self, nodes: &mut impl Nodes) {
        for _ in 0..PATIENCE {
            if self.window.weight() <= self.window_share() || self.window.len() == 1 {
                break;
            }
            let back = self.window.back().expect("what weighs something isn't empty");
            self.transfer(nodes, back, PROBATION);
        }
    }

    /// Counts one request for the key of `hash`, unless its arrival has.
    fn count(&mut self, hash: u64) {
        if self.counted == Some(hash) {
            self.counted = None;
        } else if self.is_bounded() {
            self.sketch.add(hash);
        }
    }

    fn held(&self) -> (usize, u64) {
        let queues = [&self.window, &self.probation, &self.protected];
        (queues.iter().map(|queue| queue.len()).sum(), queues.iter().map(|queue| queue.weight()).sum())
    }

    /// Whether an entry of `weight` passes through the window: one that is too heavy would drive all else out of it.
    fn suits_window(&self, weight: u64) -> bool {
        let (entries, held) = self.held();
        weight <= self.window_share() || u128::from(weight) * entries as u128 <= ORDINARY * u128::from(held)
    }

    /// The entry behind the window that is to go first.
    fn last(&self) -> Option<Slot> {
        self.probation.back().or_else(|| self.protected.back())
    }

    /// The entry that is to go after `slot`.
    fn after(&self, nodes: &impl Nodes, slot: Slot) -> Option<Slot> {
        match nodes.node(slot).region {
            PROBATION => self.probation.before(nodes, slot).or_else(|| self.protected.back()).or_else(|| self.window.back()),
            PROTECTED => self.protected.before(nodes, slot).or_else(|| self.window.back()),
            _ => self.window.before(nodes, slot),
        }
    }

    /// Whether the key of `hash`, which has lost, is let in all the same.
    fn is_lucky(&mut self, hash: u64) -> bool {
        self.sketch.estimate(hash) >= WARM && self.dice.below(CHANCE) == 0
    }

    /// Whether the key of `hash` was asked for more often than all those together that have to go for it, until so much weight is free.
    fn wins(&self, nodes: &impl Nodes, hash: u64, weight: u64) -> bool {
        let own = self.sketch.estimate(hash);
        let (mut theirs, mut freed, mut next) = (0, 0, self.last().or_else(|| self.window.back()));
        for _ in 0..PATIENCE {
            let Some(victim) = next else { break };
            theirs += self.sketch.estimate(nodes.hash(victim));
            freed += nodes.weight(victim);
            if own <= theirs {
                return false;
            }
            if freed >= weight {
                return true;
            }
            next = self.after(nodes, victim);
        }
        false
    }
}

impl Ordered for TinyLfu {
    fn row(&self, nth: u8, course: &mut Course) -> Option<(Row<'_>, u8)> {
        let (window, probation, protected) = (Row::Queue(&self.window), Row::Queue(&self.probation), Row::Queue(&self.protected));
        let rows = if course.begins_behind(self.lacking()) {
            [(probation, 0), (protected, 0), (window, 1)]
        } else {
            [(window, 1), (probation, 2), (protected, 4)]
        };
        rows.into_iter().nth(nth.into())
    }

    /// First goes what the window lacks of its share, then what would lose its contest on leaving the window. What would win it leaves after those on
    /// probation.
    fn rank(&self, nodes: &impl Nodes, slot: Slot, course: &mut Course) -> Rank {
        let asked = |slot| self.sketch.estimate(nodes.hash(slot));
        Rank::Nth(match nodes.node(slot).region {
            PROBATION | PROTECTED if course.is_first(nodes.weight(slot), self.lacking()) => 0,
            PROBATION => 2,
            PROTECTED => 4,
            _ if self.last().is_some_and(|last| asked(slot) > asked(last)) => 3,
            _ => 1,
        })
    }
}

impl Policy for TinyLfu {
    fn hits(&self) -> Hits {
        Hits::told_if(self.is_bounded())
    }

    fn arrives(&mut self, nodes: &mut impl Nodes, arrival: &Arrival) -> Verdict {
        self.counted = None;
        self.count(arrival.hash);
        self.counted = Some(arrival.hash);
        if self.suits_window(arrival.weight) || self.wins(nodes, arrival.hash, arrival.missing) {
            Verdict::Welcome
        } else {
            Verdict::Refused
        }
    }

    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.count(nodes.hash(slot));
        let weight = nodes.weight(slot);
        let region = if self.suits_window(weight) { WINDOW } else { PROBATION };
        nodes.node_mut(slot).region = region;
        self.queue(region).push_front(nodes, slot);
        if !self.is_bounded() {
            return;
        }
        let (held, weight) = self.held();
        if weight <= self.bounds.weight {
            self.sketch.hold(held as u64);
        }
        if region == WINDOW {
            self.shed(nodes);
        }
    }

    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.count(nodes.hash(slot));
        let region = match nodes.node(slot).region {
            WINDOW => WINDOW,
            // It would drive out all else that is protected, for nothing.
            _ if nodes.weight(slot) > self.protected_share() => PROBATION,
            _ => PROTECTED,
        };
        self.transfer(nodes, slot, region);
        self.settle(nodes);
    }

    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot, _gone: Gone) {
        let region = nodes.node(slot).region;
        self.queue(region).remove(nodes, slot);
    }

    fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64) {
        let (region, weight) = (nodes.node(slot).region, nodes.weight(slot));
        self.queue(region).reweighed(old, weight);
        if region == PROTECTED && weight > self.protected_share() {
            self.transfer(nodes, slot, PROBATION);
        }
        self.settle(nodes);
    }

    fn victim(&mut self, nodes: &mut impl Nodes, arrival: Option<&Arrival>) -> Choice {
        self.settle(nodes);
        let coming = arrival.map_or(0, |arrival| arrival.weight);
        let coming = if self.suits_window(coming) { coming } else { 0 };
        let Some(candidate) = self.window.back() else { return Choice::of(self.last()) };
        let Some(last) = self.last() else { return Choice::Evict(candidate) };
        // The window's share is never less than its newest entry of ordinary weight.
        if self.window.weight().saturating_add(coming) <= self.window_share() {
            return Choice::Evict(last);
        }
        let hash = nodes.hash(candidate);
        if self.wins(nodes, hash, nodes.weight(candidate)) || self.is_lucky(hash) {
            self.transfer(nodes, candidate, PROBATION);
            return Choice::Evict(last);
        }
        Choice::Evict(candidate)
    }

    fn resized(&mut self, _nodes: &mut impl Nodes, bounds: Bounds) {
        self.bounds = bounds;
        if !self.is_bounded() {
            self.sketch = Sketch::new(None);
            return;
        }
        let (held, weight) = self.held();
        self.sketch.shrink_to(bounds.entries_of(held, weight));
    }

    #[cfg(any(test, debug_assertions, fuzzing))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        [&self.window, &self.probation, &self.protected].iter().for_each(|queue| queue.audit(nodes));
        assert_eq!(self.held(), (entries, weight), "each entry is in one of the queues");
    }
}
