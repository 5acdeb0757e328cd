//! Invalidation of many entries at once: by tags that were struck, by what a predicate has said of each, and of all that is on its way.

use super::departures::Departures;
use super::lookup::Place;
use super::put::Terms;
use super::walk::STEPS;
use super::{Shard, State};
use crate::ground::slab::{Handle, Search, Slot};
use crate::ground::tags::Fate;
use crate::ground::time::{Clock, Deadline};
use crate::vocabulary::removal::RemovalCause;
use equivalent::Equivalent;
use std::sync::Arc;

/// An entry as it was at a look.
pub(crate) struct Glimpse<K, V> {
    pub(crate) key: K,
    pub(crate) value: Arc<V>,
    /// Its stay, by which it is found again.
    stay: Handle,
}

impl<K, V> Shard<K, V> {
    /// Carries out what strikes of tags have made of the entries from slot `from` on, as many as one hold of the lock may take. Gives the slot to go
    /// on from; `None` at the end.
    pub(crate) fn sweep(&self, from: Slot, terms: Terms<'_>, out: &mut Departures<K, V>) -> Option<Slot> {
        if self.read().store.labelled() == 0 {
            return None;
        }
        let mut state = self.write();
        let now = terms.clock.now();
        let (mut next, mut steps) = (from, STEPS);
        while steps > 0 {
            let slot = match state.store.search(next, &mut steps) {
                Search::Found(slot) => slot,
                Search::Paused(at) => return Some(at),
                Search::End => return None,
            };
            steps = steps.saturating_sub(1);
            let times = &state.store.get(slot).times;
            if times.fate() != Fate::Spared {
                if !times.is_over(terms.clock) {
                    state.store.change_times(slot, |times| times.carry_out(now));
                    out.due(state.store.get(slot).times.last());
                }
                // It may have been struck once more meanwhile.
                if state.store.get(slot).times.is_over(terms.clock) {
                    state.part_with(Some(slot), RemovalCause::Expired, terms, out);
                }
            }
            next = slot.checked_add(1)?;
        }
        Some(next)
    }

    /// Overtakes all flights that are in the air.
    pub(crate) fn supersede_all(&self) {
        let mut state = self.write();
        state.changes.note_all();
        state.flights.supersede_all();
    }

    /// Up to `most` entries from slot `from` on that anybody may still see, and the slot to go on from; `None` at the end.
    pub(crate) fn glimpse(&self, from: Slot, most: usize, clock: &Clock, out: &mut Vec<Glimpse<K, V>>) -> Option<Slot>
    where
        K: Clone,
    {
        let state = self.read();
        let (mut next, mut steps) = (from, STEPS);
        for _ in 0..most {
            let slot = match state.store.search(next, &mut steps) {
                Search::Found(slot) => slot,
                Search::Paused(at) => return Some(at),
                Search::End => return None,
            };
            let record = state.store.get(slot);
            if let Some(stay) = state.store.handle(slot).filter(|_| !record.times.is_over(clock)) {
                out.push(Glimpse { key: record.key.clone(), value: Arc::clone(&record.value), stay });
            }
            next = slot.checked_add(1)?;
        }
        Some(next)
    }

    /// Removes what was seen, where just that is still held, and overtakes the flights of its keys. Gives how many were removed.
    pub(crate) fn remove_all(&self, seen: &[Glimpse<K, V>], terms: Terms<'_>, out: &mut Departures<K, V>) -> u64
    where
        K: Eq,
    {
        let mut state = self.write();
        let mut removed = 0;
        for Glimpse { value, stay, .. } in seen {
            if !state.store.holds(Some(*stay)) || !Arc::ptr_eq(&state.store.get(stay.slot).value, value) {
                continue;
            }
            let record = state.store.get(stay.slot);
            let flight = state.flights.joinable(record.hashed, &record.key).cloned();
            let hashed = record.hashed;
            state.changes.note(hashed);
            state.part_with(Some(stay.slot), RemovalCause::Invalidated, terms, out);
            if let Some(flight) = &flight {
                state.flights.supersede(flight);
            }
            out.flight(flight);
            removed += 1;
        }
        removed
    }

    /// From now until then, nothing is stored that is loaded for a key, in the air as it is.
    pub(crate) fn embargo<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>, until: Deadline, out: &mut Departures<K, V>) {
        let mut state = self.write();
        // The lookup compares keys, and comes before the change.
        if let Some(flight) = state.flights.joinable(at.hashed, at.key).filter(|flight| flight.kind().is_load()) {
            flight.keep_out();
        }
        state.embargoes.impose(at.hashed, until);
        out.due(until);
    }
}

impl<K, V> State<K, V> {
    /// Whether what is loaded for a key now may be stored.
    pub(super) fn is_embargoed<Q: ?Sized>(&self, at: Place<'_, Q>) -> bool {
        self.embargoes.covers(at.hashed, at.clock)
    }
}
