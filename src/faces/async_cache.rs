//! The async face.

use super::atomic::atomic_methods;
use super::builder::CacheBuilder;
use super::cache::Cache;
use super::capacity::capacity_methods;
use super::entry::{Entry, Taker};
use super::fetch::{ByClosure, Fetch};
use super::invalidation::invalidation_methods;
use super::iter::borrowed::Iter;
use super::iter::snapshot::IterSnapshot;
use super::lifetimes::lifetime_methods;
use super::plain::plain_methods;
use super::walking::walking_methods;
use super::warm::warm_methods;
use crate::core::ends::CLOSE_LIMIT;
use crate::core::handle::Handle;
use crate::ground::contain::drop_contained;
use crate::ground::hash::RandomState;
use crate::ground::tags::Strike;
use crate::shard::{Rule, Trace};
use crate::vocabulary::compute_result::ComputeResult;
use crate::vocabulary::entry_info::EntryInfo;
use crate::vocabulary::error::{BoxError, OptionalExt};
use crate::vocabulary::fetched::Fetched;
use crate::vocabulary::keys::{Key, LoadKey, Lookup, Value};
use crate::vocabulary::loaded::Loaded;
use crate::vocabulary::metrics::MetricsSnapshot;
use crate::vocabulary::refused::Refused;
use crate::vocabulary::what_if::WhatIf;
use std::fmt;
use std::future::Future;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

/// A read-through loading cache for tasks. [`Cache`] is the same for threads; one converts into the other and shares everything with it.
///
/// A handle: clones are cheap and name the same cache. It needs no particular runtime: see [`Spawner`](crate::Spawner) for where loads run.
///
/// # Examples
/// ```
/// use bellwether::AsyncCache;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cache = AsyncCache::<String, usize>::builder()
///     .capacity(10_000)
///     .async_loader_fn(|text: String| async move { Ok::<_, std::io::Error>(text.len()) })
///     .build_async()?;
/// assert_eq!(*cache.fetch_with("bellwether").await?, 10);
/// # Ok(())
/// # }
/// ```
pub struct AsyncCache<K, V, S = RandomState> {
    pub(crate) shared: Handle<K, V, S>,
}

plain_methods!(AsyncCache, build_async);
lifetime_methods!(AsyncCache, build_async);
#[cfg(feature = "snapshot")]
super::reach::reaching!(AsyncCache);
capacity_methods!(AsyncCache, build_async);
walking_methods!(AsyncCache, build_async);
atomic_methods!(AsyncCache, build_async);
invalidation_methods!(AsyncCache, build_async);
warm_methods!(AsyncCache, build_async);

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> AsyncCache<K, V, S> {
    /// Loads where nothing usable is held: the read-through call.
    ///
    /// A fresh value is returned at once. Else, if a load of the key is under way, this waits for it; else it starts one with the cache's loader.
    /// However many tasks and threads miss a key together, the loader runs once, and all get its value or its error. The load is a task of
    /// its own: it goes on if this future is dropped or not polled.
    ///
    /// A value past its time to live is served while it is loaded anew in the background, or where loading it fails, if the cache was built so:
    /// [`stale_while_revalidate`](crate::CacheBuilder::stale_while_revalidate), [`stale_if_error`](crate::CacheBuilder::stale_if_error). A value that is
    /// still fresh may be loaded anew in the background, too: [`refresh_after`](crate::CacheBuilder::refresh_after). And that there is no such key, or that
    /// its load failed, may be remembered: [`negative_ttl`](crate::CacheBuilder::negative_ttl),
    /// [`error_backoff`](crate::CacheBuilder::error_backoff).
    ///
    /// The lookup, and the start of the load if there is one, happen in the call, not at the first poll; the future borrows the cache and not the key.
    ///
    /// # Errors
    /// The [`LoadError`](crate::LoadError) that the load ended with; [`LoadError::NoLoader`](crate::LoadError::NoLoader) if the cache has none. A failed
    /// load stores nothing, and the next call tries anew. If a write to the key overtook the load and it failed, this looks once more before it gives the error.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the load, which goes on, is stored, and serves the others; unless it was the last to wait for it, and the cache was
    /// built with [`AbandonedLoads::Cancel`](crate::AbandonedLoads::Cancel).
    ///
    /// # Panics
    /// If the key's `Hash`, `Eq` or `Clone` panics.
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder()
    ///     .async_loader_fn(|n: u32| async move { Ok::<_, std::io::Error>(n * 2) })
    ///     .build_async()?;
    /// assert_eq!(*cache.fetch_with(&4).await?, 8);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "try_get_with")]
    #[doc(alias = "get_or_load")]
    pub fn fetch_with<Q: LoadKey<K> + ?Sized>(&self, key: &Q) -> Fetch<'_, K, V, S> {
        Fetch::by_loader(&self.shared, key, Rule::Served, |fetched| fetched.map(|fetched| fetched.value))
    }

    /// Loads where nothing usable is held, as [`fetch_with`](Self::fetch_with), with `None` for a key that the loader says is absent.
    ///
    /// # Errors
    /// As [`fetch_with`](Self::fetch_with), but for [`LoadError::Absent`](crate::LoadError::Absent).
    ///
    /// # Cancel safety
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Panics
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder()
    ///     .async_loader_fn(|n: u32| async move { Ok::<_, std::io::Error>((n > 5).then_some(n)) })
    ///     .build_async()?;
    /// assert!(cache.fetch_optional(&1).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn fetch_optional<Q: LoadKey<K> + ?Sized>(&self, key: &Q) -> Fetch<'_, K, V, S, Option<Arc<V>>> {
        Fetch::by_loader(&self.shared, key, Rule::Served, |fetched| fetched.map(|fetched| fetched.value).optional())
    }

    /// Loads where nothing usable is held, as [`fetch_with`](Self::fetch_with), and says where the value came from.
    ///
    /// # Errors
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Cancel safety
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Panics
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use bellwether::{AsyncCache, Source};
    ///
    /// let cache = AsyncCache::<u32, u32>::builder().build_async()?;
    /// cache.insert(1, 10);
    /// assert_eq!(cache.fetch_detailed(&1).await?.source, Source::Hit);
    /// # Ok(())
    /// # }
    /// ```
    pub fn fetch_detailed<Q: LoadKey<K> + ?Sized>(&self, key: &Q) -> Fetch<'_, K, V, S, Fetched<V>> {
        Fetch::by_loader(&self.shared, key, Rule::Served, |fetched| fetched)
    }

    /// Loads where nothing usable is held, as [`fetch_with`](Self::fetch_with), by the future that `load` makes in place of the cache's loader.
    ///
    /// `load` is called only if this call starts the load: not if a value is held or a load of the key is under way, by whichever loader or closure. It
    /// may borrow; the future that it makes may not, as it runs as a task of its own. The load starts in this call; or later, in a poll, if the one
    /// that was joined brought nothing because a write had overtaken it or because a vacant entry was given up.
    ///
    /// # Errors
    /// The [`LoadError`](crate::LoadError) that the load ended with; what the future returns is the source of
    /// [`LoadError::Failed`](crate::LoadError::Failed).
    ///
    /// # Cancel safety
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Panics
    /// As [`fetch_with`](Self::fetch_with). A panic of `load` or of its future is contained: all who wait, this call included, get
    /// [`LoadError::Panicked`](crate::LoadError::Panicked).
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = bellwether::AsyncCache::<u32, String>::builder().build_async()?;
    /// let value = cache.fetch_or_load(&1, || async { bellwether::ok("hello".to_owned()) }).await?;
    /// assert_eq!(*value, "hello");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "get_or_insert_with")]
    #[doc(alias = "get_with")]
    pub fn fetch_or_load<Q, F, L, T, E>(&self, key: &Q, load: F) -> Fetch<'_, K, V, S, Arc<V>, ByClosure<F>>
    where
        Q: LoadKey<K> + ?Sized,
        F: FnOnce() -> L,
        L: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Loaded<V>>,
        E: Into<BoxError>,
    {
        Fetch::by_closure(&self.shared, key, load, |fetched| fetched.map(|fetched| fetched.value))
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
    /// # Cancel safety
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Panics
    /// As [`fetch_with`](Self::fetch_with).
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder()
    ///     .async_loader_fn(|n: u32| async move { Ok::<_, std::io::Error>(n * 2) })
    ///     .build_async()?;
    /// cache.insert(1, 0);
    /// assert_eq!(*cache.refresh(&1).await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn refresh<Q: LoadKey<K> + ?Sized>(&self, key: &Q) -> Fetch<'_, K, V, S> {
        Fetch::by_loader(&self.shared, key, Rule::Anyway, |fetched| fetched.map(|fetched| fetched.value))
    }

    /// Looks at `key`: its value, or the lead of its flight. Never loads; waits while somebody else is about to bring the value, by a load or a
    /// vacant entry.
    ///
    /// So that of all who take an entry of a key that isn't held, one at a time is to bring the value, and the others get what it brings. If it brings
    /// none, or the load fails, one of the others is next.
    ///
    /// Counts as a use of the entry, and as a hit, a join or a miss.
    ///
    /// # Cancel safety
    /// Dropping it leaves the load that it waits for, as [`fetch_with`](Self::fetch_with) does. It takes no lead before it is ready.
    ///
    /// # Panics
    /// If it is awaited inside the closure of [`get`](Self::get), or by the very load that it would wait for.
    ///
    /// # Examples
    /// ```
    /// # futures::executor::block_on(async {
    /// let cache = bellwether::AsyncCache::<u32, String>::builder().build_async()?;
    /// let value = cache.entry(1).await.or_insert_with(|| "made once".to_owned());
    /// assert_eq!(*value, "made once");
    /// # Ok::<(), bellwether::BuildError>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias = "get_or_insert")]
    #[doc(alias = "get_value_or_guard")]
    pub async fn entry(&self, key: K) -> Entry<K, V, S> {
        Taker(&self.shared).wait(key).await
    }

    /// Waits until no load is under way.
    ///
    /// Loads may begin again right after, and in between: with traffic it may take long. Holders of vacant entries aren't waited for.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    ///
    /// # Panics
    /// If it is awaited inside the closure of [`get`](Self::get).
    ///
    /// # Examples
    /// ```
    /// # futures::executor::block_on(async {
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder().build_async()?;
    /// cache.wait_idle().await;
    /// # Ok::<(), bellwether::BuildError>(())
    /// # }).unwrap();
    /// ```
    pub async fn wait_idle(&self) {
        self.shared.idle(Duration::MAX).await;
    }

    /// Waits until all that was called before has come to rest: no load is under way, the policy knows of every use, and the listener of all that has left. For tests, of hit ratios say.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    ///
    /// # Panics
    /// If it is awaited inside the closure of [`get`](Self::get).
    ///
    /// # Examples
    /// ```
    /// # futures::executor::block_on(async {
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder().loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n)).build_async()?;
    /// drop(cache.fetch_with(&1));
    /// cache.settle().await;
    /// assert_eq!(cache.metrics().loads_ended(), 1);
    /// # Ok::<(), bellwether::BuildError>(())
    /// # }).unwrap();
    /// ```
    pub async fn settle(&self) {
        self.wait_idle().await;
        self.shared.work_in_uses();
        self.shared.all_delivered().await;
    }

    /// Loads no more, and waits up to ten seconds for the loads that are under way: [`close_within`](Self::close_within) that time.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    ///
    /// # Panics
    /// If it is awaited inside the closure of [`get`](Self::get).
    ///
    /// # Examples
    /// ```
    /// use bellwether::{AsyncCache, LoadErrorKind};
    ///
    /// # futures::executor::block_on(async {
    /// let cache = AsyncCache::<u32, u32>::builder().loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n)).build_async()?;
    /// cache.fetch_with(&1).await?;
    /// assert!(cache.close().await);
    /// assert_eq!(*cache.fetch_with(&1).await?, 1);
    /// assert_eq!(cache.fetch_with(&2).await.unwrap_err().kind(), LoadErrorKind::Closed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub async fn close(&self) -> bool {
        self.close_within(CLOSE_LIMIT).await
    }

    /// Loads no more, and waits for the loads that are under way. Says whether all have ended within `limit`; those that haven't are given up.
    /// Then the listener is told of all that has left, and the cache is saved if it was built with autosave (feature `snapshot`).
    ///
    /// From when it is first polled, a fetch that would have to start a load gets [`LoadError::Closed`](crate::LoadError::Closed), and so does whoever waits for a load that is given up.
    /// What is held can still be read, and written. Closing is for all handles and for good; closing again waits again.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    ///
    /// # Panics
    /// If it is awaited inside the closure of [`get`](Self::get).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// # futures::executor::block_on(async {
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder().build_async()?;
    /// assert!(cache.close_within(Duration::from_millis(100)).await, "nothing was under way");
    /// # Ok::<(), bellwether::BuildError>(())
    /// # }).unwrap();
    /// ```
    pub async fn close_within(&self, limit: Duration) -> bool {
        self.shared.refuse_loads();
        let ended = self.shared.idle(limit).await;
        if !ended {
            self.shared.strand();
        }
        self.shared.all_delivered().await;
        #[cfg(feature = "snapshot")]
        self.shared.recurred_at_last().await;
        ended
    }
}

impl<K, V, S> AsyncCache<K, V, S> {
    pub(super) fn over(shared: Handle<K, V, S>) -> Self {
        Self { shared }
    }

    pub(super) fn into_shared(self) -> Handle<K, V, S> {
        self.shared
    }

    /// The same cache for threads: same data, same loads.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder().build_async()?;
    /// cache.to_sync().insert(1, 10);
    /// assert!(cache.contains_key(&1));
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[must_use]
    pub fn to_sync(&self) -> Cache<K, V, S> {
        self.clone().into()
    }
}

impl<K, V, S> From<Cache<K, V, S>> for AsyncCache<K, V, S> {
    fn from(cache: Cache<K, V, S>) -> Self {
        Self::over(cache.into_shared())
    }
}
