//! A fleet: flights that one call of the loader is to land once a permit is to be had. One of them waits for it, for all.
//!
//! That of a batching window takes others aboard first, and waits for nothing while it does.

use super::lead::LoadGuard;
use super::places::Chosen;
use super::shared::CacheShared;
use crate::ground::seeded::{self, Bug};
use crate::ground::sync::Mutex;
use crate::ground::time::Appointment;
use crate::mechanisms::flight::{Flight, Turn};
use crate::vocabulary::keys::{Key, Value};
use std::sync::Arc;

/// The guards of its flights, and where they are to be loaded.
struct Cargo<K: Key, V: Value, S: Send + Sync + 'static> {
    guards: Vec<LoadGuard<K, V, S>>,
    chosen: Chosen,
    /// Whether others may come aboard.
    is_open: bool,
    /// What closes it then.
    alarm: Option<Appointment>,
}

pub(super) struct Fleet<K: Key, V: Value, S: Send + Sync + 'static> {
    shared: Arc<CacheShared<K, V, S>>,
    /// Those that wait for a permit, once nobody comes aboard any more. It is the first that is in the queue.
    flights: Mutex<Vec<Arc<Flight<K, V>>>>,
    /// What it goes with, until it does.
    cargo: Mutex<Option<Cargo<K, V, S>>>,
}

/// What one more is to a fleet that takes others aboard.
pub(super) enum Aboard {
    First,
    More,
    /// Nobody else may come.
    Full,
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Has the loader load in one call what `guards` are to land, once the first of them has its permit, or somebody who has one waits for any of them.
    pub(super) fn launch_fleet(self: &Arc<Self>, guards: Vec<LoadGuard<K, V, S>>, chosen: Chosen) {
        let flights: Vec<_> = guards.iter().map(|guard| Arc::clone(&guard.flight)).collect();
        let cargo = Mutex::new(Some(Cargo { guards, chosen, is_open: false, alarm: None }));
        let fleet = Arc::new(Fleet { shared: Arc::clone(self), flights: Mutex::new(flights.clone()), cargo });
        flights.iter().for_each(|flight| fleet.berth(flight));
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Fleet<K, V, S> {
    /// One that takes others aboard until it [`closes`](Self::closes), or is full and [`departs`](Self::departs).
    pub(super) fn open(shared: &Arc<CacheShared<K, V, S>>, first: LoadGuard<K, V, S>, chosen: Chosen) -> Arc<Self> {
        let cargo = Mutex::new(Some(Cargo { guards: vec![first], chosen, is_open: true, alarm: None }));
        Arc::new(Self { shared: Arc::clone(shared), flights: Mutex::new(Vec::new()), cargo })
    }

    /// Takes one more aboard.
    ///
    /// # Errors
    /// Gives it back if nobody comes aboard any more.
    #[expect(clippy::result_large_err, reason = "a guard travels by value, and is used at once by whoever gets it back")]
    pub(super) fn take_aboard(&self, guard: LoadGuard<K, V, S>) -> Result<Aboard, LoadGuard<K, V, S>> {
        let mut cargo = self.cargo.lock();
        let Some(cargo) = cargo.as_mut().filter(|cargo| cargo.is_open) else { return Err(guard) };
        cargo.guards.push(guard);
        cargo.is_open = cargo.guards.len() < self.shared.settings.max_batch;
        Ok(if cargo.is_open { Aboard::More } else { Aboard::Full })
    }

    /// Gives a flight that is aboard its place: if it begins, all do.
    pub(super) fn berth(self: &Arc<Self>, flight: &Arc<Flight<K, V>>) {
        let place = Berth(Arc::clone(self));
        flight.when_begun_with_others(Box::new(move || place.0.sets_out()));
        // Nothing runs yet that could keep its time.
        self.shared.watch(flight);
    }

    /// Keeps what is to have it depart.
    pub(super) fn keep_alarm(&self, alarm: Appointment) {
        let needless = match self.cargo.lock().as_mut().filter(|cargo| cargo.is_open) {
            Some(cargo) => cargo.alarm.replace(alarm),
            None => Some(alarm),
        };
        needless.into_iter().for_each(|alarm| self.shared.cancel_alarm(alarm));
    }

    /// Its time is over: it departs, unless it has.
    pub(super) fn closes(&self) {
        let was_open = self.cargo.lock().as_mut().is_some_and(|cargo| std::mem::replace(&mut cargo.is_open, false));
        if was_open {
            self.departs();
        }
    }

    /// Nobody comes aboard any more: it sets out as soon as one of the flights has a permit. Called once, by whoever closed it.
    pub(super) fn departs(&self) {
        let (flights, alarm) = {
            let mut cargo = self.cargo.lock();
            let Some(cargo) = cargo.as_mut() else { return };
            let flights: Vec<_> = cargo.guards.iter().map(|guard| Arc::clone(&guard.flight)).collect();
            (flights, cargo.alarm.take())
        };
        alarm.into_iter().for_each(|alarm| self.shared.cancel_alarm(alarm));
        self.flights.lock().clone_from(&flights);
        self.asks_for(&flights);
    }

    /// One of the flights begins, and so do all.
    fn sets_out(&self) {
        let Some(Cargo { guards, chosen, alarm, .. }) = self.cargo.lock().take() else { return };
        alarm.into_iter().for_each(|alarm| self.shared.cancel_alarm(alarm));
        let mut together = Vec::with_capacity(guards.len());
        for mut guard in guards {
            let flight = Arc::clone(&guard.flight);
            // Asked afterwards: it may have had a permit of its own just now.
            if self.shared.shard(flight.hashed()).begin_with_others(&flight) || flight.has_begun() {
                guard.look_again(Turn::Later);
                together.push(guard);
            } else {
                // It has landed without having begun, or too many loads of its key are in the air: then it goes by itself when one of them ends.
                self.shared.launch_in(guard, Turn::Later, Some(chosen.clone()));
            }
        }
        self.shared.launch_batch(together, chosen);
    }

    /// One of the flights has landed without having begun: an insert has answered it, or its time is over. If it was the one that waited for a permit, the
    /// next one does.
    fn is_left(&self) {
        // One that landed just as its turn had come has the permit, and gives it back with its guard.
        let gone: Vec<_> = {
            let mut cargo = self.cargo.lock();
            let Some(Cargo { guards, .. }) = cargo.as_mut() else { return };
            let (gone, stay) = std::mem::take(guards).into_iter().partition(|guard| guard.flight.has_landed());
            *guards = stay;
            gone
        };
        drop(gone);
        if seeded::on(Bug::FleetWithoutHeir) {
            return;
        }
        let left = {
            let mut flights = self.flights.lock();
            if flights.first().is_none_or(|first| !first.has_landed()) {
                return;
            }
            flights.retain(|flight| !flight.has_landed());
            flights.clone()
        };
        self.asks_for(&left);
    }

    /// The first of these that may wait for a permit asks for one.
    fn asks_for(&self, left: &[Arc<Flight<K, V>>]) {
        for next in left {
            match self.shared.shard(next.hashed()).ask_permit(next) {
                Some(Turn::Now) => return next.begin(),
                Some(Turn::Later | Turn::Gathered) => {
                    let mut flights = self.flights.lock();
                    if let Some(place) = flights.iter().position(|flight| Arc::ptr_eq(flight, next)) {
                        flights.swap(0, place);
                    }
                    return;
                }
                // It has gone, or waits for loads of its key: it begins by itself, and the others with it.
                None => {}
            }
        }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Drop for Fleet<K, V, S> {
    fn drop(&mut self) {
        if let Some(alarm) = self.cargo.lock().as_mut().and_then(|cargo| cargo.alarm.take()) {
            self.shared.cancel_alarm(alarm);
        }
    }
}

/// A flight's place in a fleet. Dropped with it if it lands without having begun.
struct Berth<K: Key, V: Value, S: Send + Sync + 'static>(Arc<Fleet<K, V, S>>);

impl<K: Key, V: Value, S: Send + Sync + 'static> Drop for Berth<K, V, S> {
    fn drop(&mut self) {
        self.0.is_left();
    }
}
