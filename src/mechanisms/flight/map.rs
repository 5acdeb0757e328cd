//! The map of flights: for each key that is being loaded, which flight may be joined and which loads are in the air.
//!
//! It lies under the shard's lock. A key has a berth here from its first claim until its last load has ended. Berths are found by key for
//! those who ask, and by number for flights that end: a key that isn't equal to itself still leaves its berth, and nobody else's.

use super::name::Name;
use super::{Begun, Flight, Kind, Permission, Traffic};
use crate::ground::hash::Hashed;
use crate::ground::seeded::{self, Bug};
use crate::ground::sync::atomic::Ordering;
use crate::ground::time::Deadline;
use crate::mechanisms::permits::{Permits, Queueing};
use equivalent::Equivalent;
use hashbrown::HashTable;
use hashbrown::hash_table::{Entry, VacantEntry};
use std::sync::Arc;

/// Loads of one key that run at a time, superseded ones included: a write every few milliseconds makes no herd of its own.
pub(crate) const MOST_ALOFT: usize = 4;

/// All flights of a shard.
pub(crate) struct FlightMap<K, V> {
    berths: HashTable<Berth<K, V>>,
    /// Counts clears: flights of earlier times are superseded, without a visit to each.
    epoch: u64,
    traffic: Arc<Traffic>,
    permits: Arc<Permits<Arc<Flight<K, V>>>>,
}

struct Berth<K, V> {
    name: Arc<Name<K>>,
    latest: Latest<K, V>,
    /// Loads of this key that have begun and not ended.
    aloft: [Option<Arc<Flight<K, V>>>; MOST_ALOFT],
}

/// A key's latest flight, and what may be done with it.
enum Latest<K, V> {
    /// Its load has yet to begin, so that no write need supersede it.
    Queued(Arc<Flight<K, V>>),
    /// It may be joined and stored unless the map was cleared since.
    Flying { flight: Arc<Flight<K, V>>, epoch: u64 },
    /// It has landed, was given up, or a write overtook it.
    Gone,
}

/// What flight is claimed.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) deadline: Deadline,
    pub(crate) kind: Kind,
    /// Whether a load asks for it, on whose permit it runs.
    pub(crate) urgent: bool,
    pub(crate) party: Party,
}

/// Whether a flight is loaded with others that were claimed before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Party {
    Alone,
    /// With others that have begun, on their permit.
    Begun,
    /// With others that wait for their turn.
    Waits,
    /// With others that are yet to come.
    Gathers,
}

/// A claim: the flight, whether its load begins now, and the key if the map has one equal to it.
pub(crate) struct Claimed<K, V> {
    pub(crate) flight: Arc<Flight<K, V>>,
    pub(crate) turn: Turn,
    pub(crate) unneeded: Option<K>,
}

/// Whether a claimed flight's load begins now, or when another load ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    Now,
    Later,
    /// When nobody else is waited for that it could be loaded with.
    Gathered,
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
    /// Whether its permit is to be passed on, off the lock.
    pub(crate) permit: bool,
}

impl<K, V> FlightMap<K, V> {
    pub(crate) fn new(traffic: Arc<Traffic>, permits: Arc<Permits<Arc<Flight<K, V>>>>) -> Self {
        Self { berths: HashTable::new(), epoch: 0, traffic, permits }
    }

    /// The flight of `key` that may be joined.
    pub(crate) fn joinable<Q: Equivalent<K> + ?Sized>(&self, hashed: Hashed, key: &Q) -> Option<&Arc<Flight<K, V>>> {
        if self.berths.is_empty() {
            return None;
        }
        self.berths.find(hashed.0, |berth| berth.is_of(hashed, key))?.latest.open(self.epoch)
    }

    /// Makes a flight for `key`, in place of whatever flight it had.
    ///
    /// # Errors
    /// If too many loads wait for a permit, or too many refreshes are under way; the key is given back.
    pub(crate) fn claim(&mut self, hashed: Hashed, key: K, wanted: Wanted) -> Result<Claimed<K, V>, K>
    where
        K: Eq,
    {
        let Self { berths, epoch, traffic, permits } = self;
        match berths.entry(hashed.0, |berth| berth.is_of(hashed, &key), |berth| berth.name.hashed.0) {
            Entry::Occupied(mut entry) => match entry.get_mut().claim(wanted, *epoch, traffic, permits) {
                Some((flight, turn)) => Ok(Claimed { flight, turn, unneeded: Some(key) }),
                None => Err(key),
            },
            Entry::Vacant(entry) => {
                let name = Name::new(key, hashed);
                match Berth::claim_new(entry, Arc::clone(&name), wanted, *epoch, traffic, permits) {
                    Some((flight, turn)) => Ok(Claimed { flight, turn, unneeded: None }),
                    None => Err(Name::into_key(name)),
                }
            }
        }
    }

    /// Makes a flight for the key of another that has left the map; nothing if too many loads wait for a permit.
    pub(crate) fn succeed(&mut self, flight: &Flight<K, V>, wanted: Wanted) -> Option<(Arc<Flight<K, V>>, Turn)> {
        let Self { berths, epoch, traffic, permits } = self;
        match berths.entry(flight.hashed().0, |berth| berth.name.berth == flight.name.berth, |berth| berth.name.hashed.0) {
            Entry::Occupied(mut entry) => entry.get_mut().claim(wanted, *epoch, traffic, permits),
            Entry::Vacant(entry) => Berth::claim_new(entry, Arc::clone(&flight.name), wanted, *epoch, traffic, permits),
        }
    }

    /// Whether this very flight may still be joined and stored.
    pub(crate) fn holds(&self, flight: &Arc<Flight<K, V>>) -> bool {
        let berth = self.berths.find(flight.hashed().0, |berth| berth.name.berth == flight.name.berth);
        berth.and_then(|berth| berth.latest.open(self.epoch)).is_some_and(|latest| Arc::ptr_eq(latest, flight))
    }

    /// Takes this very flight out, and says whether it was in.
    pub(crate) fn take(&mut self, flight: &Arc<Flight<K, V>>) -> bool {
        let Ok(mut entry) = self.berths.find_entry(flight.hashed().0, |berth| berth.name.berth == flight.name.berth) else { return false };
        let held = entry.get().latest.open(self.epoch).is_some_and(|latest| Arc::ptr_eq(latest, flight));
        // One that the map was cleared of goes, too.
        if entry.get().latest.is(flight) || seeded::on(Bug::RemoveFlightByKey) {
            entry.get_mut().latest = Latest::Gone;
            if entry.get().is_empty() {
                entry.remove();
            }
        }
        held
    }

    /// A write to the key of `flight` overtakes it: it can be joined no more, and what it brings is not stored. One that hasn't begun stays.
    pub(crate) fn supersede(&mut self, flight: &Arc<Flight<K, V>>) -> Overtaken {
        let berth = self.berths.find(flight.hashed().0, |berth| berth.name.berth == flight.name.berth);
        if berth.is_some_and(|berth| matches!(berth.latest, Latest::Queued(_))) {
            return Overtaken::Queued;
        }
        self.forget_latest(flight);
        Overtaken::Flying
    }

    /// As [`supersede`](Self::supersede) for every key.
    pub(crate) fn supersede_all(&mut self) {
        self.epoch += 1;
    }

    /// A flight's load has ended, or will never begin. To be called once for each flight.
    pub(crate) fn ended(&mut self, flight: &Arc<Flight<K, V>>) -> Ended<K, V> {
        let mut ended = Ended { next: None, permit: flight.is_on_permit() };
        if flight.has_begun() {
            flight.set_begun(Begun::Ended);
        }
        if flight.refreshing.swap(false, Ordering::Relaxed) {
            self.traffic.refresh_ended();
        }
        let Ok(mut entry) = self.berths.find_entry(flight.hashed().0, |berth| berth.name.berth == flight.name.berth) else {
            return ended;
        };
        let berth = entry.get_mut();
        if let Some(place) = berth.aloft.iter_mut().find(|place| place.as_ref().is_some_and(|aloft| Arc::ptr_eq(aloft, flight))) {
            *place = None;
        }
        match &berth.latest {
            Latest::Queued(next) if berth.has_room_aloft() && !next.gathered.load(Ordering::Relaxed) => {
                let next = Arc::clone(next);
                if let Permission::Begin(begun) = next.permission(&self.permits, Queueing::Anyway) {
                    berth.fly(&next, begun, self.epoch);
                    ended.next = Some(next);
                }
            }
            Latest::Flying { flight: latest, .. } if Arc::ptr_eq(latest, flight) => berth.latest = Latest::Gone,
            Latest::Queued(_) | Latest::Flying { .. } | Latest::Gone => {}
        }
        if berth.is_empty() {
            entry.remove();
        }
        ended
    }

    /// A permit has been granted to a flight that waited for it: begins its load, unless it isn't wanted any more.
    pub(crate) fn begin_queued(&mut self, flight: &Arc<Flight<K, V>>) -> bool {
        self.begin_waiting(flight, Begun::OnPermit)
    }

    /// A flight whose turn depended on another one's asks for a permit of its own. Says whether it begins now; nothing if it doesn't wait, or for
    /// loads of its key.
    pub(crate) fn ask_permit(&mut self, flight: &Arc<Flight<K, V>>) -> Option<Turn> {
        let Self { berths, epoch, permits, .. } = self;
        let berth = berths.find_mut(flight.hashed().0, |berth| berth.name.berth == flight.name.berth)?;
        if !matches!(&berth.latest, Latest::Queued(latest) if Arc::ptr_eq(latest, flight)) || !berth.has_room_aloft() {
            return None;
        }
        match flight.permission(permits, Queueing::Anyway) {
            Permission::Begin(begun) => {
                // It may have been queued before, when a load of its key ended.
                permits.leave(flight.serial);
                berth.fly(flight, begun, *epoch);
                Some(Turn::Now)
            }
            Permission::Wait | Permission::Refused => Some(Turn::Later),
        }
    }

    /// A flight begins as those do with which it is loaded, on their permit. `false` if it doesn't wait, or for loads of its key.
    pub(crate) fn begin_with_others(&mut self, flight: &Arc<Flight<K, V>>) -> bool {
        let begins = self.begin_waiting(flight, Begun::Free);
        if begins {
            self.permits.leave(flight.serial);
        }
        begins
    }

    /// A load that has a permit waits for this flight: it is to begin without one. Says whether it begins now.
    pub(crate) fn hurry(&mut self, flight: &Arc<Flight<K, V>>) -> bool {
        flight.urgent.store(true, Ordering::Relaxed);
        let begins = self.begin_waiting(flight, Begun::Free);
        if begins {
            self.permits.leave(flight.serial);
        } else if let Some(berth) = self.berths.find(flight.hashed().0, |berth| berth.name.berth == flight.name.berth) {
            // It waits for those that are aloft, which from now on must not wait for a permit either.
            berth.aloft.iter().flatten().for_each(|ahead| ahead.urgent.store(true, Ordering::Relaxed));
        }
        begins
    }

    fn begin_waiting(&mut self, flight: &Arc<Flight<K, V>>, begun: Begun) -> bool {
        let epoch = self.epoch;
        let Some(berth) = self.berths.find_mut(flight.hashed().0, |berth| berth.name.berth == flight.name.berth) else { return false };
        let waits = matches!(&berth.latest, Latest::Queued(latest) if Arc::ptr_eq(latest, flight)) && berth.has_room_aloft();
        if waits {
            berth.fly(flight, begun, epoch);
        }
        waits
    }

    /// Every flight that may not have landed.
    pub(crate) fn all(&self) -> Vec<Arc<Flight<K, V>>> {
        let mut all = Vec::new();
        for berth in &self.berths {
            let queued = match &berth.latest {
                Latest::Queued(flight) | Latest::Flying { flight, .. } => Some(flight),
                Latest::Gone => None,
            };
            let others = berth.aloft.iter().flatten().filter(|aloft| queued.is_none_or(|queued| !Arc::ptr_eq(aloft, queued)));
            all.extend(queued.into_iter().chain(others).cloned());
        }
        all
    }

    /// How many keys have a berth.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn len(&self) -> usize {
        self.berths.len()
    }

    /// The flight's berth has no latest flight any more, and is gone if no load of its key is in the air.
    fn forget_latest(&mut self, flight: &Arc<Flight<K, V>>) {
        if let Ok(mut entry) = self.berths.find_entry(flight.hashed().0, |berth| berth.name.berth == flight.name.berth) {
            entry.get_mut().latest = Latest::Gone;
            if entry.get().is_empty() {
                entry.remove();
            }
        }
    }
}

impl<K, V> Latest<K, V> {
    fn is(&self, flight: &Arc<Flight<K, V>>) -> bool {
        match self {
            Self::Queued(latest) | Self::Flying { flight: latest, .. } => Arc::ptr_eq(latest, flight),
            Self::Gone => false,
        }
    }

    fn open(&self, epoch: u64) -> Option<&Arc<Flight<K, V>>> {
        match self {
            Self::Queued(flight) => Some(flight),
            Self::Flying { flight, epoch: of } => (*of == epoch).then_some(flight),
            Self::Gone => None,
        }
    }
}

impl<K, V> Berth<K, V> {
    fn is_of<Q: Equivalent<K> + ?Sized>(&self, hashed: Hashed, key: &Q) -> bool {
        self.name.hashed == hashed && key.equivalent(self.name.key())
    }

    fn is_empty(&self) -> bool {
        matches!(self.latest, Latest::Gone) && self.aloft.iter().all(Option::is_none)
    }

    fn has_room_aloft(&self) -> bool {
        self.aloft.iter().any(Option::is_none)
    }

    fn claim_new(
        entry: VacantEntry<'_, Self>,
        name: Arc<Name<K>>,
        wanted: Wanted,
        epoch: u64,
        traffic: &Arc<Traffic>,
        permits: &Permits<Arc<Flight<K, V>>>,
    ) -> Option<(Arc<Flight<K, V>>, Turn)> {
        let mut berth = Self { name, latest: Latest::Gone, aloft: [const { None }; MOST_ALOFT] };
        let claimed = berth.claim(wanted, epoch, traffic, permits)?;
        entry.insert(berth);
        Some(claimed)
    }

    /// Makes a flight; `None` if too many loads wait for a permit, or too many refreshes are under way.
    fn claim(
        &mut self,
        wanted: Wanted,
        epoch: u64,
        traffic: &Arc<Traffic>,
        permits: &Permits<Arc<Flight<K, V>>>,
    ) -> Option<(Arc<Flight<K, V>>, Turn)> {
        let flight = Arc::new(Flight::new(Arc::clone(&self.name), wanted, Arc::clone(traffic)));
        if wanted.kind == Kind::Entry {
            flight.set_begun(Begun::Free);
            self.latest = Latest::Flying { flight: Arc::clone(&flight), epoch };
            return Some((flight, Turn::Now));
        }
        if wanted.kind == Kind::Refresh && !traffic.may_refresh() {
            return None;
        }
        let permission = || match wanted.party {
            Party::Alone => flight.permission(permits, Queueing::Limited),
            Party::Gathers if wanted.urgent => flight.permission(permits, Queueing::Limited),
            Party::Begun => Permission::Begin(Begun::Free),
            Party::Gathers if permits.is_full() => Permission::Refused,
            Party::Waits | Party::Gathers => Permission::Wait,
        };
        let turn = match self.has_room_aloft().then(permission) {
            Some(Permission::Begin(begun)) => {
                self.fly(&flight, begun, epoch);
                Turn::Now
            }
            waits @ (Some(Permission::Wait) | None) => {
                self.latest = Latest::Queued(Arc::clone(&flight));
                // One that waits for loads of its key waits for nobody else.
                let gathered = wanted.party == Party::Gathers && waits.is_some();
                flight.gathered.store(gathered, Ordering::Relaxed);
                if gathered { Turn::Gathered } else { Turn::Later }
            }
            Some(Permission::Refused) => {
                if wanted.kind == Kind::Refresh {
                    traffic.refresh_ended();
                }
                return None;
            }
        };
        traffic.flights.add(1);
        Some((flight, turn))
    }

    fn fly(&mut self, flight: &Arc<Flight<K, V>>, begun: Begun, epoch: u64) {
        flight.set_begun(begun);
        self.latest = Latest::Flying { flight: Arc::clone(flight), epoch };
        if let Some(place) = self.aloft.iter_mut().find(|place| place.is_none()) {
            *place = Some(Arc::clone(flight));
        }
    }
}
