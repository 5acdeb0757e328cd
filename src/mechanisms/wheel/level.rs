//! A level is a ring of buckets; a bucket is a chain of slots that are due at about the same time.

use super::place::BUCKETS;
use crate::ground::chain::{Chain, Links};
use crate::ground::slab::Slot;

/// Slots in the order in which they came.
pub(super) struct Bucket {
    chain: Chain,
    /// No slot here was put in for an earlier instant.
    earliest: u64,
}

impl Bucket {
    pub(super) const fn new() -> Self {
        Self { chain: Chain::new(), earliest: u64::MAX }
    }

    /// The slot that came first.
    pub(super) fn first(&self) -> Option<Slot> {
        self.chain.back()
    }

    /// A bound for the deadlines of the slots here; `None` where there is none.
    pub(super) fn earliest(&self) -> Option<u64> {
        self.first().map(|_| self.earliest)
    }

    pub(super) fn put(&mut self, links: &mut impl Links, slot: Slot, instant: u64) {
        self.chain.push_front(links, slot);
        self.earliest = self.earliest.min(instant);
    }

    /// Takes out `slot`, which must be here.
    pub(super) fn take_out(&mut self, links: &mut impl Links, slot: Slot) {
        self.chain.remove(links, slot);
        if self.first().is_none() {
            self.earliest = u64::MAX;
        }
    }

    /// All slots, as they came.
    #[cfg(any(test, debug_assertions, fuzzing))]
    pub(super) fn slots(&self, links: &impl Links) -> impl Iterator<Item = Slot> {
        std::iter::successors(self.first(), |&slot| self.chain.before(links, slot))
    }
}

/// Buckets that lie one after the other in time.
pub(super) struct Level {
    /// A bit for each bucket that holds something.
    occupied: u64,
    buckets: [Bucket; BUCKETS],
}

impl Level {
    pub(super) fn new() -> Box<Self> {
        Box::new(Self { occupied: 0, buckets: [const { Bucket::new() }; BUCKETS] })
    }

    /// The first bucket that holds something, and its number.
    pub(super) fn first(&self) -> Option<(u8, &Bucket)> {
        let first = u8::try_from(self.occupied.trailing_zeros()).expect("there are few buckets on a level");
        Some((first, self.buckets.get(usize::from(first))?))
    }

    pub(super) fn put(&mut self, links: &mut impl Links, slot: Slot, index: u8, instant: u64) {
        self.buckets[usize::from(index)].put(links, slot, instant);
        self.occupied |= 1 << index;
    }

    /// Takes out `slot`, which must be in this bucket.
    pub(super) fn take_out(&mut self, links: &mut impl Links, slot: Slot, index: u8) {
        let bucket = &mut self.buckets[usize::from(index)];
        bucket.take_out(links, slot);
        if bucket.first().is_none() {
            self.occupied &= !(1 << index);
        }
    }

    /// All buckets, each with its number and whether it is noted as occupied.
    #[cfg(any(test, debug_assertions, fuzzing))]
    pub(super) fn all(&self) -> impl Iterator<Item = (u8, &Bucket, bool)> {
        (0..).zip(&self.buckets).map(|(index, bucket)| (index, bucket, self.occupied & (1 << index) != 0))
    }
}
