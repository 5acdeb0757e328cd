//! The blocking face.

use super::async_cache::AsyncCache;
use super::atomic::atomic_methods;
use super::builder::CacheBuilder;
use super::capacity::capacity_methods;
use super::entry::{Entry, Taker};
use super::invalidation::invalidation_methods;
use super::iter::borrowed::Iter;
use super::iter::snapshot::IterSnapshot;
use super::lifetimes::lifetime_methods;
use super::plain::plain_methods;
use super::walking::walking_methods;
use super::warm::warm_methods;
use crate::core::blocking::Means;
use crate::core::ends::CLOSE_LIMIT;
use crate::core::handle::Handle;
use crate::core::lead::Brought;
use crate::ground::contain::drop_contained;
use crate::ground::hash::RandomState;
use crate::ground::tags::Strike;
use crate::shard::{Rule, Trace};
use crate::vocabulary::compute_result::ComputeResult;
use crate::vocabulary::entry_info::EntryInfo;
use crate::vocabulary::error::{BoxError, LoadError, OptionalExt};
use crate::vocabulary::fetched::Fetched;
use crate::vocabulary::keys::{Key, LoadKey, Lookup, Value};
use crate::vocabulary::loaded::Loaded;
use crate::vocabulary::metrics::MetricsSnapshot;
use crate::vocabulary::refused::Refused;
use crate::vocabulary::what_if::WhatIf;
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

/// A read-through loading cache for threads. [`AsyncCache`] is the same for tasks; one converts into the other and shares everything with it.
///
/// A handle: clones are cheap and name the same cache.
///
/// # Examples
/// ```
/// use bellwether::Cache;
///
/// let cache = Cache::<String, usize>::builder()
///     .capacity(10_000)
///     .loader_fn(|text: &String| Ok::<_, std::io::Error>(text.len()))
///     .build()?;
/// assert_eq!(*cache.fetch_with("bellwether")?, 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Cache<K, V, S = RandomState> {
    pub(crate) shared: Handle<K, V, S>,
}

plain_methods!(Cache, build);
lifetime_methods!(Cache, build);
#[cfg(feature = "snapshot")]
super::reach::reaching!(Cache);
capacity_methods!(Cache, build);
walking_methods!(Cache, build);
atomic_methods!(Cache, build);
invalidation_methods!(Cache, build);
warm_methods!(Cache, build);

/// A closure that is never there: the type of "no closure was given".
type NoClosure<V> = fn() -> Brought<V>;

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> Cache<K, V, S> {
    /// Loads where nothing usable is held: the read-through call.
    ///
    /// A fresh value is returned at once. Else, if a load of the key is under way, this waits for it; else it starts one with the cache's loader.
    /// However many threads and tasks miss a key together, the loader runs once, and all get its value or its error.
    ///
    /// A value past its time to live is served while it is loaded anew in the background, or where loading it fails, if the cache was built so:
    /// [`stale_while_revalidate`](crate::CacheBuilder::stale_while_revalidate), [`stale_if_error`](crate::CacheBuilder::stale_if_error). A value that is
    /// still fresh may be loaded anew in the background, too: [`refresh_after`](crate::CacheBuilder::refresh_after). And that there is no such key, or that
    /// its load failed, may be remembered: [`negative_ttl`](crate::CacheBuilder::negative_ttl),
    /// [`error_backoff`](crate::CacheBuilder::error_backoff).
    ///
    /// # Errors
    /// The [`LoadError`] that the load ended with; [`LoadError::NoLoader`] if the cache has none. A failed load stores nothing, and the next call
    /// tries anew. If a write to the key overtook the load and it failed, this looks once more before it gives the error.
    ///
    /// # Blocking
    /// A [`BlockingLoader`](crate::BlockingLoader) runs on this thread if this call starts the load, unless a stale value is at hand in its place or it is a
    /// refresh: then on a thread of the crate's own. All else parks the thread until the load ends, at
    /// most for the cache's `load_timeout`. Inside a multi-threaded tokio runtime the runtime's other tasks go on meanwhile.
    ///
    /// # Panics
    /// If it would have to wait on the only thread of a current-thread tokio runtime; if the key's `Hash`, `Eq` or `Clone` panics.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().loader_fn(|n: &u32| Ok::<_, std::io::Error>(n * 2)).build()?;
    /// assert_eq!(*cache.fetch_with(&4)?, 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "try_get_with")]
    #[doc(alias = "get_or_load")]
    pub fn fetch_with<Q: LoadKey<K> + ?Sized>(&self, key: &Q) -> Result<Arc<V>, LoadError> {
        self.fetch_detailed(key).map(|fetched| fetched.value)
    }

    /// Loads where nothing usable is held, as [`fetch_with`](Self::fetch_with), with `None` for a key that the loader says is absent.
    ///
    /// # Errors
    /// As [`fetch_with`](Self::fetch_with), but for [`LoadError::Absent`].
    ///
    /// # Blocking
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Panics
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder()
    ///     .loader_fn(|n: &u32| Ok::<_, std::io::Error>((*n > 5).then_some(*n)))
    ///     .build()?;
    /// assert!(cache.fetch_optional(&1)?.is_none());
    /// assert!(cache.fetch_optional(&9)?.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fetch_optional<Q: LoadKey<K> + ?Sized>(&self, key: &Q) -> Result<Option<Arc<V>>, LoadError> {
        self.fetch_with(key).optional()
    }

    /// Loads where nothing usable is held, as [`fetch_with`](Self::fetch_with), and says where the value came from.
    ///
    /// # Errors
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Blocking
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Panics
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Source};
    ///
    /// let cache = Cache::<u32, u32>::builder().loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n)).build()?;
    /// assert_eq!(cache.fetch_detailed(&1)?.source, Source::Loaded);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fetch_detailed<Q: LoadKey<K> + ?Sized>(&self, key: &Q) -> Result<Fetched<V>, LoadError> {
        self.shared.fetch_blocking(key, Rule::Served, Means::<NoClosure<V>>::Loader)
    }

    /// Loads where nothing usable is held, as [`fetch_with`](Self::fetch_with), by `load` in place of the cache's loader.
    ///
    /// `load` runs on this thread, under no lock, and may borrow. It doesn't run if a value is held or a load of the key is under way, by whichever
    /// loader or closure. Where a value is due for a refresh, or stale, one caller runs its `load` and waits for it, and gets the value that is held
    /// should it fail, with no word of the error; all others are served.
    ///
    /// # Errors
    /// The [`LoadError`] that the load ended with; what `load` returns is the source of [`LoadError::Failed`].
    ///
    /// # Blocking
    /// As [`fetch_with`](Self::fetch_with) with a blocking loader.
    ///
    /// # Panics
    /// As [`fetch_with`](Self::fetch_with). A panic of `load` is contained: all who wait, this call included, get [`LoadError::Panicked`].
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, String>::builder().build()?;
    /// let greeting = String::from("hello");
    /// let value = cache.fetch_or_load(&1, || bellwether::ok(greeting.clone()))?;
    /// assert_eq!(*value, "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "get_or_insert_with")]
    #[doc(alias = "get_with")]
    pub fn fetch_or_load<Q, T, E>(&self, key: &Q, load: impl FnOnce() -> Result<T, E>) -> Result<Arc<V>, LoadError>
    where
        Q: LoadKey<K> + ?Sized,
        T: Into<Loaded<V>>,
        E: Into<BoxError>,
    {
        let load = || load().map(Into::into).map_err(LoadError::new);
        self.shared.fetch_blocking(key, Rule::Served, Means::Own(Some(load))).map(|fetched| fetched.value)
    }

    /// Loads now, whatever is held, and gives the new value. Joins a load of the key that is under way.
    ///
    /// The value that is held is served to others until the new one is there, and stays if the load fails. To be sure that a change of the source
    /// is seen, call [`invalidate`](Self::invalidate) or [`expire`](Self::expire) first: a load that is joined may have begun before the change. It waits
    /// for no back-off, and asks for nothing that is remembered.
    ///
    /// # Errors
    /// As [`fetch_with`](Self::fetch_with), but the load's error also where a value is held, stale or not.
    ///
    /// # Blocking
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Panics
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().loader_fn(|n: &u32| Ok::<_, std::io::Error>(n * 2)).build()?;
    /// cache.insert(1, 0);
    /// assert_eq!(*cache.refresh(&1)?, 2);
    /// assert_eq!(cache.fetch(&1).as_deref(), Some(&2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn refresh<Q: LoadKey<K> + ?Sized>(&self, key: &Q) -> Result<Arc<V>, LoadError> {
        self.shared.fetch_blocking(key, Rule::Anyway, Means::<NoClosure<V>>::Loader).map(|fetched| fetched.value)
    }

    /// Looks at `key`: its value, or the lead of its flight. Never loads; blocks while somebody else is about to bring the value, by a load or a
    /// vacant entry.
    ///
    /// So that of all who take an entry of a key that isn't held, one at a time is to bring the value, and the others get what it brings. If it brings
    /// none, or the load fails, one of the others is next.
    ///
    /// Counts as a use of the entry, and as a hit, a join or a miss.
    ///
    /// # Blocking
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Panics
    /// As [`fetch_with`](Self::fetch_with); and if it is called by the very load that it would wait for.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, String>::builder().build()?;
    /// let value = cache.entry(1).or_insert_with(|| "made once".to_owned());
    /// assert_eq!(*value, "made once");
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[doc(alias = "get_or_insert")]
    #[doc(alias = "get_value_or_guard")]
    pub fn entry(&self, key: K) -> Entry<K, V, S> {
        Taker(&self.shared).block(key)
    }

    /// Blocks until no load is under way.
    ///
    /// Loads may begin again right after, and in between: with traffic it may take long. Holders of vacant entries aren't waited for.
    ///
    /// # Blocking
    /// For as long as loads are under way, each of which ends after [`load_timeout`](crate::CacheBuilder::load_timeout) at the latest.
    ///
    /// # Panics
    /// On the only thread of a tokio runtime, if there is something to wait for.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// cache.wait_idle();
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn wait_idle(&self) {
        self.shared.block_until_idle(Duration::MAX);
    }

    /// Blocks until all that was called before has come to rest: no load is under way, the policy knows of every use, and the listener of all that has left. For tests, of hit ratios say.
    ///
    /// # Blocking
    /// As [`wait_idle`](Self::wait_idle).
    ///
    /// # Panics
    /// As [`wait_idle`](Self::wait_idle).
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n)).build()?;
    /// cache.fetch_with(&1)?;
    /// cache.settle();
    /// assert_eq!(cache.metrics().loads_ended(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn settle(&self) {
        self.wait_idle();
        self.shared.work_in_uses();
        self.shared.deliver_all();
    }

    /// Loads no more, and waits up to ten seconds for the loads that are under way: [`close_within`](Self::close_within) that time.
    ///
    /// # Blocking
    /// For up to ten seconds.
    ///
    /// # Panics
    /// As [`wait_idle`](Self::wait_idle).
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, LoadErrorKind};
    ///
    /// let cache = Cache::<u32, u32>::builder().loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n)).build()?;
    /// cache.fetch_with(&1)?;
    /// assert!(cache.close());
    /// assert_eq!(*cache.fetch_with(&1)?, 1);
    /// assert_eq!(cache.fetch_with(&2).unwrap_err().kind(), LoadErrorKind::Closed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close(&self) -> bool {
        self.close_within(CLOSE_LIMIT)
    }

    /// Loads no more, and waits for the loads that are under way. Says whether all have ended within `limit`; those that haven't are given up.
    /// Then the listener is told of all that has left, and the cache is saved if it was built with autosave (feature `snapshot`).
    ///
    /// From the call on, a fetch that would have to start a load gets [`LoadError::Closed`], and so does whoever waits for a load that is given up.
    /// What is held can still be read, and written. Closing is for all handles and for good; closing again waits again.
    ///
    /// # Blocking
    /// For up to `limit`.
    ///
    /// # Panics
    /// As [`wait_idle`](Self::wait_idle).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// assert!(cache.close_within(Duration::from_millis(100)), "nothing was under way");
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn close_within(&self, limit: Duration) -> bool {
        self.shared.refuse_loads();
        let ended = self.shared.block_until_idle(limit);
        if !ended {
            self.shared.strand();
        }
        self.shared.deliver_all();
        #[cfg(feature = "snapshot")]
        self.shared.recur_at_last();
        ended
    }
}

impl<K, V, S> Cache<K, V, S> {
    pub(super) fn over(shared: Handle<K, V, S>) -> Self {
        Self { shared }
    }

    /// The same cache for tasks: same data, same loads.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// cache.to_async().insert(1, 10);
    /// assert!(cache.contains_key(&1));
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[must_use]
    pub fn to_async(&self) -> AsyncCache<K, V, S> {
        self.clone().into()
    }
}

impl<K, V, S> From<AsyncCache<K, V, S>> for Cache<K, V, S> {
    fn from(cache: AsyncCache<K, V, S>) -> Self {
        Self::over(cache.into_shared())
    }
}

impl<K, V, S> Cache<K, V, S> {
    pub(super) fn into_shared(self) -> Handle<K, V, S> {
        self.shared
    }
}
