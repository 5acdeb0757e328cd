//! The coldest and the hottest entries of a cache: those of its shards, merged.

use super::shared::CacheShared;
use super::tour::gather;
use crate::ground::slab::Handle;
use crate::shard::{Among, Shard};
use std::cmp::Ordering;
use std::sync::Arc;

/// An entry's place among those of its shard, counted from the end that is asked for.
struct Standing {
    shard: usize,
    place: u64,
    /// How many stand in its shard.
    of: u64,
    stay: Handle,
}

impl Standing {
    /// By the part of its shard that stands before it.
    fn compare(&self, other: &Self) -> Ordering {
        let part = |one: &Self, other: &Self| u128::from(2 * one.place + 1) * u128::from(other.of);
        part(self, other).cmp(&part(other, self)).then(self.shard.cmp(&other.shard))
    }
}

impl<K: Clone, V, S> CacheShared<K, V, S> {
    /// The entries that would leave first, the first one first.
    pub(crate) fn coldest(&self, most: usize) -> Vec<(K, Arc<V>)> {
        self.merged(most, |shard| {
            let stays = shard.by_heat(most, Among::Shown(&self.clock));
            let of = shard.len().max(stays.len());
            (stays, of)
        })
    }

    /// The entries that would leave last, the last one first.
    pub(crate) fn hottest(&self, most: usize) -> Vec<(K, Arc<V>)> {
        self.merged(most, |shard| {
            let mut stays = shard.by_heat(usize::MAX, Among::Shown(&self.clock));
            let of = stays.len();
            stays.reverse();
            stays.truncate(most);
            (stays, of)
        })
    }

    /// The first entries of all shards, of each of which `first` gives its first ones and how many there are.
    fn merged(&self, most: usize, first: impl Fn(&Shard<K, V>) -> (Vec<Handle>, usize)) -> Vec<(K, Arc<V>)> {
        if most == 0 {
            return Vec::new();
        }
        let mut standings = Vec::new();
        for (shard, part) in self.shards.iter().enumerate() {
            let (stays, of) = first(part);
            standings.extend((0..).zip(stays).map(|(place, stay)| Standing { shard, place, of: of as u64, stay }));
        }
        standings.sort_unstable_by(Standing::compare);
        standings.truncate(most);
        self.taken(&standings)
    }

    /// The entries that stand so, as far as they are still held.
    fn taken(&self, standings: &[Standing]) -> Vec<(K, Arc<V>)> {
        let mut stays = vec![Vec::new(); self.shards.len()];
        standings.iter().for_each(|standing| stays[standing.shard].push(standing.stay));
        let places = self.shards.iter().zip(&stays);
        // One that is no longer held keeps its place until the end, so that each shard's entries are told by their number.
        let ((), taken) = gather(|taken| places.for_each(|(shard, stays)| shard.taken(stays, &self.clock, |entry| taken.push(entry))));
        let mut taken = taken.into_iter();
        let mut parts: Vec<_> = stays.iter().map(|stays| taken.by_ref().take(stays.len()).collect::<Vec<_>>().into_iter()).collect();
        standings.iter().filter_map(|standing| parts[standing.shard].next().flatten()).collect()
    }
}
