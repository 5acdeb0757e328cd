//! Floor 3, the shard: one lock over a part of the keys, with everything that belongs to them.
//!
//! Entries, their index, the policy's queues and the map of flights lie under one lock, so that "look, find nothing, claim the
//! flight" and "land: still mine? store" and "remove the value and supersede the flight" are one critical section each. A hit takes the
//! lock for reading, everything else for writing. No user code runs under it but `Eq`, the clone of keys that `iter` makes and the closure of `get`.

mod claim;
mod commit;
mod departures;
mod lookup;
mod record;
mod removal;
mod store;
#[cfg(any(test, debug_assertions))]
mod validate;

pub(crate) use claim::{Claim, Rule};
pub(crate) use commit::{Answered, By, Committed, Held, Put, Terms};
pub(crate) use departures::Departures;
pub(crate) use lookup::{Place, Sought, Trace};
pub(crate) use removal::Remains;

use crate::ground::reentry;
use crate::ground::striped::Ring;
use crate::ground::sync::atomic::{AtomicU64, Ordering};
use crate::ground::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use crate::mechanisms::eviction::EvictionPolicy;
use crate::mechanisms::flight::{Flight, FlightMap, Traffic};
use crate::mechanisms::permits::Permits;
use std::sync::Arc;
use store::Store;

/// A part of the keys.
pub(crate) struct Shard<K, V> {
    state: RwLock<State<K, V>>,
    /// Marks that hits leave for the next writer, under eager policies.
    touches: Ring,
    /// The weight that the store holds, for those who look for the fullest shard without locking each.
    weight: AtomicU64,
}

/// All that the lock guards.
pub(crate) struct State<K, V> {
    store: Store<K, V>,
    flights: FlightMap<K, V>,
}

impl<K, V> Shard<K, V> {
    pub(crate) fn new(policy: EvictionPolicy, traffic: Arc<Traffic>, permits: Arc<Permits<Arc<Flight<K, V>>>>) -> Self {
        let state = State { store: Store::new(policy), flights: FlightMap::new(traffic, permits) };
        Self { state: RwLock::new(state), touches: Ring::new(), weight: AtomicU64::new(0) }
    }

    /// The weight held, as of the last write that is over.
    pub(crate) fn weight(&self) -> u64 {
        // Relaxed: a hint, which whoever acts on it checks under the lock.
        self.weight.load(Ordering::Relaxed)
    }

    #[inline]
    fn read(&self) -> RwLockReadGuard<'_, State<K, V>> {
        reentry::check();
        self.state.read()
    }

    /// Takes the lock for writing, and works in the marks that hits have left.
    fn write(&self) -> Writing<'_, K, V> {
        reentry::check();
        self.writing(self.state.write())
    }

    fn writing<'a>(&'a self, state: RwLockWriteGuard<'a, State<K, V>>) -> Writing<'a, K, V> {
        let mut writing = Writing { shard: self, state };
        if !self.touches.is_empty() {
            let store = &mut writing.state.store;
            self.touches.drain(|handle| store.touch(handle));
        }
        writing
    }

    /// Works in the marks that hits have left.
    pub(crate) fn work_in_touches(&self) {
        drop(self.write());
    }

    /// Works in the marks that hits have left, if the lock can be had at once.
    #[cold]
    fn drain_touches(&self) {
        if let Some(state) = self.state.try_write() {
            drop(self.writing(state));
        }
    }
}

/// The lock held for writing. When it is released the shard's weight is there for all to see.
struct Writing<'a, K, V> {
    shard: &'a Shard<K, V>,
    state: RwLockWriteGuard<'a, State<K, V>>,
}

impl<K, V> std::ops::Deref for Writing<'_, K, V> {
    type Target = State<K, V>;

    fn deref(&self) -> &State<K, V> {
        &self.state
    }
}

impl<K, V> std::ops::DerefMut for Writing<'_, K, V> {
    fn deref_mut(&mut self) -> &mut State<K, V> {
        &mut self.state
    }
}

impl<K, V> Drop for Writing<'_, K, V> {
    fn drop(&mut self) {
        self.shard.weight.store(self.state.store.weight(), Ordering::Relaxed);
    }
}

#[cfg(all(test, bellwether_loom))]
mod loom;
