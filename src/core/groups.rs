//! Groups: many keys, sorted by the shards that they live in.

use super::shared::CacheShared;
use crate::ground::hash::Hashed;
use crate::shard::{Place, Shard};
use std::hash::{BuildHasher, Hash};

/// The numbers of keys, by shards.
pub(crate) struct Groups {
    hashes: Vec<Hashed>,
    /// The numbers of the first shard's keys, then those of the next.
    order: Vec<usize>,
    /// Where each shard's begin, and where the last one's end.
    begins: Vec<usize>,
}

impl Groups {
    pub(crate) fn new<K, V, S: BuildHasher, Q: Hash + ?Sized>(shared: &CacheShared<K, V, S>, keys: &[&Q]) -> Self {
        let shards = shared.shards.len();
        let hashes: Vec<_> = keys.iter().map(|key| Hashed::of(*key, &shared.hasher)).collect();
        // Counted, added up, and then each put in its place.
        let mut begins = vec![0; shards + 1];
        hashes.iter().for_each(|hashed| begins[hashed.shard(shards) + 1] += 1);
        (0..shards).for_each(|shard| begins[shard + 1] += begins[shard]);
        let mut next = begins.clone();
        let mut order = vec![0; keys.len()];
        for (number, hashed) in hashes.iter().enumerate() {
            let place = &mut next[hashed.shard(shards)];
            order[*place] = number;
            *place += 1;
        }
        Self { hashes, order, begins }
    }

    /// Each shard that has any, with the numbers of its keys, in the order in which they were given.
    pub(crate) fn of<'a, K, V, S>(&'a self, shared: &'a CacheShared<K, V, S>) -> impl Iterator<Item = (&'a Shard<K, V>, &'a [usize])> {
        let members = self.begins.windows(2).map(|range| &self.order[range[0]..range[1]]);
        shared.shards.iter().zip(members).filter(|(_, members)| !members.is_empty())
    }

    #[cfg(feature = "bulk")]
    pub(crate) fn hashed(&self, number: usize) -> Hashed {
        self.hashes[number]
    }

    /// Where to look for a key.
    pub(crate) fn place<'a, K, V, S, Q: ?Sized>(&self, shared: &'a CacheShared<K, V, S>, keys: &[&'a Q], number: usize) -> Place<'a, Q> {
        Place { hashed: self.hashes[number], key: keys[number], clock: &shared.clock }
    }
}
