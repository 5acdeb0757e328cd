//! S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO Queues are All You Need for Cache Eviction", SOSP 2023): a small queue that most entries
//! leave at once, a main queue for those that were hit, and the ghosts of those that left too early.

mod ghosts;

use super::hits::Hits;
use super::node::Node;
use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Arrival, Bounds, Choice, Gone, Policy, Verdict};
use super::{Nodes, Queue};
use crate::ground::slab::Slot;
use ghosts::Ghosts;

/// Entries that one search spares at most, so that no write pays for a long walk; it then takes the next one, hit or not.
const PATIENCE: u32 = 256;
/// Hits that are counted at most.
const MOST_HITS: u8 = 3;
/// Hits that take an entry from the small queue to the main one: one may be of the same burst.
const ENOUGH_HITS: u8 = 2;
/// Ghosts that are kept where nobody knows how many entries there will be.
const FEW_GHOSTS: usize = 1_024;

const SMALL: u8 = 0;
const MAIN: u8 = 1;

/// Queues in order of arrival. Front: came last. Back: came first.
pub(crate) struct S3Fifo {
    small: Queue,
    main: Queue,
    /// What left the small queue without having been hit enough.
    ghosts: Ghosts,
    /// The hash of an arrival that was a ghost.
    returning: Option<u64>,
    bounds: Bounds,
}

impl S3Fifo {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { small: Queue::new(), main: Queue::new(), ghosts: Ghosts::new(), returning: None, bounds }
    }

    /// How many ghosts are kept.
    #[cfg(test)]
    pub(super) fn ghosts(&self) -> usize {
        self.ghosts.len()
    }

    fn is_bounded(&self) -> bool {
        self.bounds.weight < u64::MAX
    }

    /// The weight from which on the small queue gives up entries before the main one does.
    fn small_share(&self) -> u64 {
        (self.bounds.weight / 10).max(1)
    }

    /// What the small queue lacks of its share.
    fn lacking(&self) -> u64 {
        self.small_share().saturating_sub(self.small.weight())
    }

    /// As many as the main queue is to hold entries.
    fn most_ghosts(&self) -> usize {
        match self.bounds.entries {
            Some(entries) => usize::try_from(entries - entries / 10).unwrap_or(usize::MAX),
            None => (self.small.len() + self.main.len()).next_power_of_two().max(FEW_GHOSTS),
        }
    }

    fn queue_of(&mut self, node: &Node) -> &mut Queue {
        if node.region == MAIN { &mut self.main } else { &mut self.small }
    }

    /// The next entry to be looked at.
    fn next(&self) -> Option<Slot> {
        let is_small_full = self.small.weight() >= self.small_share();
        let (first, second) = if is_small_full { (&self.small, &self.main) } else { (&self.main, &self.small) };
        first.back().or_else(|| second.back())
    }

    /// Whether `slot`, at the back of its queue, stays for its hits. It is then at the front of the main queue.
    fn spares(&mut self, nodes: &mut impl Nodes, slot: Slot) -> bool {
        let node = nodes.node_mut(slot);
        let hits = node.marks();
        if node.region == SMALL && hits >= ENOUGH_HITS {
            node.region = MAIN;
            node.set_marks(0);
            self.small.remove(nodes, slot);
            self.main.push_front(nodes, slot);
            return true;
        }
        if node.region == MAIN && hits > 0 {
            node.set_marks(hits - 1);
            self.main.bring_to_front(nodes, slot);
            return true;
        }
        false
    }
}

impl Ordered for S3Fifo {
    fn row(&self, nth: u8, course: &mut Course) -> Option<(Row<'_>, u8)> {
        match (nth, course.begins_behind(self.lacking())) {
            (0, true) => Some((Row::Queue(&self.main), 0)),
            (0, false) | (1, true) => Some((Row::Queue(&self.small), 1)),
            (1, false) => Some((Row::Queue(&self.main), 2)),
            _ => None,
        }
    }

    /// The main queue gives what the small one lacks of its share, then the small one its own, and the main one the rest. What was hit enough has its turn later.
    fn rank(&self, nodes: &impl Nodes, slot: Slot, course: &mut Course) -> Rank {
        let node = nodes.node(slot);
        Rank::Nth(match (node.region, node.marks()) {
            (MAIN, 0) if course.is_first(nodes.weight(slot), self.lacking()) => 0,
            (MAIN, 0) => 2,
            (MAIN, hits) => 3 + hits.min(MOST_HITS),
            (_, hits) if hits < ENOUGH_HITS => 1,
            _ => 3,
        })
    }
}

impl Policy for S3Fifo {
    fn hits(&self) -> Hits {
        Hits::marked(MOST_HITS)
    }

    fn arrives(&mut self, _nodes: &mut impl Nodes, arrival: &Arrival) -> Verdict {
        // Before the ghosts of those that make room for it can drive out its own.
        self.returning = self.ghosts.take(arrival.hash).then_some(arrival.hash);
        Verdict::Welcome
    }

    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        let hash = nodes.hash(slot);
        let returns = self.returning.take() == Some(hash) || self.ghosts.take(hash);
        let node = nodes.node_mut(slot);
        node.set_marks(0);
        node.region = if returns { MAIN } else { SMALL };
        self.queue_of(nodes.node(slot)).push_front(nodes, slot);
    }

    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        nodes.node(slot).mark_up_to(MOST_HITS);
    }

    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot, gone: Gone) {
        let region = nodes.node(slot).region;
        self.queue_of(nodes.node(slot)).remove(nodes, slot);
        if gone == Gone::Evicted && region == SMALL && self.is_bounded() {
            self.ghosts.add(nodes.hash(slot), self.most_ghosts());
        }
    }

    fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64) {
        self.queue_of(nodes.node(slot)).reweighed(old, nodes.weight(slot));
    }

    fn victim(&mut self, nodes: &mut impl Nodes, _arrival: Option<&Arrival>) -> Choice {
        for _ in 0..PATIENCE {
            match self.next() {
                Some(slot) if self.spares(nodes, slot) => {}
                unspared => return Choice::of(unspared),
            }
        }
        Choice::of(self.next())
    }

    fn resized(&mut self, _nodes: &mut impl Nodes, bounds: Bounds) {
        self.bounds = bounds;
        if !self.is_bounded() || self.ghosts.len() / 2 > self.most_ghosts() {
            // Their memory as well.
            self.ghosts = Ghosts::new();
        }
    }

    #[cfg(any(test, debug_assertions, fuzzing))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        self.small.audit(nodes);
        self.main.audit(nodes);
        let held = (self.small.len() + self.main.len(), self.small.weight() + self.main.weight());
        assert_eq!(held, (entries, weight), "each entry is in one of the queues");
        self.ghosts.audit();
    }
}
