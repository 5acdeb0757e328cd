//! The methods under test on either face, as one type.

use crate::faces::{Face, Kind};
use bellwether::{AsyncCache, Cache, ComputeResult, Key, Value};
use std::sync::Arc;

/// A face, by its own type.
#[derive(Clone)]
pub(super) enum Hands<K: Key, V: Value> {
    Threads(Cache<K, V>),
    Tasks(AsyncCache<K, V>),
}

impl<K: Key, V: Value> Hands<K, V> {
    pub(super) fn of<F: Kind>(cache: &F::Of<K, V>) -> Self {
        let threads = cache.sync();
        if F::IS_BLOCKING { Self::Threads(threads) } else { Self::Tasks(threads.to_async()) }
    }

    /// The same cache, as threads have it.
    pub(super) fn sync(&self) -> Cache<K, V> {
        match self {
            Self::Threads(cache) => cache.clone(),
            Self::Tasks(cache) => cache.to_sync(),
        }
    }
}

macro_rules! either {
    ($self:ident, $cache:ident => $call:expr) => {
        match $self {
            Self::Threads($cache) => $call,
            Self::Tasks($cache) => $call,
        }
    };
}

impl<K: Key, V: Value + Clone> Hands<K, V> {
    pub(super) fn insert_if_absent(&self, key: K, value: V) -> Option<Arc<V>> {
        either!(self, cache => cache.insert_if_absent(key, value))
    }

    pub(super) fn replace(&self, key: K, value: V) -> Option<Arc<V>> {
        either!(self, cache => cache.replace(key, value))
    }

    pub(super) fn compare_and_swap(&self, key: &K, expected: &Arc<V>, value: V) -> Result<(), V> {
        either!(self, cache => cache.compare_and_swap(key, expected, value))
    }

    pub(super) fn compute(&self, key: &K, change: impl FnMut(&mut V)) -> bool {
        either!(self, cache => cache.compute(key, change))
    }

    pub(super) fn compute_val<R>(&self, key: &K, change: impl FnMut(&mut V) -> R) -> Option<R> {
        either!(self, cache => cache.compute_val(key, change))
    }

    pub(super) fn upsert<R>(&self, key: K, init: impl FnOnce() -> V, change: impl FnMut(&mut V) -> R) -> R {
        either!(self, cache => cache.upsert(key, init, change))
    }

    pub(super) fn try_compute(&self, key: &K, change: impl FnOnce(&mut V)) -> ComputeResult<()> {
        either!(self, cache => cache.try_compute(key, change))
    }

    pub(super) fn try_compute_val<R>(&self, key: &K, change: impl FnOnce(&mut V) -> R) -> ComputeResult<R> {
        either!(self, cache => cache.try_compute_val(key, change))
    }
}
