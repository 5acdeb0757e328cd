//! Floor 2, the mechanisms: each stands alone, and is tested alone.

pub(crate) mod answers;
pub(crate) mod embargo;
pub(crate) mod eviction;
pub(crate) mod flight;
pub(crate) mod outbox;
pub(crate) mod permits;
pub(crate) mod room;
pub(crate) mod upkeep;
pub(crate) mod wheel;
