//! Questions about an entry's times, and changes to them.

use super::departures::Departures;
use super::lookup::Place;
use super::put::Terms;
use super::{Shard, State};
use crate::ground::seeded::{self, Bug};
use crate::ground::slab::Slot;
use crate::vocabulary::entry_info::EntryInfo;
use crate::vocabulary::expiry::Freshness;
use crate::vocabulary::removal::RemovalCause;
use equivalent::Equivalent;
use std::sync::Arc;
use std::time::Duration;

impl<K, V> Shard<K, V> {
    /// The age and the prospects of what is held for a key.
    pub(crate) fn entry_info<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>) -> Option<EntryInfo> {
        let state = self.read();
        let record = state.store.get(state.store.find(at.hashed, at.key)?);
        let (times, now) = (&record.times, at.clock.now());
        // Whether a refresh is due by chance, a look doesn't decide.
        let state = times.freshness(now, || 1.0);
        if state == Freshness::Expired {
            return None;
        }
        let (failures, next_try) = times.trouble();
        let (ends, last) = times.ends_and_last();
        Some(EntryInfo {
            age: now.since(times.stored()),
            time_left: ends.left_at(now),
            usable_for: last.left_at(now),
            state,
            weight: record.weight,
            failures,
            next_try: next_try.left_at(now).filter(|left| !left.is_zero()),
        })
    }

    /// What is left of the time to live of a key's value (`None` within: it is for ever), zero if it is stale; nothing if none is held.
    pub(crate) fn time_left<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>) -> Option<Option<Duration>> {
        let state = self.read();
        let times = &state.store.get(state.store.find(at.hashed, at.key)?).times;
        (!times.is_over(at.clock)).then(|| times.ends().left_at(at.clock.now()))
    }

    /// Ends the time to live of a key's value now and overtakes its flight, in one critical section. A value that nobody could be served by goes. Says
    /// whether everybody could see it.
    pub(crate) fn expire<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>, terms: Terms<'_>, out: &mut Departures<K, V>) -> bool {
        let mut state = self.write();
        let held = state.store.find(at.hashed, at.key);
        let flight = state.flights.joinable(at.hashed, at.key).cloned();
        state.changes.note(at.hashed);
        state.forget_answer(at, terms, out);
        let was_shown = held.is_some_and(|slot| state.store.get(slot).times.is_shown(at.clock));
        if let Some(slot) = held {
            state.end_life(slot, terms, out);
        }
        if let Some(flight) = flight.as_ref().filter(|_| !seeded::on(Bug::ExpireKeepsFlight)) {
            state.flights.supersede(flight);
        }
        drop(state);
        out.flight(flight);
        was_shown
    }

    /// Sets how long from now on a value is fresh that everybody may see; `false` if there is none.
    pub(crate) fn live_for<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>, time_to_live: Duration, out: &mut Departures<K, V>) -> bool {
        let mut state = self.write();
        let Some(slot) = state.shown(at) else { return false };
        state.store.change_times(slot, |times| times.live_for(time_to_live, at.clock.now()));
        out.due(state.store.get(slot).times.last());
        true
    }

    /// Asks the hook for the time that a value has from now on that was just read.
    #[cold]
    pub(super) fn reread<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>, value: &Arc<V>, left: Option<Duration>) {
        let live = self.reads.as_ref().and_then(|hook| hook(value, left));
        let Some(live) = live else { return };
        let last = {
            let mut state = self.write();
            let slot = state.shown(at).filter(|&slot| Arc::ptr_eq(&state.store.get(slot).value, value));
            let Some(slot) = slot else { return };
            state.store.change_times(slot, |times| times.live_for(live, at.clock.now()));
            state.store.get(slot).times.last()
        };
        self.upkeep.want(last);
    }
}

impl<K, V> State<K, V> {
    fn end_life(&mut self, slot: Slot, terms: Terms<'_>, out: &mut Departures<K, V>) {
        let now = terms.clock.now();
        let times = &self.store.get(slot).times;
        if times.is_over(terms.clock) {
            self.part_with(Some(slot), RemovalCause::Expired, terms, out);
        } else if times.has_stale_window() {
            self.store.change_times(slot, |times| times.expire(now));
            out.due(self.store.get(slot).times.last());
        } else {
            self.part_with(Some(slot), RemovalCause::Invalidated, terms, out);
        }
    }
}
