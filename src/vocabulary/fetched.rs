//! A fetched value together with where it came from.

use std::sync::Arc;

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
}
