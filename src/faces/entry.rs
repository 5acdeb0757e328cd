//! Entries: a key's value, or the sole right and duty to bring it. One set of types for both faces.

use crate::core::entry::{Entered, Patience};
use crate::core::fetch::Look;
use crate::core::handle::Handle;
use crate::core::lead::LoadGuard;
use crate::core::waiting::{Nested, Waiting};
use crate::core::write::Unmet;
use crate::ground::hash::RandomState;
use crate::ground::reentry;
use crate::ground::waits::{InLoad, Load};
use crate::mechanisms::flight::Landing;
use crate::shard::By;
use crate::vocabulary::error::LoadError;
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loaded::Loaded;
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::BuildHasher;
use std::ops::ControlFlow;
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
    cache: Handle<K, V, S>,
    key: K,
    value: Arc<V>,
}

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
    lead: LoadGuard<K, V, S>,
    cache: Handle<K, V, S>,
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
    /// `make` runs under no lock and may use the cache. A fetch of this very key inside it gets [`LoadError::Cycle`].
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

    /// Puts `value` in the place of the one that this entry shows, gives that, and shows the new one.
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

    fn modified(mut self, mut change: impl FnMut(&mut V)) -> Self
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

/// Takes entries of one cache.
pub(super) struct Taker<'a, K: Key, V: Value, S: Send + Sync + 'static>(pub(super) &'a Handle<K, V, S>);

type Entering<'a, K, V, S> = ControlFlow<Entry<K, V, S>, Option<(K, Waiting<'a, K, V, S>)>>;

impl<'a, K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> Taker<'a, K, V, S> {
    fn look(&self, key: K, look: Look, patience: Patience) -> Entering<'a, K, V, S> {
        let cache: &'a Handle<K, V, S> = self.0;
        match cache.enter(key, look, patience) {
            Entered::Occupied(key, value) => ControlFlow::Break(self.occupied(key, value)),
            Entered::Vacant(lead) => ControlFlow::Break(Entry::Vacant(VacantEntry { lead, cache: cache.clone() })),
            Entered::Awaited(key, waiting) => ControlFlow::Continue(Some((key, waiting))),
            Entered::Busy => ControlFlow::Continue(None),
        }
    }

    fn occupied(&self, key: K, value: Arc<V>) -> Entry<K, V, S> {
        Entry::Occupied(OccupiedEntry { cache: self.0.clone(), key, value })
    }

    /// The entry that a landing makes of a wait, or the key for another look.
    fn landed(&self, key: K, landing: Landing<V>, waiting_for_itself: bool) -> ControlFlow<Entry<K, V, S>, K> {
        match landing.result {
            Ok(value) => ControlFlow::Break(self.occupied(key, value)),
            Err(LoadError::Cycle { .. }) if waiting_for_itself => panic!(
                "an entry was asked for by the very load that it would wait for, directly or through other loads: \
                 return the value from the loader, or use `try_entry`, which never waits"
            ),
            // Nobody brought a value: perhaps it is this caller's turn.
            Err(_) => ControlFlow::Continue(key),
        }
    }

    /// Takes an entry, and blocks while somebody else has the lead.
    pub(super) fn block(&self, mut key: K) -> Entry<K, V, S> {
        let mut look = Look::First;
        loop {
            let (own, mut waiting) = match self.look(key, look, Patience::Waits) {
                ControlFlow::Break(entry) => return entry,
                ControlFlow::Continue(Some(awaited)) => awaited,
                ControlFlow::Continue(None) => unreachable!("whoever waits is given a seat"),
            };
            let flight = Arc::clone(waiting.flight());
            let landing = waiting.block();
            match self.landed(own, landing, !flight.has_landed()) {
                ControlFlow::Break(entry) => return entry,
                ControlFlow::Continue(own) => (key, look) = (own, Look::Anew),
            }
        }
    }

    /// Takes an entry, and awaits whoever has the lead.
    pub(super) async fn wait(&self, mut key: K) -> Entry<K, V, S> {
        let mut look = Look::First;
        loop {
            let (own, mut waiting) = match self.look(key, look, Patience::Waits) {
                ControlFlow::Break(entry) => return entry,
                ControlFlow::Continue(Some(awaited)) => awaited,
                ControlFlow::Continue(None) => unreachable!("whoever waits is given a seat"),
            };
            let landing = poll_fn(|cx| {
                reentry::check();
                waiting.poll(cx)
            });
            let landing = landing.await;
            match self.landed(own, landing, !waiting.flight().has_landed()) {
                ControlFlow::Break(entry) => return entry,
                ControlFlow::Continue(own) => (key, look) = (own, Look::Anew),
            }
        }
    }

    /// Takes an entry if that can be had at once.
    pub(super) fn at_once(&self, key: K) -> Option<Entry<K, V, S>> {
        self.look(key, Look::First, Patience::Never).break_value()
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> fmt::Debug for Entry<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(entry) => entry.fmt(f),
            Self::Vacant(entry) => entry.fmt(f),
        }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> fmt::Debug for OccupiedEntry<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OccupiedEntry").field("cache", &self.cache.name()).finish_non_exhaustive()
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> fmt::Debug for VacantEntry<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VacantEntry").field("cache", &self.cache.name()).finish_non_exhaustive()
    }
}
