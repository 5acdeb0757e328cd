//! Weighers tell what an entry weighs.

use std::sync::Arc;

/// Tells an entry's weight in the unit of the capacity; without one every entry weighs one.
pub(crate) struct Weigher<K, V>(Option<Arc<WeighFn<K, V>>>);

type WeighFn<K, V> = dyn Fn(&K, &V) -> u64 + Send + Sync;

impl<K, V> Weigher<K, V> {
    pub(crate) const ONE: Self = Self(None);

    pub(crate) fn by(weigh: impl Fn(&K, &V) -> u64 + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(weigh)))
    }

    /// User code: never under a lock.
    pub(crate) fn weigh(&self, key: &K, value: &V) -> u64 {
        self.0.as_ref().map_or(1, |weigh| weigh(key, value))
    }

    /// Whether the capacity is a number of entries.
    pub(crate) fn counts_entries(&self) -> bool {
        self.0.is_none()
    }
}
