//! Invalidation of many: by a tag, by a predicate, and of what is loaded for a while.

use super::shared::CacheShared;
use crate::ground::contain::drop_contained;
use crate::ground::sync::Mutex;
use crate::ground::tags::{Labels, Strike};
use crate::mechanisms::outbox::Sending;
use crate::shard::{Departures, Done, Glimpse, Place};
use crate::vocabulary::keys::{Key, Value};
use equivalent::Equivalent;
use std::sync::Arc;
use std::time::Duration;

/// Entries that a predicate is asked about in one go.
const BATCH: usize = 64;

/// How far the strikes of tags have been carried out on what is held.
pub(crate) struct Sweep(Mutex<Option<Progress>>);

#[derive(Clone, Copy)]
struct Progress {
    /// The strike up to which all are carried out when it ends.
    number: u64,
    shard: usize,
    slot: u32,
    /// Whether no shard was passed over: else it begins anew later.
    is_whole: bool,
}

impl Sweep {
    pub(super) fn new() -> Self {
        Self(Mutex::new(None))
    }
}

impl<K, V, S> CacheShared<K, V, S> {
    /// Strikes all that carries a tag. Nothing of it is seen from now on but what `strike` leaves; it goes by and by.
    pub(crate) fn strike(&self, tag: &str, strike: Strike) {
        if self.tags.strike(tag, strike) {
            self.upkeep.want_soon(self.clock.now());
        }
    }

    /// The tags of these names, on an entry that has the number `stamp`. None if there are no names.
    pub(super) fn labels(&self, names: &[Arc<str>], stamp: u64) -> Option<Labels> {
        let labels = self.tags.labels(names, stamp)?;
        // A strike that comes soon is to cost no more than that.
        self.upkeep.stand_by(self.clock.coarse());
        Some(labels)
    }

    /// Carries out on what is held all strikes up to now, in at most so many holds of a lock.
    pub(super) fn sweep(&self, mut holds: u32) -> Done {
        if let Some(mut at) = self.sweep_from() {
            while let Some(shard) = self.shards.get(at.shard) {
                if !self.is_open(shard) {
                    // Of one that the listener holds up the janitor is told when it may go on; the others needn't wait for it.
                    (at.shard, at.slot, at.is_whole) = (at.shard + 1, 0, false);
                    continue;
                }
                if holds == 0 {
                    *self.sweep.0.lock() = Some(at);
                    return Done::Part;
                }
                holds -= 1;
                let mut out = Departures::new();
                let next = shard.sweep(at.slot, self.terms(), &mut out);
                self.let_go(out);
                (at.shard, at.slot) = next.map_or((at.shard + 1, 0), |slot| (at.shard, slot));
            }
            *self.sweep.0.lock() = None;
            if !at.is_whole {
                return Done::All;
            }
            self.tags.sweep_ended(at.number);
            // Of further ones later: who strikes all the time doesn't keep everybody else waiting.
            if self.tags.unswept().is_some() {
                self.upkeep.want_soon(self.clock.now());
            }
        }
        Done::All
    }

    /// Carries out on what is held all strikes up to now.
    pub(super) fn sweep_all(&self) {
        let last = self.tags.unswept();
        while last.is_some_and(|last| !self.tags.is_swept(last)) {
            while self.sweep(u32::MAX) == Done::Part {}
        }
    }

    /// Where the sweep goes on, or begins, if there is something to be carried out.
    fn sweep_from(&self) -> Option<Progress> {
        let begun = *self.sweep.0.lock();
        begun.or_else(|| self.tags.unswept().map(|number| Progress { number, shard: 0, slot: 0, is_whole: true }))
    }
}

impl<K: Key, V: Value, S> CacheShared<K, V, S> {
    /// Removes every entry of which `is_doomed` says so, and overtakes all flights in the air. Gives how many were removed.
    pub(crate) fn invalidate_if(&self, mut is_doomed: impl FnMut(&K, &V) -> bool) -> u64 {
        let mut removed = 0;
        for shard in &self.shards {
            // Before anything is looked at: what lands from now on was begun after this call.
            shard.supersede_all();
            let mut from = Some(0);
            while let Some(slot) = from {
                let mut seen = Vec::with_capacity(BATCH);
                from = shard.glimpse(slot, BATCH, &self.clock, &mut seen);
                seen.retain(|Glimpse { key, value, .. }| is_doomed(key, value));
                if !seen.is_empty() {
                    self.heed_outbox(shard, Sending::Single);
                    removed += self.accounted(|out| shard.remove_all(&seen, self.terms(), out));
                }
            }
        }
        removed
    }

    /// Removes a key's value, overtakes its flight, and has nothing stored for so long that is loaded for it.
    pub(crate) fn invalidate_for<Q: Equivalent<K> + ?Sized>(&self, place: Place<'_, Q>, time: Duration) -> bool {
        let until = self.clock.deadline_in(time);
        self.accounted(|out| self.shard(place.hashed).embargo(place, until, out));
        let removed = self.remove(place);
        let was_held = removed.is_some();
        drop_contained(removed);
        was_held
    }
}
