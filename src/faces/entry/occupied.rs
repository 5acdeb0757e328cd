//! An entry with a value.

use crate::core::handle::Handle;
use crate::core::write::Unmet;
use crate::ground::hash::RandomState;
use crate::shard::By;
use crate::vocabulary::keys::{Key, Value};
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

/// A view of a value that was held when it was looked for, or was brought by the load that was waited for.
///
/// It changes the cache only while that very value is still held.
///
/// # Examples
/// ```
/// use bellwether::Entry;
///
/// let cache = bellwether::Cache::<u32, &str>::builder().build()?;
/// cache.insert(1, "old");
/// let Entry::Occupied(mut entry) = cache.entry(1) else { panic!("it is held") };
/// assert_eq!(entry.replace("new").as_deref(), Ok(&"old"));
/// cache.insert(1, "newer");
/// assert_eq!(entry.replace("late"), Err("late"));
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[must_use = "an occupied entry that nobody looks at is of no use"]
pub struct OccupiedEntry<K: Key, V: Value, S: Send + Sync + 'static = RandomState> {
    pub(super) cache: Handle<K, V, S>,
    pub(super) key: K,
    pub(super) value: Arc<V>,
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> OccupiedEntry<K, V, S> {
    /// The key.
    ///
    /// # Examples
    /// See [`OccupiedEntry`].
    pub fn key(&self) -> &K {
        &self.key
    }

    /// The value that this entry shows.
    ///
    /// # Examples
    /// ```
    /// use bellwether::Entry;
    ///
    /// let cache = bellwether::Cache::<u32, &str>::builder().build()?;
    /// cache.insert(1, "one");
    /// let Entry::Occupied(entry) = cache.entry(1) else { panic!("it is held") };
    /// assert_eq!(**entry.get(), "one");
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn get(&self) -> &Arc<V> {
        &self.value
    }

    /// Puts `value` in the place of the one that this entry shows, gives that, and shows the new one. The tags stay.
    ///
    /// # Errors
    /// If just that value isn't held any more: `value` comes back, and nothing is changed.
    ///
    /// # Panics
    /// If the weigher or the key's clone does: nothing is changed then.
    ///
    /// # Examples
    /// See [`OccupiedEntry`].
    pub fn replace(&mut self, value: V) -> Result<Arc<V>, V> {
        self.swap(Arc::new(value)).map_err(|unmet| Arc::into_inner(unmet.value).expect("what wasn't stored is nobody else's"))
    }

    /// Removes the value that this entry shows and gives it, or `None` if just that isn't held any more.
    ///
    /// # Examples
    /// ```
    /// use bellwether::Entry;
    ///
    /// let cache = bellwether::Cache::<u32, &str>::builder().build()?;
    /// cache.insert(1, "one");
    /// let Entry::Occupied(entry) = cache.entry(1) else { panic!("it is held") };
    /// assert_eq!(entry.remove().as_deref(), Some(&"one"));
    /// assert!(cache.is_empty());
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[must_use = "`None` says that nothing was removed"]
    pub fn remove(self) -> Option<Arc<V>> {
        self.cache.remove_if(self.cache.place(&self.key), Some(&self.value))
    }

    fn swap(&mut self, value: Arc<V>) -> Result<Arc<V>, Unmet<V>> {
        let hashed = self.cache.place(&self.key).hashed;
        let new = Arc::clone(&value);
        match self.cache.write_if(hashed, self.key.clone(), By::Holder(&self.value), value) {
            Ok(()) => Ok(std::mem::replace(&mut self.value, new)),
            Err(unmet) => {
                drop(new);
                Err(unmet)
            }
        }
    }

    pub(super) fn modified(mut self, mut change: impl FnMut(&mut V)) -> Self
    where
        V: Clone,
    {
        loop {
            let mut copy = V::clone(&self.value);
            change(&mut copy);
            match self.swap(Arc::new(copy)) {
                Ok(_) => return self,
                Err(Unmet { held: Some(newer), .. }) => self.value = newer,
                Err(Unmet { value: copy, held: None }) => {
                    self.value = copy;
                    return self;
                }
            }
        }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> fmt::Debug for OccupiedEntry<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OccupiedEntry").field("cache", &self.cache.name()).finish_non_exhaustive()
    }
}
