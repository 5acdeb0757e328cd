//! Early refresh by chance: XFetch.

use std::time::Duration;

/// Refreshes a value some time before it expires, by chance: the likelier, the nearer the end is and the longer its load took.
///
/// A load that took `d` is repeated at remaining time `t` with the chance `exp(-t / (beta * d))` at each read-through call. Inside one process a
/// flight makes it one load in any case; the worth of chance is that several processes don't load the same key at the same instant, and that the new
/// value is there before the old one ends. (Vattani, Chierichetti, Lowenstein: "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015.)
///
/// # Examples
/// ```
/// use bellwether::{Cache, XFetch};
/// use std::time::Duration;
///
/// let cache = Cache::<u32, u32>::builder()
///     .time_to_live(Duration::from_secs(60))
///     .refresh_early(XFetch::new(1.0))
///     .loader_fn(|n: &u32| Ok::<_, std::io::Error>(*n))
///     .build()?;
/// assert_eq!(*cache.fetch_with(&1)?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct XFetch {
    pub(crate) beta: f64,
}

impl XFetch {
    /// Early refresh with the factor `beta`: 1 is the paper's best for most, more refreshes earlier. It must be above zero and finite.
    ///
    /// # Examples
    /// ```
    /// let _ = bellwether::XFetch::new(1.5);
    /// ```
    #[must_use]
    pub const fn new(beta: f64) -> Self {
        Self { beta }
    }

    /// The time that a load which took `load_time` weighs, in nanoseconds.
    #[expect(clippy::cast_precision_loss, reason = "nobody counts the nanoseconds of a load of months")]
    pub(super) fn lead(self, load_time: Duration) -> f64 {
        self.beta * load_time.as_nanos() as f64
    }
}

/// With a factor of 1.
impl Default for XFetch {
    fn default() -> Self {
        Self::new(1.0)
    }
}
