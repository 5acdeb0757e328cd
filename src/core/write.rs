//! Writes: a value is stored in one critical section of its shard, with room from there if there is any, else gathered from all shards.

use super::counters::Outcome;
use super::shared::CacheShared;
use crate::ground::hash::Hashed;
use crate::ground::sync::yield_now;
use crate::mechanisms::flight::{Landing, Standing};
use crate::mechanisms::room::Promise;
use crate::shard::{Answered, By, Committed, Departures, Place, Put, Terms};
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loaded::{Answer, Loaded};
use equivalent::Equivalent;
use std::sync::Arc;

/// What came of storing a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stored {
    Held,
    Refused,
    Superseded,
}

impl<K: Key, V: Value, S> CacheShared<K, V, S> {
    /// A caller's write. What is no value to be stored removes the one that is held.
    pub(crate) fn insert(&self, hashed: Hashed, key: K, loaded: Loaded<V>) {
        match loaded.answer {
            Answer::Value(ref value) => {
                let value = Arc::clone(value);
                let mut out = Departures::new();
                let put = self.weighed(hashed, key, value, &loaded, By::Caller);
                self.put(put, &mut out);
                self.let_go(out);
            }
            Answer::Uncached(_) | Answer::Absent => {
                let place = Place { hashed, key: &key, clock: &self.clock };
                drop(self.remove(place));
            }
            Answer::Unchanged => {}
        }
    }

    /// A value with its weight and times, by its own settings or else the cache's. Runs the weigher.
    pub(super) fn weighed<'a>(&self, hashed: Hashed, key: K, value: Arc<V>, loaded: &Loaded<V>, by: By<'a, K, V>) -> Put<'a, K, V> {
        let weight = loaded.weight.unwrap_or_else(|| self.settings.weigher.weigh(&key, &value));
        let times = self.settings.expiry.times(loaded.time_to_live, &self.clock);
        Put { hashed, key, value, weight, times, by }
    }

    /// Stores a value.
    pub(super) fn put(&self, put: Put<'_, K, V>, out: &mut Departures<K, V>) -> Stored {
        let shard = self.shard(put.hashed);
        // What was promised goes back before anything is waited for: the promise ends with this statement.
        let committed = shard.commit(put, self.terms(), &mut self.room.promise(), out);
        match committed {
            Committed::NeedsRoom { put, .. } => self.put_gathering(put, out),
            done => self.conclude(done),
        }
    }

    /// Stores a value for which its own shard can't make room. One caller at a time: two that sat on half the room each would wait for ever.
    #[cold]
    fn put_gathering(&self, mut put: Put<'_, K, V>, out: &mut Departures<K, V>) -> Stored {
        let shard = self.shard(put.hashed);
        let terms = Terms { share: None, ..self.terms() };
        let committed = {
            let _turn = self.room.gathering.lock();
            let mut promise = self.room.promise();
            loop {
                match shard.commit(put, terms, &mut promise, out) {
                    Committed::NeedsRoom { put: again, needed } => {
                        self.gather(needed, &again, terms, &mut promise, out);
                        put = again;
                    }
                    done => break done,
                }
            }
        };
        self.conclude(committed)
    }

    /// Evicts from the fullest shards until `needed` is promised for `put`. It ends: what is promised here nobody else can take, and all other room
    /// is in entries, but for what another caller is about to store.
    fn gather(&self, needed: u64, put: &Put<'_, K, V>, terms: Terms<'_>, promise: &mut Promise<'_>, out: &mut Departures<K, V>) {
        while !promise.reach_for(needed) {
            let fullest = self.shards.iter().max_by_key(|shard| shard.weight()).filter(|shard| shard.weight() > 0);
            match fullest {
                Some(shard) => shard.evict_towards(needed, put, terms, promise, out),
                None => {
                    self.shards.iter().for_each(|shard| shard.evict_towards(needed, put, terms, promise, out));
                    yield_now();
                }
            }
        }
    }

    fn conclude(&self, committed: Committed<'_, K, V>) -> Stored {
        match committed {
            Committed::Stored { answered } => {
                if let Some(Answered { flight, value }) = answered.filter(|answered| answered.flight.seal()) {
                    self.publish(&flight, Landing { result: Ok(value), standing: Standing::Held }, Outcome::Answered);
                }
                Stored::Held
            }
            Committed::Refused => Stored::Refused,
            Committed::Superseded => Stored::Superseded,
            Committed::NeedsRoom { .. } => unreachable!("room is gathered before a put is concluded"),
        }
    }

    /// Removes a value and overtakes its flight.
    pub(crate) fn remove<Q: Equivalent<K> + ?Sized>(&self, place: Place<'_, Q>) -> Option<Arc<V>> {
        let mut out = Departures::new();
        let value = self.shard(place.hashed).remove(place, self.terms(), &mut out);
        self.let_go(out);
        value
    }

    /// Removes everything and overtakes all flights, shard by shard.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let mut out = Departures::new();
            shard.clear(self.terms(), &mut out);
            self.let_go(out);
        }
    }
}
