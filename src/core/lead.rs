//! A lead is the duty to land a flight. Whatever becomes of the load, its guard lands it: with what it brought, or with why it brought nothing.

use super::counters::{Count, Outcome, Time};
use super::shared::{Answering, CacheShared};
use super::waiting::Nested;
use super::write::{Making, Stored};
use crate::ground::contain::{Panic, contain, drop_contained};
use crate::ground::dice;
use crate::ground::hash::Hashed;
use crate::ground::reentry;
use crate::ground::tags::Labels;
use crate::ground::time::Tick;
use crate::ground::waits::{InLoad, Load};
use crate::mechanisms::flight::{Flight, Kind, Landing, Standing, Turn};
use crate::shard::{By, Current, Departures, Held, Note, Noted, Place, Put, Remains};
use crate::vocabulary::error::{LoadError, LoadErrorKind};
use crate::vocabulary::expiry::Lifetime;
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loaded::{Answer, Loaded, Own};
use crate::vocabulary::removal::RemovalCause;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

/// What a load brings.
pub(crate) type Brought<V> = Result<Loaded<V>, LoadError>;

/// Lands its flight once: by [`land`](Self::land), or when it is dropped.
pub(crate) struct LoadGuard<K: Key, V: Value, S: Send + Sync + 'static> {
    pub(super) shared: Arc<CacheShared<K, V, S>>,
    pub(super) flight: Arc<Flight<K, V>>,
    /// The value that is held while it is loaded anew.
    current: Option<Current<V>>,
    /// What the flight lands with if the guard is dropped.
    otherwise: Option<LoadError>,
    progress: Cell<Progress>,
    /// When the load began.
    begun_at: Cell<Option<Tick>>,
    /// Its number among the strikes of tags: what was struck since then was struck before this load landed.
    stamp: Cell<u64>,
    /// How long it took.
    load_time: Cell<Duration>,
    heir: Heir,
}

/// Whether a guard has its duty from another one, which was dropped where no lock can be taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heir {
    No,
    Yes,
}

/// How far a guard is with its duty.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Loading,
    /// It is this guard that lands the flight, not a time-out.
    Landing,
    /// The flight has landed, and the map knows that the load is over.
    Over,
}

/// A landing that takes no more user code but the keys' `Eq`.
pub(super) enum Prepared<'a, K, V> {
    Store(Put<'a, K, V>),
    /// To those who wait only. By its tags it may have been struck all the same.
    Deliver(Arc<V>, Option<Labels>),
    /// That there is no such key, and how long that is remembered.
    Absent(Option<(K, Duration)>),
    /// The key, if the failure is to be remembered of one without a value.
    Fail(LoadError, Option<K>),
}

impl<K: Key, V: Value, S: Send + Sync + 'static> LoadGuard<K, V, S> {
    pub(super) fn new(shared: Arc<CacheShared<K, V, S>>, flight: Arc<Flight<K, V>>, current: Option<Current<V>>) -> Self {
        let stamp = Cell::new(shared.tags.now());
        Self {
            shared,
            flight,
            current,
            otherwise: Some(LoadError::Cancelled),
            progress: Cell::new(Progress::Loading),
            begun_at: Cell::new(None),
            stamp,
            load_time: Cell::new(Duration::ZERO),
            heir: Heir::No,
        }
    }

    /// The load begins: its time runs, and what it waits for can be told. Gives the load as one who waits.
    pub(super) fn begins(&self) -> Arc<Load> {
        self.begun_at.set(Some(self.shared.clock.now()));
        self.stamp.set(self.shared.tags.now());
        self.load()
    }

    /// Whether it waits for its turn in the queue for permits, and for nothing else.
    pub(super) fn waits_for_a_permit(&self) -> bool {
        self.shared.permits.is_queued(self.flight.serial())
    }

    /// The value that is held while it is loaded anew.
    pub(super) fn current(&self) -> Option<Arc<V>> {
        self.current.as_ref().map(|current| Arc::clone(&current.value))
    }

    /// A load whose turn has come later: what was held when it was claimed may have been taken away since. A write from now on supersedes it.
    pub(super) fn look_again(&mut self, turn: Turn) {
        if turn == Turn::Now || self.current.is_none() {
            return;
        }
        let place = Place { hashed: self.flight.hashed(), key: self.flight.key(), clock: &self.shared.clock };
        let held = contain(|| self.shared.shard(place.hashed).held(place)).unwrap_or_else(|panic| {
            panic.forget();
            None
        });
        drop_contained(std::mem::replace(&mut self.current, held));
    }

    /// Calls `make` as what brings this flight's value: what it waits for is seen, and so is that whatever load calls it waits for it.
    pub(crate) fn working<R>(&self, make: impl FnOnce() -> R) -> R {
        // Nobody waits for a refresh.
        let _nested = if self.flight.kind() == Kind::Refresh { None } else { self.nested() };
        let _in_load = InLoad::enter(Some(self.load()));
        make()
    }

    /// The wait of the load that this thread works for, if any, for this flight. Nobody else waits for it yet, so it closes no ring.
    pub(crate) fn nested(&self) -> Option<Nested> {
        Nested::book(&self.shared, &self.flight).ok().flatten()
    }

    /// What waits for others while the value is being made.
    pub(crate) fn load(&self) -> Arc<Load> {
        Arc::new(Load { flight: Arc::clone(&self.flight) as _, cache: self.shared.settings.name.clone() })
    }

    /// The load has ended: its time is counted.
    fn count_time(&self) {
        if let Some(begun_at) = self.begun_at.take() {
            self.load_time.set(self.shared.clock.now().since(begun_at));
            self.shared.counters.spent(Time::Load, self.load_time.get());
        }
    }

    /// Changes what the flight lands with if the guard is dropped.
    pub(super) fn otherwise(&mut self, error: LoadError) {
        self.otherwise = Some(error);
    }

    /// Lands the flight.
    pub(crate) fn land(mut self, brought: Brought<V>) {
        self.count_time();
        // Before the flight is sealed: one that waits for the listener still ends by its time-out. A guard that is dropped waits for nobody, as a runtime
        // that ends may be what the listener waits for.
        self.shared.heed(self.flight.hashed());
        self.settle(brought);
        self.otherwise = None;
    }

    fn settle(&self, brought: Brought<V>) {
        self.count_time();
        let late = self.shared.clock.has_passed(self.flight.deadline());
        let brought = if late {
            drop_contained(brought);
            Err(self.shared.timed_out())
        } else {
            brought
        };
        // The weigher and the key's clone are user code: a panic in either is the load's.
        let prepared = contain(|| self.prepare(brought)).unwrap_or_else(|panic| {
            let error = panicked(panic);
            let key = contain(|| self.shared.key_to_remember(&self.flight, &error)).unwrap_or_else(|panic| {
                panic.forget();
                None
            });
            Prepared::Fail(error, key)
        });
        if self.progress.get() == Progress::Loading && !self.flight.seal() {
            // It was given up: timed out, cancelled or answered. Whoever did that has told everybody.
            return drop_contained(prepared);
        }
        self.finish(prepared);
    }

    /// Lands the flight, which this guard has sealed.
    pub(super) fn finish(&self, prepared: Prepared<'_, K, V>) {
        self.progress.set(Progress::Landing);
        let mut out = Departures::new();
        let mut blown = None;
        let (landing, outcome) = contain(|| self.store(prepared, &mut out)).unwrap_or_else(|panic| {
            // The keys' `Eq` panicked, and comes before all changes: nothing is stored, and landing without a value doesn't call it.
            let standing = self.land_empty(Remains::Held, None, &mut out);
            if self.flight.kind().is_load() {
                let error = panicked(panic);
                let outcome = Outcome::of_error(&error);
                return (Landing { result: Err(error), standing }, outcome);
            }
            // Whoever brings an entry's value hears of it, and who waits looks again.
            blown = Some(panic);
            let outcome = Outcome::of_error(&LoadError::Cancelled);
            (Landing { result: Err(LoadError::Cancelled), standing: Standing::Vacated }, outcome)
        });
        self.progress.set(Progress::Over);
        self.shared.book(&mut out);
        // What the holder of an entry brings is no load's.
        let outcome = self.flight.kind().is_load().then_some(outcome);
        let failed = self.shared.publish(&self.flight, landing, outcome);
        self.shared.let_go(out);
        self.shared.report(&self.flight, failed);
        if let Some(panic) = blown {
            std::panic::resume_unwind(panic.0);
        }
    }

    pub(super) fn prepare(&self, brought: Brought<V>) -> Prepared<'_, K, V> {
        let loaded = match brought {
            Ok(loaded) => loaded,
            Err(LoadError::Absent) => return self.absent(None),
            Err(error) => {
                let key = self.shared.key_to_remember(&self.flight, &error);
                return Prepared::Fail(error, key);
            }
        };
        let value = match (&loaded.answer, &self.current) {
            (Answer::Value(value), _) => value,
            (Answer::Unchanged, Some(current)) => &current.value,
            (Answer::Unchanged, None) => {
                return self.prepare(Err(LoadError::new("the loader answered `unchanged`, but no value was held")));
            }
            (Answer::Uncached(value), _) => {
                return Prepared::Deliver(Arc::clone(value), self.shared.tags.labels(&loaded.own.tags, self.stamp.get()));
            }
            (Answer::Absent, _) => return self.absent(loaded.own.rules.lifetime),
        };
        let (hashed, key) = (self.flight.hashed(), self.flight.key().clone());
        let making = Making { load_time: self.load_time.get(), stamp: self.stamp.get() };
        let unchanged = matches!(loaded.answer, Answer::Unchanged);
        let mut own = Own { unchanged, ..loaded.own };
        if let Some(labels) = self.current.as_ref().and_then(|current| current.labels.as_ref()).filter(|_| unchanged) {
            // It is the value that they are about, wherever it is by now.
            own.tags.extend(labels.names().map(Arc::from));
        }
        Prepared::Store(self.shared.weighed((hashed, key), Arc::clone(value), own, By::Flight(&self.flight), making))
    }

    fn absent(&self, own: Option<Lifetime>) -> Prepared<'_, K, V> {
        let time = own.map(Lifetime::left).or(self.shared.settings.answering.negative_ttl);
        let time = time.map(|time| self.shared.settings.rules.answer_time(time)).filter(|time| !time.is_zero());
        // What lags behind a write knows nothing of what that brought.
        let time = time.filter(|_| !self.flight.is_kept_out());
        Prepared::Absent(time.map(|time| (self.flight.key().clone(), time)))
    }

    /// Takes the flight out of the map and stores what there is to store, if the flight is still the map's.
    fn store(&self, prepared: Prepared<'_, K, V>, out: &mut Departures<K, V>) -> (Landing<V>, Outcome) {
        match prepared {
            Prepared::Store(put) => {
                let result = Ok(Arc::clone(&put.value));
                let (standing, outcome) = match self.shared.put(put, out) {
                    Stored::Held(Held::Anew) => (Standing::Held, Outcome::Stored),
                    Stored::Held(Held::Renewed) => (Standing::Held, Outcome::Unchanged),
                    Stored::Refused => (Standing::Held, Outcome::Refused),
                    Stored::Superseded | Stored::Unmet(_) => (Standing::Superseded, Outcome::Superseded),
                    Stored::Struck(by) => (Standing::Struck { by }, Outcome::Superseded),
                };
                (Landing { result, standing }, outcome)
            }
            Prepared::Deliver(value, labels) => {
                let standing = self.land_empty(self.leaving(RemovalCause::Replaced), None, out);
                let standing = labels.and_then(|labels| labels.struck_by()).map_or(standing, |by| Standing::Struck { by });
                let outcome = if standing == Standing::Held { Outcome::Uncached } else { Outcome::Superseded };
                (Landing { result: Ok(value), standing }, outcome)
            }
            Prepared::Absent(remembered) => {
                let weight = self.shared.settings.answering.weight;
                let note = remembered.map(|(key, time)| Note { key: Some(key), weight, what: Noted::Absent(time) });
                let standing = self.land_empty(self.leaving(RemovalCause::Absent), note, out);
                let outcome = if standing == Standing::Held { Outcome::Absent } else { Outcome::Superseded };
                (Landing { result: Err(LoadError::Absent), standing }, outcome)
            }
            Prepared::Fail(error, key) => {
                let standing = self.land_empty(Remains::Held, self.shared.note_of(&self.flight, &error, key), out);
                let outcome = Outcome::Failed(error.kind());
                (Landing { result: Err(error), standing }, outcome)
            }
        }
    }

    /// What becomes of a held value when the load brings none to take its place.
    fn leaving(&self, cause: RemovalCause) -> Remains {
        if self.flight.is_kept_out() { Remains::Held } else { Remains::Removed(cause) }
    }

    /// Has a thread of the pool do what is left: inside the closure of `get` no lock can be taken. Without a thread the time-out ends the flight.
    fn hand_over(&mut self) {
        if self.heir == Heir::Yes || self.progress.get() == Progress::Over {
            return;
        }
        let heir = Self {
            shared: Arc::clone(&self.shared),
            flight: Arc::clone(&self.flight),
            current: self.current.take(),
            otherwise: self.otherwise.take(),
            progress: self.progress.clone(),
            begun_at: self.begun_at.clone(),
            stamp: self.stamp.clone(),
            load_time: self.load_time.clone(),
            heir: Heir::Yes,
        };
        drop(self.shared.process.pool.run(Box::new(move || drop(heir))));
    }

    fn land_empty(&self, remains: Remains, note: Option<Note<'_, K>>, out: &mut Departures<K, V>) -> Standing {
        if note.as_ref().is_some_and(|note| note.key.is_some()) {
            self.shared.make_way_for_an_answer(self.flight.hashed(), out);
        }
        let shard = self.shared.shard(self.flight.hashed());
        let mine = shard.land_empty(&self.flight, (remains, note), self.shared.terms(), &mut self.shared.room.promise(), out);
        if mine { Standing::Held } else { Standing::Superseded }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Drop for LoadGuard<K, V, S> {
    fn drop(&mut self) {
        if reentry::is_inside() {
            return self.hand_over();
        }
        match self.otherwise.take() {
            // Whoever waits for the holder of an entry looks again.
            Some(_) if self.flight.kind() == Kind::Entry && self.progress.get() == Progress::Loading => {
                self.shared.vacate(&self.flight);
            }
            Some(error) if self.progress.get() != Progress::Over => self.settle(Err(error)),
            Some(_) | None => {}
        }
        self.count_time();
        drop_contained(self.current.take());
        if self.progress.get() != Progress::Over {
            let mut out = Departures::new();
            self.shared.shard(self.flight.hashed()).end(&self.flight, &mut out);
            self.shared.let_go(out);
        }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Whether a flight that ended with `error` makes the next try wait. A refresh does, whatever kept it: else each access would try again.
    fn counts(flight: &Flight<K, V>, error: &LoadError) -> bool {
        match flight.kind() {
            Kind::Load => is_the_loaders(error),
            Kind::Refresh => error.kind() != LoadErrorKind::Closed,
            Kind::Entry => false,
        }
    }

    /// The flight's key, if the failure is to be remembered. Runs the key's `Clone`.
    pub(super) fn key_to_remember(&self, flight: &Flight<K, V>, error: &LoadError) -> Option<K> {
        let remembered = self.settings.answering.failures && Self::counts(flight, error) && is_the_loaders(error);
        remembered.then(|| flight.key().clone())
    }

    /// Has another answer forgotten, where as many are remembered as may be and none is in the shard that is to remember one more: a shard makes way
    /// only in itself. The others come in any order.
    pub(super) fn make_way_for_an_answer(&self, hashed: Hashed, out: &mut Departures<K, V>) {
        if self.shard(hashed).has_answers()
            || self.room.answers().saturating_add(self.settings.answering.weight) <= self.room.capacity() / 8
        {
            return;
        }
        let (before, from) = self.shards.split_at(dice::below(self.shards.len()));
        from.iter().chain(before).find(|shard| shard.forget_oldest(self.terms(), out));
    }

    /// What is to be noted of a flight that ended with `error`.
    pub(super) fn note_of<'a>(&'a self, flight: &Flight<K, V>, error: &'a LoadError, key: Option<K>) -> Option<Note<'a, K>> {
        let Answering { weight, backoff, .. } = &self.settings.answering;
        Self::counts(flight, error).then(|| Note { key, weight: *weight, what: Noted::Failed { error, backoff } })
    }
}

impl<K, V, S> CacheShared<K, V, S> {
    /// Hands out the result of a flight that the caller has sealed. A load's outcome is counted first: whoever gets it finds it counted.
    ///
    /// Gives the error of a refresh that failed, which is to be reported once nothing is left to be done.
    pub(super) fn publish(&self, flight: &Flight<K, V>, landing: Landing<V>, outcome: Option<Outcome>) -> Option<LoadError> {
        if let Some(outcome) = outcome {
            self.counters.load_ended(outcome);
        }
        if !flight.has_begun() {
            // It may wait for a permit, which it doesn't need any more.
            drop(self.permits.leave(flight.serial()));
        }
        let failed = landing.result.as_ref().err().filter(|_| flight.kind() == Kind::Refresh);
        let failed = failed.filter(|error| !error.is_absent() && !self.is_closed()).cloned();
        if failed.is_some() {
            self.counters.count(Count::RefreshFailed);
        }
        if let Some(alarm) = flight.publish(landing) {
            self.cancel_alarm(alarm);
        }
        failed
    }

    /// Tells a user's closure of a refresh that failed: when its permit is somebody else's, and whatever it calls can go on.
    pub(super) fn report(&self, flight: &Arc<Flight<K, V>>, failed: Option<LoadError>) {
        if let (Some(error), Some(report)) = (failed, &self.settings.refresh_failed) {
            report(Arc::clone(flight), error);
        }
    }
}

/// Whether it is the loader that failed, and not the place where it was to run, or the cache.
fn is_the_loaders(error: &LoadError) -> bool {
    matches!(error.kind(), LoadErrorKind::Failed | LoadErrorKind::Panicked | LoadErrorKind::TimedOut)
}

pub(super) fn panicked(panic: Panic) -> LoadError {
    let message = panic.message();
    panic.forget();
    LoadError::panicked(message)
}
