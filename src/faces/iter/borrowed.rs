//! The iterator.

use super::{BATCH, Batches};
use crate::core::shared::CacheShared;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;

/// All entries of a cache, as [`iter`](crate::Cache::iter) gives them.
///
/// # Panics
/// [`next`](Iterator::next) panics where a key's `Clone` does. The calls after it give what came before that key in its batch, and then try it
/// again.
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
    batches: Batches<K, V>,
}

impl<'a, K: Clone, V, S> Iter<'a, K, V, S> {
    pub(in crate::faces) fn new(shared: &'a CacheShared<K, V, S>) -> Self {
        Self::in_batches(shared, BATCH)
    }

    pub(in crate::faces) fn in_batches(shared: &'a CacheShared<K, V, S>, most: usize) -> Self {
        Self { shared, batches: Batches::of(most) }
    }
}

impl<K: Clone, V, S> Iterator for Iter<'_, K, V, S> {
    type Item = (K, Arc<V>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(entry) = self.batches.taken.pop_front() {
                return Some(entry);
            }
            if self.batches.is_over {
                return None;
            }
            self.batches.take(self.shared);
        }
    }
}

impl<K: Clone, V, S> FusedIterator for Iter<'_, K, V, S> {}

impl<K, V, S> fmt::Debug for Iter<'_, K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}
