//! Floor 4, the core: what both faces share, and the one protocol by which a value is fetched, loaded and stored.

pub(crate) mod atomic;
mod batch;
pub(crate) mod blocking;
#[cfg(feature = "bulk")]
pub(crate) mod bulk;
#[cfg(feature = "snapshot")]
pub(crate) mod contents;
pub(crate) mod counters;
mod delivery;
pub(crate) mod ends;
pub(crate) mod entry;
pub(crate) mod fetch;
mod fleet;
pub(crate) mod groups;
pub(crate) mod handle;
mod heat;
pub(crate) mod invalidation;
mod launch;
pub(crate) mod lead;
pub(crate) mod many;
pub(crate) mod places;
#[cfg(feature = "snapshot")]
pub(crate) mod recurring;
pub(crate) mod room;
pub(crate) mod shared;
pub(crate) mod timeout;
pub(crate) mod tour;
pub(crate) mod upkeep;
pub(crate) mod waiting;
mod window;
pub(crate) mod write;
