//! Walking over all entries: by an iterator, a stream, or a copy made at once. All of them make the same tour of the shards.

pub(crate) mod borrowed;
pub(crate) mod snapshot;
pub(crate) mod stream;

use crate::core::shared::CacheShared;
use crate::core::tour::Tour;
use crate::shard::{Hold, Reached, STEPS};
use std::collections::VecDeque;
use std::sync::Arc;

/// Entries taken in one hold of a lock, where nobody says how many.
const BATCH: usize = 64;

/// A tour whose entries are taken in batches, each in one hold of a lock.
struct Batches<K, V> {
    tour: Tour,
    /// Entries in a batch.
    most: usize,
    taken: VecDeque<(K, Arc<V>)>,
    is_over: bool,
}

impl<K: Clone, V> Batches<K, V> {
    /// A batch has at least one entry, and no more than one hold of a lock can take.
    fn of(most: usize) -> Self {
        Self { tour: Tour::new(), most: most.clamp(1, STEPS as usize), taken: VecDeque::new(), is_over: false }
    }

    /// Takes what one hold of a lock can take. If a key's `Clone` panics, the batch keeps those before it, and the next one
    /// begins with it.
    fn take<S>(&mut self, shared: &CacheShared<K, V, S>) {
        let mut hold = Hold { most: self.most, steps: STEPS };
        let taken = &mut self.taken;
        self.is_over = shared.tour_on(&mut self.tour, &mut hold, |entry| taken.push_back(entry)) == Reached::End;
    }
}
