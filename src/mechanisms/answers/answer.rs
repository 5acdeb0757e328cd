//! What is remembered of one key.

use crate::ground::chain::{Link, Links};
use crate::ground::contain::drop_contained;
use crate::ground::hash::Hashed;
use crate::ground::slab::{Slab, Slot};
use crate::ground::time::Deadline;
use crate::mechanisms::eviction::Node;
use crate::mechanisms::wheel::{Timed, Timer};
use crate::vocabulary::error::LoadError;

/// What a load brought instead of a value.
#[derive(Debug)]
pub(crate) enum Answer {
    /// There is no such key.
    Absent,
    /// It failed, as the `failures`th one of this key in a row.
    Failed { error: LoadError, failures: u32 },
}

impl Answer {
    /// What callers get.
    pub(super) fn error(&self) -> LoadError {
        match self {
            Self::Absent => LoadError::Absent,
            Self::Failed { error, .. } => error.clone(),
        }
    }

    pub(super) fn failures(&self) -> u32 {
        match self {
            Self::Absent => 0,
            Self::Failed { failures, .. } => *failures,
        }
    }
}

/// An answer with its key and its times.
#[derive(Debug)]
pub(crate) struct Remembered<K> {
    /// Kept, so that no table operation ever calls the key's `Hash`.
    pub(crate) hashed: Hashed,
    pub(crate) key: K,
    pub(crate) answer: Answer,
    pub(crate) weight: u64,
    /// From when on it isn't given any more.
    pub(crate) until: Deadline,
    /// From when on it counts for nothing and can be reclaimed: `until`, or later.
    pub(crate) forgotten: Deadline,
}

impl<K> Remembered<K> {
    /// Lets go of the key and of the loader's error, each of whose `Drop` may panic, one by one.
    pub(crate) fn let_go(self) {
        drop_contained(self.key);
        drop_contained(self.answer);
    }
}

/// An answer as it lies in the slab.
pub(super) struct Record<K> {
    pub(super) remembered: Remembered<K>,
    /// Whether it was asked for, and its place in the queue.
    pub(super) node: Node,
    pub(super) timer: Timer,
}

impl<K> Links for Slab<Record<K>> {
    fn link(&self, slot: Slot) -> Link {
        self[slot].node.link
    }

    fn link_mut(&mut self, slot: Slot) -> &mut Link {
        &mut self[slot].node.link
    }
}

impl<K> Timed for Slab<Record<K>> {
    fn timer(&self, slot: Slot) -> &Timer {
        &self[slot].timer
    }

    fn timer_mut(&mut self, slot: Slot) -> &mut Timer {
        &mut self[slot].timer
    }

    fn deadline(&self, slot: Slot) -> Deadline {
        self[slot].remembered.forgotten
    }
}
