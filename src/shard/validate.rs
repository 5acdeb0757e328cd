//! Recounts a shard, in test builds.

use super::Shard;

/// What a recount of a shard found.
pub(crate) struct Recount {
    pub(crate) entries: u64,
    pub(crate) weight: u64,
    pub(crate) flights: u64,
    pub(crate) waiters: u64,
}

impl<K, V> Shard<K, V> {
    /// Checks that the parts agree with each other, and counts.
    pub(crate) fn recount(&self) -> Recount {
        let state = self.read();
        let weight = state.store.audit();
        assert_eq!(weight, self.weight(), "the mirrored weight is the store's");
        let waiters = state.flights.flights().map(|flight| flight.waiters() as u64);
        let (flights, waiters) = waiters.fold((0, 0), |(flights, sum), waiters| (flights + 1, sum + waiters));
        Recount { entries: state.store.len() as u64, weight, flights, waiters }
    }
}
