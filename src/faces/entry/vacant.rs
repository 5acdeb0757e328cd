//! An entry without a value: the lead of its key's flight.

use crate::core::handle::Handle;
use crate::core::lead::LoadGuard;
use crate::ground::hash::RandomState;
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loaded::Loaded;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

/// The lead of a key's flight: all who ask for the key wait for its holder.
///
/// Dropped without a value, it lets the others get on: the cache's own loader loads if somebody waits by
/// [`fetch_with`](crate::Cache::fetch_with) or its like; all others look again, and one of them takes the lead. The same happens when
/// [`load_timeout`](crate::CacheBuilder::load_timeout) has passed since it was taken, even if it was leaked. A write to the key overtakes it: what it
/// brings then goes to those who waited before the write, and isn't stored.
///
/// Whoever holds it and waits for the same key by the same thread or task waits until then. It takes no permit of
/// [`max_concurrent_loads`](crate::CacheBuilder::max_concurrent_loads) and isn't counted as a load.
///
/// # Examples
/// ```
/// use bellwether::Entry;
///
/// let cache = bellwether::Cache::<u32, String>::builder().build()?;
/// let Entry::Vacant(entry) = cache.entry(1) else { panic!("nothing is held") };
/// assert!(cache.try_entry(1).is_none(), "somebody has the lead");
/// assert_eq!(*entry.insert("one".to_owned()), "one");
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[must_use = "a vacant entry that is dropped lets others bring the value"]
pub struct VacantEntry<K: Key, V: Value, S: Send + Sync + 'static = RandomState> {
    /// Gone before the handle.
    pub(super) lead: LoadGuard<K, V, S>,
    pub(super) cache: Handle<K, V, S>,
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> VacantEntry<K, V, S> {
    /// The key.
    ///
    /// # Examples
    /// See [`VacantEntry`].
    pub fn key(&self) -> &K {
        self.lead.key()
    }

    /// Brings the value: to all who wait, and into the cache. Gives it back, shared.
    ///
    /// It isn't stored if a write has overtaken the entry, nor if it is [uncached](Loaded::uncached) or too heavy, or refused by
    /// the eviction policy. Once
    /// [`load_timeout`](crate::CacheBuilder::load_timeout) has passed it is an insert like any other.
    ///
    /// # Panics
    /// If `value` is a [`Loaded`] without a value, or the weigher or the key's clone panics. The entry is given up then.
    ///
    /// # Examples
    /// See [`VacantEntry`].
    pub fn insert(self, value: impl Into<Loaded<V>>) -> Arc<V> {
        let Self { lead, cache: _cache } = self;
        lead.fill(value.into())
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> fmt::Debug for VacantEntry<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VacantEntry").field("cache", &self.cache.name()).finish_non_exhaustive()
    }
}
