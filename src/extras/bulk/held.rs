//! What was held for many keys.

use super::places::Places;
use crate::vocabulary::keys::{Key, LoadKey};
use equivalent::Equivalent;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::iter::Zip;
use std::marker::PhantomData;
use std::ops::Index;
use std::sync::Arc;
use std::vec::IntoIter;

/// What [`multiget`](crate::Cache::multiget) finds: the keys that have a fresh value, with their values, in the order in which they were asked for.
///
/// It is a list of the caller's own keys, none of which is cloned, and becomes a map only as far as it is used as one: an index over it is made by the
/// first call that looks for a key. [`into_map`](Self::into_map) gives a map that owns its keys.
///
/// # Examples
/// ```
/// let cache = bellwether::Cache::<String, u32>::builder().build()?;
/// cache.insert("one".to_owned(), 1);
/// cache.insert("two".to_owned(), 2);
/// let held = cache.multiget(["two", "three", "one"]);
/// assert_eq!((held.len(), *held["one"]), (2, 1));
/// assert!(held.get("three").is_none());
/// let keys: Vec<&str> = held.iter().map(|(key, _)| key).collect();
/// assert_eq!(keys, ["two", "one"]);
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[must_use = "it is what the keys were looked for"]
pub struct MultiGet<'q, K, V, Q: ?Sized = K> {
    /// All that were asked for.
    keys: Vec<&'q Q>,
    values: Vec<Option<Arc<V>>>,
    /// How many have a value.
    len: usize,
    places: Places,
    owned: PhantomData<fn() -> K>,
}

impl<'q, K, V, Q: ?Sized> MultiGet<'q, K, V, Q> {
    pub(super) fn new(keys: Vec<&'q Q>, values: Vec<Option<Arc<V>>>) -> Self {
        let len = values.iter().filter(|value| value.is_some()).count();
        Self { keys, values, len, places: Places::new(), owned: PhantomData }
    }
}

impl<K, V, Q: Hash + Eq + ?Sized> MultiGet<'_, K, V, Q> {
    /// The value that was held for `key`.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// cache.insert(1, 10);
    /// assert_eq!(cache.multiget(&[1, 2]).get(&1).map(|value| **value), Some(10));
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn get<R: Hash + Equivalent<Q> + ?Sized>(&self, key: &R) -> Option<&Arc<V>> {
        self.values[self.places.find(self.keys.len(), |place| self.keys[place], key)?].as_ref()
    }

    /// Whether a value was held for `key`.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// cache.insert(1, 10);
    /// assert!(cache.multiget(&[1, 2]).contains_key(&1));
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn contains_key<R: Hash + Equivalent<Q> + ?Sized>(&self, key: &R) -> bool {
        self.get(key).is_some()
    }
}

impl<'q, K, V, Q: ?Sized> MultiGet<'q, K, V, Q> {
    /// The same as a map that owns its keys.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// cache.insert(1, 10);
    /// assert_eq!(*cache.multiget(&[1, 2]).into_map()[&1], 10);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn into_map(self) -> HashMap<K, Arc<V>>
    where
        K: Key,
        Q: LoadKey<K>,
    {
        self.into_iter().map(|(key, value)| (key.to_key(), value)).collect()
    }

    /// The keys that have a value, with their values, in the order in which they were asked for; one that was asked for twice, twice.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// cache.insert(1, 10);
    /// assert_eq!(cache.multiget(&[1, 2]).iter().map(|(key, value)| key + **value).sum::<u32>(), 11);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (&'q Q, &Arc<V>)> {
        self.keys.iter().zip(&self.values).filter_map(|(key, value)| Some((*key, value.as_ref()?)))
    }

    /// How many keys have a value.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// cache.insert(1, 10);
    /// assert_eq!(cache.multiget(&[1, 2]).len(), 1);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no key has a value.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// assert!(cache.multiget(&[1, 2]).is_empty());
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<K, V, Q: Hash + Eq + ?Sized, R: Hash + Equivalent<Q> + ?Sized> Index<&R> for MultiGet<'_, K, V, Q> {
    type Output = Arc<V>;

    /// # Panics
    /// If no value was held for `key`.
    fn index(&self, key: &R) -> &Arc<V> {
        self.get(key).expect("a value was held for the key: ask for one that may be missing by `get`")
    }
}

impl<'q, K, V, Q: ?Sized> IntoIterator for MultiGet<'q, K, V, Q> {
    type Item = (&'q Q, Arc<V>);
    type IntoIter = MultiGetIter<'q, V, Q>;

    fn into_iter(self) -> MultiGetIter<'q, V, Q> {
        MultiGetIter(self.keys.into_iter().zip(self.values))
    }
}

/// The keys that have a value, with their values, as [`MultiGet`] gives them when it is gone through.
///
/// # Examples
/// ```
/// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
/// cache.insert(1, 10);
/// for (key, value) in cache.multiget(&[1, 2]) {
///     assert_eq!((*key, *value), (1, 10));
/// }
/// # Ok::<(), bellwether::BuildError>(())
/// ```
pub struct MultiGetIter<'q, V, Q: ?Sized>(Zip<IntoIter<&'q Q>, IntoIter<Option<Arc<V>>>>);

impl<'q, V, Q: ?Sized> Iterator for MultiGetIter<'q, V, Q> {
    type Item = (&'q Q, Arc<V>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.find_map(|(key, value)| Some((key, value?)))
    }
}

impl<V, Q: ?Sized> fmt::Debug for MultiGetIter<'_, V, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MultiGetIter").finish_non_exhaustive()
    }
}

impl<K, V, Q: ?Sized> fmt::Debug for MultiGet<'_, K, V, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MultiGet").field("len", &self.len).finish_non_exhaustive()
    }
}
