//! Pages to read: how a cache works inside, what it doesn't do, and how it is used. There is nothing here but text.

/// How old a value may be that one gets: time to live, refreshing, stale values, what is remembered of failures.
#[doc = ""]
#[doc = include_str!("freshness.svg")]
#[doc = ""]
#[doc = include_str!("freshness.md")]
pub mod freshness {}

#[doc = include_str!("internals.md")]
pub mod internals {}

#[doc = include_str!("limits.md")]
pub mod limits {}

#[doc = include_str!("patterns.md")]
pub mod patterns {}
