//! A batch: several flights that one call of the loader is to land. Each lands as soon as its key is answered.

mod crew;
mod running;

use super::lead::{Brought, LoadGuard, panicked};
use super::shared::CacheShared;
use crate::ground::contain::{contain, drop_contained};
use crate::ground::hash::RandomState;
use crate::ground::sync::Mutex;
use crate::ground::sync::atomic::Ordering;
use crate::ground::time::Appointment;
use crate::ground::waits::{Awaited, InLoad, Load};
use crate::vocabulary::error::LoadError;
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loaded::Loaded;
use crate::vocabulary::sink::{Form, Sink};
use crew::{AtDeadline, Crew};
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::task::Waker;

/// A guard that is taken by whoever lands its flight.
type Held<K, V, S> = Mutex<Option<LoadGuard<K, V, S>>>;

/// The flights of one call. Those that are still to be landed when it goes are given up, as a load's is whose task is dropped.
pub(super) struct Batch<K: Key, V: Value, S: Send + Sync + 'static> {
    crew: Arc<Crew<K, V>>,
    /// The guards of flights that have yet to be landed, in the crew's order.
    guards: Box<[Held<K, V, S>]>,
    /// Places in that order, by a hash of the key of its own: the caller's form of a key is hashed by way of a trait object.
    places: HashTable<usize>,
    hasher: RandomState,
    /// Writes that came later have a number that is as high.
    number: u64,
    /// The number of the last strike of a tag before it.
    stamp: u64,
    /// What ends them at their time.
    alarm: Mutex<Option<Appointment>>,
    shared: Arc<CacheShared<K, V, S>>,
    /// The permit that it runs on, until it is over.
    permit: Mutex<Option<Permit<K, V, S>>>,
}

/// A permit that a batch has taken over from the flight that was granted it.
struct Permit<K: Key, V: Value, S: Send + Sync + 'static>(Arc<CacheShared<K, V, S>>);

impl<K: Key, V: Value, S: Send + Sync + 'static> Drop for Permit<K, V, S> {
    fn drop(&mut self) {
        self.0.pass_permit_on();
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Batch<K, V, S> {
    /// Makes one of flights that begin now. What they have of permits is the batch's from now on.
    ///
    /// # Errors
    /// If a key's `Hash` panics, which is user code: all are landed with that.
    fn new(shared: &Arc<CacheShared<K, V, S>>, guards: Vec<LoadGuard<K, V, S>>) -> Option<Arc<Self>> {
        let hasher = RandomState::new();
        let hashes = contain(|| guards.iter().map(|guard| hash_of(&hasher, &Own(guard.flight.key()))).collect::<Vec<_>>());
        let hashes = match hashes {
            Ok(hashes) => hashes,
            Err(panic) => {
                let error = panicked(panic);
                guards.into_iter().for_each(|guard| guard.land(Err(error.clone())));
                return None;
            }
        };
        let mut permits = 0_usize;
        for guard in &guards {
            permits += usize::from(shared.shard(guard.flight.hashed()).take_permit(&guard.flight));
        }
        // One is enough for all.
        (1..permits).for_each(|_| shared.pass_permit_on());
        let permit = (permits > 0).then(|| Permit(Arc::clone(shared)));
        let flights: Box<[_]> = guards.iter().map(|guard| Arc::clone(&guard.flight)).collect();
        let crew = Arc::new(Crew::new(flights, permit.is_some()));
        crew.flights.iter().for_each(|flight| flight.joins(crew.serial));
        let mut places = HashTable::with_capacity(guards.len());
        for (place, &hash) in hashes.iter().enumerate() {
            places.insert_unique(hash, place, |&other| hashes[other]);
        }
        let guards: Box<[_]> = guards.into_iter().map(|guard| Mutex::new(Some(guard))).collect();
        shared.note_writes();
        let number = shared.tags.next_load();
        let (alarm, permit, stamp) = (Mutex::new(None), Mutex::new(permit), shared.tags.now());
        Some(Arc::new(Self { crew, guards, places, hasher, number, stamp, alarm, shared: Arc::clone(shared), permit }))
    }

    /// Sees to it that its flights end at their time: one alarm does for all.
    fn watch(&self) {
        let last = self.crew.last_deadline();
        if last.is_never() {
            return;
        }
        let waker = Waker::from(Arc::new(AtDeadline { shared: Arc::downgrade(&self.shared), crew: Arc::downgrade(&self.crew) }));
        let Some(alarm) = self.shared.set_alarm(last, waker) else { return };
        self.crew.flights.iter().for_each(|flight| flight.keeps_time(true));
        *self.alarm.lock() = Some(alarm);
        // A mock clock wakes only when it is moved, which may have been just before.
        if self.shared.clock.mock().is_some() && self.shared.clock.has_passed(last) {
            self.crew.time_out(&self.shared);
        }
    }

    /// The loads begin: their time runs. Gives them as the one who waits.
    fn begins(&self) -> Arc<Load> {
        for guard in &self.guards {
            guard.lock().as_ref().into_iter().for_each(|guard| drop(guard.begins()));
        }
        Arc::new(Load { flight: Arc::clone(&self.crew) as _, cache: self.shared.settings.name.clone() })
    }

    /// Its keys, as the loader gets them.
    fn keys(&self) -> Vec<K> {
        self.crew.flights.iter().map(|flight| flight.key().clone()).collect()
    }

    /// The call is over: what it has left unanswered gets this.
    fn end(&self, brought: &Result<(), LoadError>) {
        self.crew.over.store(true, Ordering::Release);
        for guard in &self.guards {
            let guard = guard.lock().take();
            guard.into_iter().for_each(|guard| guard.land(brought.clone().map(|()| Loaded::absent())));
        }
        self.give_permit_back();
    }

    /// The call is over, whoever still has its sink.
    fn give_permit_back(&self) {
        let permit = self.permit.lock().take();
        drop(permit);
    }

    /// Changes what flights land with if this goes without having run.
    fn otherwise(&self, error: &LoadError) {
        for guard in &self.guards {
            guard.lock().as_mut().into_iter().for_each(|guard| guard.otherwise(error.clone()));
        }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Drop for Batch<K, V, S> {
    fn drop(&mut self) {
        if let Some(alarm) = self.alarm.lock().take() {
            self.shared.cancel_alarm(alarm);
        }
    }
}

/// A key of the cache's own, as one that is looked for.
struct Own<'a, K>(&'a K);

impl<K: Key> Form<K> for Own<'_, K> {
    fn hash_into(&self, mut hasher: &mut dyn Hasher) {
        self.0.hash(&mut hasher);
    }

    fn is(&self, key: &K) -> bool {
        self.0 == key
    }

    fn to_key(&self) -> K {
        self.0.clone()
    }
}

fn hash_of<K>(hasher: &RandomState, key: &dyn Form<K>) -> u64 {
    let mut hasher = hasher.build_hasher();
    key.hash_into(&mut hasher);
    hasher.finish()
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Sink<K, V> for Batch<K, V, S> {
    fn take(&self, key: &dyn Form<K>, brought: Brought<V>) -> bool {
        // What a landing leads to is no part of this load.
        let _no_load = InLoad::enter(None);
        let is_it = |&place: &usize| key.is(self.crew.flights[place].key());
        match (self.places.find(hash_of(&self.hasher, key), is_it), brought) {
            (Some(&place), brought) => {
                let guard = self.guards[place].lock().take();
                let serves = guard.as_ref().is_some_and(|guard| !guard.flight.has_landed());
                match guard {
                    Some(guard) => {
                        // Counted first: whoever sees that all have landed sees by whom.
                        self.crew.answered.fetch_add(usize::from(serves), Ordering::AcqRel);
                        guard.land(brought);
                    }
                    None => drop_contained(brought),
                }
                serves
            }
            (None, Ok(loaded)) => !self.crew.is_over() && self.shared.insert_unasked(key.to_key(), loaded, self.number, self.stamp),
            (None, Err(_)) => false,
        }
    }
}
