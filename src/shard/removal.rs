//! Ways out of a shard: removed by a caller, cleared, or evicted for another shard's sake.

use super::answering::Note;
use super::departures::Departures;
use super::lookup::Place;
use super::making_room::VICTIMS;
use super::put::{Put, Terms};
use super::upkeep::Done;
use super::{Shard, State};
use crate::ground::contain::contain;
use crate::ground::seeded::{self, Bug};
use crate::ground::slab::Slot;
use crate::ground::sync::yield_now;
use crate::mechanisms::eviction::{Bounds, Gone, Pins};
use crate::mechanisms::flight::Flight;
use crate::mechanisms::room::Promise;
use crate::vocabulary::removal::RemovalCause;
use equivalent::Equivalent;
use std::sync::Arc;

/// Whether the listener is told of what is cleared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clearing {
    Told,
    /// The cache itself ends.
    AtTheEnd,
}

/// Whom room is made for.
pub(crate) enum Evicting<'p, 'a, K, V> {
    /// An entry of this shard, or else of another.
    For(Option<&'p Put<'a, K, V>>),
    /// Nobody: the capacity shrinks. Of pinned entries where they are ignored.
    ForGood(Pins),
}

/// What becomes of the value held for a key whose load lands without a value to store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remains {
    Held,
    Removed(RemovalCause),
}

impl<K, V> Shard<K, V> {
    /// Removes a key's value and overtakes its flight, in one critical section. Gives the value if it was fresh. Where a value is expected, it
    /// does so only if just that is held.
    pub(crate) fn remove<Q: Equivalent<K> + ?Sized>(
        &self,
        at: Place<'_, Q>,
        expected: Option<&Arc<V>>,
        terms: Terms<'_>,
        out: &mut Departures<K, V>,
    ) -> Option<Arc<V>> {
        let mut state = self.write();
        let held = state.store.find(at.hashed, at.key);
        let flight = state.flights.joinable(at.hashed, at.key).cloned();
        let shown = held.filter(|&slot| state.store.get(slot).times.is_shown(at.clock));
        let value = shown.map(|slot| Arc::clone(&state.store.get(slot).value));
        if expected.is_some_and(|expected| value.as_ref().is_none_or(|value| !Arc::ptr_eq(value, expected))) {
            return None;
        }
        state.take_out(at, held, terms, out);
        if seeded::on(Bug::InvalidateInTwoSteps) {
            drop(state);
            yield_now();
            state = self.write();
        }
        if let Some(flight) = &flight {
            state.flights.supersede(flight);
        }
        drop(state);
        out.flight(flight);
        value
    }

    #[cfg(feature = "bulk")]
    /// As [`remove`](Self::remove) of several keys, in one hold of the lock. Each comes with a number by which its value is given to `removed`.
    pub(crate) fn remove_each<'q, Q>(
        &self,
        wanted: impl Iterator<Item = (usize, Place<'q, Q>)>,
        terms: Terms<'_>,
        out: &mut Departures<K, V>,
        mut removed: impl FnMut(usize, Arc<V>),
    ) where
        Q: Equivalent<K> + ?Sized + 'q,
    {
        let mut state = self.write();
        for (number, at) in wanted {
            let held = state.store.find(at.hashed, at.key);
            let flight = state.flights.joinable(at.hashed, at.key).cloned();
            let shown = held.map(|slot| state.store.get(slot)).filter(|record| record.times.is_shown(at.clock));
            if let Some(record) = shown {
                removed(number, Arc::clone(&record.value));
            }
            state.take_out(at, held, terms, out);
            if let Some(flight) = &flight {
                state.flights.supersede(flight);
            }
            out.flight(flight);
        }
    }

    /// Lands a flight that brings nothing to store, and whose load has ended. `false` if a write had overtaken it, and then nothing else happens.
    pub(crate) fn land_empty(
        &self,
        flight: &Arc<Flight<K, V>>,
        (remains, note): (Remains, Option<Note<'_, K>>),
        terms: Terms<'_>,
        promise: &mut Promise<'_>,
        out: &mut Departures<K, V>,
    ) -> bool
    where
        K: Eq,
    {
        let mut state = self.write();
        let looks = note.is_some() || matches!(remains, Remains::Removed(_));
        let held = if looks { state.store.find(flight.hashed(), flight.key()) } else { None };
        let mine = state.flights.take(flight);
        if mine {
            state.conclude(flight, held, (remains, note), terms, promise, out);
        } else {
            out.note(note);
        }
        out.ended(state.flights.ended(flight));
        mine
    }

    /// Takes a flight out that is given up, while its load goes on; says whether it was in, or nothing if somebody else lands it.
    pub(crate) fn seal(
        &self,
        flight: &Arc<Flight<K, V>>,
        note: Option<Note<'_, K>>,
        terms: Terms<'_>,
        promise: &mut Promise<'_>,
        out: &mut Departures<K, V>,
    ) -> Option<bool>
    where
        K: Eq,
    {
        let mut state = self.write();
        let held = if note.is_some() { state.store.find(flight.hashed(), flight.key()) } else { None };
        // Sealed under the shard's lock: a load that ends meanwhile can't empty the berth in between, as if a write had overtaken the flight.
        let mine = flight.seal().then(|| state.flights.take(flight));
        if mine == Some(true) {
            state.conclude(flight, held, (Remains::Held, note), terms, promise, out);
        } else {
            out.note(note);
        }
        mine
    }

    /// As [`seal`](Self::seal), for a flight that nobody waits for, if that is still so.
    pub(crate) fn seal_deserted(&self, flight: &Arc<Flight<K, V>>) -> Option<bool> {
        let mut state = self.write();
        // Nobody can join meanwhile: that takes the shard's lock.
        let sealed = if seeded::on(Bug::CancelWithoutLook) { flight.seal() } else { flight.seal_deserted() };
        sealed.then(|| state.flights.take(flight))
    }

    /// Empties the shard and overtakes all its flights, in one critical section of constant length.
    pub(crate) fn clear(&self, clearing: Clearing, terms: Terms<'_>, out: &mut Departures<K, V>) {
        let mut state = self.write();
        let store = match clearing {
            Clearing::Told => state.store.swap_out(),
            Clearing::AtTheEnd => state.store.swap_out_for_good(),
        };
        let answers = state.answers.swap_out();
        state.flights.supersede_all();
        state.changes.note_all();
        terms.room.book_entries(0, store.len() as u64);
        terms.room.unbook_answer(answers.weight());
        terms.room.give_back(store.weight() + answers.weight());
        out.answers(answers);
        match clearing {
            Clearing::Told => state.depart_all(store, RemovalCause::Cleared, out),
            Clearing::AtTheEnd => out.store(store),
        }
    }

    /// Evicts until `needed` is promised, at most as many as one hold of the lock may take. Says whether values are held that may not leave.
    pub(crate) fn evict_towards(
        &self,
        needed: u64,
        whom: Evicting<'_, '_, K, V>,
        terms: Terms<'_>,
        promise: &mut Promise<'_>,
        out: &mut Departures<K, V>,
    ) -> bool
    where
        K: Eq,
    {
        let mut state = self.write();
        let (put, pins) = match whom {
            Evicting::For(put) => (put, Pins::Held),
            Evicting::ForGood(pins) => (None, pins),
        };
        // What has come to be held meanwhile, and isn't what `put` may take the place of, is an entry like any other.
        let own =
            put.and_then(|put| state.store.find(put.hashed, &put.key).filter(|&slot| state.unmet(put, Some(slot), terms.clock).is_none()));
        let own = own.and_then(|slot| state.store.handle(slot));
        if state.free_worthless(needed, terms, promise, out) == Done::Part {
            return false;
        }
        let (mut evicted, mut is_pinned) = (0, false);
        while promise.amount() < needed && evicted < VICTIMS {
            let Some(victim) = state.store.victim(None, pins) else {
                is_pinned = state.store.weight() > 0;
                break;
            };
            match put.filter(|_| own.is_some() && state.store.handle(victim) == own) {
                Some(put) => state.give_way(victim, put, terms, promise, out),
                None => state.evict(victim, RemovalCause::Evicted, terms, promise, out),
            }
            evicted += 1;
        }
        terms.room.book_entries(0, u64::from(evicted));
        is_pinned
    }

    /// Evicts entries of no weight of which more are held than may be, at most as many as one hold of the lock may take.
    pub(crate) fn evict_weightless(&self, terms: Terms<'_>, out: &mut Departures<K, V>) -> Done {
        let mut state = self.write();
        let mut promise = terms.room.promise();
        for evicted in 0..VICTIMS {
            let Some(victim) = state.store.surplus_weightless() else {
                terms.room.book_entries(0, evicted.into());
                return Done::All;
            };
            state.evict(victim, RemovalCause::Evicted, terms, &mut promise, out);
        }
        terms.room.book_entries(0, VICTIMS.into());
        Done::Part
    }

    /// The shard's share of the capacity is another.
    pub(crate) fn resized(&self, bounds: Bounds) {
        self.write().store.resized(bounds);
    }
}

impl<K: Eq, V> State<K, V> {
    /// What becomes of the value in `held`, and what is remembered, when a flight has come to nothing.
    fn conclude(
        &mut self,
        flight: &Flight<K, V>,
        held: Option<Slot>,
        (remains, note): (Remains, Option<Note<'_, K>>),
        terms: Terms<'_>,
        promise: &mut Promise<'_>,
        out: &mut Departures<K, V>,
    ) {
        self.changes.landed();
        let stays = held.filter(|&slot| remains == Remains::Held && !self.store.get(slot).times.is_over(terms.clock));
        match remains {
            Remains::Removed(cause) => self.part_with(held, cause, terms, out),
            Remains::Held if stays.is_none() => self.part_with(held, RemovalCause::Expired, terms, out),
            Remains::Held => {}
        }
        // Notes are worth less than the landing: whatever the keys' `Eq` does here, the flight ends.
        let noted = contain(|| match (note, remains) {
            (Some(note), _) => self.note_end((flight.hashed(), flight.key()), stays, note, terms, promise, out),
            (None, Remains::Removed(_)) => {
                self.forget_answer(Place { hashed: flight.hashed(), key: flight.key(), clock: terms.clock }, terms, out);
            }
            (None, Remains::Held) => {}
        });
        if let Err(panic) = noted {
            panic.forget();
        }
    }
}

impl<K, V> State<K, V> {
    /// A caller's write takes out what is held and what is remembered.
    fn take_out<Q: Equivalent<K> + ?Sized>(&mut self, at: Place<'_, Q>, held: Option<Slot>, terms: Terms<'_>, out: &mut Departures<K, V>) {
        self.changes.note(at.hashed);
        self.forget_answer(at, terms, out);
        self.part_with(held, RemovalCause::Invalidated, terms, out);
    }

    /// Takes out what `held` names and gives its room back. An entry past its last deadline is counted as expired, whatever takes it.
    pub(super) fn part_with(&mut self, held: Option<Slot>, cause: RemovalCause, terms: Terms<'_>, out: &mut Departures<K, V>) {
        let Some(slot) = held else { return };
        let record = self.store.take(slot, Gone::Left);
        // Off the books before its room can be had: no observer counts it beside what takes its place.
        terms.room.book_entries(0, 1);
        terms.room.give_back(record.weight);
        let cause = record.cause(cause, terms.clock);
        self.depart(record, cause, out);
    }
    /// Takes out an entry of whose value something else is told.
    pub(super) fn part_untold(&mut self, slot: Slot, terms: Terms<'_>, out: &mut Departures<K, V>) {
        let record = self.store.take(slot, Gone::Left);
        terms.room.book_entries(0, 1);
        terms.room.give_back(record.weight);
        out.uncounted(record);
    }
}
