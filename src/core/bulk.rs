//! Reading and writing many keys at once, which the feature `bulk` gives its users.

use super::counters::Count;
use super::fetch::Look;
use super::groups::Groups;
use super::places::Caller;
use super::shared::CacheShared;
use crate::ground::contain::contain;
use crate::ground::hash::Hashed;
use crate::ground::reentry;
use crate::mechanisms::outbox::Sending;
use crate::shard::{By, Committed, Departures, Need, Put, Shard};
use crate::vocabulary::error::LoadError;
use crate::vocabulary::keys::{Key, LoadKey, Lookup, Value};
use crate::vocabulary::loaded::Own;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;

/// From so many keys on a lookup is divided among threads. Measured on two cores: the halves of 4,096 keys take two thirds of the time of the whole,
/// those of 1,024 and of 2,048 about four fifths, and more than that while others are busy.
const MANY: usize = 4_096;

/// Keys that are written in one hold of a lock, at most.
const WRITES: usize = 64;

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> CacheShared<K, V, S> {
    /// What came of each key, for a thread that waits for all of them.
    pub(crate) fn fetch_many_blocking<'q, Q>(self: &Arc<Self>, keys: &[&'q Q]) -> Vec<Result<Arc<V>, LoadError>>
    where
        Q: LoadKey<K> + ?Sized + 'q,
    {
        let each = self
            .ask_many(keys, Look::First, Caller::Thread)
            .asked
            .into_iter()
            .zip(keys)
            .map(|(asked, &key)| self.finish_blocking(key, asked).map(|fetched| fetched.value));
        each.collect()
    }

    /// What is held for each key, counted.
    pub(crate) fn get_many<'q, Q>(&self, keys: &[&'q Q]) -> Vec<Option<Arc<V>>>
    where
        Q: Lookup<K> + Sync + ?Sized + 'q,
    {
        let mut found = vec![None; keys.len()];
        self.look_spread(keys, &mut found);
        let hits = found.iter().filter(|found| found.is_some()).count();
        self.counters.count_many(Count::Hit, hits as u64);
        self.counters.count_many(Count::Miss, (keys.len() - hits) as u64);
        found
    }

    /// Looks for many keys, by several threads where they are very many.
    fn look_spread<'q, Q>(&self, keys: &[&'q Q], found: &mut [Option<Arc<V>>])
    where
        Q: Lookup<K> + Sync + ?Sized + 'q,
    {
        // Inside the closure of `get` this thread is the one that is to hear that it can't call the cache there.
        if keys.len() < MANY || reentry::is_inside() {
            return self.look_many(keys, Need::Shown, found);
        }
        let (keys, more) = keys.split_at(keys.len() / 2);
        let (found, rest) = found.split_at_mut(keys.len());
        rayon::join(|| self.look_spread(keys, found), || self.look_spread(more, rest));
    }

    /// Removes the values of many keys, and overtakes their flights. Gives those that were fresh.
    pub(crate) fn remove_many<'q, Q>(&self, keys: &[&'q Q]) -> Vec<Option<Arc<V>>>
    where
        Q: Lookup<K> + ?Sized + 'q,
    {
        let groups = Groups::new(self, keys);
        let mut removed = vec![None; keys.len()];
        for (shard, members) in groups.of(self) {
            for members in members.chunks(WRITES) {
                self.heed_outbox(shard, Sending::Single);
                let wanted = members.iter().map(|&number| (number as usize, groups.place(number, self, keys)));
                self.accounted(|out| shard.remove_each(wanted, self.terms(), out, |number, value| removed[number] = Some(value)));
            }
        }
        removed
    }

    /// Stores many values, as a caller's writes.
    pub(crate) fn insert_many(&self, items: Vec<(K, V)>) {
        let groups = Groups::new(self, &items.iter().map(|(key, _)| key).collect::<Vec<_>>());
        let mut items: Vec<_> = items.into_iter().map(Some).collect();
        // A hook is asked what a value's time is by what is held, which may be the one before.
        let writes = if self.settings.hook.is_some() { 1 } else { WRITES };
        for (shard, members) in groups.of(self) {
            for members in members.chunks(writes) {
                let taken = members.iter().filter_map(|&number| Some((groups.hashed(number), items[number as usize].take()?)));
                let weighed = |(hashed, (key, value))| self.written((hashed, key), Arc::new(value));
                let mut puts: VecDeque<_> = taken.map(weighed).collect();
                while !puts.is_empty() {
                    self.heed_outbox(shard, Sending::Single);
                    self.accounted(|out| self.put_each(shard, &mut puts, out));
                }
            }
        }
    }
}

impl<K: Key, V: Value, S> CacheShared<K, V, S> {
    /// What a caller would store by no more than the cache's own rules.
    fn written<'a>(&self, key: (Hashed, K), value: Arc<V>) -> Put<'a, K, V> {
        self.weighed(key, value, Own::default(), By::Caller, self.by_a_caller())
    }

    /// Stores several values of one shard, from the front on, as many as one hold of its lock may take.
    fn put_each(&self, shard: &Shard<K, V>, puts: &mut VecDeque<Put<'_, K, V>>, out: &mut Departures<K, V>) {
        let mut committed = Vec::with_capacity(puts.len());
        let done = contain(|| shard.commit_each(puts, self.terms(), out, &mut committed));
        for committed in committed {
            match committed {
                Committed::NeedsRoom { put, needed } => drop(self.put_gathering(needed, put, out)),
                done => drop(self.conclude(done, out)),
            }
        }
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.0));
    }
}
