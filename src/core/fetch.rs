//! The read-through protocol: look, and if nothing is there, join the flight or claim it. Both faces fetch by it.

use super::counters::Count;
use super::lead::LoadGuard;
use super::places::Caller;
use super::shared::CacheShared;
use super::waiting::Waiting;
use crate::ground::hash::Hashed;
use crate::ground::seeded::{self, Bug};
use crate::ground::waits;
use crate::mechanisms::flight::{Flight, Kind, Landing, Offer, Standing, Turn, Wanted, Wish};
use crate::shard::{Claim, Departures, Place, Rule, Sought, Trace};
use crate::vocabulary::error::LoadError;
use crate::vocabulary::keys::{Key, LoadKey, Value};
use equivalent::Equivalent;
use std::hash::BuildHasher;
use std::sync::Arc;

/// What a fetch asks for.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    pub(crate) rule: Rule,
    pub(crate) lead: MayLead,
    pub(crate) look: Look,
    pub(crate) caller: Caller,
}

/// How the caller can load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MayLead {
    /// By the cache's own loader, whether or not the caller goes on.
    Loader,
    /// By a closure of its own.
    Closure,
    No,
}

/// Which look this is of a caller's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// The first, which is counted.
    First,
    /// One more, as nobody brought what was waited for.
    Anew,
    /// The last, as the load that was waited for was overtaken and failed.
    Again,
}

/// What a fetch finds.
pub(crate) enum Asked<'a, K: Key, V: Value, S: Send + Sync + 'static> {
    Hit(Arc<V>),
    Joined(Waiting<'a, K, V, S>),
    Led(Lead<'a, K, V, S>),
    /// Nothing is there, and no load may be begun.
    Refused(LoadError),
}

/// A flight of the caller's own: it is to run the load, or to have it run.
pub(crate) struct Lead<'a, K: Key, V: Value, S: Send + Sync + 'static> {
    pub(crate) waiting: Waiting<'a, K, V, S>,
    pub(crate) guard: LoadGuard<K, V, S>,
    pub(crate) turn: Turn,
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> CacheShared<K, V, S> {
    /// Looks for a value, for a flight to join, or claims one.
    #[inline]
    pub(crate) fn ask<Q: LoadKey<K> + ?Sized>(self: &Arc<Self>, key: &Q, request: Request) -> Asked<'_, K, V, S> {
        let place = self.place(key);
        // A hit needs nothing of what follows.
        if let (Rule::IfMissing, Look::First) = (request.rule, request.look)
            && let Some(value) = self.shard(place.hashed).fetch(place, Trace::Leave)
        {
            self.counters.count(Count::Hit);
            return Asked::Hit(value);
        }
        self.ask_missed(place, request)
    }

    #[cold]
    fn ask_missed<Q: LoadKey<K> + ?Sized>(self: &Arc<Self>, place: Place<'_, Q>, request: Request) -> Asked<'_, K, V, S> {
        let offer = || Box::new(self.place_for(request.caller)) as Offer;
        let wish = match request.lead {
            MayLead::Loader => Wish::Load(&offer),
            MayLead::Closure | MayLead::No => Wish::Own,
        };
        let asked = match self.seek(place, request.rule, wish) {
            Sought::Hit(value) => Asked::Hit(value),
            Sought::Flight(waiter) => Asked::Joined(Waiting::new(self, waiter)),
            Sought::Overdue(_) | Sought::Nothing => match request.lead {
                MayLead::No => Asked::Refused(LoadError::NoLoader),
                MayLead::Loader | MayLead::Closure => self.claim(place.hashed, place.key.to_key(), request.rule, wish),
            },
        };
        if request.look == Look::First {
            self.counters.count(match asked {
                Asked::Hit(_) => Count::Hit,
                Asked::Joined(_) => Count::Joined,
                Asked::Led(_) | Asked::Refused(_) => Count::Miss,
            });
        }
        asked
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// How the cache's own loader can lead.
    pub(crate) fn may_lead(&self) -> MayLead {
        if self.loader.is_some() { MayLead::Loader } else { MayLead::No }
    }

    /// Looks once, under the read lock. A flight whose time is over is ended, and looked past.
    #[inline]
    pub(super) fn seek<Q: Equivalent<K> + ?Sized>(self: &Arc<Self>, place: Place<'_, Q>, rule: Rule, wish: Wish<'_>) -> Sought<K, V> {
        let shard = self.shard(place.hashed);
        let look = || match rule {
            Rule::IfMissing => shard.seek(place, wish),
            Rule::Anyway => shard.seek_flight(place, wish),
        };
        let first = look();
        let Sought::Overdue(flight) = first else { return first };
        if self.time_out(&flight) {
            return Sought::Nothing;
        }
        // Somebody else has ended it by now, or a load that came in time is about to land.
        match look() {
            Sought::Overdue(flight) => Sought::Flight(flight.join(wish)),
            other => other,
        }
    }

    /// Looks once more under the write lock, and claims the flight if nothing is there.
    fn claim(self: &Arc<Self>, hashed: Hashed, key: K, rule: Rule, wish: Wish<'_>) -> Asked<'_, K, V, S> {
        let mut out = Departures::new();
        if self.is_closed() {
            out.key(key);
            self.let_go(out);
            return Asked::Refused(LoadError::Closed);
        }
        let claim = self.shard(hashed).claim((hashed, key), rule, wish, self.wanted(Kind::Load), self.terms(), &mut out);
        let asked = match claim {
            Claim::Hit(value, key) => {
                out.key(key);
                Asked::Hit(value)
            }
            Claim::Joined(waiter, key) => {
                out.key(key);
                Asked::Joined(Waiting::new(self, waiter))
            }
            Claim::Led { flight, waiter, turn, current } => {
                let waiting = Waiting::new(self, waiter.expect("a load's leader has a seat"));
                match self.begin_unless_closed(flight, current) {
                    Some(guard) => Asked::Led(Lead { waiting, guard, turn }),
                    None => Asked::Refused(LoadError::Closed),
                }
            }
            Claim::Refused(key) => {
                out.key(key);
                self.counters.count(Count::TurnedAway);
                Asked::Refused(LoadError::Overloaded)
            }
        };
        self.let_go(out);
        asked
    }

    /// The guard of a flight that was just claimed, unless the cache was closed meanwhile: then the flight lands at once.
    pub(super) fn begin_unless_closed(self: &Arc<Self>, flight: Arc<Flight<K, V>>, current: Option<Arc<V>>) -> Option<LoadGuard<K, V, S>> {
        // The guard is there before anything that could panic: from here on the flight lands, whatever happens.
        let guard = LoadGuard::new(Arc::clone(self), flight, current);
        self.counters.count(Count::LoadStarted);
        // Whoever closes either counts the flight or is seen here.
        if self.is_closed() && !seeded::on(Bug::LoadAfterClose) {
            guard.land(Err(LoadError::Closed));
            return None;
        }
        Some(guard)
    }

    /// A flight that begins now, for whoever asks.
    pub(super) fn wanted(&self, kind: Kind) -> Wanted {
        Wanted {
            deadline: self.clock.deadline_in(self.settings.load_timeout),
            kind,
            urgent: waits::is_privileged() && !seeded::on(Bug::ChildTakesPermit),
        }
    }

    /// A load that must not wait for a permit waits for `flight`: it begins without one, unless too many of its key are in the air.
    pub(super) fn hurry(&self, flight: &Arc<Flight<K, V>>) {
        if !seeded::on(Bug::ChildTakesPermit) && self.shard(flight.hashed()).hurry(flight) {
            flight.begin();
        }
    }
}

impl<V> Landing<V> {
    /// What a load that a write had overtaken failed with. A vacant entry that was given up failed with nothing.
    pub(crate) fn overtaken(self) -> Option<LoadError> {
        if self.standing == Standing::Vacated { None } else { self.result.err() }
    }

    /// Which look the one who waited takes next, if its result isn't this landing's.
    pub(crate) fn next_look(&self, look: Look) -> Option<Look> {
        match (self.standing, look) {
            (Standing::Vacated, Look::First | Look::Anew) => Some(Look::Anew),
            (Standing::Vacated, Look::Again) => Some(Look::Again),
            // The load failed, but a write had overtaken it: somebody else may have brought something.
            (Standing::Superseded, Look::First | Look::Anew) => {
                self.result.as_ref().is_err_and(|error| !error.is_absent()).then_some(Look::Again)
            }
            (Standing::Superseded, Look::Again) | (Standing::Held, _) => None,
        }
    }
}
