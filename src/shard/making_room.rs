//! Making room for a value: from what is promised, from what is of no worth, and from victims of the shard.

use super::State;
use super::departures::Departures;
use super::put::{Put, Terms};
use super::upkeep::Done;
use crate::ground::seeded::{self, Bug};
use crate::ground::slab::Slot;
use crate::mechanisms::eviction::{Arrival, Gone, Pins, Verdict};
use crate::mechanisms::room::Promise;
use crate::vocabulary::removal::RemovalCause;
use std::sync::Arc;

/// Victims that one hold of a lock takes at most.
pub(super) const VICTIMS: u32 = 256;

/// What a put lacks.
pub(super) enum Lack {
    /// So much room must be promised.
    Room(u64),
    /// The policy refuses it; this is what its key holds.
    Consent(Option<Slot>),
}

impl<K, V> State<K, V> {
    /// Sees to it that the room for `put` is promised, `held` being what the key holds now. Gives what it holds afterwards: its own old
    /// entry may have been a victim.
    pub(super) fn make_room(
        &mut self,
        put: &mut Put<'_, K, V>,
        mut held: Option<Slot>,
        terms: Terms<'_>,
        promise: &mut Promise<'_>,
        out: &mut Departures<K, V>,
    ) -> Result<Option<Slot>, Lack> {
        let weight = put.weight;
        let mut old = self.weight_in(held, weight);
        let mut needed = weight.saturating_sub(old);
        if !promise.reach_for(needed) {
            let own = held.map(|slot| self.store.handle(slot));
            let done = self.free_worthless(needed, terms, promise, out);
            if own.is_some_and(|own| !self.store.holds(own)) {
                // The key's own entry was over, and made room.
                (held, old) = (None, 0);
                needed = weight;
            }
            // Nothing of worth leaves while there may be room elsewhere that nothing of worth has: more of it here, or answers in other shards.
            if promise.amount() < needed && (done == Done::Part || (terms.share.is_some() && terms.room.answers() > 0)) {
                return Err(Lack::Room(needed));
            }
        }
        if !promise.reach_for(needed) {
            let missing = needed - promise.amount();
            let arrival = Arrival { hash: put.hashed.0, weight, missing };
            // What takes the place of a held value needs no welcome.
            let is_in = held.is_some() && self.store.evicts();
            if *put.verdict.get_or_insert_with(|| if is_in { Verdict::Welcome } else { self.store.arrives(&arrival) }) == Verdict::Refused {
                // Not before all that is of no worth has left, wherever it is.
                return Err(if terms.share.is_some() { Lack::Room(needed) } else { Lack::Consent(held) });
            }
            // What it would hold with the new entry counts: heavy entries leave gaps below the share.
            let in_turn = terms.share.is_some_and(|share| self.weight().saturating_add(missing) >= share);
            if !in_turn || self.store.weight().saturating_sub(old) < missing {
                return Err(Lack::Room(needed));
            }
            let mut evicted = 0;
            while promise.amount() < needed && evicted < VICTIMS {
                let Some(victim) = self.store.victim(Some(&arrival), Pins::Held) else { break };
                if Some(victim) == held {
                    self.give_way(victim, put, terms, promise, out);
                    (held, old) = (None, 0);
                    needed = weight;
                } else {
                    self.evict(victim, RemovalCause::Evicted, terms, promise, out);
                }
                evicted += 1;
            }
            terms.room.book_entries(0, u64::from(evicted));
            if promise.amount() < needed {
                return Err(Lack::Room(needed));
            }
        }
        if weight == 0 && held.is_none_or(|slot| self.store.get(slot).weight > 0) {
            if let Some(victim) = self.store.weightless_victim() {
                if !self.store.evicts() {
                    return Err(Lack::Consent(held));
                }
                self.evict(victim, RemovalCause::Evicted, terms, promise, out);
                terms.room.book_entries(0, 1);
            }
        }
        promise.use_up(needed);
        terms.room.give_back(old.saturating_sub(weight));
        Ok(held)
    }

    /// The weight that the new value of a key doesn't have to find room for.
    fn weight_in(&self, held: Option<Slot>, new: u64) -> u64 {
        match held {
            Some(_) if seeded::on(Bug::WeighWithNewWeight) => new,
            Some(slot) => self.store.get(slot).weight,
            None => 0,
        }
    }

    /// Takes out a victim and keeps its room. The caller books it.
    pub(super) fn evict(
        &mut self,
        victim: Slot,
        cause: RemovalCause,
        terms: Terms<'_>,
        promise: &mut Promise<'_>,
        out: &mut Departures<K, V>,
    ) {
        let record = self.store.take(victim, if cause == RemovalCause::Evicted { Gone::Evicted } else { Gone::Left });
        promise.keep(record.weight);
        let cause = record.cause(cause, terms.clock);
        self.depart(record, cause, out);
    }

    /// Takes out the entry of `put`'s own key, which would leave all the same: what that is to take the place of, or may. A value that
    /// comes back by `put` hasn't left: if it is not stored in the end, that is what is told of it.
    pub(super) fn give_way(
        &mut self,
        own: Slot,
        put: &Put<'_, K, V>,
        terms: Terms<'_>,
        promise: &mut Promise<'_>,
        out: &mut Departures<K, V>,
    ) {
        put.gave_way.set(Some(self.changes.count()));
        if Arc::ptr_eq(&self.store.get(own).value, &put.value) {
            let record = self.store.take(own, Gone::Left);
            promise.keep(record.weight);
            out.uncounted(record);
            put.stays.set(true);
        } else {
            self.evict(own, RemovalCause::Replaced, terms, promise, out);
        }
    }
}
