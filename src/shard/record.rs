//! A record is one entry as it is stored.

use super::claim::Current;
use crate::ground::chain::{Link, Links};
use crate::ground::contain::drop_contained;
use crate::ground::hash::Hashed;
use crate::ground::slab::{Slab, Slot};
use crate::ground::tags::Labels;
use crate::ground::time::{Clock, Deadline};
use crate::mechanisms::eviction::{Entries, Node, Nodes};
use crate::mechanisms::wheel::{Timed, Timer};
use crate::vocabulary::expiry::Times;
use crate::vocabulary::removal::RemovalCause;
use std::sync::Arc;

/// One entry.
pub(crate) struct Record<K, V> {
    /// Kept, so that no table operation ever calls the key's `Hash`.
    pub(super) hashed: Hashed,
    pub(super) key: K,
    pub(super) value: Arc<V>,
    pub(super) weight: u64,
    pub(super) times: Times,
    /// The eviction policy's part.
    pub(super) node: Node,
    /// The timer wheel's part.
    pub(super) timer: Timer,
}

impl<K, V> Record<K, V> {
    /// What `cause` comes to: an entry past its last deadline has expired, and one that was struck by a tag was invalidated, whatever takes it.
    pub(super) fn cause(&self, cause: RemovalCause, clock: &Clock) -> RemovalCause {
        if self.times.is_struck_out() {
            return RemovalCause::Invalidated;
        }
        if self.times.is_over(clock) { RemovalCause::Expired } else { cause }
    }

    /// Its value and tags, for a load that brings a newer one.
    pub(super) fn current(&self) -> Current<V> {
        Current { value: Arc::clone(&self.value), labels: self.times.labels().map(Labels::again) }
    }

    /// One if it carries tags.
    pub(super) fn labels(&self) -> usize {
        usize::from(self.times.labels().is_some())
    }

    /// Lets go of key and value, each of whose `Drop` may panic, one by one.
    pub(super) fn let_go(self) {
        drop_contained(self.key);
        drop_contained(self.value);
    }
}

impl<K, V> Links for Slab<Record<K, V>> {
    fn link(&self, slot: Slot) -> Link {
        self[slot].node.link
    }

    fn link_mut(&mut self, slot: Slot) -> &mut Link {
        &mut self[slot].node.link
    }
}

impl<K, V> Nodes for Slab<Record<K, V>> {
    fn node(&self, slot: Slot) -> &Node {
        &self[slot].node
    }

    fn weight(&self, slot: Slot) -> u64 {
        self[slot].weight
    }

    fn hash(&self, slot: Slot) -> u64 {
        self[slot].hashed.0
    }

    fn node_mut(&mut self, slot: Slot) -> &mut Node {
        &mut self[slot].node
    }
}

impl<K, V> Entries<K, V> for Slab<Record<K, V>> {
    fn holds(&self, slot: Slot) -> bool {
        self.get(slot).is_some()
    }

    fn entry(&self, slot: Slot) -> (&K, &V) {
        let record = &self[slot];
        (&record.key, &record.value)
    }
}

impl<K, V> Timed for Slab<Record<K, V>> {
    fn timer(&self, slot: Slot) -> &Timer {
        &self[slot].timer
    }

    fn timer_mut(&mut self, slot: Slot) -> &mut Timer {
        &mut self[slot].timer
    }

    fn deadline(&self, slot: Slot) -> Deadline {
        self[slot].times.last_of_its_own()
    }
}
