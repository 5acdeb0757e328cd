//! Walking over a shard's entries, slots upwards, in bounded holds of its lock.

use super::Shard;
use super::record::Record;
use crate::ground::slab::{Search, Slot};
use crate::ground::time::Clock;
use std::sync::Arc;

/// Entries and pages that are looked at in one hold of the lock, at most.
pub(crate) const STEPS: u32 = 256;

/// How far a walk has come. A record keeps its slot for as long as it is held, so that one that stays is met exactly once, whatever comes and
/// goes around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    next: Slot,
    /// Stays from this generation on are none of the walk's: a key that left and came back is not met twice.
    before: Option<u64>,
}

impl Walk {
    /// One that meets what is held when it begins.
    pub(crate) const fn new() -> Self {
        Self { next: 0, before: None }
    }

    /// One that meets whatever is held from `slot` on by the time that it comes by.
    pub(crate) const fn from(slot: Slot) -> Self {
        Self { next: slot, before: Some(u64::MAX) }
    }

    /// One of the same kind through another shard.
    pub(crate) fn anew(self) -> Self {
        Self { next: 0, before: self.before.filter(|&before| before == u64::MAX) }
    }

    /// The slot that it goes on from.
    pub(crate) fn next(&self) -> Slot {
        self.next
    }
}

/// What one hold of the lock is good for.
pub(crate) struct Hold {
    /// Entries that may be taken.
    pub(crate) most: usize,
    /// Steps that may be made.
    pub(crate) steps: u32,
}

/// Where a hold of the lock has brought a walk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reached {
    /// An entry that everybody may see, and that this hold couldn't take.
    Entry,
    /// Somewhere on the way.
    Midway,
    End,
}

impl<K: Clone, V> Shard<K, V> {
    /// Goes on with `walk` in one hold of the lock, and gives `take` the entries that everybody may see.
    ///
    /// If a key's `Clone` panics, the walk stands at its entry.
    pub(crate) fn walk_on(&self, walk: &mut Walk, hold: &mut Hold, clock: &Clock, mut take: impl FnMut((K, Arc<V>))) -> Reached {
        let state = self.read();
        let before = *walk.before.get_or_insert_with(|| state.store.now());
        loop {
            let slot = match state.store.search(walk.next, &mut hold.steps) {
                Search::Found(slot) => slot,
                Search::Paused(next) => {
                    walk.next = next;
                    return Reached::Midway;
                }
                Search::End => return Reached::End,
            };
            walk.next = slot;
            if hold.steps == 0 {
                return Reached::Midway;
            }
            hold.steps -= 1;
            if state.store.since(slot).is_some_and(|since| since < before) && state.store.get(slot).is_shown(clock) {
                if hold.most == 0 {
                    return Reached::Entry;
                }
                let taken = state.store.get(slot).taken();
                hold.most -= 1;
                take(taken);
            }
            walk.next = slot + 1;
        }
    }
}

impl<K, V> Record<K, V> {
    /// Whether everybody may see the entry.
    pub(super) fn is_shown(&self, clock: &Clock) -> bool {
        self.times.is_shown(clock)
    }

    /// The entry as a walk gives it.
    pub(super) fn taken(&self) -> (K, Arc<V>)
    where
        K: Clone,
    {
        (self.key.clone(), Arc::clone(&self.value))
    }
}
