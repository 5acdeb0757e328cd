//! Writes: a value is stored in one critical section of its shard, with room from there if there is any, else gathered from all shards.

use super::counters::Outcome;
use super::shared::CacheShared;
use crate::ground::contain::{contain, drop_contained};
use crate::ground::hash::Hashed;
use crate::mechanisms::flight::{Landing, Standing};
use crate::mechanisms::outbox::Sending;
use crate::shard::{Answered, By, Clearing, Committed, Departures, Held, Need, Place, Put, Shard};
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
    /// The value that it was to take the place of isn't held; this is what was to be stored.
    Unmet(Arc<V>),
}

impl<K: Key, V: Value, S> CacheShared<K, V, S> {
    /// A caller's write. What is no value to be stored removes the one that is held.
    ///
    /// # Errors
    /// If there is a value, and it isn't held.
    pub(crate) fn insert(&self, hashed: Hashed, key: K, loaded: Loaded<V>) -> Result<(), Refused> {
        match loaded.answer {
            Answer::Value(value) => {
                let put = self.weighed((hashed, key), value, loaded.own, By::Caller, Duration::ZERO);
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
        load_time: Duration,
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
        let origin = Origin { load_time, reread: hook.is_some_and(|hook| hook.reads) };
        let times = self.settings.rules.times(&own.rules, origin, &self.clock);
        let cost = own.cost.unwrap_or(load_time);
        let renewal = own.unchanged.then(|| Box::new(own));
        Put {
            hashed,
            key,
            value,
            weight,
            times,
            cost,
            by,
            renewal,
            need: Need::Unknown,
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
            Committed::Unmet(Put { key, value, .. }) => {
                out.key(key);
                Stored::Unmet(value)
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

    /// Stores `value` in place of just the `expected` one.
    ///
    /// # Errors
    /// If that isn't held: the value comes back.
    pub(crate) fn replace(&self, hashed: Hashed, key: K, expected: &Arc<V>, value: Arc<V>) -> Result<(), Arc<V>> {
        let put = self.weighed((hashed, key), value, Own::default(), By::Holder(expected), Duration::ZERO);
        self.heed(hashed);
        match self.accounted(|out| self.put(put, out)) {
            Stored::Unmet(value) => Err(value),
            Stored::Held(_) | Stored::Refused | Stored::Superseded => Ok(()),
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

impl<K, V, S> CacheShared<K, V, S> {
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
