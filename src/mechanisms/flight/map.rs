//! The map of flights: for each key that is being loaded, which flight may be joined and how many loads are in the air.
//!
//! It lies under the shard's lock. A key has a berth here from its first claim until its last load has ended. Berths are found by key for
//! those who ask, and by number for flights that end: a key that isn't equal to itself still leaves its berth, and nobody else's.

use super::Flight;
use crate::ground::hash::Hashed;
use crate::ground::seeded::{self, Bug};
use crate::ground::time::Deadline;
use equivalent::Equivalent;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::sync::Arc;

/// Loads of one key that run at a time, superseded ones included: a write every few milliseconds makes no herd of its own.
const MOST_ALOFT: u32 = 4;

/// All flights of a shard.
pub(crate) struct FlightMap<K, V> {
    berths: HashTable<Berth<K, V>>,
    /// Counts clears: flights of earlier times are superseded, without a visit to each.
    epoch: u64,
    /// Berths that were ever made.
    made: u64,
}

struct Berth<K, V> {
    number: u64,
    /// The key's latest flight, which also lends the berth its key.
    flight: Arc<Flight<K, V>>,
    state: State,
    /// Loads of this key that have begun and not ended.
    aloft: u32,
}

/// What may be done with a berth's latest flight.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its load has yet to begin, so that no write need supersede it.
    Queued,
    /// It may be joined and stored unless the map was cleared since.
    Flying { epoch: u64 },
    /// It has landed, was given up, or a write overtook it.
    Gone,
}

/// A claim: the flight, whether its load begins now, and a flight of old whose key the caller drops off the lock.
pub(crate) struct Claimed<K, V> {
    pub(crate) flight: Arc<Flight<K, V>>,
    pub(crate) turn: Turn,
    pub(crate) old: Option<Arc<Flight<K, V>>>,
}

/// Whether a claimed flight's load begins now or when another of its key ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    Now,
    Later,
}

/// What a write overtook.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Overtaken {
    /// A load in the air, which is superseded now.
    Flying,
    /// A load that has yet to begin: it will bring what the write left behind.
    Queued,
}

/// What the end of a load leads to.
pub(crate) struct Ended<K, V> {
    /// A flight whose turn has come: to be begun off the lock.
    pub(crate) next: Option<Arc<Flight<K, V>>>,
    /// The key has left the map: to be dropped off the lock.
    pub(crate) old: Option<Arc<Flight<K, V>>>,
}

impl<K, V> FlightMap<K, V> {
    pub(crate) fn new() -> Self {
        Self { berths: HashTable::new(), epoch: 0, made: 0 }
    }

    /// The flight of `key` that may be joined.
    pub(crate) fn joinable<Q: Equivalent<K> + ?Sized>(&self, hashed: Hashed, key: &Q) -> Option<&Arc<Flight<K, V>>> {
        if self.berths.is_empty() {
            return None;
        }
        let berth = self.berths.find(hashed.0, |berth| berth.is_of(hashed, key))?;
        self.is_open(berth).then_some(&berth.flight)
    }

    /// Makes a flight for `key`, in place of whatever flight it had.
    pub(crate) fn claim(&mut self, hashed: Hashed, key: K, deadline: Deadline) -> Claimed<K, V>
    where
        K: Eq,
    {
        let flying = State::Flying { epoch: self.epoch };
        match self.berths.entry(hashed.0, |berth| berth.is_of(hashed, &key), |berth| berth.flight.hashed.0) {
            Entry::Occupied(mut entry) => {
                let berth = entry.get_mut();
                let flight = Arc::new(Flight::new(key, hashed, berth.number, deadline));
                let old = std::mem::replace(&mut berth.flight, Arc::clone(&flight));
                let turn = if berth.aloft < MOST_ALOFT {
                    berth.fly(flying);
                    Turn::Now
                } else {
                    berth.state = State::Queued;
                    Turn::Later
                };
                Claimed { flight, turn, old: Some(old) }
            }
            Entry::Vacant(entry) => {
                self.made += 1;
                let flight = Arc::new(Flight::new(key, hashed, self.made, deadline));
                let mut berth = Berth { number: self.made, flight: Arc::clone(&flight), state: State::Gone, aloft: 0 };
                berth.fly(flying);
                entry.insert(berth);
                Claimed { flight, turn: Turn::Now, old: None }
            }
        }
    }

    /// Whether this very flight may still be joined and stored.
    pub(crate) fn holds(&self, flight: &Arc<Flight<K, V>>) -> bool {
        let berth = self.berths.find(flight.hashed.0, |berth| berth.number == flight.berth);
        berth.is_some_and(|berth| Arc::ptr_eq(&berth.flight, flight) && self.is_open(berth))
    }

    /// Takes this very flight out, and says whether it was in.
    pub(crate) fn take(&mut self, flight: &Arc<Flight<K, V>>) -> bool {
        let held = self.holds(flight);
        if (held || seeded::on(Bug::RemoveFlightByKey))
            && let Some(berth) = self.berths.find_mut(flight.hashed.0, |berth| berth.number == flight.berth)
        {
            berth.state = State::Gone;
        }
        held
    }

    /// A write to the key of `flight` overtakes it: it can be joined no more, and what it brings is not stored. One that hasn't begun stays.
    pub(crate) fn supersede(&mut self, flight: &Arc<Flight<K, V>>) -> Overtaken {
        match self.berths.find_mut(flight.hashed.0, |berth| berth.number == flight.berth) {
            Some(berth) if berth.state == State::Queued => Overtaken::Queued,
            Some(berth) => {
                berth.state = State::Gone;
                Overtaken::Flying
            }
            None => Overtaken::Flying,
        }
    }

    /// As [`supersede`](Self::supersede) for every key.
    pub(crate) fn supersede_all(&mut self) {
        self.epoch += 1;
    }

    /// A flight's load has ended, or will never begin.
    pub(crate) fn ended(&mut self, flight: &Arc<Flight<K, V>>) -> Ended<K, V> {
        let epoch = self.epoch;
        let Ok(mut entry) = self.berths.find_entry(flight.hashed.0, |berth| berth.number == flight.berth) else {
            return Ended { next: None, old: None };
        };
        let berth = entry.get_mut();
        if flight.has_begun() {
            berth.aloft -= 1;
        }
        if berth.state == State::Queued && berth.aloft < MOST_ALOFT {
            berth.fly(State::Flying { epoch });
            return Ended { next: Some(Arc::clone(&berth.flight)), old: None };
        }
        if berth.aloft == 0 && berth.state != State::Queued {
            let (berth, _) = entry.remove();
            return Ended { next: None, old: Some(berth.flight) };
        }
        Ended { next: None, old: None }
    }

    /// Flights whose load has not ended.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn flights(&self) -> impl Iterator<Item = &Arc<Flight<K, V>>> {
        self.berths.iter().map(|berth| &berth.flight)
    }

    fn is_open(&self, berth: &Berth<K, V>) -> bool {
        match berth.state {
            State::Queued => true,
            State::Flying { epoch } => epoch == self.epoch,
            State::Gone => false,
        }
    }
}

impl<K, V> Berth<K, V> {
    fn is_of<Q: Equivalent<K> + ?Sized>(&self, hashed: Hashed, key: &Q) -> bool {
        self.flight.hashed == hashed && key.equivalent(self.flight.key())
    }

    fn fly(&mut self, state: State) {
        self.state = state;
        self.aloft += 1;
        self.flight.set_begun();
    }
}
