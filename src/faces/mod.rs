//! Floor 5, the faces: what users hold in their hands. They delegate.

pub(crate) mod async_cache;
mod atomic;
pub(crate) mod builder;
pub(crate) mod cache;
mod capacity;
pub(crate) mod entry;
pub(crate) mod fetch;
mod invalidation;
pub(crate) mod iter;
mod lifetimes;
mod plain;
#[cfg(feature = "snapshot")]
pub(crate) mod reach;
mod walking;
mod warm;
