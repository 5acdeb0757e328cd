//! The builder: one for both faces.

use super::async_cache::AsyncCache;
use super::cache::Cache;
use crate::core::places::Places;
use crate::core::shared::{CacheShared, Parts, Settings};
use crate::ground::hash::RandomState;
use crate::ground::time::Clock;
use crate::mechanisms::eviction::EvictionPolicy;
use crate::vocabulary::error::{BoxError, BuildError};
use crate::vocabulary::expiry::Expiry;
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loaded::Loaded;
use crate::vocabulary::loader::{AnyLoader, AsyncFn, BlockingFn, BlockingLoader, CacheLoader, LoadFn, ReloadFn, pending};
use crate::vocabulary::spawner::Spawner;
use crate::vocabulary::weigher::Weigher;
use std::fmt;
use std::future::Future;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

/// Most shards that a cache can have: as many as a key's hash can tell apart.
const MOST_SHARDS: usize = 1 << 16;
/// Fewer entries to a shard cost hit ratio.
const ENTRIES_A_SHARD: u64 = 512;

/// Builds a cache, of either face.
///
/// # Examples
/// ```
/// use bellwether::CacheBuilder;
/// use std::time::Duration;
///
/// let cache = CacheBuilder::<String, Vec<u8>>::new()
///     .name("pages")
///     .capacity(64 << 20)
///     .weigher(|path, page| (path.len() + page.len()) as u64)
///     .time_to_live(Duration::from_secs(300))
///     .loader_fn(|path: &String| std::fs::read(path))
///     .build()?;
/// # let _ = cache;
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[must_use = "a builder does nothing until it builds"]
pub struct CacheBuilder<K, V, S = RandomState> {
    name: Option<String>,
    capacity: u64,
    weigher: Weigher<K, V>,
    expected_entries: Option<u64>,
    shards: Option<usize>,
    expiry: Expiry,
    load_timeout: Duration,
    policy: EvictionPolicy,
    clock: Clock,
    spawner: Option<Arc<dyn Spawner>>,
    loader: Option<AnyLoader<K, V>>,
    load_fn: Option<Arc<LoadFn<K, V>>>,
    reload_fn: Option<Arc<ReloadFn<K, V>>>,
    hasher: S,
}

impl<K, V> CacheBuilder<K, V> {
    /// A builder with the defaults: no bound, no expiry, no loader, SIEVE eviction, loads that end after 60 seconds.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::CacheBuilder::<u32, u32>::new().build()?;
    /// assert_eq!(cache.capacity(), u64::MAX);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn new() -> Self {
        Self {
            name: None,
            capacity: u64::MAX,
            weigher: Weigher::ONE,
            expected_entries: None,
            shards: None,
            expiry: Expiry::NONE,
            load_timeout: Duration::from_secs(60),
            policy: EvictionPolicy::default(),
            clock: Clock::system(),
            spawner: None,
            loader: None,
            load_fn: None,
            reload_fn: None,
            hasher: RandomState::new(),
        }
    }
}

impl<K, V> Default for CacheBuilder<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V, S> CacheBuilder<K, V, S> {
    /// Names the cache, for its `Debug` output. Without a name by default.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().name("users").build()?;
    /// assert!(format!("{cache:?}").contains("users"));
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the most weight that is held, which is a number of entries unless there is a weigher. No bound by default.
    ///
    /// It is exact: at no instant is more held, and so much does fit. With a capacity of zero nothing is stored, and loads are still shared.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().capacity(2).build()?;
    /// (0..100).for_each(|n| cache.insert(n, n));
    /// assert_eq!(cache.len(), 2);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn capacity(mut self, weight: u64) -> Self {
        self.capacity = weight;
        self
    }

    /// Sets how an entry's weight is told, in whatever unit the capacity is in; by default every entry weighs one.
    ///
    /// It runs once for each value, before it is stored, under no lock. A panic in it is the write's, or fails the load.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, String>::builder()
    ///     .capacity(10)
    ///     .weigher(|_, text| text.len() as u64)
    ///     .build()?;
    /// cache.insert(1, "four".to_owned());
    /// assert_eq!(cache.weight(), 4);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn weigher(mut self, weigh: impl Fn(&K, &V) -> u64 + Send + Sync + 'static) -> Self {
        self.weigher = Weigher::by(weigh);
        self
    }

    /// Says about how many entries there will be, where the capacity doesn't: it is used to choose the number of shards.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, Vec<u8>>::builder()
    ///     .capacity(1 << 30)
    ///     .weigher(|_, bytes| bytes.len() as u64)
    ///     .expected_entries(100_000)
    ///     .build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn expected_entries(mut self, entries: u64) -> Self {
        self.expected_entries = Some(entries);
        self
    }

    /// Sets the number of independently locked parts, between 1 and 65,536. By default four for each core, but no more than leave
    /// 512 entries to each.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().shards(1).build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// Sets how long a value lives from when it was stored. For ever by default, and with `Duration::MAX`; zero is over at once.
    ///
    /// At the deadline itself it is over: no method returns it from then on.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder().time_to_live(Duration::from_secs(60)).build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn time_to_live(mut self, time_to_live: Duration) -> Self {
        self.expiry.time_to_live = time_to_live;
        self
    }

    /// Sets how long a load may take; 60 seconds by default, no limit with `Duration::MAX`.
    ///
    /// Then all who wait get [`LoadError::TimedOut`](crate::LoadError::TimedOut). An async loader is dropped; a blocking one is left to finish
    /// unheard, and a caller on whose thread it runs gets the error when it returns.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder().load_timeout(Duration::from_secs(2)).build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn load_timeout(mut self, limit: Duration) -> Self {
        self.load_timeout = limit;
        self
    }

    /// Sets the eviction policy; [`EvictionPolicy::Sieve`] by default.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, EvictionPolicy};
    ///
    /// let cache = Cache::<u32, u32>::builder().capacity(100).eviction(EvictionPolicy::Lru).build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn eviction(mut self, policy: EvictionPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the clock; the system's by default. Tests give a [`MockClock`](crate::MockClock).
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().clock(bellwether::MockClock::new()).build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Sets where loads run. By default the cache finds a place: see [`Spawner`].
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), bellwether::BuildError> {
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder().spawner(tokio::runtime::Handle::current()).build_async()?;
    /// # let _ = cache;
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawner(mut self, spawner: impl Spawner) -> Self {
        self.spawner = Some(Arc::new(spawner));
        self
    }

    /// Sets how keys are hashed; by [`RandomState`] by default.
    ///
    /// All 64 bits of the hash should be good: the high ones choose the shard, the low ones the place in it.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().hasher(std::hash::RandomState::new()).build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn hasher<S2>(self, hasher: S2) -> CacheBuilder<K, V, S2> {
        CacheBuilder {
            name: self.name,
            capacity: self.capacity,
            weigher: self.weigher,
            expected_entries: self.expected_entries,
            shards: self.shards,
            expiry: self.expiry,
            load_timeout: self.load_timeout,
            policy: self.policy,
            clock: self.clock,
            spawner: self.spawner,
            loader: self.loader,
            load_fn: self.load_fn,
            reload_fn: self.reload_fn,
            hasher,
        }
    }

    fn choose_shards(&self) -> Result<usize, BuildError> {
        if let Some(shards) = self.shards {
            if shards == 0 || shards > MOST_SHARDS {
                return Err(BuildError::new(format!(
                    "shards is {shards}: it must be between 1 and {MOST_SHARDS}; leave it out for the default"
                )));
            }
            return Ok(shards);
        }
        let counted = self.weigher.counts_entries().then_some(self.capacity);
        let entries = match (self.expected_entries, counted) {
            (Some(expected), Some(counted)) => expected.min(counted),
            (Some(entries), None) | (None, Some(entries)) => entries,
            (None, None) => u64::MAX,
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let most = cores.saturating_mul(4).min(MOST_SHARDS);
        Ok(usize::try_from(entries / ENTRIES_A_SHARD).unwrap_or(most).clamp(1, most))
    }
}

impl<K: Key, V: Value, S> CacheBuilder<K, V, S> {
    /// Sets the loader. The last loader given is the one.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{AsyncCache, CacheLoader, Loaded, async_trait};
    ///
    /// struct Doubles;
    /// #[async_trait]
    /// impl CacheLoader<u32, u32> for Doubles {
    ///     type Error = std::io::Error;
    ///     async fn load(&self, key: &u32) -> Result<Loaded<u32>, Self::Error> {
    ///         Ok(Loaded::value(key * 2))
    ///     }
    /// }
    /// let cache = AsyncCache::builder().loader(Doubles).build_async()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn loader(mut self, loader: impl CacheLoader<K, V>) -> Self {
        self.load_fn = None;
        self.loader = Some(AnyLoader::Async(loader.erased()));
        self
    }

    /// Sets a loader whose calls block. The last loader given is the one.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{BlockingLoader, Cache, Loaded};
    ///
    /// struct Doubles;
    /// impl BlockingLoader<u32, u32> for Doubles {
    ///     type Error = std::io::Error;
    ///     fn load(&self, key: &u32) -> Result<Loaded<u32>, Self::Error> {
    ///         Ok(Loaded::value(key * 2))
    ///     }
    /// }
    /// let cache = Cache::builder().blocking_loader(Doubles).build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn blocking_loader(mut self, loader: impl BlockingLoader<K, V>) -> Self {
        self.load_fn = None;
        self.loader = Some(AnyLoader::Blocking(Arc::new(loader)));
        self
    }

    /// Sets a blocking closure as the loader. The last loader given is the one.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<String, Vec<u8>>::builder().loader_fn(|path: &String| std::fs::read(path)).build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn loader_fn<T, E>(self, load: impl Fn(&K) -> Result<T, E> + Send + Sync + 'static) -> Self
    where
        T: Into<Loaded<V>> + 'static,
        E: Into<BoxError> + 'static,
    {
        self.blocking_loader(BlockingFn::new(load))
    }

    /// Sets an async closure as the loader. It gets a clone of the key. The last loader given is the one.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::AsyncCache::<u32, String>::builder()
    ///     .async_loader_fn(|n: u32| async move { Ok::<_, std::io::Error>(n.to_string()) })
    ///     .build_async()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn async_loader_fn<F, T, E>(mut self, load: impl Fn(K) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Loaded<V>>,
        E: Into<BoxError>,
    {
        self.loader = None;
        self.load_fn = Some(Arc::new(move |key| pending(load(key))));
        self
    }

    /// Sets an async closure that loads a key anew while a value is held, beside [`async_loader_fn`](Self::async_loader_fn). It gets clones of the
    /// key and of the value's `Arc`, and may answer [`Loaded::unchanged`].
    ///
    /// # Examples
    /// ```
    /// use bellwether::{AsyncCache, Loaded};
    ///
    /// let cache = AsyncCache::<u32, String>::builder()
    ///     .async_loader_fn(|n: u32| async move { Ok::<_, std::io::Error>(n.to_string()) })
    ///     .async_reload_fn(|_, _current| async move { Loaded::ok(Loaded::unchanged()) })
    ///     .build_async()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn async_reload_fn<F, T, E>(mut self, reload: impl Fn(K, Arc<V>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Loaded<V>>,
        E: Into<BoxError>,
    {
        self.reload_fn = Some(Arc::new(move |key, current| pending(reload(key, current))));
        self
    }

    /// Builds the blocking face. [`Cache::to_async`] gives the other.
    ///
    /// # Errors
    /// If a setting makes no sense: the error names it, its value and the remedy.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::CacheBuilder::<u32, u32>::new().build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn build(self) -> Result<Cache<K, V, S>, BuildError>
    where
        S: BuildHasher + Send + Sync + 'static,
    {
        self.build_shared().map(Cache::over)
    }

    /// Builds the async face. [`AsyncCache::to_sync`] gives the other.
    ///
    /// Built inside a tokio runtime, the cache remembers it as a place for loads whose callers are in none.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::CacheBuilder::<u32, u32>::new().build_async()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn build_async(self) -> Result<AsyncCache<K, V, S>, BuildError>
    where
        S: BuildHasher + Send + Sync + 'static,
    {
        self.build_shared().map(AsyncCache::over)
    }

    fn build_shared(self) -> Result<Arc<CacheShared<K, V, S>>, BuildError> {
        let shards = self.choose_shards()?;
        if self.load_timeout.is_zero() {
            return Err(BuildError::new("load_timeout is 0: no load could end in time; use Duration::MAX for no limit"));
        }
        if self.load_fn.is_none() && self.reload_fn.is_some() {
            return Err(BuildError::new("async_reload_fn is set without async_loader_fn: give both, or a CacheLoader with `reload`"));
        }
        let by_closures = self.load_fn.map(|load| AsyncFn { load, reload: self.reload_fn });
        let loader = by_closures.map(|closures| AnyLoader::Async(Arc::new(closures) as _)).or(self.loader);
        Ok(CacheShared::new(Parts {
            hasher: self.hasher,
            shards,
            capacity: self.capacity,
            policy: self.policy,
            clock: self.clock,
            loader,
            settings: Settings { name: self.name, weigher: self.weigher, expiry: self.expiry, load_timeout: self.load_timeout },
            places: Places::new(self.spawner),
        }))
    }
}

/// The settings that have names and numbers.
impl<K, V, S> fmt::Debug for CacheBuilder<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("name", &self.name)
            .field("capacity", &self.capacity)
            .field("shards", &self.shards)
            .field("eviction", &self.policy)
            .finish_non_exhaustive()
    }
}
