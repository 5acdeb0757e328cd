//! The builder: one for both faces. Its settings are here; those of freshness, its loaders and the building beside.

mod build;
mod check;
mod eviction;
mod freshness;
mod loaders;

#[cfg(feature = "snapshot")]
use crate::core::recurring::Duty;
use crate::core::shared::WithJanitor;
use crate::ground::hash::RandomState;
use crate::ground::time::Clock;
use crate::vocabulary::abandoned::AbandonedLoads;
use crate::vocabulary::loader::{AnyLoader, LoadFn, LoadManyFn, ReloadFn};
use crate::vocabulary::spawner::Spawner;
use crate::vocabulary::weigher::Weigher;
use eviction::Eviction;
use freshness::Freshness;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

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
    freshness: Freshness<K, V>,
    /// What was asked for, if anything.
    load_timeout: Option<Duration>,
    janitor: WithJanitor,
    abandoned_loads: AbandonedLoads,
    max_concurrent_loads: Option<u64>,
    max_queued_loads: Option<u64>,
    eviction: Eviction<K, V>,
    clock: Clock,
    spawner: Option<Arc<dyn Spawner>>,
    loader: Option<AnyLoader<K, V>>,
    load_fn: Option<Arc<LoadFn<K, V>>>,
    load_many_fn: Option<Arc<LoadManyFn<K, V>>>,
    reload_fn: Option<Arc<ReloadFn<K, V>>>,
    max_batch: usize,
    batch_window: Option<Duration>,
    #[cfg(feature = "snapshot")]
    pub(crate) recurring: Option<Duty<K, V>>,
    hasher: S,
}

impl<K, V> CacheBuilder<K, V> {
    /// A builder with the defaults: no bound, no expiry, no loader, adaptive eviction, loads that end after 60 seconds.
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
            freshness: Freshness::new(),
            load_timeout: None,
            janitor: WithJanitor::Yes,
            abandoned_loads: AbandonedLoads::default(),
            max_concurrent_loads: None,
            max_queued_loads: None,
            eviction: Eviction::new(),
            clock: Clock::system(),
            spawner: None,
            loader: None,
            load_fn: None,
            load_many_fn: None,
            max_batch: usize::MAX,
            batch_window: None,
            reload_fn: None,
            #[cfg(feature = "snapshot")]
            recurring: None,
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

    /// Says about how many entries there will be, where the capacity doesn't: the number of shards and what the eviction policy keeps are sized by it.
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
        self.load_timeout = Some(limit);
        self
    }

    /// Sets what becomes of a load when all who waited for it have gone; [`AbandonedLoads::Finish`] by default.
    ///
    /// # Examples
    /// ```
    /// use bellwether::AbandonedLoads;
    ///
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder().abandoned_loads(AbandonedLoads::Cancel).build_async()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn abandoned_loads(mut self, fate: AbandonedLoads) -> Self {
        self.abandoned_loads = fate;
        self
    }

    /// Sets how many loads run at a time, so that a burst of misses for many keys doesn't overrun what stands behind the cache. No limit by
    /// default.
    ///
    /// A load beyond that waits for another to end, in order, and its `load_timeout` runs meanwhile. An [`insert`](crate::Cache::insert) of its key
    /// makes it needless. A load that holds a permit, of any cache, never waits for another: what it fetches in its own future or thread or within a
    /// [`LoadScope`](crate::LoadScope), and what that fetches in turn, runs on its permit. So no chain of loads can block itself; and a load that
    /// fetches ten keys at once has eleven loads running on one permit. A load that timed out keeps its permit until it really ends.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder().max_concurrent_loads(32).build_async()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn max_concurrent_loads(mut self, most: u64) -> Self {
        self.max_concurrent_loads = Some(most);
        self
    }

    /// Sets how many loads may wait for one of the [`max_concurrent_loads`](Self::max_concurrent_loads) to end. No limit by default; with
    /// zero none waits.
    ///
    /// A fetch that would have to start a load beyond that gets [`LoadError::Overloaded`](crate::LoadError::Overloaded) at once. One whose
    /// value is held, or whose load is under way or waiting, doesn't.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder().max_concurrent_loads(32).max_queued_loads(1_000).build_async()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn max_queued_loads(mut self, most: u64) -> Self {
        self.max_queued_loads = Some(most);
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
    /// # #[cfg(feature = "tokio")]
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), bellwether::BuildError> {
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder().spawner(tokio::runtime::Handle::current()).build_async()?;
    /// # let _ = cache;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(feature = "tokio"))]
    /// # fn main() {}
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
            freshness: self.freshness,
            load_timeout: self.load_timeout,
            janitor: self.janitor,
            abandoned_loads: self.abandoned_loads,
            max_concurrent_loads: self.max_concurrent_loads,
            max_queued_loads: self.max_queued_loads,
            eviction: self.eviction,
            clock: self.clock,
            spawner: self.spawner,
            loader: self.loader,
            load_fn: self.load_fn,
            load_many_fn: self.load_many_fn,
            max_batch: self.max_batch,
            batch_window: self.batch_window,
            reload_fn: self.reload_fn,
            #[cfg(feature = "snapshot")]
            recurring: self.recurring,
            hasher,
        }
    }
}

/// The settings that have names and numbers.
impl<K, V, S> fmt::Debug for CacheBuilder<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("name", &self.name)
            .field("capacity", &self.capacity)
            .field("shards", &self.shards)
            .field("eviction", &self.eviction.policy)
            .finish_non_exhaustive()
    }
}
