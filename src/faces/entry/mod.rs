//! Entries: a key's value, or the sole right and duty to bring it. One set of types for both faces.

mod occupied;
mod taker;
mod vacant;

pub use occupied::OccupiedEntry;
pub(super) use taker::Taker;
pub use vacant::VacantEntry;

use crate::core::waiting::Nested;
use crate::ground::hash::RandomState;
use crate::ground::waits::{InLoad, Load};
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loaded::Loaded;
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::BuildHasher;
use std::pin::pin;
use std::sync::Arc;

/// A key of a cache, looked at: its value, or the lead of its flight. Made by [`Cache::entry`](crate::Cache::entry) and
/// [`AsyncCache::entry`](crate::AsyncCache::entry).
///
/// It holds no lock and may be kept across awaits. It keeps the cache alive, as any handle does.
///
/// # Examples
/// ```
/// let cache = bellwether::Cache::<String, Vec<u32>>::builder().build()?;
/// for (name, score) in [("ann", 3), ("bob", 4), ("ann", 5)] {
///     cache.entry(name.to_owned()).and_modify(|scores| scores.push(score)).or_insert_with(|| vec![score]);
/// }
/// assert_eq!(cache.get("ann", Vec::clone), Some(vec![3, 5]));
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[must_use = "a vacant entry that is dropped lets others bring the value"]
pub enum Entry<K: Key, V: Value, S: Send + Sync + 'static = RandomState> {
    /// The key's value is here.
    Occupied(OccupiedEntry<K, V, S>),
    /// There is none, and it is up to the holder to bring it.
    Vacant(VacantEntry<K, V, S>),
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> Entry<K, V, S> {
    /// The key.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// assert_eq!(cache.entry(1).key(), &1);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn key(&self) -> &K {
        match self {
            Self::Occupied(entry) => entry.key(),
            Self::Vacant(entry) => entry.key(),
        }
    }

    /// The value that is here, or else `value`, which is stored.
    ///
    /// # Panics
    /// As [`VacantEntry::insert`].
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// assert_eq!(*cache.entry(1).or_insert(10), 10);
    /// assert_eq!(*cache.entry(1).or_insert(11), 10);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn or_insert(self, value: impl Into<Loaded<V>>) -> Arc<V> {
        match self {
            Self::Occupied(entry) => entry.value,
            Self::Vacant(entry) => entry.insert(value),
        }
    }

    /// The value that is here, or else the one that `make` makes, which is stored.
    ///
    /// `make` runs under no lock and may use the cache. A fetch of this very key inside it gets [`LoadError::Cycle`](crate::LoadError::Cycle).
    ///
    /// # Panics
    /// As [`VacantEntry::insert`]. If `make` panics, the entry is given up.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, String>::builder().build()?;
    /// assert_eq!(*cache.entry(1).or_insert_with(|| "one".to_owned()), "one");
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn or_insert_with<T: Into<Loaded<V>>>(self, make: impl FnOnce() -> T) -> Arc<V> {
        match self {
            Self::Occupied(entry) => entry.value,
            Self::Vacant(entry) => {
                let value = entry.lead.working(make);
                entry.insert(value)
            }
        }
    }

    /// As [`or_insert_with`](Self::or_insert_with) for a closure that may fail: then the entry is given up, and nobody else gets the error.
    ///
    /// # Errors
    /// What `make` returns.
    ///
    /// # Panics
    /// As [`or_insert_with`](Self::or_insert_with).
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// assert!(cache.entry(1).or_try_insert_with(|| "x".parse::<u32>()).is_err());
    /// assert_eq!(*cache.entry(1).or_try_insert_with(|| "7".parse::<u32>())?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn or_try_insert_with<T: Into<Loaded<V>>, E>(self, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<V>, E> {
        match self {
            Self::Occupied(entry) => Ok(entry.value),
            Self::Vacant(entry) => {
                let value = entry.lead.working(make)?;
                Ok(entry.insert(value))
            }
        }
    }

    /// The value that is here, or else the default one, which is stored.
    ///
    /// # Panics
    /// As [`or_insert_with`](Self::or_insert_with).
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, String>::builder().build()?;
    /// assert_eq!(*cache.entry(1).or_default(), "");
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn or_default(self) -> Arc<V>
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }

    /// As [`or_insert_with`](Self::or_insert_with) for a future, which runs in the caller's task.
    ///
    /// # Cancel safety
    /// If it is dropped before its end, the entry is given up.
    ///
    /// # Panics
    /// As [`or_insert_with`](Self::or_insert_with).
    ///
    /// # Examples
    /// ```
    /// # futures::executor::block_on(async {
    /// let cache = bellwether::AsyncCache::<u32, String>::builder().build_async()?;
    /// let value = cache.entry(1).await.or_insert_with_async(|| async { "one".to_owned() }).await;
    /// assert_eq!(*value, "one");
    /// # Ok::<(), bellwether::BuildError>(())
    /// # }).unwrap();
    /// ```
    pub async fn or_insert_with_async<T, F>(self, make: impl FnOnce() -> F) -> Arc<V>
    where
        F: Future<Output = T>,
        T: Into<Loaded<V>>,
    {
        match self {
            Self::Occupied(entry) => entry.value,
            Self::Vacant(entry) => {
                let scope = (entry.lead.load(), entry.lead.nested());
                let value = working(scope, make).await;
                entry.insert(value)
            }
        }
    }

    /// As [`or_try_insert_with`](Self::or_try_insert_with) for a future, which runs in the caller's task.
    ///
    /// # Errors
    /// What the future returns.
    ///
    /// # Cancel safety
    /// If it is dropped before its end, the entry is given up.
    ///
    /// # Panics
    /// As [`or_insert_with`](Self::or_insert_with).
    ///
    /// # Examples
    /// ```
    /// # futures::executor::block_on(async {
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder().build_async()?;
    /// let value = cache.entry(1).await.or_try_insert_with_async(|| async { "7".parse::<u32>() }).await?;
    /// assert_eq!(*value, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn or_try_insert_with_async<T, E, F>(self, make: impl FnOnce() -> F) -> Result<Arc<V>, E>
    where
        F: Future<Output = Result<T, E>>,
        T: Into<Loaded<V>>,
    {
        match self {
            Self::Occupied(entry) => Ok(entry.value),
            Self::Vacant(entry) => {
                let scope = (entry.lead.load(), entry.lead.nested());
                let value = working(scope, make).await?;
                Ok(entry.insert(value))
            }
        }
    }

    /// Changes the value that is here, if there is one: `change` works on a copy, which then takes the value's place.
    ///
    /// If another write comes between, `change` is called again with a copy of what is held then. If nothing is held any more, the entry shows the
    /// changed copy, and the cache stays as it is.
    ///
    /// # Panics
    /// If `change`, the weigher or a clone panics: the value stays as it was.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<&str, u32>::builder().build()?;
    /// for word in ["a", "b", "a"] {
    ///     cache.entry(word).and_modify(|count| *count += 1).or_insert(1);
    /// }
    /// assert_eq!(cache.get("a", |count| *count), Some(2));
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn and_modify(self, change: impl FnMut(&mut V)) -> Self
    where
        V: Clone,
    {
        match self {
            Self::Occupied(entry) => Self::Occupied(entry.modified(change)),
            vacant @ Self::Vacant(_) => vacant,
        }
    }
}

/// Awaits what `make` makes, as what the entry's waiters wait for. It borrows nothing of the entry, so that it may move between threads.
async fn working<T, F: Future<Output = T>>((load, _nested): (Arc<Load>, Option<Nested>), make: impl FnOnce() -> F) -> T {
    let work = {
        let _in_load = InLoad::enter(Some(Arc::clone(&load)));
        make()
    };
    let mut work = pin!(work);
    poll_fn(move |cx| {
        let _in_load = InLoad::enter(Some(Arc::clone(&load)));
        work.as_mut().poll(cx)
    })
    .await
}

impl<K: Key, V: Value, S: Send + Sync + 'static> fmt::Debug for Entry<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(entry) => entry.fmt(f),
            Self::Vacant(entry) => entry.fmt(f),
        }
    }
}
