//! What came of each of many keys that were fetched.

use super::places::Places;
use crate::vocabulary::error::LoadError;
use crate::vocabulary::keys::{Key, Lookup};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// What [`multi_fetch_with`](crate::Cache::multi_fetch_with) brings: for each key that was asked for, its value or its error, in the order in which they
/// were asked for.
///
/// # Examples
/// ```
/// use bellwether::Cache;
///
/// let cache = Cache::<String, u32>::builder().loader_fn(|text: &String| text.parse::<u32>()).build()?;
/// let found = cache.multi_fetch_with(["1", "two", "3"]);
/// assert_eq!(found.get("1").and_then(|result| result.as_ref().ok()).map(|number| **number), Some(1));
/// assert!(found.get("two").is_some_and(Result::is_err) && found.get("4").is_none());
/// assert_eq!(found.iter().filter(|(_, result)| result.is_ok()).count(), 2);
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[must_use = "it is what the keys were fetched for"]
pub struct MultiFetch<K, V> {
    each: Vec<(K, Result<Arc<V>, LoadError>)>,
    places: Places,
}

impl<K: Key, V> MultiFetch<K, V> {
    pub(super) fn new(each: Vec<(K, Result<Arc<V>, LoadError>)>) -> Self {
        Self { each, places: Places::new() }
    }

    /// What came of `key`; `None` if it wasn't asked for.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().loader_fn(|n: &u32| bellwether::ok(*n)).build()?;
    /// let found = cache.multi_fetch_with(&[1, 2]);
    /// assert!(found.get(&2).is_some() && found.get(&3).is_none());
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn get<Q: Lookup<K> + ?Sized>(&self, key: &Q) -> Option<&Result<Arc<V>, LoadError>> {
        Some(&self.each[self.places.find(self.each.len(), |place| &self.each[place].0, key)?].1)
    }

    /// The values of all keys that have one. Absence is no error here: keys without a value are left out.
    ///
    /// # Errors
    /// The first error, in the order in which the keys were asked for, that isn't [`LoadError::Absent`].
    ///
    /// # Examples
    /// ```
    /// use bellwether::Loaded;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder()
    ///     .loader_fn(|n: &u32| Loaded::ok((*n != 2).then_some(n * 10)))
    ///     .build()?;
    /// let found = cache.multi_fetch_with(&[1, 2, 3]).found()?;
    /// assert_eq!((found.len(), *found[&3]), (2, 30));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn found(self) -> Result<HashMap<K, Arc<V>>, LoadError> {
        let mut found = HashMap::with_capacity(self.each.len());
        for (key, result) in self.each {
            match result {
                Ok(value) => drop(found.insert(key, value)),
                Err(error) if error.is_absent() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

impl<K, V> MultiFetch<K, V> {
    /// Each key that was asked for and what came of it, in the order in which they were asked for; of a key that was asked for twice, twice.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().loader_fn(|n: &u32| bellwether::ok(n * 10)).build()?;
    /// let found = cache.multi_fetch_with(&[3, 1]);
    /// let keys: Vec<u32> = found.iter().map(|(key, _)| *key).collect();
    /// assert_eq!(keys, [3, 1]);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &Result<Arc<V>, LoadError>)> {
        self.each.iter().map(|(key, result)| (key, result))
    }

    /// How many keys were asked for, each as often as it was.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().loader_fn(|n: &u32| bellwether::ok(*n)).build()?;
    /// assert_eq!(cache.multi_fetch_with(&[1, 2, 1]).len(), 3);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.each.len()
    }

    /// Whether no key was asked for.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// assert!(cache.multi_fetch_with(&[] as &[u32]).is_empty());
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.each.is_empty()
    }
}

impl<K, V> IntoIterator for MultiFetch<K, V> {
    type Item = (K, Result<Arc<V>, LoadError>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.each.into_iter()
    }
}

impl<K, V> fmt::Debug for MultiFetch<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.each.iter().filter(|(_, result)| result.is_err()).count();
        f.debug_struct("MultiFetch").field("keys", &self.each.len()).field("errors", &errors).finish_non_exhaustive()
    }
}
