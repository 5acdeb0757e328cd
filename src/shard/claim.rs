//! Claiming a flight, and the end of its load.

use super::departures::Departures;
use super::lookup::{Fallback, Place, Rule, Sought};
use super::put::Terms;
use super::{Shard, State};
use crate::ground::hash::Hashed;
use crate::ground::seeded::{self, Bug};
use crate::ground::tags::Labels;
use crate::ground::time::Clock;
use crate::mechanisms::flight::{Claimed, Flight, Kind, Turn, Waiter, Wanted, Wish};
use crate::vocabulary::error::LoadError;
use crate::vocabulary::expiry::Freshness;
use crate::vocabulary::fetched::Fetched;
use crate::vocabulary::removal::RemovalCause;
use std::sync::Arc;

/// What a caller that wants a load, or a vacant entry, got. A key that wasn't needed comes back.
pub(crate) enum Claim<K, V> {
    /// Somebody was faster: the value is there.
    Held(Fetched<V>, K),
    /// Somebody was faster: the flight is under way, and joined.
    Joined(Waiter<K, V>, Option<Fallback<V>>, K),
    /// Somebody was faster: the answer is that there is no value.
    Remembered(LoadError, K),
    /// A flight of its own.
    Led(Led<K, V>),
    /// Too many loads wait for a permit, or too many refreshes are under way.
    Refused(K, Option<Fallback<V>>),
    /// A refresh isn't due any more.
    Needless(K),
}

/// A flight that was just claimed.
pub(crate) struct Led<K, V> {
    pub(crate) flight: Arc<Flight<K, V>>,
    /// The seat of a load's leader; the holder of an entry waits for nobody, and nobody for a refresh.
    pub(crate) waiter: Option<Waiter<K, V>>,
    pub(crate) turn: Turn,
    /// The value that is held while it is loaded anew.
    pub(crate) current: Option<Current<V>>,
    /// The same in the hands of the leader, where it may be shown to him if the load comes to nothing.
    pub(crate) fallback: Option<Fallback<V>>,
}

/// A value that is held while it is loaded anew.
pub(crate) struct Current<V> {
    pub(crate) value: Arc<V>,
    /// Its tags, which it keeps if it is found to be unchanged, whatever becomes of its entry.
    pub(crate) labels: Option<Labels>,
}

/// A flight that nobody will land by a value, taken out.
pub(crate) struct Vacated<K, V> {
    /// A flight in its place, and whether its load begins now.
    pub(crate) heir: Option<(Arc<Flight<K, V>>, Turn)>,
}

impl<K: Eq, V> Shard<K, V> {
    /// Looks once more and, if there is nothing to be had, claims the key's flight, in one critical section.
    pub(crate) fn claim(
        &self,
        (hashed, key): (Hashed, K),
        rule: Rule,
        wish: Wish<'_>,
        wanted: Wanted,
        terms: Terms<'_>,
        out: &mut Departures<K, V>,
    ) -> Claim<K, V> {
        let mut state = self.write();
        let at = Place { hashed, key: &key, clock: terms.clock };
        let mut fallback = None;
        if !seeded::on(Bug::ClaimWithoutLook) {
            match state.sought(at, rule, wish).0 {
                Sought::Held(fetched, _) => return Claim::Held(fetched, key),
                Sought::Flight(waiter, fallback) => return Claim::Joined(waiter, fallback, key),
                // Its time has run out just now: whoever waits for it ends it.
                Sought::Overdue(flight, fallback) => return Claim::Joined(flight.join(wish), fallback, key),
                Sought::Remembered(error) => return Claim::Remembered(error, key),
                Sought::Nothing(held) => fallback = held,
            }
        }
        state.lead((hashed, key), fallback, wish, wanted, terms, out)
    }

    /// Looks once more whether a value that is held is still to be loaded anew, and if so claims the key's flight, in one critical section.
    pub(crate) fn claim_refresh(
        &self,
        (hashed, key): (Hashed, K),
        wish: Wish<'_>,
        wanted: Wanted,
        terms: Terms<'_>,
        out: &mut Departures<K, V>,
    ) -> Claim<K, V> {
        let mut state = self.write();
        let at = Place { hashed, key: &key, clock: terms.clock };
        let Some(slot) = state.store.find(hashed, at.key) else { return Claim::Needless(key) };
        // The dice have been thrown.
        let (freshness, may_try) = state.store.get(slot).times.judged(terms.clock);
        // What can't be stored isn't loaded for its own sake.
        let due = may_try && matches!(freshness, Freshness::RefreshDue | Freshness::Stale) && !state.is_embargoed(at);
        if !due || (state.flights.joinable(hashed, at.key).is_some() && !seeded::on(Bug::RefreshWithoutLook)) {
            return Claim::Needless(key);
        }
        let fallback = (wanted.kind == Kind::Load).then(|| state.fallback(slot));
        state.lead((hashed, key), fallback, wish, wanted, terms, out)
    }
}

impl<K: Eq, V> State<K, V> {
    fn lead(
        &mut self,
        (hashed, key): (Hashed, K),
        fallback: Option<Fallback<V>>,
        wish: Wish<'_>,
        wanted: Wanted,
        terms: Terms<'_>,
        out: &mut Departures<K, V>,
    ) -> Claim<K, V> {
        let at = Place { hashed, key: &key, clock: terms.clock };
        let (held, is_embargoed) = (self.store.find(hashed, &key), self.is_embargoed(at));
        // All lookups compare keys, as the claim does; only what comes after it may change anything.
        let Claimed { flight, turn, unneeded } = match self.flights.claim(hashed, key, wanted) {
            Ok(claimed) => claimed,
            Err(key) => return Claim::Refused(key, fallback),
        };
        if is_embargoed && wanted.kind.is_load() {
            flight.keep_out();
        }
        // Seated before anybody else can come and go: a load that nobody waits for may be cancelled.
        let waiter = (wanted.kind == Kind::Load).then(|| flight.join(wish));
        let usable = held.filter(|&slot| !self.store.get(slot).times.is_over(terms.clock));
        let current = usable.map(|slot| self.store.get(slot).current());
        if current.is_none() {
            self.part_with(held, RemovalCause::Expired, terms, out);
        }
        self.reclaim_in_passing(terms, out);
        unneeded.into_iter().for_each(|key| out.key(key));
        Claim::Led(Led { flight, waiter, turn, current, fallback })
    }
}

impl<K, V> Shard<K, V> {
    /// Books the end of a load whose flight has landed without it, or that never began.
    pub(crate) fn end(&self, flight: &Arc<Flight<K, V>>, out: &mut Departures<K, V>) {
        out.ended(self.write().flights.ended(flight));
    }

    /// Takes out the flight of a vacant entry that is given up, and puts a load in its place if one is `wanted` and somebody waits who wishes for
    /// it: all who wait are expected there. Nothing if it has landed.
    pub(crate) fn vacate(&self, flight: &Arc<Flight<K, V>>, wanted: Option<Wanted>, clock: &Clock) -> Option<Vacated<K, V>> {
        let mut state = self.write();
        if !flight.seal() {
            return None;
        }
        let mine = state.flights.take(flight);
        let wanted = wanted.filter(|_| mine && flight.has_wishes());
        let heir = wanted.and_then(|wanted| state.flights.succeed(flight, wanted));
        if let Some((heir, _)) = &heir {
            flight.succeed_by(heir);
            if state.embargoes.covers(flight.hashed(), clock) {
                heir.keep_out();
            }
        }
        Some(Vacated { heir })
    }

    /// Begins the load of a flight that has been granted a permit. `false` if it needs none any more.
    pub(crate) fn begin_queued(&self, flight: &Arc<Flight<K, V>>) -> bool {
        self.write().flights.begin_queued(flight)
    }

    /// Takes over the permit of a flight whose load has begun. `false` if it has none.
    pub(crate) fn take_permit(&self, flight: &Arc<Flight<K, V>>) -> bool {
        // Under the lock, as its end looks for the permit there.
        let _state = self.write();
        flight.give_permit()
    }

    /// Has a flight that waits for its turn without having asked for a permit ask for one. Says whether it begins now; nothing if it doesn't wait, or
    /// for something else.
    pub(crate) fn ask_permit(&self, flight: &Arc<Flight<K, V>>) -> Option<Turn> {
        self.write().flights.ask_permit(flight)
    }

    /// Has a flight begin that waits for its turn, as those begin with which it is loaded. `false` if it doesn't wait, or for loads of its key.
    pub(crate) fn begin_with_others(&self, flight: &Arc<Flight<K, V>>) -> bool {
        self.write().flights.begin_with_others(flight)
    }

    /// Has a flight begin without a permit, as a load that has one waits for it. `true` if it begins now.
    pub(crate) fn hurry(&self, flight: &Arc<Flight<K, V>>) -> bool {
        self.write().flights.hurry(flight)
    }

    /// Every flight that may not have landed.
    pub(crate) fn flights(&self) -> Vec<Arc<Flight<K, V>>> {
        self.read().flights.all()
    }
}
