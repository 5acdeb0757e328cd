//! An answer without a value: that there is no such key, or that its load failed. It is given to callers, instead of another load,
//! for as long as it holds.
//!
//! Answers lie in their shard beside the values and are found as those are, by the key. They weigh little and are the first to go: the one
//! that was asked for longest ago leaves when room is needed, and each leaves by itself once its time is over. A failure outlasts the time
//! for which it is given, so that the next one knows how many there were in a row.

mod answer;
#[cfg(any(test, debug_assertions))]
mod audit;
#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod hostile;
#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod model;
#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests;

pub(crate) use answer::{Answer, Remembered};

use crate::ground::chain::Chain;
use crate::ground::hash::Hashed;
use crate::ground::slab::{Slab, Slot};
use crate::ground::time::{Clock, Deadline, Tick};
use crate::mechanisms::eviction::Node;
use crate::mechanisms::wheel::{Timer, Wheel};
use crate::vocabulary::error::LoadError;
use answer::Record;
use equivalent::Equivalent;
use hashbrown::HashTable;
use std::time::Duration;

/// Answers spared at most in one search for the oldest, so that no write pays for a long walk; the next one is then taken, asked for or not.
const PATIENCE: u32 = 64;

/// An index with more buckets for each answer is sparse. Halving it then leaves it dense enough not to be halved again soon.
const SPARSE: usize = 8;

/// The answers of a shard. Single-threaded: the shard's lock guards it.
///
/// Of the users' code only the keys' `Eq` runs in here: what leaves is handed out, to be let go off the lock.
pub(crate) struct Answers<K> {
    /// Slots by the hash of their keys.
    index: HashTable<Slot>,
    records: Slab<Record<K>>,
    /// Front: came or was spared last. Back: the first to be looked at when one has to go.
    queue: Chain,
    /// When each is to be reclaimed.
    wheel: Wheel,
    /// Sum of the answers' weights.
    weight: u64,
}

impl<K> Answers<K> {
    pub(crate) const fn new() -> Self {
        Self { index: HashTable::new(), records: Slab::new(), queue: Chain::new(), wheel: Wheel::new(), weight: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn weight(&self) -> u64 {
        self.weight
    }

    /// The answer for `key`, as the error that callers get, while it holds. A use of it; all that it needs is the read lock.
    #[inline]
    pub(crate) fn recall<Q: Equivalent<K> + ?Sized>(&self, hashed: Hashed, key: &Q, clock: &Clock) -> Option<LoadError> {
        let record = &self.records[self.find(hashed, key)?];
        if clock.has_passed(record.remembered.until) {
            return None;
        }
        record.node.mark();
        Some(record.remembered.answer.error())
    }

    /// How many loads of `key` have failed in a row, as far as that is remembered. Not a use.
    pub(crate) fn failures<Q: Equivalent<K> + ?Sized>(&self, hashed: Hashed, key: &Q, clock: &Clock) -> u32 {
        let found = self.find(hashed, key).map(|slot| &self.records[slot].remembered);
        found.filter(|remembered| !clock.has_passed(remembered.forgotten)).map_or(0, |remembered| remembered.answer.failures())
    }

    /// Remembers an answer, for which the caller has seen to the room, and gives back the one that it takes the place of: the one of the
    /// same key; or the oldest, where all of the 2^32 slots are taken.
    pub(crate) fn remember(&mut self, new: Remembered<K>) -> Option<Remembered<K>>
    where
        K: Eq,
    {
        if let Some(slot) = self.find(new.hashed, &new.key) {
            return Some(self.replace(slot, new));
        }
        let gone = if self.records.has_room() { None } else { self.take_oldest() };
        self.insert(new);
        gone
    }

    /// Takes out the answer for `key`, whether it still holds or not.
    pub(crate) fn forget<Q: Equivalent<K> + ?Sized>(&mut self, hashed: Hashed, key: &Q) -> Option<Remembered<K>> {
        let slot = self.find(hashed, key)?;
        Some(self.take(slot))
    }

    /// Takes out the answer that was used least recently. One that was asked for since it was last passed over is spared and goes to the
    /// front, unless too many are.
    pub(crate) fn take_oldest(&mut self) -> Option<Remembered<K>> {
        let mut oldest = self.queue.back()?;
        for _ in 0..PATIENCE {
            if !self.records[oldest].node.take_mark() {
                break;
            }
            self.queue.remove(&mut self.records, oldest);
            self.queue.push_front(&mut self.records, oldest);
            oldest = self.queue.back()?;
        }
        Some(self.take(oldest))
    }

    /// Takes out one answer that is to be reclaimed by `now`. Each look of the wheel costs one of `steps`.
    pub(crate) fn due(&mut self, now: Tick, steps: &mut u32) -> Option<Remembered<K>> {
        let slot = self.wheel.due(&mut self.records, now, steps)?;
        Some(self.take(slot))
    }

    /// When the next one is to be reclaimed.
    pub(crate) fn next(&self) -> Option<Deadline> {
        self.wheel.next()
    }

    /// Forgets everything and gives it back, in constant time.
    pub(crate) fn swap_out(&mut self) -> Self {
        std::mem::replace(self, Self::new())
    }

    /// The one probe. Runs the key's `Eq`, unless nothing is remembered at all.
    #[inline]
    fn find<Q: Equivalent<K> + ?Sized>(&self, hashed: Hashed, key: &Q) -> Option<Slot> {
        if self.index.is_empty() {
            return None;
        }
        let records = &self.records;
        let is_it = |&slot: &Slot| {
            let remembered = &records[slot].remembered;
            remembered.hashed == hashed && key.equivalent(&remembered.key)
        };
        self.index.find(hashed.0, is_it).copied()
    }

    fn insert(&mut self, new: Remembered<K>) {
        let (hashed, weight) = (new.hashed, new.weight);
        let slot = self.records.insert(Record { remembered: new, node: Node::new(Duration::ZERO), timer: Timer::IDLE });
        let records = &self.records;
        self.index.insert_unique(hashed.0, slot, |&other| records[other].remembered.hashed.0);
        self.weight += weight;
        self.queue.push_front(&mut self.records, slot);
        self.wheel.arm(&mut self.records, slot);
    }

    /// Puts `new` in the place of the answer in `slot`, which has the same key. It counts as one that has just come.
    fn replace(&mut self, slot: Slot, new: Remembered<K>) -> Remembered<K> {
        let record = &mut self.records[slot];
        record.node.take_mark();
        let weight = new.weight;
        let old = std::mem::replace(&mut record.remembered, new);
        self.weight = self.weight - old.weight + weight;
        self.queue.remove(&mut self.records, slot);
        self.queue.push_front(&mut self.records, slot);
        self.wheel.rearm(&mut self.records, slot);
        old
    }

    /// Takes out the answer in `slot`, by its slot: a key need not be equal to itself.
    fn take(&mut self, slot: Slot) -> Remembered<K> {
        self.wheel.disarm(&mut self.records, slot);
        self.queue.remove(&mut self.records, slot);
        let remembered = self.records.remove(slot).expect("the slot is occupied").remembered;
        if let Ok(entry) = self.index.find_entry(remembered.hashed.0, |&other| other == slot) {
            entry.remove();
        }
        self.weight -= remembered.weight;
        self.shrink();
        remembered
    }

    /// Gives memory back. Bad times come in bursts: thousands of answers while a backend is down, and hardly one before or after.
    fn shrink(&mut self) {
        let len = self.records.len();
        if len == 0 {
            self.index = HashTable::new();
            self.records = Slab::new();
        } else if len < self.index.num_buckets() / SPARSE {
            let records = &self.records;
            self.index.shrink_to(2 * len, |&other| records[other].remembered.hashed.0);
        }
    }
}

/// One by one: of several keys whose `Drop` panics, the second would abort the process.
impl<K> Drop for Answers<K> {
    fn drop(&mut self) {
        let mut next = self.records.next_occupied(0);
        while let Some(slot) = next {
            if let Some(record) = self.records.remove(slot) {
                record.remembered.let_go();
            }
            next = slot.checked_add(1).and_then(|slot| self.records.next_occupied(slot));
        }
    }
}
