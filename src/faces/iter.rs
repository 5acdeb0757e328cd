//! Walking over all entries.

use crate::core::shared::CacheShared;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

/// Entries taken in one hold of a lock.
const BATCH: usize = 64;

/// All entries of a cache, as [`iter`](crate::Cache::iter) gives them.
///
/// # Examples
/// ```
/// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
/// cache.insert(1, 10);
/// for (key, value) in &cache {
///     assert_eq!((key, *value), (1, 10));
/// }
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[must_use = "an iterator does nothing until it is walked"]
pub struct Iter<'a, K, V, S> {
    shared: &'a CacheShared<K, V, S>,
    /// Which shard, and which slot of it, comes next.
    shard: usize,
    slot: u32,
    taken: VecDeque<(K, Arc<V>)>,
}

impl<'a, K, V, S> Iter<'a, K, V, S> {
    pub(super) fn new(shared: &'a CacheShared<K, V, S>) -> Self {
        Self { shared, shard: 0, slot: 0, taken: VecDeque::new() }
    }
}

impl<K: Clone, V, S> Iterator for Iter<'_, K, V, S> {
    type Item = (K, Arc<V>);

    fn next(&mut self) -> Option<Self::Item> {
        while self.taken.is_empty() {
            let shard = self.shared.shards.get(self.shard)?;
            // Taken over only once it is whole: if a key's `Clone` panics, the next call begins this batch anew.
            let mut batch = VecDeque::new();
            match shard.batch(self.slot, BATCH, &self.shared.clock, &mut batch) {
                Some(next) => self.slot = next,
                None => (self.shard, self.slot) = (self.shard + 1, 0),
            }
            self.taken = batch;
        }
        self.taken.pop_front()
    }
}

impl<K, V, S> fmt::Debug for Iter<'_, K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}
