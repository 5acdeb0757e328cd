//! An index over a list of keys, made when it is first needed.

use crate::ground::hash::RandomState;
use equivalent::Equivalent;
use hashbrown::HashTable;
use std::hash::{BuildHasher, Hash};
use std::sync::OnceLock;

/// Where each key stands in a list; of one that stands there several times, the first.
pub(super) struct Places(OnceLock<(HashTable<usize>, RandomState)>);

impl Places {
    pub(super) const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Where `key` stands in a list of so many, which is always the same; `at` gives its keys.
    pub(super) fn find<'a, K, Q>(&self, len: usize, at: impl Fn(usize) -> &'a K, key: &Q) -> Option<usize>
    where
        K: Hash + Eq + ?Sized + 'a,
        Q: Hash + Equivalent<K> + ?Sized,
    {
        let (places, hasher) = self.0.get_or_init(|| {
            let hasher = RandomState::new();
            let mut places = HashTable::with_capacity(len);
            for place in 0..len {
                let is_it = |&other: &usize| at(other) == at(place);
                places.entry(hasher.hash_one(at(place)), is_it, |&other| hasher.hash_one(at(other))).or_insert(place);
            }
            (places, hasher)
        });
        places.find(hasher.hash_one(key), |&place| key.equivalent(at(place))).copied()
    }
}
