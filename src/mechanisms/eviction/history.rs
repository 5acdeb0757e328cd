//! A history remembers keys that have gone, by their hashes, in the order in which they went.

use super::policy::Bounds;
use crate::ground::chain::{Chain, Link, Links};
use crate::ground::slab::{Slab, Slot};
use hashbrown::HashTable;

/// An index of up to this many is never shrunk while something is remembered.
const SMALL_INDEX: usize = 64;

/// Keys that are worth remembering even where few entries are held.
const FEW: usize = 1_024;

/// How many keys to remember: as many as `held` entries are, or a thousand if that is more; but, where it is known how many entries there will
/// be, not more than those, and none where nothing is evicted.
///
/// So memory goes by the number of entries, whatever they weigh, and a shard that empties keeps little.
pub(super) fn as_many_as(held: usize, bounds: Bounds) -> usize {
    if bounds.weight == u64::MAX {
        return 0;
    }
    held.max(bounds.entries.map_or(FEW, |entries| usize::try_from(entries).unwrap_or(FEW).min(FEW)))
}

/// Hashes of keys that have gone, each with what is to be known of it. All its steps take constant time.
pub(super) struct History<T = ()> {
    index: HashTable<Slot>,
    remembered: Remembered<T>,
    /// Front: went last. Back: went first.
    order: Chain,
}

struct Remembered<T>(Slab<Trace<T>>);

/// What is left of an entry.
struct Trace<T> {
    hash: u64,
    known: T,
    link: Link,
}

impl<T> Links for Remembered<T> {
    fn link(&self, slot: Slot) -> Link {
        self.0[slot].link
    }
    fn link_mut(&mut self, slot: Slot) -> &mut Link {
        &mut self.0[slot].link
    }
}

impl<T> History<T> {
    pub(super) const fn new() -> Self {
        Self { index: HashTable::new(), remembered: Remembered(Slab::new()), order: Chain::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.remembered.0.len()
    }

    /// Remembers a key that goes. One of the same hash that went before is forgotten.
    pub(super) fn remember(&mut self, hash: u64, known: T) {
        self.recall(hash);
        let slot = self.remembered.0.insert(Trace { hash, known, link: Link::LOOSE });
        self.order.push_front(&mut self.remembered, slot);
        let traces = &self.remembered.0;
        self.index.insert_unique(hash, slot, |&other| traces[other].hash);
    }

    /// Gives what is known of a key, if it is remembered, and forgets it.
    pub(super) fn recall(&mut self, hash: u64) -> Option<T> {
        let traces = &self.remembered.0;
        let found = self.index.find_entry(hash, |&other| traces[other].hash == hash).ok()?;
        let (slot, _) = found.remove();
        Some(self.take(slot))
    }

    /// What is known of the key that went first.
    pub(super) fn oldest(&self) -> Option<&T> {
        self.order.back().map(|slot| &self.remembered.0[slot].known)
    }

    /// Forgets the key that went first. Says whether there was one.
    pub(super) fn forget_oldest(&mut self) -> bool {
        let Some(slot) = self.order.back() else { return false };
        let hash = self.remembered.0[slot].hash;
        let found = self.index.find_entry(hash, |&other| other == slot).ok();
        found.expect("each trace is indexed").remove();
        self.take(slot);
        true
    }

    /// Takes out a trace that is indexed no more.
    fn take(&mut self, slot: Slot) -> T {
        self.order.remove(&mut self.remembered, slot);
        let trace = self.remembered.0.remove(slot).expect("what is linked is there");
        self.shrink_if_sparse();
        trace.known
    }

    /// Gives memory of the index back that is mostly empty. It keeps room for twice what it holds, so that it isn't made anew often.
    fn shrink_if_sparse(&mut self) {
        let (len, room) = (self.index.len(), self.index.capacity());
        if room > SMALL_INDEX && len < room / 8 {
            let traces = &self.remembered.0;
            self.index.shrink_to(len * 2, |&slot| traces[slot].hash);
        }
    }

    /// Checks that what is remembered is indexed once, and stands in the order once.
    #[cfg(any(test, debug_assertions, fuzzing))]
    pub(super) fn audit(&self) {
        let mut len = 0;
        let mut next = self.order.back();
        while let Some(slot) = next {
            let hash = self.remembered.0[slot].hash;
            assert!(self.index.find(hash, |&other| other == slot).is_some(), "what is remembered is indexed");
            len += 1;
            next = self.order.before(&self.remembered, slot);
        }
        assert_eq!((len, self.index.len()), (self.len(), self.len()), "each is remembered once");
    }
}
