//! A fetched value together with where it came from.

use std::sync::Arc;
use std::time::Duration;

/// A value and where it came from: what [`fetch_detailed`](crate::Cache::fetch_detailed) gives.
///
/// # Examples
/// ```
/// use bellwether::{Cache, Source};
///
/// let cache = Cache::<u32, u32>::builder().loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n)).build()?;
/// assert_eq!(cache.fetch_detailed(&1)?.source, Source::Loaded);
/// assert_eq!(cache.fetch_detailed(&1)?.source, Source::Hit);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Fetched<V> {
    /// The value.
    pub value: Arc<V>,
    /// Where it came from.
    pub source: Source,
}

impl<V> Clone for Fetched<V> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), source: self.source }
    }
}

/// Where a fetched value came from.
///
/// # Examples
/// ```
/// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
/// cache.insert(1, 10);
/// assert_eq!(cache.fetch_detailed(&1)?.source, bellwether::Source::Hit);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Source {
    /// It was held, and fresh.
    Hit,
    /// This call's miss started the load that brought it.
    Loaded,
    /// It was brought by a load that another call had started.
    Joined,
    /// It was held, past its time to live.
    Stale {
        /// The time since it was stored, or last found to be unchanged.
        age: Duration,
        /// Why this call got it.
        why: StaleReason,
    },
}

/// Why a call got a value past its time to live.
///
/// # Examples
/// ```
/// use bellwether::{Cache, MockClock, Source, StaleReason};
/// use std::time::Duration;
///
/// let clock = MockClock::new();
/// let cache = Cache::<u32, &str>::builder()
///     .time_to_live(Duration::from_secs(60))
///     .stale_if_error(Duration::from_secs(600))
///     .loader_fn(|_: &u32| Err::<&str, _>("the backend is down"))
///     .clock(clock.clone())
///     .build()?;
/// cache.insert(1, "one");
/// clock.advance(Duration::from_secs(61));
/// let fetched = cache.fetch_detailed(&1)?;
/// assert_eq!(fetched.source, Source::Stale { age: Duration::from_secs(61), why: StaleReason::LoadFailed });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum StaleReason {
    /// It is within [`stale_while_revalidate`](crate::CacheBuilder::stale_while_revalidate): a load in the background brings a new one, if the cache can
    /// load and as many refreshes as may are not under way.
    Revalidating,
    /// The load that this call waited for failed, or could not begin.
    LoadFailed,
    /// The load that this call waited for takes longer than [`soft_timeout`](crate::CacheBuilder::soft_timeout). It goes on.
    LoadSlow,
    /// Loads of the key have failed, and the time of the next try hasn't come.
    BackingOff,
    /// The call never loads: [`fetch_stale`](crate::Cache::fetch_stale).
    NotLoaded,
}
