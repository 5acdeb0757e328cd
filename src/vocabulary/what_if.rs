//! What the hit ratio would be with another capacity.

/// The hit ratio that a cache would have with another capacity, as [`what_if`](crate::Cache::what_if) tells it.
///
/// # Examples
/// ```
/// let cache = bellwether::Cache::<u32, u32>::builder().capacity(100).build()?;
/// for n in (0..20_000).map(|n| n % 300) {
///     cache.get(&n, |_| ()).unwrap_or_else(|| cache.insert(n, n));
/// }
/// for what_if in cache.what_if() {
///     println!("{} entries: {:.1} % ± {:.1}", what_if.capacity, 100.0 * what_if.hit_ratio, 100.0 * what_if.error);
/// }
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub struct WhatIf {
    /// The capacity, in the unit of the cache's own.
    pub capacity: u64,
    /// The hit ratio that the cache would have with it, between 0 and 1.
    pub hit_ratio: f64,
    /// By how much the ratio may be off: the standard error of the sample that it comes from, between 0 and 1.
    pub error: f64,
}

impl WhatIf {
    pub(crate) fn new(capacity: u64, hit_ratio: f64, error: f64) -> Self {
        Self { capacity, hit_ratio, error }
    }
}
