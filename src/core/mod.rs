//! Floor 4, the core: what both faces share, and the one protocol by which a value is fetched, loaded and stored.

pub(crate) mod blocking;
pub(crate) mod counters;
mod delivery;
pub(crate) mod ends;
pub(crate) mod entry;
pub(crate) mod fetch;
pub(crate) mod handle;
pub(crate) mod launch;
pub(crate) mod lead;
pub(crate) mod places;
pub(crate) mod room;
pub(crate) mod shared;
pub(crate) mod timeout;
pub(crate) mod upkeep;
pub(crate) mod waiting;
mod write;
