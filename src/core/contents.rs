//! Contents: what a cache holds, to be taken down and put back, by one who needn't know how its keys are hashed.

use super::shared::CacheShared;
use super::write::Stored;
use crate::ground::contain::drop_contained;
use crate::ground::hash::Hashed;
use crate::ground::time::Tick;
use crate::shard::{Asked, By, Exported, Held, Needed, Put, Shard};
use crate::vocabulary::expiry::{Origin, Times};
use crate::vocabulary::keys::{Key, Value};
use std::cell::Cell;
use std::hash::BuildHasher;
use std::ops::ControlFlow;

/// What came of one entry that was put back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PutBack {
    Stored,
    /// Something newer is known of its key.
    Known,
    /// There is no room for it.
    Refused,
}

/// Takes entries, some at a time, and says whether to go on.
pub(crate) type Batch<'a, K, V> = dyn FnMut(Vec<Exported<K, V>>) -> ControlFlow<()> + 'a;

/// A cache as one sees it who saves and restores it.
pub(crate) trait Contents<K, V>: Send + Sync {
    /// The cache's own time.
    fn now(&self) -> Tick;

    /// Hands all entries to `batch`, shard after shard; one shard's lock is held at a time, and none while `batch` runs. Runs the keys' `Clone`.
    fn export(&self, at: Tick, batch: &mut Batch<'_, K, V>);

    /// Whether the last handle is gone: then what was handed out may not have been all.
    fn has_ended(&self) -> bool;

    /// Runs the key's `Hash`.
    fn hash(&self, key: &K) -> Hashed;

    /// Whether the entry has nothing left of its time by now.
    fn is_over(&self, entry: &Exported<K, V>) -> bool;

    /// The weight that can come without anything leaving for it.
    fn room_left(&self) -> u64;

    /// A restore begins: whatever happens to a key from now on is newer than what was saved. Gives the number that what is put back has.
    fn begin_putting_back(&self) -> u64;

    fn end_putting_back(&self);

    /// Stores an entry with what is left of its times, unless something is known of its key by now.
    fn put_back(&self, hashed: Hashed, entry: Exported<K, V>, number: u64) -> PutBack;
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> Contents<K, V> for CacheShared<K, V, S> {
    fn now(&self) -> Tick {
        self.clock.now()
    }

    fn export(&self, at: Tick, batch: &mut Batch<'_, K, V>) {
        let asked = Asked { rules: &self.settings.rules, at, clock: &self.clock };
        let _all_or_stopped = self.shards.iter().try_for_each(|shard| shard.export(asked, &mut *batch));
    }

    fn has_ended(&self) -> bool {
        self.handles.are_gone()
    }

    fn hash(&self, key: &K) -> Hashed {
        Hashed::of(key, &self.hasher)
    }

    fn is_over(&self, entry: &Exported<K, V>) -> bool {
        self.times_of(entry).is_over(&self.clock)
    }

    fn room_left(&self) -> u64 {
        self.room.limit().saturating_sub(self.room.held())
    }

    fn begin_putting_back(&self) -> u64 {
        self.shards.iter().for_each(Shard::restore_begins);
        self.tags.now()
    }

    fn end_putting_back(&self) {
        self.shards.iter().for_each(Shard::restore_ends);
    }

    fn put_back(&self, hashed: Hashed, entry: Exported<K, V>, number: u64) -> PutBack {
        let mut times = self.times_of(&entry);
        if let Some(labels) = self.labels(&entry.tags, number) {
            times.label(labels);
        }
        let cost = entry.load_time();
        let put = Put {
            hashed,
            key: entry.key,
            value: entry.value,
            weight: entry.weight,
            times,
            stamp: number,
            cost,
            by: By::Restorer,
            renewal: None,
            need: Needed::Known,
            gave_way: Cell::new(None),
            stays: Cell::new(false),
            verdict: None,
        };
        self.heed(hashed);
        match self.accounted(|out| self.put(put, out)) {
            Stored::Held(Held::Anew | Held::Renewed) => PutBack::Stored,
            Stored::Unmet(unmet) => {
                drop_contained(unmet.value);
                PutBack::Known
            }
            Stored::Refused | Stored::Superseded | Stored::Struck(_) => PutBack::Refused,
        }
    }
}

impl<K, V, S> CacheShared<K, V, S> {
    fn times_of(&self, entry: &Exported<K, V>) -> Times {
        let reread = self.settings.hook.as_ref().is_some_and(|hook| hook.reads);
        Times::restored(&entry.times, &self.settings.rules, Origin { load_time: entry.load_time(), reread }, &self.clock)
    }
}
