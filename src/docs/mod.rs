//! Pages to read: how a cache works inside, what it doesn't do, and how it is used. There is nothing here but text.

#[doc = include_str!("internals.md")]
pub mod internals {}

#[doc = include_str!("limits.md")]
pub mod limits {}

#[doc = include_str!("patterns.md")]
pub mod patterns {}
