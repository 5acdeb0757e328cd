//! A reading of a cache's counters.

use super::error::LoadErrorKind;
use super::removal::RemovalCause;
use std::time::Duration;

/// A reading of a cache's counters, since it was built.
///
/// Each lookup counts once, as a hit, a stale hit, a negative hit, a miss or a join; `peek`, `contains_key`, `entry_info` and `iter` count nothing.
/// Each load, in the background or not, counts once in `loads_started` and, when it ends, once among its outcomes. The figures are exact while nothing is going on, and close otherwise.
///
/// # Examples
/// ```
/// let cache = bellwether::Cache::<u32, u32>::builder().loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n)).build()?;
/// cache.fetch_with(&1)?;
/// cache.fetch_with(&1)?;
/// let metrics = cache.metrics();
/// assert_eq!((metrics.hits, metrics.misses, metrics.loads_stored), (1, 1, 1));
/// assert_eq!(metrics.hit_ratio(), 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// Lookups that found a value within its time to live.
    pub hits: u64,
    /// Lookups that got a value past its time to live at once. One that waited for a load first is a miss or a join, whatever it got.
    pub stale_hits: u64,
    /// Lookups that were answered by what is remembered of a key without a value: that there is none, or the error of its last load.
    pub negative_hits: u64,
    /// Lookups that found none; of those that may load, the ones that started a load or could not.
    pub misses: u64,
    /// Lookups that found a load under way and waited for it.
    pub joined: u64,
    /// Lookups that were turned away with [`LoadError::Overloaded`](crate::LoadError::Overloaded), because as many loads as may were waiting
    /// for their turn. They count as misses, too.
    pub turned_away: u64,
    /// Loads that were started.
    pub loads_started: u64,
    /// Loads that brought a value that was stored.
    pub loads_stored: u64,
    /// Loads that answered that there is no such key.
    pub loads_absent: u64,
    /// Loads that answered that the value is unchanged, or brought the very `Arc` that was held: its times began anew.
    pub loads_unchanged: u64,
    /// Loads that brought a value that asked not to be stored.
    pub loads_uncached: u64,
    /// Loads that brought a value that was not stored: too heavy, or refused by the eviction policy, or the refresh of one that had left by then, for which nobody waited.
    pub loads_refused: u64,
    /// Loads that brought an answer after a write to their key had overtaken them: delivered to those who waited, not stored.
    pub loads_superseded: u64,
    /// Loads that were put off and never began, because an insert answered those who waited.
    pub loads_answered: u64,
    /// Refreshes that are under way now: loads in the background, while the value that is held is served.
    pub refreshes: u64,
    /// Refreshes that were started. They count as loads, too.
    pub refreshes_started: u64,
    /// Refreshes that failed. The value that was held stayed.
    pub refreshes_failed: u64,
    /// Refreshes that were due and not started, because as many as may were under way or too many loads were waiting. The next read-through call
    /// of the key tries again.
    pub refreshes_dropped: u64,
    /// Time that loads took, from the call of the loader to its end, all added up.
    pub load_time: Duration,
    /// Time that callers waited for loads, leaders and waiters, all added up.
    pub wait_time: Duration,
    /// Loads that somebody may wait for now: running or waiting for their turn, and not past their `load_timeout`.
    pub flights: u64,
    /// The most `flights` at a time.
    pub flights_peak: u64,
    /// Callers that wait for a load now, or for whoever holds the key's vacant entry.
    pub waiters: u64,
    /// The most `waiters` at a time.
    pub waiters_peak: u64,
    /// Permits of [`max_concurrent_loads`](crate::CacheBuilder::max_concurrent_loads) in use now; zero where there is no such limit.
    pub permits: u64,
    /// The most `permits` in use at a time.
    pub permits_peak: u64,
    /// Loads that wait for a permit now.
    pub queued: u64,
    /// The most `queued` at a time.
    pub queued_peak: u64,
    /// Entries held now.
    pub entries: u64,
    /// Answers without a value that are remembered now. They are part of `weight`, not of `entries`.
    pub negatives: u64,
    /// Weight held now, with room that is promised to an entry about to be stored.
    pub weight: u64,
    /// The most weight that can be held.
    pub capacity: u64,
    /// Values that have left, of which the listener is yet to be told.
    pub unreported: u64,
    /// Panics of the listener.
    pub listener_panics: u64,
    /// Panics of a custom policy, and victims of it that weren't held.
    pub policy_faults: u64,
    /// Snapshots that autosave has saved, where the cache has it (feature `snapshot`).
    pub autosaves: u64,
    /// Snapshots that autosave has failed to save, and one that it could not restore when the cache was built.
    pub autosaves_failed: u64,
    /// Who reclaims what has expired while nobody calls.
    pub janitor: Janitor,
    pub(crate) failed: [u64; LoadErrorKind::COUNT],
    pub(crate) removed: [u64; RemovalCause::COUNT],
}

/// Who reclaims expired entries, and keeps the time of loads that nobody waits for as a thread.
///
/// # Examples
/// ```
/// use bellwether::{Cache, Janitor};
///
/// let cache = Cache::<u32, u32>::builder().no_janitor().build()?;
/// assert_eq!(cache.metrics().janitor, Janitor::Off);
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Janitor {
    /// A thread that all caches of the process share, there while something is to come.
    Thread,
    /// No thread could be had when one was last needed: writes reclaim some of what has expired, and
    /// [`run_maintenance`](crate::Cache::run_maintenance) all. It is tried again with the next write that needs it.
    Unavailable,
    /// The cache was built with [`no_janitor`](crate::CacheBuilder::no_janitor).
    Off,
}

impl MetricsSnapshot {
    /// Hits among all lookups, stale and negative ones included, between 0 and 1; zero before the first lookup.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// assert_eq!(cache.metrics().hit_ratio(), 0.0);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio needs no more than 53 bits")]
    pub fn hit_ratio(&self) -> f64 {
        let hits = self.hits + self.stale_hits + self.negative_hits;
        let lookups = hits + self.misses + self.joined;
        if lookups == 0 { 0.0 } else { hits as f64 / lookups as f64 }
    }

    /// Loads that ended with an error of this kind. Absence is an answer and is counted in `loads_absent`.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, LoadErrorKind};
    ///
    /// let cache = Cache::<u32, u32>::builder().loader_fn(|_: &u32| Err::<u32, _>("no")).build()?;
    /// let _ = cache.fetch_with(&1);
    /// assert_eq!(cache.metrics().loads_failed_by(LoadErrorKind::Failed), 1);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[must_use]
    pub fn loads_failed_by(&self, kind: LoadErrorKind) -> u64 {
        self.failed[kind.index()]
    }

    /// Loads that ended with an error of any kind.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
    /// assert_eq!(cache.metrics().loads_failed(), 0);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[must_use]
    pub fn loads_failed(&self) -> u64 {
        self.failed.iter().sum()
    }

    /// Loads that have ended, in whichever way; the others that were started are under way.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n)).build()?;
    /// cache.fetch_with(&1)?;
    /// assert_eq!(cache.metrics().loads_ended(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn loads_ended(&self) -> u64 {
        self.loads_stored
            + self.loads_absent
            + self.loads_unchanged
            + self.loads_uncached
            + self.loads_refused
            + self.loads_superseded
            + self.loads_answered
            + self.loads_failed()
    }

    /// Values that left, or were never held, for this cause.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, RemovalCause};
    ///
    /// let cache = Cache::<u32, u32>::builder().build()?;
    /// cache.insert(1, 10);
    /// cache.invalidate(&1);
    /// assert_eq!(cache.metrics().removals(RemovalCause::Invalidated), 1);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[must_use]
    pub fn removals(&self, cause: RemovalCause) -> u64 {
        self.removed[cause.index()]
    }
}
