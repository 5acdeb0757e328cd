//! Floor 3, the shard: one lock over a part of the keys, with everything that belongs to them.
//!
//! Entries, their index, the policy's queues and the map of flights lie under one lock, so that "look, find nothing, claim the
//! flight" and "land: still mine? store" and "remove the value and supersede the flight" are one critical section each. A hit takes the
//! lock for reading, everything else for writing. No user code runs under it but `Eq`, the clone of keys that `iter` makes, the
//! closures of `get` and `try_compute`, and a user's own policy, with the closure that makes it.

mod answering;
mod changes;
mod claim;
mod commit;
mod departures;
#[cfg(feature = "snapshot")]
mod export;
mod heat;
mod in_place;
mod lifetimes;
mod lookup;
mod mail;
mod making_room;
mod put;
mod record;
mod removal;
#[cfg(feature = "snapshot")]
mod restoring;
mod store;
mod striking;
mod upkeep;
#[cfg(any(test, debug_assertions))]
mod validate;
mod walk;

pub(crate) use answering::{Note, Noted};
pub(crate) use claim::{Claim, Current, Led};
pub(crate) use departures::Departures;
#[cfg(feature = "snapshot")]
pub(crate) use export::{Asked, Exported};
pub(crate) use heat::Among;
pub(crate) use in_place::Touched;
pub(crate) use lookup::{Due, Fallback, Need, Place, Rule, Sought, Trace};
pub(crate) use mail::Mail;
pub(crate) use put::{Answered, By, Committed, Held, Needed, Put, Terms};
pub(crate) use removal::{Clearing, Evicting, Remains};
pub(crate) use striking::Glimpse;
pub(crate) use upkeep::Done;
pub(crate) use walk::{Hold, Reached, STEPS, Walk};

use crate::ground::reentry;
use crate::ground::striped::Ring;
use crate::ground::sync::atomic::{AtomicU64, Ordering};
use crate::ground::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use crate::ground::tags::Tags;
use crate::mechanisms::answers::Answers;
use crate::mechanisms::embargo::Embargoes;
use crate::mechanisms::eviction::Plan;
use crate::mechanisms::flight::{Flight, FlightMap, Traffic};
use crate::mechanisms::outbox::Outbox;
use crate::mechanisms::permits::Permits;
use crate::mechanisms::upkeep::Upkeep;
use crate::vocabulary::expiry::hook::OnRead;
use changes::Changes;
use std::sync::Arc;
use store::Store;

/// A part of the keys.
pub(crate) struct Shard<K, V> {
    state: RwLock<State<K, V>>,
    /// Marks that hits leave for the next writer, under eager policies.
    touches: Ring,
    /// The weight that is held here, for those who look for the fullest shard without locking each.
    weight: AtomicU64,
    /// Asked for a new time to live at each read, where the cache has such a hook.
    reads: Option<Arc<OnRead<V>>>,
    upkeep: Arc<Upkeep>,
    /// The same as the state's, for those who look before they lock.
    outbox: Option<Arc<Outbox<Mail<K, V>>>>,
}

/// What the shards of a cache have in common.
pub(crate) struct Common<K, V> {
    pub(crate) plan: crate::ground::sync::Arc<Plan<K, V>>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) permits: Arc<Permits<Arc<Flight<K, V>>>>,
    pub(crate) reads: Option<Arc<OnRead<V>>>,
    pub(crate) upkeep: Arc<Upkeep>,
    pub(crate) tags: Arc<Tags>,
    /// Whether a listener is to be told of what leaves.
    pub(crate) is_heard: bool,
}

/// All that the lock guards.
pub(crate) struct State<K, V> {
    store: Store<K, V>,
    answers: Answers<K>,
    flights: FlightMap<K, V>,
    embargoes: Embargoes,
    /// What changes any key otherwise than by eviction and expiry.
    changes: Changes,
    /// What a listener is to be told, where there is one.
    outbox: Option<Arc<Outbox<Mail<K, V>>>>,
}

impl<K, V> State<K, V> {
    fn weight(&self) -> u64 {
        self.store.weight() + self.answers.weight()
    }
}

impl<K, V> Shard<K, V> {
    pub(crate) fn new(common: &Common<K, V>) -> Self {
        let outbox = common.is_heard.then(|| Arc::new(Outbox::new()));
        let flights = FlightMap::new(Arc::clone(&common.traffic), Arc::clone(&common.permits));
        let (store, embargoes) = (Store::new(&common.plan), Embargoes::new());
        let state =
            State { store, answers: Answers::new(), flights, embargoes, changes: Changes::new(&common.tags), outbox: outbox.clone() };
        let (reads, upkeep) = (common.reads.clone(), Arc::clone(&common.upkeep));
        Self { state: RwLock::new(state), touches: Ring::new(), weight: AtomicU64::new(0), reads, upkeep, outbox }
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
        self.shard.weight.store(self.state.weight(), Ordering::Relaxed);
    }
}

#[cfg(all(test, bellwether_loom))]
mod loom;
