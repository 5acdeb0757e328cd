//! The copy of all entries.

use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::vec::IntoIter;

/// What all entries of a cache were, as [`iter_snapshot`](crate::Cache::iter_snapshot) gives them. It has nothing to do with the cache any more, and
/// knows how many they are.
///
/// # Examples
/// ```
/// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
/// cache.insert(1, 10);
/// let snapshot = cache.iter_snapshot();
/// drop(cache);
/// assert_eq!(snapshot.len(), 1);
/// assert_eq!(snapshot.map(|(key, value)| key + *value).sum::<u32>(), 11);
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[must_use = "all entries were copied for it"]
pub struct IterSnapshot<K, V> {
    entries: IntoIter<(K, Arc<V>)>,
}

impl<K, V> IterSnapshot<K, V> {
    pub(in crate::faces) fn new(entries: Vec<(K, Arc<V>)>) -> Self {
        Self { entries: entries.into_iter() }
    }
}

impl<K, V> Iterator for IterSnapshot<K, V> {
    type Item = (K, Arc<V>);

    fn next(&mut self) -> Option<Self::Item> {
        self.entries.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl<K, V> DoubleEndedIterator for IterSnapshot<K, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.entries.next_back()
    }
}

impl<K, V> ExactSizeIterator for IterSnapshot<K, V> {}

impl<K, V> FusedIterator for IterSnapshot<K, V> {}

impl<K, V> fmt::Debug for IterSnapshot<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterSnapshot").field("len", &self.len()).finish_non_exhaustive()
    }
}
