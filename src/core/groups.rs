//! Groups: many keys, sorted by the shards that they live in.

use super::shared::CacheShared;
use crate::ground::hash::Hashed;
use crate::shard::{Place, Shard};
use std::hash::{BuildHasher, Hash};

/// The keys of a call, by shards.
pub(crate) struct Groups {
    /// Those of the first shard, then those of the next, each in the order in which they were given.
    members: Vec<Member>,
    /// Where each shard's begin, and where the last one's end.
    begins: Vec<usize>,
}

/// A key of a call.
#[derive(Clone, Copy)]
pub(crate) struct Member {
    pub(crate) hashed: Hashed,
    /// Which of the keys it is.
    pub(crate) number: usize,
}

impl Groups {
    pub(crate) fn new<K, V, S: BuildHasher, Q: Hash + ?Sized>(shared: &CacheShared<K, V, S>, keys: &[&Q]) -> Self {
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
        let mut members = vec![Member { hashed: Hashed(0), number: 0 }; keys.len()];
        for (number, &hashed) in hashes.iter().enumerate().rev() {
            let place = &mut begins[hashed.shard(shards)];
            *place -= 1;
            members[*place] = Member { hashed, number };
        }
        Self { members, begins }
    }

    /// Each shard that has any, with its keys.
    pub(crate) fn of<'a, K, V, S>(&'a self, shared: &'a CacheShared<K, V, S>) -> impl Iterator<Item = (&'a Shard<K, V>, &'a [Member])> {
        let members = self.begins.windows(2).map(|range| &self.members[range[0]..range[1]]);
        shared.shards.iter().zip(members).filter(|(_, members)| !members.is_empty())
    }
}

impl Member {
    /// Where to look for it.
    pub(crate) fn place<'a, K, V, S, Q: ?Sized>(self, shared: &'a CacheShared<K, V, S>, keys: &[&'a Q]) -> Place<'a, Q> {
        Place { hashed: self.hashed, key: keys[self.number], clock: &shared.clock }
    }
}
