//! Writes: a value is stored in one critical section of its shard, with room from there if there is any, else gathered from all shards.

use super::counters::Outcome;
use super::shared::CacheShared;
use crate::ground::contain::{contain, drop_contained};
use crate::ground::hash::Hashed;
use crate::ground::sync::atomic::Ordering;
use crate::mechanisms::flight::{Landing, Standing};
use crate::mechanisms::outbox::Sending;
use crate::shard::{Answered, By, Clearing, Committed, Departures, Held, Needed, Place, Put, Shard};
use crate::vocabulary::expiry::hook::Hook;
use crate::vocabulary::expiry::{Lifetime, Origin};
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loaded::{Answer, Loaded, Own};
use crate::vocabulary::refused::Refused;
use equivalent::Equivalent;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

/// What came of storing a value.
pub(crate) enum Stored<V> {
    Held(Held),
    Refused,
    Superseded,
    /// One of its tags was struck while it was being loaded, first by the strike of this number, as far as is known.
    Struck(u64),
    /// What it was to take the place of isn't what is held.
    Unmet(Unmet<V>),
}

/// A conditional write that has changed nothing.
pub(crate) struct Unmet<V> {
    /// What was to be stored.
    pub(crate) value: Arc<V>,
    /// What is held that everybody may see.
    pub(crate) held: Option<Arc<V>>,
}

/// How a value came about that is to be stored.
#[derive(Clone, Copy)]
pub(super) struct Making {
    /// How long its load took; zero where a caller brings it.
    pub(super) load_time: Duration,
    /// The number of its load or write among the strikes of tags.
    pub(super) stamp: u64,
}

impl<K: Key, V: Value, S> CacheShared<K, V, S> {
    /// How a value came about that a caller brings.
    pub(super) fn by_a_caller(&self) -> Making {
        Making { load_time: Duration::ZERO, stamp: self.tags.now() }
    }

    /// A caller's write. What is no value to be stored removes the one that is held.
    ///
    /// # Errors
    /// If there is a value, and it isn't held.
    pub(crate) fn insert(&self, hashed: Hashed, key: K, loaded: Loaded<V>) -> Result<(), Refused> {
        match loaded.answer {
            Answer::Value(value) => {
                let put = self.weighed((hashed, key), value, loaded.own, By::Caller, self.by_a_caller());
                let weight = put.weight;
                self.heed(hashed);
                if let Stored::Refused = self.accounted(|out| self.put(put, out)) {
                    return Err(Refused::new(weight, self.room.limit()));
                }
            }
            Answer::Uncached(value) => {
                drop_contained(self.remove(Place { hashed, key: &key, clock: &self.clock }));
                drop_contained(value);
            }
            Answer::Absent => drop_contained(self.remove(Place { hashed, key: &key, clock: &self.clock })),
            Answer::Unchanged => {}
        }
        Ok(())
    }

    /// A value with its weight and times, by its own settings, else the hook's, else the cache's. Runs the weigher and the hook.
    pub(super) fn weighed<'a>(
        &self,
        (hashed, key): (Hashed, K),
        value: Arc<V>,
        mut own: Own,
        by: By<'a, K, V>,
        making: Making,
    ) -> Put<'a, K, V> {
        let weight = own.weight.unwrap_or_else(|| self.settings.weigher.weigh(&key, &value));
        let hook = self.settings.hook.as_ref();
        if let (None, Some(Hook { expiry, .. })) = (own.rules.lifetime, hook) {
            let held = self.shard(hashed).time_left(Place { hashed, key: &key, clock: &self.clock });
            let live = match held {
                Some(left) => expiry.on_update(&key, &value, left),
                None => expiry.on_create(&key, &value),
            };
            own.rules.lifetime = live.map(Lifetime::For);
        }
        let Making { load_time, stamp } = making;
        let origin = Origin { load_time, reread: hook.is_some_and(|hook| hook.reads) };
        let mut times = self.settings.rules.times(&own.rules, origin, &self.clock);
        if let Some(labels) = self.labels(&own.tags, stamp) {
            times.label(labels);
        }
        let cost = own.cost.unwrap_or(load_time);
        let renewal = own.unchanged.then(|| Box::new(own));
        Put {
            hashed,
            key,
            value,
            weight,
            times,
            stamp,
            cost,
            by,
            renewal,
            need: Needed::Unknown,
            gave_way: Cell::new(None),
            stays: Cell::new(false),
            verdict: None,
        }
    }

    /// Ends the time to live of what is held for a key, and overtakes its flight.
    pub(crate) fn expire<Q: Equivalent<K> + ?Sized>(&self, place: Place<'_, Q>) -> bool {
        self.heed(place.hashed);
        self.accounted(|out| self.shard(place.hashed).expire(place, self.terms(), out))
    }

    /// Sets how long from now on the value of a key is fresh.
    pub(crate) fn set_ttl<Q: Equivalent<K> + ?Sized>(&self, place: Place<'_, Q>, time_to_live: Duration) -> bool {
        self.accounted(|out| self.shard(place.hashed).live_for(place, time_to_live, out))
    }

    /// Stores a value.
    pub(super) fn put(&self, put: Put<'_, K, V>, out: &mut Departures<K, V>) -> Stored<V> {
        let shard = self.shard(put.hashed);
        // What was promised goes back before anything is waited for: the promise ends with this statement.
        let mut putting = Some(put);
        let committed = shard.commit(&mut putting, self.terms(), &mut self.room.promise(), out);
        match committed {
            Committed::NeedsRoom { put, needed } => self.put_gathering(needed, put, out),
            done => self.conclude(done, out),
        }
    }

    pub(super) fn conclude(&self, committed: Committed<'_, K, V>, out: &mut Departures<K, V>) -> Stored<V> {
        match committed {
            Committed::Stored { held, answered } => {
                if let Some(Answered { flight, value }) = answered.filter(|answered| answered.flight.seal()) {
                    self.book(out);
                    drop(self.publish(&flight, Landing { result: Ok(value), standing: Standing::Held }, Some(Outcome::Answered)));
                }
                Stored::Held(held)
            }
            Committed::Refused => Stored::Refused,
            Committed::Superseded => Stored::Superseded,
            Committed::Struck(by) => Stored::Struck(by),
            Committed::Unmet(Put { key, value, .. }, held) => {
                out.key(key);
                Stored::Unmet(Unmet { value, held })
            }
            Committed::NeedsRoom { .. } => unreachable!("room is gathered before a put is concluded"),
        }
    }

    /// Removes a value and overtakes its flight.
    pub(crate) fn remove<Q: Equivalent<K> + ?Sized>(&self, place: Place<'_, Q>) -> Option<Arc<V>> {
        self.remove_if(place, None)
    }

    /// As [`remove`](Self::remove), if just the `expected` value is held.
    pub(crate) fn remove_if<Q: Equivalent<K> + ?Sized>(&self, place: Place<'_, Q>, expected: Option<&Arc<V>>) -> Option<Arc<V>> {
        self.heed(place.hashed);
        self.accounted(|out| self.shard(place.hashed).remove(place, expected, self.terms(), out))
    }

    /// Stores `value` if `by` may.
    ///
    /// # Errors
    /// If it may not.
    pub(crate) fn write_if(&self, hashed: Hashed, key: K, by: By<'_, K, V>, value: Arc<V>) -> Result<(), Unmet<V>> {
        let put = self.weighed((hashed, key), value, Own::default(), by, self.by_a_caller());
        self.heed(hashed);
        self.put_if(put)
    }

    /// As [`write_if`](Self::write_if), of what is weighed already.
    pub(super) fn put_if(&self, put: Put<'_, K, V>) -> Result<(), Unmet<V>> {
        match self.accounted(|out| self.put(put, out)) {
            Stored::Unmet(unmet) => Err(unmet),
            Stored::Held(_) | Stored::Refused | Stored::Superseded | Stored::Struck(_) => Ok(()),
        }
    }

    /// Runs a write and lets go of what it sent on its way, also if a key's `Eq` panics on the way: then the panic goes on after it.
    pub(super) fn accounted<R>(&self, write: impl FnOnce(&mut Departures<K, V>) -> R) -> R {
        let mut out = Departures::new();
        let done = contain(|| write(&mut out));
        self.let_go(out);
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.0))
    }
}

impl<K: Key, V: Value, S> CacheShared<K, V, S> {
    /// Stores what the load of other keys brought, which has this `number`: only where there is nothing, and nothing has happened since it began.
    pub(super) fn insert_unasked(&self, key: K, loaded: Loaded<V>, number: u64, stamp: u64) -> bool {
        let Answer::Value(value) = loaded.answer else { return false };
        let making = Making { load_time: Duration::ZERO, stamp };
        // What the weigher and the key do is nothing that the other keys of the load should suffer from.
        let stored = contain(|| {
            let hashed = (self.hash_key)(&self.hasher, &key);
            let put = self.weighed((hashed, key), value, loaded.own, By::Unasked(number), making);
            self.heed(hashed);
            self.accounted(|out| self.put(put, out))
        });
        match stored {
            Ok(stored) => matches!(stored, Stored::Held(_)),
            Err(panic) => {
                panic.forget();
                false
            }
        }
    }
}

impl<K, V, S> CacheShared<K, V, S> {
    /// From now on the shards note which keys have changed lately: a load is about to begin that may bring what it isn't asked for.
    pub(super) fn note_writes(&self) {
        // Relaxed: each shard's lock says what came before what.
        if !self.notes_writes.load(Ordering::Relaxed) {
            self.shards.iter().for_each(Shard::note_changes);
            self.notes_writes.store(true, Ordering::Relaxed);
        }
    }

    /// Tells the policy of every use that hits have left a mark of.
    pub(crate) fn work_in_uses(&self) {
        self.shards.iter().for_each(Shard::work_in_touches);
    }

    /// Removes everything and overtakes all flights, shard by shard.
    pub(crate) fn clear(&self) {
        self.empty(Clearing::Told);
    }

    pub(super) fn empty(&self, clearing: Clearing) {
        for shard in &self.shards {
            if clearing == Clearing::Told {
                self.heed_outbox(shard, Sending::Bundle);
            }
            let mut out = Departures::new();
            shard.clear(clearing, self.terms(), &mut out);
            self.let_go(out);
        }
    }
}
