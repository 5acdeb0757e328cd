//! Back-off: how long the next try waits after loads that failed.

use super::part_of;
use std::time::Duration;

/// How long no load of a key is begun after loads that failed, so that a backend that is down isn't hammered.
///
/// By default 200 milliseconds after the first failure, twice as long after each further one in a row, and 30 seconds at most; and each wait times a
/// random number between ½ and 1, so that keys that failed together aren't tried again together. Where a value is held a wait is never longer than
/// that value was to be of use, stale windows included.
///
/// # Examples
/// ```
/// use bellwether::{Cache, ErrorBackoff};
/// use std::time::Duration;
///
/// let cache = Cache::<u32, u32>::builder()
///     .error_backoff(ErrorBackoff::new(Duration::from_millis(50)).max(Duration::from_secs(5)))
///     .loader_fn(|_: &u32| Err::<u32, _>("down"))
///     .build()?;
/// assert!(cache.fetch_with(&1).is_err());
/// assert!(cache.fetch_with(&1).is_err());
/// assert_eq!(cache.metrics().loads_started, 1);
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
#[must_use = "a setting does nothing until it is given to a builder"]
pub struct ErrorBackoff {
    pub(crate) first: Duration,
    pub(crate) factor: f64,
    pub(crate) max: Duration,
    jitter: bool,
}

impl ErrorBackoff {
    /// A back-off whose first wait is `first`, and else as by default.
    ///
    /// # Examples
    /// ```
    /// let _ = bellwether::ErrorBackoff::new(std::time::Duration::from_millis(100));
    /// ```
    pub const fn new(first: Duration) -> Self {
        Self { first, factor: 2.0, max: Duration::from_secs(30), jitter: true }
    }

    /// Sets by how much each wait is longer than the one before; 2 by default. It must be 1 or more, and finite.
    ///
    /// # Examples
    /// ```
    /// let _ = bellwether::ErrorBackoff::default().factor(1.5);
    /// ```
    pub const fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// Sets the longest wait; 30 seconds by default.
    ///
    /// # Examples
    /// ```
    /// let _ = bellwether::ErrorBackoff::default().max(std::time::Duration::from_secs(5));
    /// ```
    pub const fn max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// Sets whether each wait is shortened by a random part, up to half of it; it is by default.
    ///
    /// # Examples
    /// ```
    /// let _ = bellwether::ErrorBackoff::default().jitter(false);
    /// ```
    pub const fn jitter(mut self, jitter: bool) -> Self {
        self.jitter = jitter;
        self
    }

    /// How long the next try waits after one more failure, `failures` having gone before. `chance` is in [0, 1].
    pub(crate) fn wait(&self, failures: u32, lifetime: Duration, chance: f64) -> Duration {
        let most = self.max.min(lifetime);
        let growth = self.factor.powi(i32::try_from(failures).unwrap_or(i32::MAX));
        // Nothing stays nothing, however often it is doubled.
        let seconds = if self.first.is_zero() { 0.0 } else { self.first.as_secs_f64() * growth };
        let wait = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).min(most);
        if self.jitter { part_of(wait, 0.5 + chance / 2.0) } else { wait }
    }
}

/// 200 milliseconds, doubling, at most 30 seconds, with jitter.
impl Default for ErrorBackoff {
    fn default() -> Self {
        Self::new(Duration::from_millis(200))
    }
}
