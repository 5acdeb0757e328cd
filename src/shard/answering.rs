//! Answers without a value, as a shard remembers them: their room, and who makes them forgotten.

use super::State;
use super::departures::Departures;
use super::lookup::Place;
use super::making_room::VICTIMS;
use super::put::Terms;
use crate::ground::contain::contain;
use crate::ground::hash::Hashed;
use crate::ground::slab::Slot;
use crate::ground::time::Deadline;
use crate::mechanisms::answers::{Answer, Remembered};
use crate::mechanisms::eviction::Pins;
use crate::mechanisms::room::Promise;
use crate::vocabulary::error::LoadError;
use crate::vocabulary::expiry::backoff::ErrorBackoff;
use crate::vocabulary::removal::RemovalCause;
use equivalent::Equivalent;
use std::time::Duration;

/// What is to be noted of a load that brought no value. All user code that it takes (the clone of the key) has run.
pub(crate) struct Note<'a, K> {
    /// There if an answer without a value is to be remembered.
    pub(crate) key: Option<K>,
    /// What such an answer weighs.
    pub(crate) weight: u64,
    pub(crate) what: Noted<'a>,
}

pub(crate) enum Noted<'a> {
    /// The loader said that there is no such key, which holds for so long.
    Absent(Duration),
    Failed {
        error: &'a LoadError,
        backoff: &'a ErrorBackoff,
    },
}

impl<K: Eq, V> State<K, V> {
    /// Notes how the load of a key ended whose value is held in `held`, if it is.
    pub(super) fn note_end(
        &mut self,
        (hashed, key): (Hashed, &K),
        held: Option<Slot>,
        note: Note<'_, K>,
        terms: Terms<'_>,
        promise: &mut Promise<'_>,
        out: &mut Departures<K, V>,
    ) {
        let now = terms.clock.now();
        if let (Some(slot), Noted::Failed { backoff, .. }) = (held, &note.what) {
            self.store.change_times(slot, |times| times.load_failed(now, backoff));
            note.key.into_iter().for_each(|key| out.key(key));
            return;
        }
        // That a load has failed says nothing against what is known of the key.
        let is_failure = matches!(note.what, Noted::Failed { .. });
        let known = is_failure && self.answers.recall(hashed, key, terms.clock).is_some_and(|error| error.is_absent());
        if known || (is_failure && note.key.is_none()) {
            return out.note(Some(note));
        }
        let before = self.answers.failures(hashed, key, terms.clock);
        self.forget_answer(Place { hashed, key, clock: terms.clock }, terms, out);
        let Some(key) = note.key else { return };
        let remembered = match note.what {
            Noted::Absent(time) => {
                let until = Deadline::after(now, time);
                Remembered { hashed, key, answer: Answer::Absent, weight: note.weight, until, forgotten: until }
            }
            Noted::Failed { error, backoff } => {
                let wait = backoff.wait(before, Duration::MAX, crate::ground::dice::throw());
                let until = Deadline::after(now, wait);
                // Kept somewhat longer, so that the next failure knows how many went before.
                let answer = Answer::Failed { error: error.clone(), failures: before.saturating_add(1) };
                Remembered { hashed, key, answer, weight: note.weight, until, forgotten: until.plus(wait) }
            }
        };
        self.remember(remembered, terms, promise, out);
    }

    /// Remembers an answer, if there is room for it.
    fn remember(&mut self, new: Remembered<K>, terms: Terms<'_>, promise: &mut Promise<'_>, out: &mut Departures<K, V>) {
        let weight = new.weight;
        let mut steps = VICTIMS;
        while !terms.room.book_answer(weight) {
            // As many are remembered as may be: the one used longest ago makes room, if it is of this shard.
            let oldest = if steps == 0 { None } else { self.answers.take_oldest() };
            let Some(oldest) = oldest else { return out.key(new.key) };
            self.forgotten(oldest, terms, out);
            steps -= 1;
        }
        // Up to their bound answers take the room of values; of other answers only where no value is here.
        if !promise.reach_for(weight) {
            self.free_expired(weight, &mut steps, terms, promise, out);
        }
        let missing = weight.saturating_sub(promise.amount());
        let mean = self.store.weight() / (self.store.len() as u64).max(1);
        // Whether one hold can make so much room: else values would leave for nothing.
        let worth_it = self.store.evicts() && missing <= mean.saturating_mul(u64::from(VICTIMS)) && missing <= self.store.weight();
        let mut evicted = if worth_it { 0 } else { VICTIMS };
        while promise.amount() < weight && evicted < VICTIMS {
            let Some(victim) = self.store.victim(None, Pins::Held) else { break };
            self.evict(victim, RemovalCause::Evicted, terms, promise, out);
            evicted += 1;
            terms.room.book_entries(0, 1);
        }
        self.free_answers(weight, &mut steps, terms, promise, out);
        if promise.amount() < weight {
            terms.room.unbook_answer(weight);
            return out.key(new.key);
        }
        let due = new.forgotten;
        // The last of user code is the keys' `Eq`: only then is it on the books.
        match contain(|| self.answers.remember(new)) {
            Ok(replaced) => {
                promise.use_up(weight);
                out.due(due);
                replaced.into_iter().for_each(|replaced| self.forgotten(replaced, terms, out));
            }
            Err(panic) => {
                terms.room.unbook_answer(weight);
                panic.forget();
            }
        }
    }
}

impl<K, V> State<K, V> {
    /// A write to a key: what was remembered of it holds no longer.
    pub(super) fn forget_answer<Q: Equivalent<K> + ?Sized>(&mut self, at: Place<'_, Q>, terms: Terms<'_>, out: &mut Departures<K, V>) {
        if let Some(answer) = self.answers.forget(at.hashed, at.key) {
            self.forgotten(answer, terms, out);
        }
    }

    /// An answer that was taken out goes, and its room is free.
    pub(super) fn forgotten(&mut self, answer: Remembered<K>, terms: Terms<'_>, out: &mut Departures<K, V>) {
        terms.room.give_back(self.unbook(answer, terms, out));
    }

    /// As [`forgotten`](Self::forgotten), but its room is the caller's.
    #[expect(clippy::unused_self, reason = "only what the shard's lock guards is unbooked")]
    pub(super) fn unbook(&mut self, answer: Remembered<K>, terms: Terms<'_>, out: &mut Departures<K, V>) -> u64 {
        let weight = answer.weight;
        terms.room.unbook_answer(weight);
        out.answer(answer);
        weight
    }
}
