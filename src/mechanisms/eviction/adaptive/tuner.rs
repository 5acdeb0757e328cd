//! To be written.

use crate::vocabulary::what_if::WhatIf;

/// What the shards of a cache share to tune their windows, and to tell what other capacities would be worth.
pub(crate) struct Tuner;

impl Tuner {
    /// `capacity` and `entries` are the whole cache's; `entries` is about how many it holds when it is full, where that is known.
    pub(crate) fn new(_capacity: u64, _entries: Option<u64>) -> Self {
        Self
    }

    /// The whole cache's capacity is another.
    pub(crate) fn resized(&self, _capacity: u64, _entries: Option<u64>) {}

    /// The hit ratio at a quarter, half, twice and four times the capacity. The cache itself has had `hits` among `lookups`.
    pub(crate) fn what_if(&self, _hits: u64, _lookups: u64) -> Vec<WhatIf> {
        Vec::new()
    }
}
