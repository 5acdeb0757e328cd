//! The read-through protocol: look, and if nothing is there, join the flight or claim it. Both faces fetch by it.

use super::counters::Count;
use super::lead::LoadGuard;
use super::shared::CacheShared;
use crate::ground::hash::Hashed;
use crate::mechanisms::flight::{Landing, Standing, Turn, Waiter};
use crate::shard::{Claim, Departures, Place, Rule, Sought};
use crate::vocabulary::keys::{Key, LoadKey, Value};
use std::hash::BuildHasher;
use std::sync::Arc;

/// What a fetch asks for.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    pub(crate) rule: Rule,
    pub(crate) lead: MayLead,
    pub(crate) look: Look,
}

/// Whether the caller has a way to load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MayLead {
    Yes,
    No,
}

/// Whether a caller looks for the first time, which is counted, or again, after the load that it waited for was overtaken and failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    First,
    Again,
}

/// What a fetch finds.
pub(crate) enum Asked<K: Key, V: Value, S: Send + Sync + 'static> {
    Hit(Arc<V>),
    Joined(Waiter<K, V>),
    Led(Lead<K, V, S>),
    /// Nothing is there, and the caller has no way to load.
    Nothing,
}

/// A flight of the caller's own: it is to run the load, or to have it run.
pub(crate) struct Lead<K: Key, V: Value, S: Send + Sync + 'static> {
    pub(crate) waiter: Waiter<K, V>,
    pub(crate) guard: LoadGuard<K, V, S>,
    pub(crate) turn: Turn,
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> CacheShared<K, V, S> {
    /// Whether the cache's own loader can lead.
    pub(crate) fn may_lead(&self) -> MayLead {
        if self.loader.is_some() { MayLead::Yes } else { MayLead::No }
    }

    /// Looks for a value, for a flight to join, or claims one.
    #[inline]
    pub(crate) fn ask<Q: LoadKey<K> + ?Sized>(self: &Arc<Self>, key: &Q, request: Request) -> Asked<K, V, S> {
        let place = self.place(key);
        let asked = match self.seek(place, request.rule) {
            Sought::Hit(value) => Asked::Hit(value),
            Sought::Flight(waiter) => Asked::Joined(waiter),
            Sought::Overdue(_) | Sought::Nothing => match request.lead {
                MayLead::No => Asked::Nothing,
                MayLead::Yes => self.claim(place.hashed, key.to_key(), request.rule),
            },
        };
        if request.look == Look::First {
            self.counters.count(match asked {
                Asked::Hit(_) => Count::Hit,
                Asked::Joined(_) => Count::Joined,
                Asked::Led(_) | Asked::Nothing => Count::Miss,
            });
        }
        asked
    }

    /// Looks for a value or a flight to join, and ends a flight that should have ended by now.
    #[inline]
    fn seek<Q: LoadKey<K> + ?Sized>(&self, place: Place<'_, Q>, rule: Rule) -> Sought<K, V> {
        let shard = self.shard(place.hashed);
        let look = || match rule {
            Rule::IfMissing => shard.seek(place),
            Rule::Anyway => shard.seek_flight(place),
        };
        let first = look();
        let Sought::Overdue(flight) = first else { return first };
        if self.time_out(&flight) {
            return Sought::Nothing;
        }
        // Somebody else has ended it by now, or a load that came in time is about to land.
        match look() {
            Sought::Overdue(flight) => Sought::Flight(flight.join()),
            other => other,
        }
    }

    fn claim(self: &Arc<Self>, hashed: Hashed, key: K, rule: Rule) -> Asked<K, V, S> {
        let deadline = self.clock.deadline_in(self.settings.load_timeout);
        let mut out = Departures::new();
        let claim = self.shard(hashed).claim(hashed, key, rule, deadline, self.terms(), &mut out);
        let asked = match claim {
            Claim::Hit(value) => Asked::Hit(value),
            Claim::Joined(waiter) => Asked::Joined(waiter),
            Claim::Led { waiter, turn, current } => {
                // The guard is there before anything that could panic: from here on the flight lands, whatever happens.
                let guard = LoadGuard::new(Arc::clone(self), Arc::clone(waiter.flight()), current);
                self.counters.count(Count::LoadStarted);
                Asked::Led(Lead { waiter, guard, turn })
            }
        };
        self.let_go(out);
        asked
    }
}

impl<V> Landing<V> {
    /// Whether those who waited look again: the load failed, but a write had overtaken it, so that something else may be there.
    pub(crate) fn asks_for_another_look(&self) -> bool {
        self.standing == Standing::Superseded && self.result.as_ref().is_err_and(|error| !error.is_absent())
    }
}
