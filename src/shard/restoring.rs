//! Restoring: while entries come back from where they were saved, a shard keeps in mind which keys have changed since that began.

use super::put::Put;
use super::{Shard, State};
use crate::ground::hash::Hashed;
use crate::ground::slab::Slot;
use crate::ground::tags::Fate;
use crate::ground::time::Clock;
use std::collections::HashSet;

/// Which keys have changed while anybody restores.
#[derive(Default)]
pub(super) struct Watched {
    /// Restores that are under way.
    restores: usize,
    /// By their hashes: another key of the same hash only isn't restored.
    keys: HashSet<u64>,
    /// Whether any key may have.
    all: bool,
}

impl Watched {
    pub(super) fn note(&mut self, hashed: Hashed) {
        if self.restores > 0 {
            self.keys.insert(hashed.0);
        }
    }

    pub(super) fn note_all(&mut self) {
        self.all = self.restores > 0;
    }

    fn has_changed(&self, hashed: Hashed) -> bool {
        self.all || self.keys.contains(&hashed.0)
    }
}

impl<K, V> Shard<K, V> {
    /// From now on it is kept in mind which keys change.
    pub(crate) fn restore_begins(&self) {
        self.write().changes.watched.restores += 1;
    }

    pub(crate) fn restore_ends(&self) {
        let over = {
            let watched = &mut self.write().changes.watched;
            watched.restores -= 1;
            if watched.restores == 0 { std::mem::take(watched) } else { Watched::default() }
        };
        drop(over);
    }
}

impl<K: Eq, V> State<K, V> {
    /// Whether what was saved may be stored: nothing is known of its key, is about to be, or has been since the restore began.
    pub(super) fn is_welcome_back(&self, put: &Put<'_, K, V>, held: Option<Slot>, clock: &Clock) -> bool {
        held.is_none_or(|slot| self.store.get(slot).times.is_over(clock))
            && self.flights.joinable(put.hashed, &put.key).is_none()
            && self.answers.recall(put.hashed, &put.key, clock).is_none()
            && !self.changes.watched.has_changed(put.hashed)
            && !self.embargoes.knows(put.hashed)
            && put.times.fate() == Fate::Spared
    }
}
