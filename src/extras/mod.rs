//! Floor 6, the extras: what only some users need, each behind its feature.

#[cfg(feature = "bulk")]
pub(crate) mod bulk;
