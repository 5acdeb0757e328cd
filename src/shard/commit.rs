//! The write path: the one way in which a value comes to be stored.

use super::departures::Departures;
use super::lookup::Place;
use super::making_room::Lack;
use super::put::{Answered, By, Committed, Held, Needed, Put, Terms};
use super::record::Record;
use super::{Shard, State};
use crate::ground::seeded::{self, Bug};
use crate::ground::slab::Slot;
use crate::ground::tags::{Fate, Labels};
use crate::ground::time::Clock;
use crate::mechanisms::eviction::Node;
use crate::mechanisms::flight::{Flight, Kind, Overtaken};
use crate::mechanisms::room::Promise;
use crate::mechanisms::wheel::Timer;
use crate::vocabulary::removal::RemovalCause;
use std::sync::Arc;

#[cfg(feature = "bulk")]
/// What one of several writes may send on its way and still be followed by others under the same hold of the lock.
const FEW: u64 = 4;

const ONCE: &str = "a put is committed once";

impl<K: Eq, V> Shard<K, V> {
    /// Stores `put` if its room can be had, from what is promised, from what is free, or from this shard's own entries.
    ///
    /// It decides from the start each time: whose flight, which entry, how much room. What is in `putting` stays there if a key's `Eq` panics, so that
    /// it is dropped under no lock.
    pub(crate) fn commit<'a>(
        &self,
        putting: &mut Option<Put<'a, K, V>>,
        terms: Terms<'_>,
        promise: &mut Promise<'_>,
        out: &mut Departures<K, V>,
    ) -> Committed<'a, K, V> {
        self.write().commit(putting, terms, promise, out)
    }

    #[cfg(feature = "bulk")]
    /// Stores several, from the front on, in one hold of the lock that is short all the same, and gives what came of each. Of one that needs room from
    /// elsewhere it is the last.
    pub(crate) fn commit_each<'a>(
        &self,
        puts: &mut std::collections::VecDeque<Put<'a, K, V>>,
        terms: Terms<'_>,
        out: &mut Departures<K, V>,
        committed: &mut Vec<Committed<'a, K, V>>,
    ) {
        // Dropped after the lock, if a key's `Eq` panics.
        let mut putting;
        let mut state = self.write();
        while let Some(put) = puts.pop_front() {
            putting = Some(put);
            let before = out.left();
            let done = state.commit(&mut putting, terms, &mut terms.room.promise(), out);
            let is_last = matches!(done, Committed::NeedsRoom { .. }) || out.left() > before + FEW;
            committed.push(done);
            if is_last {
                return;
            }
        }
    }
}

impl<K: Eq, V> State<K, V> {
    fn commit<'a>(
        &mut self,
        putting: &mut Option<Put<'a, K, V>>,
        terms: Terms<'_>,
        promise: &mut Promise<'_>,
        out: &mut Departures<K, V>,
    ) -> Committed<'a, K, V> {
        let state = self;
        let put = putting.as_ref().expect(ONCE);
        if let By::Flight(flight) = put.by {
            if let Some(by) = put.times.labels().and_then(Labels::struck_by).filter(|_| !seeded::on(Bug::LandThoughStruck)) {
                // Whether or not a write has overtaken it, too: who came after the strike doesn't get it.
                state.flights.take(flight);
                out.ended(state.flights.ended(flight));
                let Put { key, value, .. } = putting.take().expect(ONCE);
                state.never_held(key, value, RemovalCause::Superseded, out);
                return Committed::Struck(by);
            }
            let is_kept_out = flight.is_kept_out();
            if (!state.flights.holds(flight) && !seeded::on(Bug::LandWithoutOwnership)) || is_kept_out {
                if is_kept_out {
                    state.flights.take(flight);
                }
                out.ended(state.flights.ended(flight));
                let Put { key, value, .. } = putting.take().expect(ONCE);
                state.never_held(key, value, RemovalCause::Superseded, out);
                return Committed::Superseded;
            }
        }
        // The last of user code under this hold is the keys' `Eq`: nothing has changed yet if it panics, and the caller has the put to drop.
        let held = state.store.find(put.hashed, &put.key);
        if let Some(shown) = state.unmet(put, held, terms.clock) {
            let shown = shown.map(|slot| Arc::clone(&state.store.get(slot).value));
            let put = putting.take().expect(ONCE);
            if seeded::on(Bug::UnmetSupersedes) {
                let flight = state.flights.joinable(put.hashed, &put.key).cloned();
                if let Some(flight) = flight {
                    state.flights.supersede(&flight);
                }
            }
            if !put.stays.get() {
                return Committed::Unmet(put, shown);
            }
            // It has left its own place to make room for itself, and somebody else's write came after that.
            state.never_held(put.key, put.value, RemovalCause::Replaced, out);
            return Committed::Refused;
        }
        if let By::Unasked(number) = put.by {
            if !state.is_welcome_unasked(put, number, held, terms.clock) {
                return Committed::Unmet(putting.take().expect(ONCE), None);
            }
        }
        #[cfg(feature = "snapshot")]
        if matches!(put.by, By::Restorer) && !state.is_welcome_back(put, held, terms.clock) {
            return Committed::Unmet(putting.take().expect(ONCE), None);
        }
        let overtaken = match put.by {
            By::Caller | By::Holder(_) | By::Newcomer => state.flights.joinable(put.hashed, &put.key).cloned(),
            By::Flight(_) | By::Unasked(_) => None,
            #[cfg(feature = "snapshot")]
            By::Restorer => None,
        };
        state.forget_answer(Place { hashed: put.hashed, key: &put.key, clock: terms.clock }, terms, out);
        let mut put = putting.take().expect(ONCE);
        let limit = terms.room.limit();
        let unneeded = match (put.by, put.need) {
            (By::Flight(flight), Needed::Unknown) => state.is_unneeded(flight, held, terms.clock),
            (By::Flight(_) | By::Caller | By::Holder(_) | By::Newcomer | By::Unasked(_), _) => false,
            #[cfg(feature = "snapshot")]
            (By::Restorer, _) => false,
        };
        put.need = Needed::Known;
        if let Some(slot) = held {
            put.renew(state.store.get(slot), terms.clock);
        }
        match put.by {
            By::Flight(_) | By::Unasked(_) => {}
            #[cfg(feature = "snapshot")]
            By::Restorer => {}
            // A write is as new as what it comes after: all strikes so far.
            By::Caller | By::Newcomer => put.times.labels_mut().into_iter().for_each(Labels::stamp_now),
            By::Holder(_) => {
                // It was made of what is held, and so is no newer.
                let labels = held.and_then(|slot| state.store.get(slot).times.labels().map(Labels::again));
                labels.into_iter().for_each(|labels| put.times.label(labels));
            }
        }
        if unneeded || put.weight > limit || limit == 0 || !state.store.has_room() {
            return state.refuse(put, held, overtaken.as_ref(), terms, out);
        }
        let held = match state.make_room(&mut put, held, terms, promise, out) {
            Ok(held) => held,
            Err(Lack::Consent(held)) => return state.refuse(put, held, overtaken.as_ref(), terms, out),
            Err(Lack::Room(needed)) => return Committed::NeedsRoom { put, needed },
        };
        state.note_change(&put);
        let answered = match state.settle_flight(put.by, overtaken.as_ref(), out) {
            Some(Overtaken::Queued) => {
                overtaken.filter(|flight| state.flights.take(flight)).map(|flight| Answered { flight, value: Arc::clone(&put.value) })
            }
            Some(Overtaken::Flying) | None => None,
        };
        let held = state.store_in(put, held, terms, out);
        state.reclaim_in_passing(terms, out);
        Committed::Stored { held, answered }
    }
}

impl<K, V> State<K, V> {
    /// Something is stored, or refused, and what was held before is not.
    fn note_change(&mut self, put: &Put<'_, K, V>) {
        match put.by {
            By::Caller | By::Holder(_) | By::Newcomer => self.changes.note(put.hashed),
            By::Flight(_) | By::Unasked(_) => self.changes.landed(),
            #[cfg(feature = "snapshot")]
            By::Restorer => self.changes.landed(),
        }
    }

    /// Whether what a load brings that it wasn't asked for may be stored.
    fn is_welcome_unasked(&self, put: &Put<'_, K, V>, number: u64, held: Option<Slot>, clock: &Clock) -> bool
    where
        K: Eq,
    {
        held.is_none_or(|slot| self.store.get(slot).times.is_over(clock))
            && self.flights.joinable(put.hashed, &put.key).is_none()
            && self.answers.recall(put.hashed, &put.key, clock).is_none()
            && (self.changes.none_since(number, put.hashed) || seeded::on(Bug::UnaskedWithoutLook))
            && !self.embargoes.knows(put.hashed)
            && put.times.fate() == Fate::Spared
    }

    /// What everybody may see of `held`, which the key holds now, if that is not what `put` was to take the place of. It is looked at once: a strike of a
    /// tag takes no lock, and may come between two looks.
    pub(super) fn unmet(&self, put: &Put<'_, K, V>, held: Option<Slot>, clock: &Clock) -> Option<Option<Slot>> {
        let shown = || held.filter(|&slot| self.store.get(slot).times.is_shown(clock));
        match put.by {
            By::Caller | By::Flight(_) | By::Unasked(_) => None,
            #[cfg(feature = "snapshot")]
            By::Restorer => None,
            By::Newcomer => shown().map(Some),
            By::Holder(expected) => {
                let shown = shown();
                let is_held = shown.is_some_and(|slot| Arc::ptr_eq(&self.store.get(slot).value, expected));
                // The expected value may have been among the victims, and nobody has written since.
                let is_next = held.is_none() && put.gave_way.get() == Some(self.changes.count());
                (!is_held && !is_next).then_some(shown)
            }
        }
    }

    /// Whether a flight is a refresh of what isn't held any more, and nobody waits for what it brings.
    fn is_unneeded(&self, flight: &Flight<K, V>, held: Option<Slot>, clock: &Clock) -> bool {
        let is_held = || held.is_some_and(|slot| !self.store.get(slot).times.is_over(clock));
        flight.kind() == Kind::Refresh && !is_held() && !flight.is_awaited()
    }

    /// Doesn't store `put`; what its key holds leaves all the same.
    fn refuse<'a>(
        &mut self,
        put: Put<'a, K, V>,
        held: Option<Slot>,
        overtaken: Option<&Arc<Flight<K, V>>>,
        terms: Terms<'_>,
        out: &mut Departures<K, V>,
    ) -> Committed<'a, K, V> {
        self.note_change(&put);
        let own = held.filter(|&slot| Arc::ptr_eq(&self.store.get(slot).value, &put.value));
        match own {
            Some(slot) => self.part_untold(slot, terms, out),
            None => self.part_with(held, RemovalCause::Replaced, terms, out),
        }
        self.settle_flight(put.by, overtaken, out);
        // A value that was refused over itself was held until now, and is told of once.
        let was_held = own.is_some() || put.stays.get();
        self.never_held(put.key, put.value, if was_held { RemovalCause::Replaced } else { RemovalCause::Rejected }, out);
        Committed::Refused
    }

    /// A caller's write overtakes the key's flight; a landing takes its own out of the map, and its load has ended.
    fn settle_flight(&mut self, by: By<'_, K, V>, overtaken: Option<&Arc<Flight<K, V>>>, out: &mut Departures<K, V>) -> Option<Overtaken> {
        match by {
            By::Flight(flight) => {
                self.flights.take(flight);
                out.ended(self.flights.ended(flight));
                None
            }
            By::Caller | By::Holder(_) | By::Newcomer | By::Unasked(_) => overtaken.map(|flight| self.flights.supersede(flight)),
            #[cfg(feature = "snapshot")]
            By::Restorer => None,
        }
    }

    fn store_in(&mut self, put: Put<'_, K, V>, held: Option<Slot>, terms: Terms<'_>, out: &mut Departures<K, V>) -> Held {
        let Put { hashed, key, value, weight, times, cost, by, stays, .. } = put;
        out.due(times.last());
        let record = Record { hashed, key, value, weight, times, node: Node::new(cost), timer: Timer::IDLE };
        let Some(slot) = held else {
            self.store.insert(record);
            terms.room.book_entries(1, 0);
            return if stays.get() { Held::Renewed } else { Held::Anew };
        };
        let renewed = Arc::ptr_eq(&self.store.get(slot).value, &record.value);
        let replaced = self.store.replace(slot, record);
        if renewed {
            out.uncounted(replaced);
        } else {
            let cause = replaced.cause(RemovalCause::Replaced, terms.clock);
            self.depart(replaced, cause, out);
        }
        match by {
            By::Caller | By::Holder(_) | By::Newcomer => self.store.used(slot),
            // A landed load is not an access: it would look like a second use of a key that was asked for once.
            By::Flight(_) | By::Unasked(_) => {}
            #[cfg(feature = "snapshot")]
            By::Restorer => {}
        }
        if renewed { Held::Renewed } else { Held::Anew }
    }
}
