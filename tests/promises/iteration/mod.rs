//! Walking over all entries: each that stays is met once, whatever goes on; no lock is held for long; nothing is left behind.

mod evicted_next;
mod linear;
mod lookalikes;
mod panics;
mod scan;
mod seen;
mod streams;
mod walks;
mod writers;

use crate::faces::{Face, Kind};
use bellwether::CacheBuilder;
use std::sync::Arc;

type Of<F> = <F as Kind>::Of<u64, u64>;

/// A cache of so many shards that holds the keys, each with ten times itself.
fn holding<F: Kind>(shards: usize, keys: impl IntoIterator<Item = u64>) -> Of<F> {
    let cache = Of::<F>::build(CacheBuilder::new().shards(shards));
    keys.into_iter().for_each(|key| cache.insert(key, key * 10));
    cache
}

/// The keys, in ascending order.
fn keys_of<K: Ord, V>(entries: Vec<(K, Arc<V>)>) -> Vec<K> {
    let mut keys: Vec<_> = entries.into_iter().map(|(key, _)| key).collect();
    keys.sort_unstable();
    keys
}
