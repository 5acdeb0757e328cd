//! Floor 0, the ground: what every other floor stands on and what knows nothing of caches.

pub(crate) mod bag;
pub(crate) mod chain;
pub(crate) mod contain;
pub(crate) mod dice;
pub(crate) mod flat;
pub(crate) mod hash;
pub(crate) mod janitor;
pub(crate) mod park;
pub(crate) mod pool;
pub(crate) mod process;
pub(crate) mod reentry;
pub(crate) mod seeded;
pub(crate) mod slab;
pub(crate) mod striped;
pub(crate) mod sync;
pub(crate) mod tags;
pub(crate) mod time;
pub(crate) mod waits;
