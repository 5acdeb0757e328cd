//! The methods under test on either face, as one type; and loaders that bring what the test says.

use crate::faces::{Face, Kind};
use crate::runway::{Runway, Style};
use bellwether::{AsyncCache, Cache, CacheBuilder, Entry, Key, LoadError, Loaded, MockClock, Value};
use std::sync::Arc;
use std::time::Duration;

/// A face, by its own type.
#[derive(Clone)]
pub(super) enum Hands<K: Key, V: Value> {
    Threads(Cache<K, V>),
    Tasks(AsyncCache<K, V>),
}

macro_rules! either {
    ($self:ident, $cache:ident => $call:expr) => {
        match $self {
            Self::Threads($cache) => $call,
            Self::Tasks($cache) => $call,
        }
    };
}

impl<K: Key, V: Value> Hands<K, V> {
    pub(super) fn of<F: Kind>(cache: &F::Of<K, V>) -> Self {
        let threads = cache.sync();
        if F::IS_BLOCKING { Self::Threads(threads) } else { Self::Tasks(threads.to_async()) }
    }

    pub(super) fn build<F: Kind>(builder: CacheBuilder<K, V>) -> (F::Of<K, V>, Self) {
        let cache = F::Of::build(builder);
        let hands = Self::of::<F>(&cache);
        (cache, hands)
    }

    /// The same cache, as threads have it.
    pub(super) fn sync(&self) -> Cache<K, V> {
        match self {
            Self::Threads(cache) => cache.clone(),
            Self::Tasks(cache) => cache.to_sync(),
        }
    }

    pub(super) fn invalidate_tag(&self, tag: &str) {
        either!(self, cache => cache.invalidate_tag(tag));
    }

    pub(super) fn expire_tag(&self, tag: &str) {
        either!(self, cache => cache.expire_tag(tag));
    }

    pub(super) fn invalidate_if(&self, is_doomed: impl FnMut(&K, &V) -> bool) -> u64 {
        either!(self, cache => cache.invalidate_if(is_doomed))
    }

    pub(super) fn retain(&self, stays: impl FnMut(&K, &V) -> bool) {
        either!(self, cache => cache.retain(stays));
    }

    pub(super) fn invalidate_for(&self, key: &K, time: Duration) -> bool {
        either!(self, cache => cache.invalidate_for(key, time))
    }

    pub(super) fn warm(&self, keys: &[K]) -> usize {
        either!(self, cache => cache.warm(keys))
    }

    pub(super) fn try_insert(&self, key: K, value: V) -> bool {
        either!(self, cache => cache.try_insert(key, value).is_ok())
    }

    pub(super) fn entry(&self, key: K) -> Entry<K, V> {
        match self {
            Self::Threads(cache) => cache.entry(key),
            Self::Tasks(cache) => futures::executor::block_on(cache.entry(key)),
        }
    }

    pub(super) fn scan(&self) -> Vec<(K, Arc<V>)> {
        either!(self, cache => cache.scan(0, usize::MAX).1)
    }

    pub(super) fn ranked(&self) -> Vec<(K, Arc<V>)> {
        either!(self, cache => { let mut all = cache.hottest(usize::MAX); all.extend(cache.coldest(usize::MAX)); all })
    }

    pub(super) fn snapshot(&self) -> Vec<(K, Arc<V>)> {
        either!(self, cache => cache.iter_snapshot().collect())
    }
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

    pub(super) fn upsert(&self, key: K, init: impl FnOnce() -> V, change: impl FnMut(&mut V)) {
        either!(self, cache => cache.upsert(key, init, change));
    }

    pub(super) fn try_compute(&self, key: &K, change: impl FnOnce(&mut V)) -> bool {
        either!(self, cache => cache.try_compute(key, change).done().is_some())
    }
}

/// Many keys at once.
#[cfg(feature = "bulk")]
impl<K: Key, V: Value> Hands<K, V> {
    pub(super) fn multiget(&self, keys: &[K]) -> Vec<Arc<V>> {
        either!(self, cache => cache.multiget(keys).into_iter().map(|(_, value)| value).collect())
    }

    pub(super) fn multi_insert(&self, items: impl IntoIterator<Item = (K, V)>) {
        either!(self, cache => cache.multi_insert(items));
    }

    pub(super) fn multi_invalidate(&self, keys: &[K]) {
        either!(self, cache => { cache.multi_invalidate(keys); });
    }

    pub(super) fn multi_remove(&self, keys: &[K]) {
        either!(self, cache => { cache.multi_remove(keys); });
    }

    /// What `multi_fetch_with` gives of the first of `keys`.
    pub(super) fn multi_fetch_with(&self, keys: &[K]) -> Result<Arc<V>, LoadError> {
        let all = match self {
            Self::Threads(cache) => cache.multi_fetch_with(keys),
            Self::Tasks(cache) => futures::executor::block_on(cache.multi_fetch_with(keys)),
        };
        all.get(&keys[0]).expect("it was asked for").clone()
    }
}

/// A mock clock, and a builder that goes by it.
pub(super) fn mocked<K: Key, V: Value>() -> (MockClock, CacheBuilder<K, V>) {
    let clock = MockClock::new();
    (clock.clone(), CacheBuilder::new().clock(clock))
}

/// A cache whose loads come by a runway and bring `answer` of their number.
pub(super) fn with_runway<F: Kind>(
    gates: usize,
    style: Style,
    builder: CacheBuilder<u32, u32>,
    answer: impl Fn(u32) -> Loaded<u32> + Clone + Send + Sync + 'static,
) -> (F::Of<u32, u32>, Hands<u32, u32>, Runway) {
    let runway = Runway::new(gates);
    let builder = runway.loader(builder, style, move |number| Ok(answer(u32::try_from(number).expect("there are few loads"))));
    let (cache, hands) = Hands::build::<F>(builder);
    (cache, hands, runway)
}
