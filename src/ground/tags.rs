//! Tags: names that entries carry, by which all that carry one are struck at once.
//!
//! One sequence of numbers orders strikes and what they strike. A load takes the sequence's number when it begins, a write when it stores; a
//! strike takes the next. Whatever carries the tag and has a lower number than its last strike is struck: nothing is visited for that, who looks
//! compares.

mod labels;
mod names;

use super::hash::RandomState;
use super::sync::atomic::{AtomicU64, Ordering};
use super::sync::{Arc, Mutex};
use super::time::Tick;
pub(crate) use labels::{Fate, Labels};
use names::{Names, Tag};
use std::hash::BuildHasher;

/// The tags of a cache.
pub(crate) struct Tags {
    /// The number of the last strike.
    sequence: AtomicU64,
    /// The number of the last load of many keys, among which writes are placed.
    loads: AtomicU64,
    /// All strikes up to this one have been carried out on what was held.
    swept: AtomicU64,
    /// The last strike of any tag.
    last: AtomicU64,
    hasher: RandomState,
    names: Mutex<Names>,
}

/// What a strike does to the entries that carry the tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Strike {
    Invalidate,
    /// Ends their time to live at this instant.
    Expire(Tick),
}

impl Tags {
    pub(crate) fn new() -> Arc<Self> {
        let names = Mutex::new(Names::new());
        let (sequence, loads, swept, last) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { sequence, loads, swept, last, hasher: RandomState::new(), names })
    }

    /// The number of what begins now.
    pub(crate) fn now(&self) -> u64 {
        // Sequentially consistent, as are strikes: what begins after one has a number that is as high.
        self.sequence.load(Ordering::SeqCst)
    }

    /// The number of a load of many keys that begins now.
    pub(crate) fn next_load(&self) -> u64 {
        self.loads.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The number of the last load of many keys that has begun.
    pub(crate) fn last_load(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }

    /// The tags of these names, on something that has the number `stamp`. None if there are no names.
    pub(crate) fn labels(self: &Arc<Self>, names: &[Arc<str>], stamp: u64) -> Option<Labels> {
        if names.is_empty() {
            return None;
        }
        let mut tags: Vec<Arc<Tag>> = Vec::with_capacity(names.len());
        let mut held = self.names.lock();
        for name in names {
            let hash = self.hasher.hash_one(&**name);
            if tags.iter().all(|tag| *tag.name != **name) {
                tags.push(held.carry(name, hash));
            }
        }
        drop(held);
        Some(Labels::new(self, tags, stamp))
    }

    /// Strikes all that carries the tag and has begun by now, in constant time. Says whether anything carries it.
    pub(crate) fn strike(&self, name: &str, strike: Strike) -> bool {
        let hash = self.hasher.hash_one(name);
        let mut names = self.names.lock();
        let number = self.sequence.fetch_add(1, Ordering::SeqCst) + 1;
        let is_carried = names.strike((name, hash), number, strike, self.swept.load(Ordering::Acquire));
        if is_carried {
            self.last.store(number, Ordering::Release);
        }
        is_carried
    }

    /// The number of the last strike, if it has yet to be carried out on what is held.
    pub(crate) fn unswept(&self) -> Option<u64> {
        let last = self.last.load(Ordering::Acquire);
        (last > self.swept.load(Ordering::Acquire)).then_some(last)
    }

    pub(crate) fn is_swept(&self, number: u64) -> bool {
        self.swept.load(Ordering::Acquire) >= number
    }

    /// All that was struck by the strike of that `number` or before has been taken out or stamped anew.
    pub(crate) fn sweep_ended(&self, number: u64) {
        self.swept.fetch_max(number, Ordering::AcqRel);
    }

    /// How many names are carried.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn carried(&self) -> usize {
        self.names.lock().len()
    }
}

#[cfg(all(test, bellwether_loom))]
mod loom;
#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests;
