//! What can be asked about an entry while it is held.

use super::expiry::Freshness;
use std::time::Duration;

/// An entry's age and prospects: what [`entry_info`](crate::Cache::entry_info) gives.
///
/// # Examples
/// ```
/// use bellwether::{Cache, MockClock};
/// use std::time::Duration;
///
/// let clock = MockClock::new();
/// let cache = Cache::<u32, &str>::builder().time_to_live(Duration::from_secs(60)).clock(clock.clone()).build()?;
/// cache.insert(1, "one");
/// clock.advance(Duration::from_secs(20));
/// let info = cache.entry_info(&1).expect("it is held");
/// assert_eq!((info.age, info.time_left), (Duration::from_secs(20), Some(Duration::from_secs(40))));
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct EntryInfo {
    /// The time since the value was stored, or last found to be unchanged. Of a value without time rules it is exact to some milliseconds.
    pub age: Duration,
    /// What is left of its time to live: zero once that is over, `None` for ever. Its idle time may end sooner.
    pub time_left: Option<Duration>,
    /// How long it can be of any use, stale windows included; `None` for ever.
    pub usable_for: Option<Duration>,
    /// What it is worth now.
    pub state: Freshness,
    /// Its weight, in the unit of the capacity.
    pub weight: u64,
    /// Loads in a row that failed since it was stored or expired by [`expire`](crate::Cache::expire). Counted only of values that may be refreshed or served
    /// stale.
    pub failures: u32,
    /// How long no load is begun for its sake, as the last one failed; `None` where one may.
    pub next_try: Option<Duration>,
}
