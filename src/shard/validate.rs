//! Recounts a shard, in test builds.

use super::Shard;

/// What a recount of a shard found.
pub(crate) struct Recount {
    pub(crate) entries: u64,
    pub(crate) weight: u64,
    /// The part of it that answers without a value weigh.
    pub(crate) answers: u64,
    /// Entries that carry tags.
    pub(crate) labelled: usize,
    /// Keys with a load that is wanted or in the air.
    pub(crate) berths: u64,
}

impl<K, V> Shard<K, V> {
    /// Checks that the parts agree with each other, and counts.
    pub(crate) fn recount(&self) -> Recount {
        let state = self.read();
        let weight = state.store.audit() + state.answers.audit();
        assert_eq!(weight, self.weight(), "the mirrored weight is the held one");
        let (entries, berths) = (state.store.len() as u64, state.flights.len() as u64);
        Recount { entries, weight, answers: state.answers.weight(), labelled: state.store.labelled(), berths }
    }
}
