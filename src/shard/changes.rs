//! Changes: how many there were in a shard, and, once loads of many keys bring what nobody asked for, which keys were changed lately.

use super::Shard;
#[cfg(feature = "snapshot")]
use super::restoring::Watched;
use crate::ground::hash::Hashed;
use crate::ground::tags::Tags;
use std::sync::Arc;

/// Last changes are kept by so many buckets of the keys' hashes.
const BUCKETS: usize = 64;

/// What a shard knows of the changes in it. Evictions and expiries are none.
pub(super) struct Changes {
    count: u64,
    /// The number of the last change in each bucket, in the sequence that loads of many keys take theirs from. There from the first of those on.
    last: Option<Box<[u64; BUCKETS]>>,
    tags: Arc<Tags>,
    #[cfg(feature = "snapshot")]
    pub(super) watched: Watched,
}

impl Changes {
    pub(super) fn new(tags: &Arc<Tags>) -> Self {
        Self {
            count: 0,
            last: None,
            tags: Arc::clone(tags),
            #[cfg(feature = "snapshot")]
            watched: Watched::default(),
        }
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// A key has changed.
    pub(super) fn note(&mut self, hashed: Hashed) {
        self.count += 1;
        if let Some(last) = &mut self.last {
            last[bucket(hashed)] = self.tags.last_load();
        }
        #[cfg(feature = "snapshot")]
        self.watched.note(hashed);
    }

    /// A flight has landed, which is no write.
    pub(super) fn landed(&mut self) {
        self.count += 1;
    }

    /// Any key may have changed.
    pub(super) fn note_all(&mut self) {
        self.count += 1;
        if let Some(last) = &mut self.last {
            last.fill(self.tags.last_load());
        }
        #[cfg(feature = "snapshot")]
        self.watched.note_all();
    }

    /// Whether a key has certainly not changed since what has this `number` began.
    pub(super) fn none_since(&self, number: u64, hashed: Hashed) -> bool {
        self.last.as_ref().is_some_and(|last| last[bucket(hashed)] < number)
    }
}

/// From bits that pick neither the shard nor the place in a table.
fn bucket(hashed: Hashed) -> usize {
    ((hashed.0 >> 32) % BUCKETS as u64) as usize
}

impl<K, V> Shard<K, V> {
    /// Has the last changes noted from now on.
    pub(crate) fn note_changes(&self) {
        let mut state = self.write();
        let now = state.changes.tags.last_load();
        state.changes.last.get_or_insert_with(|| Box::new([now; BUCKETS]));
    }
}
