//! Building: checks the settings, chooses what was left open, and puts the parts together.

use super::CacheBuilder;
use super::freshness::{Freshness, OnFailure};
use crate::core::handle::Handle;
use crate::core::places::{Caller, Places};
#[cfg(feature = "snapshot")]
use crate::core::recurring::Recurring;
use crate::core::shared::{Answering, CacheShared, Parts, RefreshFailed, Settings, WithJanitor};
use crate::faces::async_cache::AsyncCache;
use crate::faces::cache::Cache;
use crate::ground::contain::contain;
use crate::ground::hash::Hashed;
use crate::ground::janitor;
use crate::ground::process::Process;
use crate::mechanisms::eviction::Sizing;
use crate::vocabulary::error::{BuildError, LoadErrorKind};
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loader::{AnyLoader, AsyncFn, AsyncLoad};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

/// Most shards that a cache can have: as many as a key's hash can tell apart.
const MOST_SHARDS: usize = 1 << 16;
/// How long a load may take unless something else is asked for.
const LOAD_TIMEOUT: Duration = Duration::from_secs(60);
/// Fewer entries to a shard cost hit ratio.
const ENTRIES_A_SHARD: u64 = 512;

impl<K: Key, V: Value, S> CacheBuilder<K, V, S> {
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
        self.build_shared(Caller::Thread).map(Cache::over)
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
        self.build_shared(Caller::Task).map(AsyncCache::over)
    }

    fn build_shared(self, callers: Caller) -> Result<Handle<K, V, S>, BuildError>
    where
        S: BuildHasher + Send + Sync + 'static,
    {
        let shards = self.choose_shards()?;
        self.check(callers)?;
        let by_closures = match (self.load_fn, self.load_many_fn) {
            (Some(one), Some(many)) => Some(AsyncLoad::Either(one, many)),
            (Some(one), None) => Some(AsyncLoad::One(one)),
            (None, Some(many)) => Some(AsyncLoad::Many(many)),
            (None, None) => None,
        };
        let by_closures = by_closures.map(|load| AsyncFn { load, reload: self.reload_fn });
        let loader = by_closures.map(|closures| AnyLoader::Async(Arc::new(closures) as _)).or(self.loader);
        let load_timeout = self.load_timeout.unwrap_or(match self.janitor {
            WithJanitor::Yes => LOAD_TIMEOUT,
            WithJanitor::No => Duration::MAX,
        });
        let sizing = match (self.expected_entries, self.weigher.counts_entries()) {
            (Some(entries), _) => Sizing::Expected(entries),
            (None, true) => Sizing::ByCapacity,
            (None, false) => Sizing::Unknown,
        };
        let Freshness { rules, hook, soft_timeout, .. } = self.freshness;
        let answering = Answering {
            negative_ttl: self.freshness.negative_ttl,
            weight: self.freshness.negative_weight,
            backoff: self.freshness.error_backoff.unwrap_or_default(),
            failures: self.freshness.error_backoff.is_some(),
        };
        let shared = CacheShared::new(Parts {
            hasher: self.hasher,
            hash_key: |hasher, key| Hashed::of(key, hasher),
            shards,
            capacity: self.capacity,
            listener: self.eviction.listener.clone(),
            plan: self.eviction.plan(shards, self.capacity, sizing),
            clock: self.clock,
            loader,
            settings: Settings {
                name: self.name.map(Arc::from),
                weigher: self.weigher,
                rules,
                hook,
                load_timeout,
                max_batch: self.max_batch,
                soft_timeout,
                abandoned_loads: self.abandoned_loads,
                answering,
                refresh_failed: self.freshness.refresh_failed.map(reporting),
                janitor: self.janitor,
                #[cfg(feature = "snapshot")]
                recurring: self.recurring.map(Recurring::new),
            },
            places: Places::new(self.spawner),
            most_loads: self.max_concurrent_loads,
            most_queued: self.max_queued_loads.unwrap_or(u64::MAX),
            window: self.batch_window,
            most_refreshes: self.freshness.max_concurrent_refreshes.unwrap_or(u64::MAX),
        });
        let handle = Handle::new(&shared);
        #[cfg(feature = "snapshot")]
        shared.begin_recurring();
        Ok(handle)
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

/// Calls a user's closure, contained, and never on the thread that keeps everybody's time.
fn reporting<K: Key, V: Value>(report: Arc<OnFailure<K>>) -> Box<RefreshFailed<K, V>> {
    Box::new(move |flight, error| {
        let report = Arc::clone(&report);
        let timed_out = error.kind() == LoadErrorKind::TimedOut;
        let call = move || {
            if let Err(panic) = contain(|| report(flight.key(), &error)) {
                panic.forget();
            }
        };
        // A time-out is noticed by whoever comes by.
        if timed_out || janitor::is_here() { drop(Process::current().pool.run(Box::new(call))) } else { call() }
    })
}
