//! Cost-aware eviction by GDSF (Cherkasova: "Improving WWW Proxies Performance with Greedy-Dual-Size-Frequency Caching
//! Policy", HP Laboratories 1998): the entry leaves that is worth least to keep, by its uses, what it cost to load, and its weight.
//!
//! An entry's priority is its worth, uses × cost ÷ weight, plus the clock's time at its last use; the lowest priority leaves, of several the one
//! used longest ago, and the clock rises to the priority of each that left. So what was worth much once, and isn't used any more, leaves in the end.

mod ranking;

use super::hits::Hits;
use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Arrival, Bounds, Choice, Gone, Policy};
use super::{Nodes, Queue};
use crate::ground::slab::Slot;
use ranking::Ranking;

pub(super) use ranking::Ranked;

/// Worth is counted in parts of a microsecond by weight, so small that the heaviest entry is worth some millions of them. Eight bits of uses,
/// 32 of cost and these make less than half of what 128 bits can tell, which the clock, going round, needs.
const PART_BITS: u32 = 87;

/// The regions of a node.
const RANKED: u8 = 0;
const UNRANKED: u8 = 1;

/// Every step takes time by the logarithm of the number of entries. The marks of a node are its uses, 255 at most.
pub(crate) struct CostAware {
    is_bounded: bool,
    ranking: Ranking,
    ranked_weight: u64,
    /// Entries that came in while there was no bound. They leave before all others. Front: came last.
    unranked: Queue,
    /// The number of the last use of all.
    now: u64,
}

impl CostAware {
    pub(super) const fn new(bounds: Bounds) -> Self {
        Self { is_bounded: bounds.weight < u64::MAX, ranking: Ranking::new(), ranked_weight: 0, unranked: Queue::new(), now: 0 }
    }

    /// Puts in an entry that is used now, for the time that `uses` says.
    fn rank(&mut self, nodes: &mut impl Nodes, slot: Slot, uses: u8) {
        self.now += 1;
        let weight = nodes.weight(slot);
        let node = nodes.node_mut(slot);
        node.set_marks(uses);
        node.region = RANKED;
        let cost = node.cost();
        let priority = self.ranking.clock().wrapping_add(worth(uses, cost, weight));
        self.ranking.put(Ranked { priority, used: self.now, slot, cost });
        self.ranked_weight += weight;
    }
}

/// What an entry is worth to keep; less than 2^127.
fn worth(uses: u8, cost: u32, weight: u64) -> u128 {
    let parts = (u128::from(uses) * u128::from(cost)) << PART_BITS;
    if weight == 1 { parts } else { parts / u128::from(weight.max(1)) }
}

impl Ordered for CostAware {
    fn row(&self, nth: u8, course: &mut Course) -> Option<(Row<'_>, u8)> {
        course.origin.get_or_insert(self.ranking.clock());
        match nth {
            0 => Some((Row::Queue(&self.unranked), 0)),
            1 => Some((Row::Ranked(self.ranking.ranked()), 1)),
            _ => None,
        }
    }

    fn rank(&self, nodes: &impl Nodes, slot: Slot, course: &mut Course) -> Rank {
        if nodes.node(slot).region == UNRANKED {
            return Rank::Nth(0);
        }
        let ranked = self.ranking.of(slot);
        Rank::Worth(ranked.priority.wrapping_sub(course.origin.unwrap_or(self.ranking.clock())), ranked.used)
    }
}

impl Policy for CostAware {
    fn hits(&self) -> Hits {
        Hits::told_if(self.is_bounded)
    }

    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        if self.is_bounded {
            return self.rank(nodes, slot, 1);
        }
        nodes.node_mut(slot).region = UNRANKED;
        self.unranked.push_front(nodes, slot);
    }

    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        if !self.is_bounded {
            return;
        }
        let uses = if nodes.node(slot).region == RANKED { nodes.node(slot).marks().saturating_add(1) } else { 1 };
        self.removed(nodes, slot, Gone::Left);
        self.rank(nodes, slot, uses);
    }

    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot, gone: Gone) {
        if nodes.node(slot).region == UNRANKED {
            return self.unranked.remove(nodes, slot);
        }
        if gone == Gone::Evicted && self.ranking.lowest() == Some(slot) {
            self.ranking.raise_clock();
        }
        self.ranking.remove(slot);
        self.ranked_weight -= nodes.weight(slot);
    }

    fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64) {
        let new = nodes.weight(slot);
        let node = nodes.node(slot);
        if node.region == UNRANKED {
            return self.unranked.reweighed(old, new);
        }
        self.ranked_weight = self.ranked_weight - old + new;
        let ranked = self.ranking.remove(slot);
        let (was, is) = (worth(node.marks(), ranked.cost, old), worth(node.marks(), node.cost(), new));
        // The time of its last use stays in its priority, which however is never behind the clock.
        let ahead = ranked.priority.wrapping_sub(self.ranking.clock());
        let ahead = if is >= was { ahead.saturating_add(is - was) } else { ahead.saturating_sub(was - is) };
        let priority = self.ranking.clock().wrapping_add(ahead);
        self.ranking.put(Ranked { priority, cost: node.cost(), ..ranked });
    }

    fn victim(&mut self, _nodes: &mut impl Nodes, _arrival: Option<&Arrival>) -> Choice {
        Choice::of(self.unranked.back().or_else(|| self.ranking.lowest()))
    }

    fn resized(&mut self, _nodes: &mut impl Nodes, bounds: Bounds) {
        self.is_bounded = bounds.weight < u64::MAX;
    }

    #[cfg(any(test, debug_assertions, fuzzing))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        self.unranked.audit(nodes);
        let ranked = self.ranking.audit();
        assert_eq!(ranked.iter().map(|&slot| nodes.weight(slot)).sum::<u64>(), self.ranked_weight, "the ranking knows its weight");
        assert!(ranked.iter().all(|&slot| nodes.node(slot).region == RANKED), "what is ranked says so");
        assert_eq!(ranked.len() + self.unranked.len(), entries, "each entry is in one place");
        assert_eq!(self.ranked_weight + self.unranked.weight(), weight, "together they hold the weight");
    }
}
