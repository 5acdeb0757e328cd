//! Claiming a flight, and the end of its load.

use super::Shard;
use super::commit::Terms;
use super::departures::Departures;
use crate::ground::hash::Hashed;
use crate::ground::seeded::{self, Bug};
use crate::mechanisms::flight::{Claimed, Flight, Kind, Turn, Waiter, Wanted, Wish};
use crate::vocabulary::removal::RemovalCause;
use std::sync::Arc;

/// When a caller may start a load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// When no fresh value is held.
    IfMissing,
    /// Whatever is held.
    Anyway,
}

/// What a caller that wants a load, or a vacant entry, got. A key that wasn't needed comes back.
pub(crate) enum Claim<K, V> {
    /// Somebody was faster: the value is there.
    Hit(Arc<V>, K),
    /// Somebody was faster: the flight is under way, and joined.
    Joined(Waiter<K, V>, K),
    /// A flight of its own.
    Led {
        flight: Arc<Flight<K, V>>,
        /// The seat of a load's leader; the holder of an entry waits for nobody.
        waiter: Option<Waiter<K, V>>,
        turn: Turn,
        /// The fresh value that is held while it is loaded anew.
        current: Option<Arc<V>>,
    },
    /// Too many loads wait for a permit.
    Refused(K),
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
        let held = state.store.find(hashed, &key);
        let fresh = held.filter(|&slot| state.store.get(slot).times.is_fresh(terms.clock));
        let current = fresh.map(|slot| Arc::clone(&state.store.get(slot).value));
        if !seeded::on(Bug::ClaimWithoutLook) {
            if let (Rule::IfMissing, Some(value)) = (rule, &current) {
                return Claim::Hit(Arc::clone(value), key);
            }
            if let Some(flight) = state.flights.joinable(hashed, &key) {
                return Claim::Joined(flight.join(wish), key);
            }
        }
        // Both lookups above compare keys, as the claim does; only what comes after it may change anything.
        let Claimed { flight, turn, unneeded } = match state.flights.claim(hashed, key, wanted) {
            Ok(claimed) => claimed,
            Err(key) => return Claim::Refused(key),
        };
        // Seated before anybody else can come and go: a load that nobody waits for may be cancelled.
        let waiter = (wanted.kind == Kind::Load).then(|| flight.join(wish));
        if fresh.is_none() {
            state.part_with(held, RemovalCause::Expired, terms, out);
        }
        drop(state);
        unneeded.into_iter().for_each(|key| out.key(key));
        Claim::Led { flight, waiter, turn, current }
    }
}

impl<K, V> Shard<K, V> {
    /// Books the end of a load whose flight has landed without it, or that never began.
    pub(crate) fn end(&self, flight: &Arc<Flight<K, V>>, out: &mut Departures<K, V>) {
        out.ended(self.write().flights.ended(flight));
    }

    /// Takes out the flight of a vacant entry that is given up, and puts a load in its place if one is `wanted` and somebody waits who wishes for
    /// it: all who wait are expected there. Nothing if it has landed.
    pub(crate) fn vacate(&self, flight: &Arc<Flight<K, V>>, wanted: Option<Wanted>) -> Option<Vacated<K, V>> {
        let mut state = self.write();
        if !flight.seal() {
            return None;
        }
        let mine = state.flights.take(flight);
        let wanted = wanted.filter(|_| mine && flight.has_wishes());
        let heir = wanted.and_then(|wanted| state.flights.succeed(flight, wanted));
        if let Some((heir, _)) = &heir {
            flight.succeed_by(heir);
        }
        Some(Vacated { heir })
    }

    /// Begins the load of a flight that has been granted a permit. `false` if it needs none any more.
    pub(crate) fn begin_queued(&self, flight: &Arc<Flight<K, V>>) -> bool {
        self.write().flights.begin_queued(flight)
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
