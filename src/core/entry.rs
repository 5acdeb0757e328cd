//! Entries: a look at a key that either finds its value or takes the lead of its flight, for a caller to bring the value.

use super::counters::Count;
use super::fetch::Look;
use super::lead::{LoadGuard, Prepared};
use super::places::Chosen;
use super::shared::CacheShared;
use super::waiting::Waiting;
use crate::ground::contain::drop_contained;
use crate::ground::reentry;
use crate::ground::seeded::{self, Bug};
use crate::ground::waits::Awaited;
use crate::mechanisms::flight::{Flight, Kind, Landing, Standing, Wanted, Wish};
use crate::shard::{By, Claim, Departures, Place, Rule, Sought};
use crate::vocabulary::error::LoadError;
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loaded::{Answer, Loaded};
use std::hash::BuildHasher;
use std::sync::Arc;

/// What a look at a key found.
pub(crate) enum Entered<'a, K: Key, V: Value, S: Send + Sync + 'static> {
    Occupied(K, Arc<V>),
    Vacant(LoadGuard<K, V, S>),
    /// Somebody else is about to bring a value.
    Awaited(K, Waiting<'a, K, V, S>),
    /// As `Awaited`, for a caller that never waits.
    Busy,
}

/// Whether a caller waits for others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    Waits,
    Never,
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> CacheShared<K, V, S> {
    /// Looks for a value or for somebody who brings one, and takes the lead if there is neither.
    pub(crate) fn enter(self: &Arc<Self>, key: K, look: Look, patience: Patience) -> Entered<'_, K, V, S> {
        let place = self.place(&key);
        let hashed = place.hashed;
        let wish = match patience {
            Patience::Waits => Wish::Own,
            Patience::Never => Wish::Glance,
        };
        let entered = match self.seek(place, Rule::Shown, wish) {
            Sought::Held(fetched, _) => Entered::Occupied(key, fetched.value),
            Sought::Flight(..) if patience == Patience::Never => Entered::Busy,
            Sought::Flight(waiter, _) => Entered::Awaited(key, Waiting::new(self, waiter, None)),
            Sought::Overdue(..) | Sought::Nothing(_) | Sought::Remembered(_) => {
                let mut out = Departures::new();
                let wanted = self.wanted(Kind::Entry);
                let claim = self.shard(hashed).claim((hashed, key), Rule::Shown, wish, wanted, self.terms(), &mut out);
                let entered = match claim {
                    Claim::Held(fetched, key) => Entered::Occupied(key, fetched.value),
                    Claim::Joined(..) if patience == Patience::Never => Entered::Busy,
                    Claim::Joined(waiter, _, key) => Entered::Awaited(key, Waiting::new(self, waiter, None)),
                    Claim::Led(led) => Entered::Vacant(LoadGuard::new(Arc::clone(self), led.flight, None)),
                    Claim::Refused(..) | Claim::Remembered(..) | Claim::Needless(_) => {
                        unreachable!("an entry needs no permit and no answer")
                    }
                };
                self.let_go(out);
                entered
            }
        };
        if look == Look::First {
            self.counters.count(match entered {
                Entered::Occupied(..) => Count::Hit,
                Entered::Awaited(..) => Count::Joined,
                Entered::Busy | Entered::Vacant(_) => Count::Miss,
            });
        }
        entered
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Ends the flight of a vacant entry that was given up or whose time is over. The cache's own loader takes over if somebody waits who wishes
    /// for it; all others look again. `false` if it has landed.
    pub(super) fn vacate(self: &Arc<Self>, flight: &Arc<Flight<K, V>>) -> bool {
        let may_load = self.loader.is_some() && !self.is_closed() && !seeded::on(Bug::VacateWithoutHeir);
        let party = self.party(self.may_lead());
        let wanted = may_load.then(|| Wanted { urgent: flight.is_privileged(), party, ..self.wanted(Kind::Load) });
        let Some(vacated) = self.shard(flight.hashed()).vacate(flight, wanted, &self.clock) else { return false };
        let heir = vacated.heir.map(|(heir, turn)| (self.begin_unless_closed(Arc::clone(&heir), None), heir, turn));
        drop(self.publish(flight, Landing { result: Err(LoadError::Cancelled), standing: Standing::Vacated }, None));
        if let Some((guard, heir, turn)) = heir {
            if let Some(guard) = guard {
                // Where one of those who wait would have it run: whoever gives the entry up may be anywhere.
                let place = flight.take_offer().and_then(|offer| offer.downcast::<Chosen>().ok());
                self.launch_in(guard, turn, place.map(|place| place.or_own_threads(&self.process)));
            }
            flight.arrive();
            self.left(&heir);
        }
        true
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> LoadGuard<K, V, S> {
    pub(crate) fn key(&self) -> &K {
        self.flight.key()
    }

    /// Brings the value of a vacant entry: to those who wait, and into the cache unless a write has overtaken it. Once the entry's time is over it
    /// is an insert like any other.
    ///
    /// # Panics
    /// If `loaded` has no value, the weigher, the key's clone or `Eq` panics, or inside the closure of `get`: then the entry is given up.
    pub(crate) fn fill(self, loaded: Loaded<V>) -> Arc<V> {
        reentry::check();
        let value = match &loaded.answer {
            Answer::Value(value) | Answer::Uncached(value) => Arc::clone(value),
            Answer::Absent | Answer::Unchanged => {
                panic!("a vacant entry was given no value (`absent` or `unchanged`): drop the entry to leave it vacant")
            }
        };
        let prepared = self.prepare(Ok(loaded));
        self.shared.heed(self.flight.hashed());
        let late = self.shared.clock.has_passed(self.flight.deadline());
        if !late && self.flight.seal() {
            self.finish(prepared);
        } else {
            self.insert_late(prepared);
        }
        value
    }

    fn insert_late(&self, prepared: Prepared<'_, K, V>) {
        match prepared {
            Prepared::Store(mut put) => {
                put.by = By::Caller;
                self.shared.accounted(|out| drop(self.shared.put(put, out)));
            }
            Prepared::Deliver(..) | Prepared::Absent(_) | Prepared::Fail(..) => {
                let (hashed, key) = (self.flight.hashed(), self.flight.key());
                drop_contained(self.shared.remove(Place { hashed, key, clock: &self.shared.clock }));
            }
        }
    }
}
