//! A record is one entry as it is stored.

use crate::ground::chain::{Link, Links};
use crate::ground::hash::Hashed;
use crate::ground::slab::{Slab, Slot};
use crate::mechanisms::eviction::{Node, Nodes};
use crate::vocabulary::expiry::Times;
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
    fn node_mut(&mut self, slot: Slot) -> &mut Node {
        &mut self[slot].node
    }
}
