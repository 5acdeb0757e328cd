//! LFU with ageing (LFU-DA: Arlitt, Cherkasova, Dilley, Friedrich, Jin: "Evaluating Content Management Techniques for Web Proxy
//! Caches", SIGMETRICS Performance Evaluation Review 2000): the entry leaves that was used least often, and, of several, longest ago.
//!
//! An entry's rank is the number of its uses, up to a bound, plus the age of the cache at the last of them; the lowest rank leaves, and the age
//! rises to the rank of each that left. So what was used often once, and isn't any more, is overtaken by what came in since.

use super::hits::Hits;
use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Arrival, Bounds, Choice, Gone, Policy};
use super::{Nodes, Queue};
use crate::ground::slab::Slot;

/// Ranks that can be told apart at a time: one bucket for each.
const BUCKETS: u8 = 32;
/// Uses that are counted: with them the highest rank still has a bucket of its own beside the age's.
const MOST_USES: u8 = BUCKETS - 1;

/// All steps take constant time. The region of a node is its bucket, its marks are its uses.
pub(crate) struct Lfu {
    is_bounded: bool,
    /// Entries by rank, modulo the number of buckets: ranks lie between the age and the age with the most uses. Front: used last.
    buckets: [Queue; BUCKETS as usize],
    /// Which buckets have entries, a bit for each.
    filled: u32,
    /// The age, modulo the number of buckets.
    age: u8,
}

impl Lfu {
    pub(super) fn new(bounds: Bounds) -> Self {
        let buckets = [const { Queue::new() }; BUCKETS as usize];
        Self { is_bounded: bounds.weight < u64::MAX, buckets, filled: 0, age: 0 }
    }

    /// The bucket of the lowest rank that an entry has.
    fn lowest(&self) -> Option<u8> {
        let above = self.filled.rotate_right(self.age.into()).trailing_zeros();
        u8::try_from(above).ok().filter(|&above| above < BUCKETS).map(|above| (self.age + above) % BUCKETS)
    }

    /// Puts in an entry that is used now, for the time that `uses` says.
    fn put(&mut self, nodes: &mut impl Nodes, slot: Slot, uses: u8) {
        let bucket = (self.age + uses) % BUCKETS;
        let node = nodes.node_mut(slot);
        node.set_marks(uses);
        node.region = bucket;
        self.buckets[usize::from(bucket)].push_front(nodes, slot);
        self.filled |= 1 << bucket;
    }

    fn take_out(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        let bucket = nodes.node(slot).region;
        let queue = &mut self.buckets[usize::from(bucket)];
        queue.remove(nodes, slot);
        if queue.len() == 0 {
            self.filled &= !(1 << bucket);
        }
    }
}

impl Ordered for Lfu {
    /// The buckets by rank, from what the age was when the walk began.
    fn row(&self, nth: u8, course: &mut Course) -> Option<(Row<'_>, u8)> {
        let age = *course.origin.get_or_insert(self.age.into());
        let bucket = (age + u128::from(nth)) % u128::from(BUCKETS);
        let queue = usize::try_from(bucket).ok().and_then(|bucket| self.buckets.get(bucket))?;
        (nth < BUCKETS).then_some((Row::Queue(queue), nth))
    }

    fn rank(&self, nodes: &impl Nodes, slot: Slot, course: &mut Course) -> Rank {
        let age = course.origin.and_then(|age| u8::try_from(age).ok()).unwrap_or(self.age);
        Rank::Nth((BUCKETS + nodes.node(slot).region - age) % BUCKETS)
    }
}

impl Policy for Lfu {
    fn hits(&self) -> Hits {
        Hits::told_if(self.is_bounded)
    }

    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.put(nodes, slot, 1);
    }

    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        let uses = (nodes.node(slot).marks() + 1).min(MOST_USES);
        self.take_out(nodes, slot);
        self.put(nodes, slot, uses);
    }

    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot, gone: Gone) {
        let bucket = nodes.node(slot).region;
        if gone == Gone::Evicted && self.lowest() == Some(bucket) {
            self.age = bucket;
        }
        self.take_out(nodes, slot);
    }

    fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64) {
        let bucket = nodes.node(slot).region;
        self.buckets[usize::from(bucket)].reweighed(old, nodes.weight(slot));
    }

    fn victim(&mut self, _nodes: &mut impl Nodes, _arrival: Option<&Arrival>) -> Choice {
        Choice::of(self.lowest().and_then(|bucket| self.buckets[usize::from(bucket)].back()))
    }

    fn resized(&mut self, _nodes: &mut impl Nodes, bounds: Bounds) {
        self.is_bounded = bounds.weight < u64::MAX;
    }

    #[cfg(any(test, debug_assertions, fuzzing))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        let mut held = (0, 0);
        for (bucket, queue) in self.buckets.iter().enumerate() {
            queue.audit(nodes);
            assert_eq!(queue.len() > 0, self.filled >> bucket & 1 == 1, "bucket {bucket} is known to have entries or none");
            held = (held.0 + queue.len(), held.1 + queue.weight());
        }
        assert_eq!(held, (entries, weight), "each entry is in a bucket");
    }
}
