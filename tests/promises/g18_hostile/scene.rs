//! A cache with a few hostile keys in it, calls to make on it, and what must hold after one of them has panicked.

use crate::faces::{Face, Kind};
use crate::g18_hostile::fuse::{Hashes, Key, Keys};
use crate::rest::at_rest;
use crate::runway::{Runway, Style};
use crate::tally::tally;
use bellwether::{CacheBuilder, EvictionPolicy, LoadError, Loaded, MetricsSnapshot, RemovalCause};
use std::collections::BTreeMap;

pub(crate) type Of<F> = <F as Kind>::Of<Key, usize>;

/// Keys 0 to 3 are held, each with a weight of one.
pub(crate) const HELD: u32 = 4;
/// Not held.
pub(crate) const NEW: u32 = 9;
/// What calls insert.
pub(crate) const INSERTED: usize = 1_000;
/// The least that a load brings.
pub(crate) const LOADED: usize = 2_000;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) capacity: u64,
    pub(crate) shards: usize,
    pub(crate) hashes: Hashes,
    pub(crate) style: Style,
}

/// Full and roomy caches, of one shard and of several, with keys whose hashes collide or not.
pub(crate) fn settings(style: Style) -> impl Iterator<Item = Setting> {
    let all = [(4, 1, Hashes::Equal), (4, 4, Hashes::Own), (4, 4, Hashes::Equal), (50, 1, Hashes::Equal), (50, 4, Hashes::Own)];
    all.into_iter().map(move |(capacity, shards, hashes)| Setting { capacity, shards, hashes, style })
}

pub(crate) struct Scene<F: Kind> {
    pub(crate) keys: Keys,
    pub(crate) cache: Of<F>,
    /// Where loads come by. It has a gate for the first one if the scene is to have a load in the air.
    pub(crate) runway: Runway,
}

/// How a call ended that didn't panic.
pub(crate) enum Done {
    /// With keys that are the caller's now.
    Plain(#[expect(dead_code, reason = "to be dropped when the fuse is out")] Vec<Key>),
    Load(Result<(), LoadError>),
}

impl Done {
    fn nothing() -> Self {
        Self::Plain(Vec::new())
    }
}

/// A call on a key, which stays the caller's.
pub(crate) type Call<F> = (&'static str, fn(&Of<F>, &Key) -> Done);

/// How many values a call has stored that ended so, but for what it loaded.
pub(crate) fn stored<R>((name, _): (&str, R), result: &Result<Done, String>) -> u64 {
    u64::from(result.is_ok() && ["insert", "insert of a heavy one"].contains(&name))
}

/// Calls that write, of which each but the last leaves the room of others alone.
pub(crate) fn writes<F: Kind>() -> [Call<F>; 6] {
    [
        ("insert", |cache, key| {
            cache.insert(key.twin(), INSERTED);
            Done::nothing()
        }),
        ("insert of one too heavy", |cache, key| {
            cache.insert_with(key.twin(), Loaded::value(INSERTED).weight(u64::MAX));
            Done::nothing()
        }),
        ("insert of absence", |cache, key| {
            cache.insert_with(key.twin(), Loaded::absent());
            Done::nothing()
        }),
        ("remove", |cache, key| {
            cache.remove(key);
            Done::nothing()
        }),
        ("invalidate", |cache, key| {
            cache.invalidate(key);
            Done::nothing()
        }),
        ("insert of a heavy one", |cache, key| {
            cache.insert_with(key.twin(), Loaded::value(INSERTED).weight(4));
            Done::nothing()
        }),
    ]
}

/// Calls that read, load or take all keys at once.
pub(crate) fn others<F: Kind>() -> [Call<F>; 11] {
    [
        ("fetch", |cache, key| {
            cache.fetch(key);
            Done::nothing()
        }),
        ("get", |cache, key| {
            cache.get(key, |_| ());
            Done::nothing()
        }),
        ("peek", |cache, key| {
            cache.peek(key);
            Done::nothing()
        }),
        ("contains_key", |cache, key| {
            cache.contains_key(key);
            Done::nothing()
        }),
        ("iter", |cache, _| Done::Plain(cache.entries().into_iter().map(|(key, _)| key).collect())),
        ("clear", |cache, _| {
            cache.clear();
            Done::nothing()
        }),
        ("fetch_with", |cache, key| Done::Load(cache.fetch_with(key).map(drop))),
        ("fetch_optional", |cache, key| Done::Load(cache.fetch_optional(key).map(drop))),
        ("fetch_detailed", |cache, key| Done::Load(cache.fetch_detailed(key).map(drop))),
        ("fetch_or_load", |cache, key| Done::Load(cache.fetch_or_load(key, || Loaded::ok(LOADED)).map(drop))),
        ("refresh", |cache, key| Done::Load(cache.refresh(key).map(drop))),
    ]
}

impl<F: Kind> Scene<F> {
    pub(crate) fn new(setting: Setting, gates: usize) -> Self {
        let (keys, runway) = (Keys::new(setting.hashes), Runway::new(gates));
        let builder = CacheBuilder::new().eviction(EvictionPolicy::Lru).capacity(setting.capacity).shards(setting.shards);
        let builder = runway.loader(builder, setting.style, |number| Loaded::ok(LOADED + number));
        let cache: Of<F> = F::Of::build(builder);
        for id in 0..HELD {
            cache.insert(keys.key(id), id as usize);
        }
        Self { keys, cache, runway }
    }

    /// What is held, by the keys' numbers.
    pub(crate) fn content(&self) -> BTreeMap<u32, usize> {
        self.cache.entries().into_iter().map(|(key, value)| (key.id, *value)).collect()
    }

    /// The fuse is out: the accounts agree, nothing is in the air, and the cache is as usable as ever, for all keys. What came to be held, the
    /// first few, so many that were `inserted` and what was loaded, is still held or has left for a cause.
    pub(crate) fn is_sound(&self, what: &str, inserted: u64) {
        let metrics = at_rest(&self.cache.sync());
        assert_eq!(self.content().len() as u64, self.cache.len(), "{what}: each entry can be reached");
        let stored = u64::from(HELD) + inserted + metrics.loads_stored;
        tally(&self.cache.sync(), |metrics| (what.to_owned(), metrics.entries + left(metrics)), (what.to_owned(), stored));
        for id in [0, 1, NEW, 77] {
            let key = self.keys.key(id);
            self.cache.insert(key.twin(), 7);
            assert_eq!(self.cache.fetch(&key).as_deref(), Some(&7), "{what}");
            assert_eq!(self.cache.remove(&key).as_deref(), Some(&7), "{what}");
            let loaded = *self.cache.fetch_with(&key).expect("the loader brings it");
            assert!(loaded >= LOADED, "{what}");
            assert_eq!(self.cache.peek(&key).as_deref(), Some(&loaded), "{what}");
        }
        at_rest(&self.cache.sync());
    }
}

/// Values that were held and have left.
fn left(metrics: &MetricsSnapshot) -> u64 {
    use RemovalCause::{Absent, Cleared, Evicted, Expired, Invalidated, Replaced};
    [Evicted, Expired, Replaced, Invalidated, Cleared, Absent].map(|cause| metrics.removals(cause)).iter().sum()
}
