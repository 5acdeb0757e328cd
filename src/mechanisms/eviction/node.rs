//! A node is what policies keep in each entry: a mark that hits set, and a place in a queue.

use crate::ground::chain::{Link, Links};
use crate::ground::slab::Slot;
use crate::ground::sync::atomic::{AtomicBool, Ordering};

/// A policy's part of an entry.
#[derive(Debug)]
pub(crate) struct Node {
    /// Set by hits under the read lock, cleared under the write lock.
    mark: AtomicBool,
    pub(crate) link: Link,
}

impl Node {
    pub(crate) fn new() -> Self {
        Self { mark: AtomicBool::new(false), link: Link::LOOSE }
    }

    /// Stores only where there is something to change: entries that are hit often stay unwritten, and their cache lines shared.
    #[inline]
    pub(crate) fn set_mark(&self) {
        // Relaxed: the shard's lock orders it before every look that counts.
        if !self.mark.load(Ordering::Relaxed) {
            self.mark.store(true, Ordering::Relaxed);
        }
    }

    /// Clears the mark and says whether it was set.
    pub(crate) fn take_mark(&mut self) -> bool {
        let was = self.mark.load(Ordering::Relaxed);
        self.mark.store(false, Ordering::Relaxed);
        was
    }
}

/// Where the nodes of slots lie.
pub(crate) trait Nodes: Links {
    fn node_mut(&mut self, slot: Slot) -> &mut Node;
}
