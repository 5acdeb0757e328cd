//! Room that no shard can make in itself: gathered over all of them for one entry, or given up for good where the capacity shrinks.

use super::shared::CacheShared;
use super::write::Stored;
use crate::ground::reentry;
use crate::ground::sync::yield_now;
use crate::mechanisms::eviction::{Pins, Verdict};
use crate::mechanisms::outbox::Sending;
use crate::mechanisms::room::Promise;
use crate::shard::{Committed, Departures, Done, Evicting, Put, Shard, Terms};
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::what_if::WhatIf;

/// Holds of locks in one step of shrinking, after which what has left is let go of.
const HOLDS: u32 = 16;

impl<K: Key, V: Value, S> CacheShared<K, V, S> {
    /// Stores a value for which its own shard can't make room. One caller at a time: two that sat on half the room each would wait for ever.
    #[cold]
    pub(super) fn put_gathering(&self, needed: u64, put: Put<'_, K, V>, out: &mut Departures<K, V>) -> Stored<V> {
        let shard = self.shard(put.hashed);
        let terms = Terms { share: None, ..self.terms() };
        let is_welcome = put.verdict == Some(Verdict::Welcome);
        // If a key's `Eq` panics it is dropped here, under no lock.
        let mut putting = Some(put);
        let committed = {
            let _turn = self.room.gathering.lock();
            let mut promise = self.room.promise();
            if !is_welcome {
                // What is of no worth goes first, wherever it is; then the policy is asked, or has the last word.
                self.gather_worthless(needed, terms, &mut promise, out);
            }
            loop {
                match shard.commit(&mut putting, terms, &mut promise, out) {
                    Committed::NeedsRoom { put, needed } => {
                        let put = putting.insert(put);
                        match put.verdict {
                            Some(Verdict::Welcome) => self.gather(needed, put, terms, &mut promise, out),
                            Some(Verdict::Refused) | None => self.gather_worthless(needed, terms, &mut promise, out),
                        }
                    }
                    done => break done,
                }
            }
        };
        self.conclude(committed, out)
    }

    /// Frees room that nothing of worth has, in any shard, until `needed` is promised.
    fn gather_worthless(&self, needed: u64, terms: Terms<'_>, promise: &mut Promise<'_>, out: &mut Departures<K, V>) {
        let mut shards = self.shards.iter();
        while let Some(shard) = shards.next().filter(|_| !promise.reach_for(needed)) {
            while shard.free_worthless(needed, terms, promise, out) == Done::Part {}
        }
    }

    /// Evicts from the fullest shards until `needed` is promised for `put`. It ends: what is promised here nobody else can take, and all other room
    /// is in entries, but for what another caller is about to store. Where entries are pinned that can't be had without, `put` is refused.
    fn gather(&self, needed: u64, put: &mut Put<'_, K, V>, terms: Terms<'_>, promise: &mut Promise<'_>, out: &mut Departures<K, V>) {
        if self.room.answers() > 0 {
            // Before any value, wherever they are.
            self.gather_worthless(needed, terms, promise, out);
        }
        // The capacity may shrink meanwhile.
        while !promise.reach_for(needed) && put.weight <= self.room.limit() {
            let before = promise.amount();
            let own = |shard: &Shard<K, V>| std::ptr::eq(shard, self.shard(put.hashed)).then_some(&*put);
            let fullest = self.shards.iter().max_by_key(|shard| shard.weight()).filter(|shard| shard.weight() > 0);
            if let Some(shard) = fullest {
                shard.evict_towards(needed, Evicting::For(own(shard)), terms, promise, out);
            }
            if promise.amount() == before {
                let mut is_pinned = false;
                for shard in &self.shards {
                    is_pinned |= shard.evict_towards(needed, Evicting::For(own(shard)), terms, promise, out);
                }
                if is_pinned && promise.amount() == before {
                    put.verdict = Some(Verdict::Refused);
                    return;
                }
                yield_now();
            }
        }
    }

    /// Sets how much may be held. What is too much leaves, in steps between which others have their turn; then the new capacity is there to be seen.
    ///
    /// Of several at a time the last one counts for all.
    ///
    /// # Panics
    /// Inside the closure of `get` or a policy's method.
    pub(crate) fn set_capacity(&self, capacity: u64) {
        // Before the mutex, which a call that this one is inside of may hold.
        reentry::check();
        {
            let _turn = self.room.gathering.lock();
            self.room.aim_at(capacity);
            self.plan.resize(capacity);
            // Whoever took room by the old limit did so under one of these locks, or in this turn.
            self.shards.iter().for_each(|shard| shard.resized(self.plan.bounds()));
        }
        loop {
            self.shards.iter().for_each(|shard| self.heed_outbox(shard, Sending::Single));
            if self.accounted(|out| self.shrink(out)) {
                return;
            }
        }
    }

    /// What other capacities would be worth.
    pub(crate) fn what_if(&self) -> Vec<WhatIf> {
        let metrics = self.metrics();
        let hits = metrics.hits + metrics.stale_hits;
        self.plan.what_if(hits, hits + metrics.misses)
    }

    /// Evicts from the fullest shard for good; of pinned entries only where there are no others in any shard.
    fn evict_for_good(&self, surplus: u64, fullest: &Shard<K, V>, terms: Terms<'_>, promise: &mut Promise<'_>, out: &mut Departures<K, V>) {
        let before = promise.amount();
        for (shard, pins) in std::iter::once(fullest).chain(&self.shards).map(|shard| (shard, Pins::Held)).chain([(fullest, Pins::Ignored)])
        {
            let _is_pinned = shard.evict_towards(surplus, Evicting::ForGood(pins), terms, promise, out);
            if promise.amount() > before {
                return;
            }
        }
    }

    /// One step towards the limit. Says whether it is reached.
    fn shrink(&self, out: &mut Departures<K, V>) -> bool {
        let _turn = self.room.gathering.lock();
        let terms = Terms { share: None, ..self.terms() };
        // What weighs nothing is bounded by number.
        if self.shards.iter().any(|shard| shard.evict_weightless(terms, out) == Done::Part) {
            return false;
        }
        for _ in 0..HOLDS {
            if self.room.settle() {
                return true;
            }
            let limit = self.room.limit();
            if self.room.answers() > limit / 8 {
                self.shards.iter().any(|shard| shard.forget_oldest(terms, out));
                continue;
            }
            // What is promised beyond what is to go would be given back below all the same.
            let mut promise = self.room.promise();
            let surplus = self.room.held().saturating_sub(limit);
            if let Some(shard) = self.shards.iter().find(|shard| self.room.answers() > 0 && shard.has_answers()) {
                // Before any value, wherever they are.
                let _all_or_part = shard.free_worthless(surplus, terms, &mut promise, out);
                continue;
            }
            let fullest = self.shards.iter().max_by_key(|shard| shard.weight()).filter(|shard| shard.weight() > 0);
            match fullest {
                Some(shard) => self.evict_for_good(surplus, shard, terms, &mut promise, out),
                // Somebody is about to store what room was promised for.
                None => yield_now(),
            }
        }
        false
    }
}
