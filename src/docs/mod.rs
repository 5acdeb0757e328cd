//! Pages to read: how a cache works inside, what it doesn't do, and how it is used. There is nothing here but text.

/// How old a value may be that one gets: time to live, refreshing, stale values, what is remembered of failures.
#[doc = ""]
#[doc = include_str!("freshness.svg")]
#[doc = ""]
#[doc = include_str!("freshness.md")]
pub mod freshness {}

/// What a cache gives up when it is full: its capacity, its policies, weights and costs, and the listener that is told of what leaves.
#[doc = ""]
#[doc = include_str!("eviction.svg")]
#[doc = ""]
#[doc = include_str!("eviction.md")]
pub mod eviction {}

#[doc = include_str!("hit_ratios.md")]
pub mod hit_ratios {}

#[doc = include_str!("internals.md")]
pub mod internals {}

#[doc = include_str!("limits.md")]
pub mod limits {}

#[doc = include_str!("many.md")]
pub mod many {}

#[doc = include_str!("patterns.md")]
pub mod patterns {}

#[cfg(feature = "snapshot")]
#[doc = include_str!("snapshot.md")]
pub mod snapshot {}
