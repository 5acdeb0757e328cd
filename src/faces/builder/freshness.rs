//! How a builder is told how long values live, and what they are good for afterwards.

use super::CacheBuilder;
use crate::vocabulary::error::LoadError;
use crate::vocabulary::expiry::backoff::ErrorBackoff;
use crate::vocabulary::expiry::early::XFetch;
use crate::vocabulary::expiry::hook::{ByClosure, Expiry, Hook};
use crate::vocabulary::expiry::{Refresh, Rules};
use std::sync::Arc;
use std::time::Duration;

/// The settings of freshness, besides those of single values.
pub(super) struct Freshness<K, V> {
    pub(super) rules: Rules,
    pub(super) hook: Option<Hook<K, V>>,
    pub(super) soft_timeout: Duration,
    pub(super) negative_ttl: Option<Duration>,
    pub(super) negative_weight: u64,
    pub(super) error_backoff: Option<ErrorBackoff>,
    pub(super) max_concurrent_refreshes: Option<u64>,
    pub(super) refresh_failed: Option<Arc<OnFailure<K>>>,
}

/// A user's closure that is told of refreshes that fail.
pub(super) type OnFailure<K> = dyn Fn(&K, &LoadError) + Send + Sync;

impl<K, V> Freshness<K, V> {
    /// Everything off.
    pub(super) const fn new() -> Self {
        Self {
            rules: Rules::NONE,
            hook: None,
            soft_timeout: Duration::MAX,
            negative_ttl: None,
            negative_weight: 1,
            error_backoff: None,
            max_concurrent_refreshes: None,
            refresh_failed: None,
        }
    }
}

impl<K, V, S> CacheBuilder<K, V, S> {
    /// Sets how long a value is fresh from when it was stored. For ever by default, and with `Duration::MAX`; zero is over at once.
    ///
    /// At the deadline itself it is over: no method returns the value from then on, but those that may serve a stale one where
    /// [`stale_while_revalidate`](Self::stale_while_revalidate) or [`stale_if_error`](Self::stale_if_error) is set.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder().time_to_live(Duration::from_secs(60)).build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[doc(alias = "expire_after_write")]
    pub fn time_to_live(mut self, time_to_live: Duration) -> Self {
        self.freshness.rules.time_to_live = time_to_live;
        self
    }

    /// Sets how long a value stays without being used. For ever by default, and with `Duration::MAX`. It cuts the time to live and the stale windows
    /// short.
    ///
    /// Uses are hits of [`get`](crate::Cache::get), `fetch`, the read-through calls, `entry` and `fetch_stale`, and being stored or found unchanged;
    /// [`peek`](crate::Cache::peek), `contains_key`, `entry_info` and `iter` are none.
    ///
    /// # Cost
    /// A use is noted once in each tick of the kernel's coarse clock (1 to 10 ms), by a relaxed store.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, MockClock};
    /// use std::time::Duration;
    ///
    /// let clock = MockClock::new();
    /// let cache = Cache::<u32, u32>::builder().time_to_idle(Duration::from_secs(60)).clock(clock.clone()).build()?;
    /// cache.insert(1, 10);
    /// clock.advance(Duration::from_secs(59));
    /// assert!(cache.fetch(&1).is_some());
    /// clock.advance(Duration::from_secs(59));
    /// assert!(cache.fetch(&1).is_some());
    /// clock.advance(Duration::from_secs(60));
    /// assert!(cache.fetch(&1).is_none());
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[doc(alias = "expire_after_access")]
    pub fn time_to_idle(mut self, time_to_idle: Duration) -> Self {
        self.freshness.rules.time_to_idle = time_to_idle;
        self
    }

    /// Has a value loaded anew so long after it was stored, in the background, by the first read-through call from then on; that call and all others
    /// get the value that is held. Off by default. In place of [`refresh_ahead`](Self::refresh_ahead) and [`refresh_early`](Self::refresh_early): the
    /// last one given counts.
    ///
    /// It may not be longer than the [`time_to_live`](Self::time_to_live).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder()
    ///     .time_to_live(Duration::from_secs(60))
    ///     .refresh_after(Duration::from_secs(45))
    ///     .loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n))
    ///     .build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[doc(alias = "refresh_after_write")]
    pub fn refresh_after(mut self, after: Duration) -> Self {
        self.freshness.rules.refresh = Refresh::After(after);
        self
    }

    /// As [`refresh_after`](Self::refresh_after), when this part of the value's own time to live is over: between 0 and 1, both exclusive.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder()
    ///     .time_to_live(Duration::from_secs(60))
    ///     .refresh_ahead(0.8)
    ///     .loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n))
    ///     .build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn refresh_ahead(mut self, part: f64) -> Self {
        self.freshness.rules.refresh = Refresh::Ahead(part);
        self
    }

    /// As [`refresh_after`](Self::refresh_after), by chance: the likelier, the nearer the end of the value's time to live is and the longer its load
    /// took. See [`XFetch`].
    ///
    /// # Examples
    /// ```
    /// use bellwether::XFetch;
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder()
    ///     .time_to_live(Duration::from_secs(60))
    ///     .refresh_early(XFetch::default())
    ///     .loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n))
    ///     .build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn refresh_early(mut self, early: XFetch) -> Self {
        self.freshness.rules.refresh = Refresh::Early(early);
        self
    }

    /// Sets for how long after its time to live a value is served by read-through calls while it is loaded anew in the background (as RFC 5861 has it
    /// for HTTP). Zero, and so off, by default.
    ///
    /// The first such call starts the load, and gets the stale value at once like all others. The load may fail: see
    /// [`error_backoff`](Self::error_backoff). Methods that never load don't show a stale value, but
    /// [`fetch_stale`](crate::Cache::fetch_stale).
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder()
    ///     .time_to_live(Duration::from_secs(60))
    ///     .stale_while_revalidate(Duration::from_secs(30))
    ///     .loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n))
    ///     .build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn stale_while_revalidate(mut self, window: Duration) -> Self {
        self.freshness.rules.stale_while_revalidate = window;
        self
    }

    /// Sets for how long after its time to live a value is served by read-through calls where loading it anew fails (as RFC 5861 has it for HTTP), or
    /// takes longer than [`soft_timeout`](Self::soft_timeout). Zero, and so off, by default.
    ///
    /// Counted from the end of the time to live, like [`stale_while_revalidate`](Self::stale_while_revalidate), than which it may not be shorter. A
    /// call within this window and past that one waits for the load. Once a load has failed, calls get the stale value at once until it is time for
    /// the next try.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder()
    ///     .time_to_live(Duration::from_secs(60))
    ///     .stale_if_error(Duration::from_secs(3_600))
    ///     .loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n))
    ///     .build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn stale_if_error(mut self, window: Duration) -> Self {
        self.freshness.rules.stale_if_error = window;
        self
    }

    /// Sets how long a call waits for a load if it could have a value past its time to live instead. As long as the load takes, by default.
    ///
    /// It counts within [`stale_if_error`](Self::stale_if_error). The load goes on, and its value is stored: who settles for an older value hasn't abandoned
    /// it.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder()
    ///     .time_to_live(Duration::from_secs(60))
    ///     .stale_if_error(Duration::from_secs(3_600))
    ///     .soft_timeout(Duration::from_millis(100))
    ///     .loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n))
    ///     .build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn soft_timeout(mut self, limit: Duration) -> Self {
        self.freshness.soft_timeout = limit;
        self
    }

    /// Sets for how long it is remembered that there is no such key, where a loader says so. Not at all by default.
    ///
    /// Meanwhile read-through calls get [`LoadError::Absent`], or `None`, without a load. Any write to the key ends it. What
    /// is remembered without a value weighs [`negative_weight`](Self::negative_weight), takes an eighth of the capacity at most, makes room before any
    /// value does, and isn't seen by methods that don't load. (As RFC 2308 has it for DNS.)
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder()
    ///     .negative_ttl(Duration::from_secs(5))
    ///     .loader_fn(|_: &u32| Ok::<_, std::io::Error>(None))
    ///     .build()?;
    /// assert!(cache.fetch_optional(&1)?.is_none());
    /// assert!(cache.fetch_optional(&1)?.is_none());
    /// assert_eq!((cache.metrics().loads_started, cache.metrics().negative_hits), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn negative_ttl(mut self, time: Duration) -> Self {
        self.freshness.negative_ttl = Some(time);
        self
    }

    /// Sets what an answer without a value weighs, in the unit of the capacity; 1 by default.
    ///
    /// Where that is more than an eighth of the capacity none is remembered.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, String>::builder()
    ///     .capacity(1 << 20)
    ///     .weigher(|_, text| text.len() as u64)
    ///     .negative_ttl(Duration::from_secs(5))
    ///     .negative_weight(64)
    ///     .build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn negative_weight(mut self, weight: u64) -> Self {
        self.freshness.negative_weight = weight;
        self
    }

    /// Sets how long the next load of a key waits after loads that failed, and has failures of keys without a value remembered for that time.
    ///
    /// Without it only keys whose value is held wait, by [`ErrorBackoff::default`]: while that value is stale or due for a refresh, calls get it and no
    /// load is begun. With it calls for a key that has no value get the error of its last load until the next try, so that a backend that is down isn't
    /// hammered: a circuit for each key. Failures are errors, panics and time-outs of the loader. Any write to the key ends the wait, and so does
    /// [`refresh`](crate::Cache::refresh) if its load succeeds, which never waits itself.
    ///
    /// # Examples
    /// ```
    /// use bellwether::ErrorBackoff;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder()
    ///     .error_backoff(ErrorBackoff::default())
    ///     .loader_fn(|_: &u32| Err::<u32, _>("down"))
    ///     .build()?;
    /// (0..100).for_each(|_| assert!(cache.fetch_with(&1).is_err()));
    /// assert!(cache.metrics().loads_started < 5);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[doc(alias = "circuit_breaker")]
    pub fn error_backoff(mut self, backoff: ErrorBackoff) -> Self {
        self.freshness.error_backoff = Some(backoff);
        self
    }

    /// Shortens each time to live by a random part of it, up to `part`, between 0 and 1, so that values that were stored together don't expire together.
    /// Zero, and so off, by default.
    ///
    /// The time to a refresh and the time for which absence is remembered are shortened, too. Nothing is ever made longer.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder().time_to_live(Duration::from_secs(60)).ttl_jitter(0.1).build()?;
    /// cache.insert(1, 10);
    /// let left = cache.entry_info(&1).and_then(|info| info.time_left).expect("it is held, and not for ever");
    /// assert!(left > Duration::from_secs(50) && left <= Duration::from_secs(60));
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn ttl_jitter(mut self, part: f64) -> Self {
        self.freshness.rules.jitter = part;
        self
    }

    /// Sets a hook that says how long each value lives, when it is stored and when it is read. In place of [`expire_with`](Self::expire_with): the last
    /// one given counts.
    ///
    /// # Cost
    /// Each hit asks the hook, and the precise clock for the time that is left. A hook that has nothing to say of reads is better given by `expire_with`.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Expiry};
    /// use std::time::Duration;
    ///
    /// /// Each read gives a value ten more seconds.
    /// struct Reads;
    /// impl Expiry<u32, String> for Reads {
    ///     fn on_create(&self, _: &u32, _: &String) -> Option<Duration> {
    ///         Some(Duration::from_secs(10))
    ///     }
    ///     fn on_read(&self, _: &String, _left: Option<Duration>) -> Option<Duration> {
    ///         Some(Duration::from_secs(10))
    ///     }
    /// }
    /// let cache = Cache::builder().expiry(Reads).build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn expiry(mut self, expiry: impl Expiry<K, V>) -> Self {
        self.freshness.hook = Some(Hook { expiry: Arc::new(expiry), reads: true });
        self
    }

    /// Sets a closure that gives each value its time to live when it is stored; `None` leaves it the cache's. In place of [`expiry`](Self::expiry): the
    /// last one given counts.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, String>::builder()
    ///     .expire_with(|_, text| text.is_empty().then_some(Duration::ZERO))
    ///     .build()?;
    /// cache.insert(1, String::new());
    /// cache.insert(2, "text".to_owned());
    /// assert!(!cache.contains_key(&1) && cache.contains_key(&2));
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn expire_with(mut self, live: impl Fn(&K, &V) -> Option<Duration> + Send + Sync + 'static) -> Self
    where
        K: 'static,
        V: 'static,
    {
        self.freshness.hook = Some(Hook { expiry: Arc::new(ByClosure::new(live)), reads: false });
        self
    }

    /// Sets how many refreshes run at a time: loads in the background, while the value that is held is served. No limit by default, but that of
    /// [`max_concurrent_loads`](Self::max_concurrent_loads), which counts for them, too.
    ///
    /// A refresh beyond that is dropped and counted, and the next read-through call of its key tries again.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder()
    ///     .time_to_live(Duration::from_secs(60))
    ///     .refresh_ahead(0.8)
    ///     .max_concurrent_refreshes(4)
    ///     .loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n))
    ///     .build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn max_concurrent_refreshes(mut self, most: u64) -> Self {
        self.freshness.max_concurrent_refreshes = Some(most);
        self
    }

    /// Sets a closure that is told of each refresh that fails: nobody waits for one, so that no caller gets its error.
    ///
    /// Called under no lock, in the place of the load, or on a thread of the crate's if that timed out. A panic in it is contained.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder()
    ///     .time_to_live(Duration::from_secs(60))
    ///     .refresh_ahead(0.8)
    ///     .on_refresh_failure(|key, error| eprintln!("{key} is not refreshed: {error}"))
    ///     .loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n))
    ///     .build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn on_refresh_failure(mut self, report: impl Fn(&K, &LoadError) + Send + Sync + 'static) -> Self {
        self.freshness.refresh_failed = Some(Arc::new(report));
        self
    }

    /// Builds a cache for which no background thread keeps time.
    ///
    /// Nothing is ever shown past its time all the same: reads check. What has expired is reclaimed by later writes, some of it with each, and all of it
    /// by [`run_maintenance`](crate::Cache::run_maintenance). Loads end by the default `load_timeout` of 60 seconds no more; one that is set explicitly,
    /// and a [`soft_timeout`](Self::soft_timeout), are kept by threads that wait and by [`Spawner::sleep`](crate::Spawner::sleep), and building fails
    /// where there is no such spawner, unless it is for the blocking face with a blocking loader.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let cache = bellwether::Cache::<u32, u32>::builder().time_to_live(Duration::ZERO).no_janitor().build()?;
    /// cache.insert(1, 10);
    /// assert!(cache.fetch(&1).is_none());
    /// cache.run_maintenance();
    /// assert!(cache.is_empty());
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn no_janitor(mut self) -> Self {
        self.janitor = crate::core::shared::WithJanitor::No;
        self
    }
}
