//! A fleet: flights that one call of the loader is to land once a permit is to be had. One of them waits for it, for all.

use super::lead::LoadGuard;
use super::places::Chosen;
use super::shared::CacheShared;
use crate::ground::seeded::{self, Bug};
use crate::ground::sync::Mutex;
use crate::mechanisms::flight::{Flight, Turn};
use crate::vocabulary::keys::{Key, Value};
use std::sync::Arc;

/// The guards of its flights, and where they are to be loaded.
type Cargo<K, V, S> = (Vec<LoadGuard<K, V, S>>, Chosen);

struct Fleet<K: Key, V: Value, S: Send + Sync + 'static> {
    shared: Arc<CacheShared<K, V, S>>,
    /// The first is the one that waits for a permit.
    flights: Mutex<Vec<Arc<Flight<K, V>>>>,
    /// What it goes with, until it does.
    cargo: Mutex<Option<Cargo<K, V, S>>>,
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Has the loader load in one call what `guards` are to land, once the first of them has its permit, or somebody who has one waits for any of them.
    pub(super) fn launch_fleet(self: &Arc<Self>, guards: Vec<LoadGuard<K, V, S>>, chosen: Chosen) {
        let flights: Vec<_> = guards.iter().map(|guard| Arc::clone(&guard.flight)).collect();
        let cargo = Mutex::new(Some((guards, chosen)));
        let fleet = Arc::new(Fleet { shared: Arc::clone(self), flights: Mutex::new(flights.clone()), cargo });
        for flight in flights {
            let place = Berth(Arc::clone(&fleet));
            flight.when_begun_with_others(Box::new(move || place.0.sets_out()));
            // Nothing runs yet that could keep its time.
            self.watch(&flight);
        }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Fleet<K, V, S> {
    /// One of the flights begins, and so do all.
    fn sets_out(&self) {
        let Some((guards, chosen)) = self.cargo.lock().take() else { return };
        let mut together = Vec::with_capacity(guards.len());
        for mut guard in guards {
            let flight = Arc::clone(&guard.flight);
            if flight.has_begun() || self.shared.shard(flight.hashed()).begin_with_others(&flight) {
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
            let Some((guards, _)) = cargo.as_mut() else { return };
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
        for next in &left {
            match self.shared.shard(next.hashed()).ask_permit(next) {
                Some(Turn::Now) => return next.begin(),
                Some(Turn::Later) => {
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

/// A flight's place in a fleet. Dropped with it if it lands without having begun.
struct Berth<K: Key, V: Value, S: Send + Sync + 'static>(Arc<Fleet<K, V, S>>);

impl<K: Key, V: Value, S: Send + Sync + 'static> Drop for Berth<K, V, S> {
    fn drop(&mut self) {
        self.0.is_left();
    }
}
