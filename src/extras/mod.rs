//! Floor 6, the extras: what only some users need, each behind its feature.

#[cfg(feature = "bulk")]
pub(crate) mod bulk;
#[cfg(feature = "snapshot")]
pub(crate) mod snapshot;
