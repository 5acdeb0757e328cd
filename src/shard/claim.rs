//! Claiming a flight, and the end of its load.

use super::Shard;
use super::commit::Terms;
use super::departures::Departures;
use crate::ground::hash::Hashed;
use crate::ground::seeded::{self, Bug};
use crate::ground::time::Deadline;
use crate::mechanisms::flight::{Claimed, Flight, Turn, Waiter};
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

/// What a caller that wants a load got.
pub(crate) enum Claim<K, V> {
    /// Somebody was faster: the value is there.
    Hit(Arc<V>),
    /// Somebody was faster: the flight is under way, and joined.
    Joined(Waiter<K, V>),
    /// A flight of its own.
    Led {
        waiter: Waiter<K, V>,
        turn: Turn,
        /// The fresh value that is held while it is loaded anew.
        current: Option<Arc<V>>,
    },
}

impl<K: Eq, V> Shard<K, V> {
    /// Looks once more and, if there is nothing to be had, claims the key's flight, in one critical section.
    pub(crate) fn claim(
        &self,
        hashed: Hashed,
        key: K,
        rule: Rule,
        deadline: Deadline,
        terms: Terms<'_>,
        out: &mut Departures<K, V>,
    ) -> Claim<K, V> {
        let mut state = self.write();
        let held = state.store.find(hashed, &key);
        let fresh = held.filter(|&slot| state.store.get(slot).times.is_fresh(terms.clock));
        let current = fresh.map(|slot| Arc::clone(&state.store.get(slot).value));
        if !seeded::on(Bug::ClaimWithoutLook) {
            if let (Rule::IfMissing, Some(value)) = (rule, &current) {
                let value = Arc::clone(value);
                out.key(key);
                return Claim::Hit(value);
            }
            if let Some(flight) = state.flights.joinable(hashed, &key) {
                let waiter = flight.join();
                out.key(key);
                return Claim::Joined(waiter);
            }
        }
        // Both lookups above compare keys, as the claim does; only what comes after it may change anything.
        let Claimed { flight, turn, old } = state.flights.claim(hashed, key, deadline);
        if fresh.is_none() {
            state.part_with(held, RemovalCause::Expired, terms, out);
        }
        drop(state);
        out.flight(old);
        Claim::Led { waiter: flight.join(), turn, current }
    }

    /// Books the end of a load whose flight has landed without it, or that never began.
    pub(crate) fn end(&self, flight: &Arc<Flight<K, V>>, out: &mut Departures<K, V>) {
        out.ended(self.write().flights.ended(flight));
    }
}
