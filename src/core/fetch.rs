//! The read-through protocol: look, and if nothing is there, join the flight or claim it. Both faces fetch by it.

use super::counters::Count;
use super::lead::LoadGuard;
use super::places::Caller;
use super::shared::CacheShared;
use super::waiting::Waiting;
use crate::ground::hash::Hashed;
use crate::ground::seeded::{self, Bug};
use crate::ground::waits;
use crate::mechanisms::flight::{Flight, Kind, Landing, Offer, Party, Standing, Turn, Wanted, Wish};
use crate::shard::{Claim, Current, Departures, Due, Fallback, Led, Place, Rule, Sought};
use crate::vocabulary::error::LoadError;
use crate::vocabulary::fetched::{Fetched, Source, StaleReason};
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
    /// Whether what it leads is loaded with others.
    pub(crate) party: Party,
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
    /// A value to be had at once, and perhaps the lead of a refresh that is to be launched.
    Held(Fetched<V>, Option<(LoadGuard<K, V, S>, Turn)>),
    Joined(Waiting<'a, K, V, S>),
    /// A flight of the caller's own, whose load is under way or will be.
    Begun(Waiting<'a, K, V, S>),
    Led(Lead<'a, K, V, S>),
    /// An answer without a value.
    Remembered(LoadError),
    /// Nothing is there, and no load may be begun.
    Refused(LoadError),
}

/// A flight of the caller's own: it is to run the load, or to have it run.
pub(crate) struct Lead<'a, K: Key, V: Value, S: Send + Sync + 'static> {
    pub(crate) waiting: Waiting<'a, K, V, S>,
    pub(crate) guard: LoadGuard<K, V, S>,
    pub(crate) turn: Turn,
}

/// What a fetch finds, and as what it is counted.
type Found<'a, K, V, S> = (Asked<'a, K, V, S>, Count);

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> CacheShared<K, V, S> {
    /// Looks for a value, for a flight to join, or claims one.
    #[inline]
    pub(crate) fn ask<Q: LoadKey<K> + ?Sized>(self: &Arc<Self>, key: &Q, request: Request) -> Asked<'_, K, V, S> {
        let place = self.place(key);
        if let (Rule::Served, Look::First) = (request.rule, request.look) {
            // A hit needs nothing of what follows.
            if let Some(value) = self.shard(place.hashed).fetch_calm(place) {
                self.counters.count(Count::Hit);
                return Asked::Hit(value);
            }
        }
        let party = self.party(request.lead);
        self.ask_missed(place, Request { party, ..request })
    }

    #[cold]
    pub(super) fn ask_missed<Q: LoadKey<K> + ?Sized>(self: &Arc<Self>, place: Place<'_, Q>, request: Request) -> Asked<'_, K, V, S> {
        let offer = || Box::new(self.place_for(request.caller)) as Offer;
        let wish = match request.lead {
            MayLead::Loader => Wish::Load(&offer),
            MayLead::Closure | MayLead::No => Wish::Own,
        };
        let (asked, count) = match self.seek(place, request.rule, wish) {
            Sought::Held(fetched, due) => self.serve(place, request, fetched, due),
            Sought::Flight(waiter, fallback) => (Asked::Joined(Waiting::new(self, waiter, fallback)), Count::Joined),
            Sought::Remembered(error) => (Asked::Remembered(error), Count::NegativeHit),
            Sought::Overdue(_, fallback) | Sought::Nothing(fallback) if request.lead == MayLead::No => {
                (self.refuse(LoadError::NoLoader, fallback), Count::Miss)
            }
            Sought::Overdue(..) | Sought::Nothing(_) => self.claim((place.hashed, place.key.to_key()), request, wish),
        };
        if request.look == Look::First {
            self.counters.count(count);
        }
        asked
    }

    /// Gives what is held; where it is to be loaded anew, with the lead of that.
    fn serve<Q: LoadKey<K> + ?Sized>(
        self: &Arc<Self>,
        place: Place<'_, Q>,
        request: Request,
        fetched: Fetched<V>,
        due: Due<K, V>,
    ) -> Found<'_, K, V, S> {
        match due {
            Due::No => return held(fetched, None),
            Due::Overdue(flight) => self.time_out(&flight),
            Due::Refresh => {}
        }
        if request.lead == MayLead::No || self.is_closed() {
            return held(fetched, None);
        }
        if self.traffic.is_full_of_refreshes() {
            self.counters.count(Count::RefreshDropped);
            return held(fetched, None);
        }
        self.claim_refresh((place.hashed, place.key.to_key()), request, fetched)
    }
}

fn held<'a, K: Key, V: Value, S: Send + Sync + 'static>(
    fetched: Fetched<V>,
    refresh: Option<(LoadGuard<K, V, S>, Turn)>,
) -> Found<'a, K, V, S> {
    let count = if fetched.source == Source::Hit { Count::Hit } else { Count::StaleHit };
    (Asked::Held(fetched, refresh), count)
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// How the cache's own loader can lead.
    pub(crate) fn may_lead(&self) -> MayLead {
        if self.loader.is_some() { MayLead::Loader } else { MayLead::No }
    }

    /// Looks once, under the read lock. A flight whose time is over is ended, and then it looks again.
    #[inline]
    pub(super) fn seek<Q: Equivalent<K> + ?Sized>(self: &Arc<Self>, place: Place<'_, Q>, rule: Rule, wish: Wish<'_>) -> Sought<K, V> {
        let shard = self.shard(place.hashed);
        let first = shard.seek(place, rule, wish);
        let Sought::Overdue(flight, _) = first else { return first };
        self.time_out(&flight);
        match shard.seek(place, rule, wish) {
            // A load that came in time is about to land.
            Sought::Overdue(flight, fallback) => Sought::Flight(flight.join(wish), fallback),
            other => other,
        }
    }

    /// Looks once more under the write lock, and claims the flight if nothing is there.
    fn claim(self: &Arc<Self>, (hashed, key): (Hashed, K), request: Request, wish: Wish<'_>) -> Found<'_, K, V, S> {
        let mut out = Departures::new();
        if self.is_closed() {
            return self.closed((hashed, key), request.rule, out);
        }
        let wanted = Wanted { party: request.party, ..self.wanted(Kind::Load) };
        let claim = self.shard(hashed).claim((hashed, key), request.rule, wish, wanted, self.terms(), &mut out);
        let found = match claim {
            Claim::Held(fetched, key) => {
                out.key(key);
                held(fetched, None)
            }
            Claim::Joined(waiter, fallback, key) => {
                out.key(key);
                (Asked::Joined(Waiting::new(self, waiter, fallback)), Count::Joined)
            }
            Claim::Remembered(error, key) => {
                out.key(key);
                (Asked::Remembered(error), Count::NegativeHit)
            }
            Claim::Led(led) => (self.led(led), Count::Miss),
            Claim::Refused(key, fallback) => {
                out.key(key);
                self.counters.count(Count::TurnedAway);
                (self.refuse(LoadError::Overloaded, fallback), Count::Miss)
            }
            Claim::Needless(_) => unreachable!("a load is needed where nothing is found"),
        };
        self.let_go(out);
        found
    }

    /// What a closed cache has for one who would load.
    fn closed(self: &Arc<Self>, (hashed, key): (Hashed, K), rule: Rule, mut out: Departures<K, V>) -> Found<'_, K, V, S> {
        let sought = self.shard(hashed).seek(Place { hashed, key: &key, clock: &self.clock }, rule, Wish::Glance);
        out.key(key);
        self.let_go(out);
        match sought {
            Sought::Held(fetched, _) => held(fetched, None),
            Sought::Remembered(error) => (Asked::Remembered(error), Count::NegativeHit),
            Sought::Nothing(fallback) | Sought::Flight(_, fallback) | Sought::Overdue(_, fallback) => {
                (self.refuse(LoadError::Closed, fallback), Count::Miss)
            }
        }
    }

    /// Looks once more whether a value is to be loaded anew, and claims the flight if so. A closure that must run on its caller's thread makes that
    /// caller wait for it, with the value in hand.
    fn claim_refresh(self: &Arc<Self>, (hashed, key): (Hashed, K), request: Request, fetched: Fetched<V>) -> Found<'_, K, V, S> {
        let here = request.lead == MayLead::Closure && request.caller == Caller::Thread;
        let kind = if here { Kind::Load } else { Kind::Refresh };
        let mut out = Departures::new();
        let wanted = Wanted { party: self.party(request.lead), ..self.wanted(kind) };
        let claim = self.shard(hashed).claim_refresh((hashed, key), Wish::Own, wanted, self.terms(), &mut out);
        let found = match claim {
            Claim::Led(led) if here => (self.led(led), Count::Miss),
            Claim::Led(led) => {
                self.counters.count(Count::RefreshStarted);
                let turn = led.turn;
                held(fetched, self.begin_unless_closed(led.flight, led.current).map(|guard| (guard, turn)))
            }
            Claim::Refused(key, _) => {
                out.key(key);
                self.counters.count(Count::RefreshDropped);
                held(fetched, None)
            }
            Claim::Needless(key) => {
                out.key(key);
                held(fetched, None)
            }
            Claim::Held(..) | Claim::Joined(..) | Claim::Remembered(..) => unreachable!("a refresh is claimed or needless"),
        };
        self.let_go(out);
        found
    }

    fn led(self: &Arc<Self>, led: Led<K, V>) -> Asked<'_, K, V, S> {
        let Led { flight, waiter, turn, current, fallback } = led;
        let waiting = Waiting::new(self, waiter.expect("a load's leader has a seat"), fallback);
        match self.begin_unless_closed(flight, current) {
            Some(guard) => Asked::Led(Lead { waiting, guard, turn }),
            None => match waiting.instead(StaleReason::LoadFailed) {
                Some(fetched) => Asked::Held(fetched, None),
                None => Asked::Refused(LoadError::Closed),
            },
        }
    }

    /// What one gets who may not load.
    fn refuse(&self, error: LoadError, fallback: Option<Fallback<V>>) -> Asked<'_, K, V, S> {
        match fallback.and_then(|fallback| fallback.instead(StaleReason::LoadFailed, &self.clock)) {
            Some(fetched) => Asked::Held(fetched, None),
            None => Asked::Refused(error),
        }
    }

    /// The guard of a flight that was just claimed, unless the cache was closed meanwhile: then the flight lands at once.
    pub(super) fn begin_unless_closed(
        self: &Arc<Self>,
        flight: Arc<Flight<K, V>>,
        current: Option<Current<V>>,
    ) -> Option<LoadGuard<K, V, S>> {
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
            // Nobody waits for a refresh, so that it holds nobody up who has a permit.
            urgent: kind != Kind::Refresh && waits::is_privileged() && !seeded::on(Bug::ChildTakesPermit),
            party: Party::Alone,
        }
    }

    /// How a single load goes out. What a load waits for isn't held back: it would be one with others that have nothing to do with it.
    pub(super) fn party(&self, lead: MayLead) -> Party {
        let gathers = self.window.is_some() && lead == MayLead::Loader && waits::current().is_none();
        if gathers { Party::Gathers } else { Party::Alone }
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
            (Standing::Superseded, Look::Again) | (Standing::Held | Standing::Slow | Standing::Struck { .. }, _) => None,
        }
    }
}
