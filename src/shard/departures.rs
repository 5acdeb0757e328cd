//! What leaves a shard: records and flights on their way out, dropped after the lock, and how many left for which cause.

use super::record::Record;
use super::store::Store;
use crate::ground::bag::Bag;
use crate::mechanisms::flight::Flight;
use crate::vocabulary::removal::RemovalCause;
use std::sync::Arc;

/// Something whose `Drop` is user code.
#[expect(dead_code, reason = "kept only to be dropped where no lock is held")]
enum Departed<K, V> {
    Record(Record<K, V>),
    /// A value that was never held, with its key.
    Unstored(K, Arc<V>),
    Flight(Arc<Flight<K, V>>),
    /// A store that was swapped out whole.
    Store(Box<Store<K, V>>),
}

/// What a call sent on its way, and why.
pub(crate) struct Departures<K, V> {
    things: Bag<Departed<K, V>>,
    counts: [u64; RemovalCause::COUNT],
}

impl<K, V> Departures<K, V> {
    pub(crate) const fn new() -> Self {
        Self { things: Bag::new(), counts: [0; RemovalCause::COUNT] }
    }

    pub(crate) fn record(&mut self, record: Record<K, V>, cause: RemovalCause) {
        self.count(cause, 1);
        self.things.put(Departed::Record(record));
    }

    pub(crate) fn unstored(&mut self, key: K, value: Arc<V>, cause: RemovalCause) {
        self.count(cause, 1);
        self.things.put(Departed::Unstored(key, value));
    }

    /// A flight whose key may go with it.
    pub(crate) fn flight(&mut self, flight: Option<Arc<Flight<K, V>>>) {
        if let Some(flight) = flight {
            self.things.put(Departed::Flight(flight));
        }
    }

    /// All that a shard held.
    pub(super) fn store(&mut self, store: Store<K, V>, cause: RemovalCause) {
        self.count(cause, store.len() as u64);
        self.things.put(Departed::Store(Box::new(store)));
    }

    fn count(&mut self, cause: RemovalCause, number: u64) {
        self.counts[cause.index()] += number;
    }

    pub(crate) fn counts(&self) -> &[u64; RemovalCause::COUNT] {
        &self.counts
    }
}
