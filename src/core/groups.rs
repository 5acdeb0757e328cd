//! Groups: many keys, sorted by the shards that they live in.

use super::shared::CacheShared;
use crate::ground::hash::Hashed;
use crate::shard::{Place, Shard};
use std::hash::{BuildHasher, Hash};

/// The keys of a call, by shards.
pub(crate) struct Groups {
    hashes: Vec<Hashed>,
    /// The numbers of the keys of the first shard, then of those of the next, each in the order in which they were given.
    order: Vec<u32>,
    /// Where each shard's begin, and where the last one's end.
    begins: Vec<u32>,
}

impl Groups {
    /// # Panics
    /// If there are 2³² keys.
    pub(crate) fn new<K, V, S: BuildHasher, Q: Hash + ?Sized>(shared: &CacheShared<K, V, S>, keys: &[&Q]) -> Self {
        let most = u32::try_from(keys.len()).expect("a call has less than 4,294,967,296 keys: divide them among several calls");
        let shards = shared.shards.len();
        let hashes: Vec<_> = keys.iter().map(|key| Hashed::of(*key, &shared.hasher)).collect();
        // Counted, added up to where each shard's end, and then each put in its place, the last first.
        let mut begins = vec![0; shards + 1];
        hashes.iter().for_each(|hashed| begins[hashed.shard(shards)] += 1);
        let mut end = 0;
        for begin in &mut begins {
            end += *begin;
            *begin = end;
        }
        let mut order = vec![0; keys.len()];
        for (number, hashed) in (0..most).zip(&hashes).rev() {
            let place = &mut begins[hashed.shard(shards)];
            *place -= 1;
            order[*place as usize] = number;
        }
        Self { hashes, order, begins }
    }

    /// Each shard that has any, with the numbers of its keys.
    pub(crate) fn of<'a, K, V, S>(&'a self, shared: &'a CacheShared<K, V, S>) -> impl Iterator<Item = (&'a Shard<K, V>, &'a [u32])> {
        let members = self.begins.windows(2).map(|range| &self.order[range[0] as usize..range[1] as usize]);
        shared.shards.iter().zip(members).filter(|(_, members)| !members.is_empty())
    }

    /// The hash of the key that has this number.
    pub(crate) fn hashed(&self, number: u32) -> Hashed {
        self.hashes[number as usize]
    }

    /// Where to look for the one of `keys` that has this number.
    pub(crate) fn place<'a, K, V, S, Q: ?Sized>(&self, number: u32, shared: &'a CacheShared<K, V, S>, keys: &[&'a Q]) -> Place<'a, Q> {
        Place { hashed: self.hashed(number), key: keys[number as usize], clock: &shared.clock }
    }
}
