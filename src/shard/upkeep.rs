//! Reclaiming what is past its last deadline: by the janitor's visits, in passing by writes, and first of all where room is needed.

use super::departures::Departures;
use super::making_room::VICTIMS;
use super::put::Terms;
use super::{Shard, State};
use crate::ground::time::{Deadline, Tick};
use crate::mechanisms::room::Promise;
use crate::vocabulary::removal::RemovalCause;

/// Steps of upkeep in one hold of the lock.
pub(super) const STEPS: u32 = 256;
/// Steps of upkeep that a write does for others.
const IN_PASSING: u32 = 8;

/// Whether a visit has done all there was to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Done {
    All,
    /// There is more: to be gone on with.
    Part,
}

impl<K, V> Shard<K, V> {
    /// Takes out what is past its last deadline, as much as one hold of the lock may take.
    pub(crate) fn reclaim(&self, now: Tick, terms: Terms<'_>, out: &mut Departures<K, V>) -> Done {
        if self.next_due().is_none_or(|next| !next.has_passed_at(now)) {
            return Done::All;
        }
        self.write().reclaim(now, STEPS, terms, out)
    }

    /// Frees room that nothing of worth has, until `needed` is promised or one hold of the lock is over.
    pub(crate) fn free_worthless(&self, needed: u64, terms: Terms<'_>, promise: &mut Promise<'_>, out: &mut Departures<K, V>) -> Done {
        self.write().free_worthless(needed, terms, promise, out)
    }

    /// Forgets the answer without a value that was used longest ago. `false` if there is none.
    pub(crate) fn forget_oldest(&self, terms: Terms<'_>, out: &mut Departures<K, V>) -> bool {
        if !self.has_answers() {
            return false;
        }
        let mut state = self.write();
        let oldest = state.answers.take_oldest();
        let found = oldest.is_some();
        oldest.into_iter().for_each(|oldest| state.forgotten(oldest, terms, out));
        found
    }

    /// Whether any answer without a value is remembered here.
    pub(crate) fn has_answers(&self) -> bool {
        self.read().answers.len() > 0
    }

    /// When there may be something to reclaim.
    pub(crate) fn next_due(&self) -> Option<Deadline> {
        self.read().next_due()
    }
}

impl<K, V> State<K, V> {
    fn next_due(&self) -> Option<Deadline> {
        [self.store.next_due(), self.answers.next(), self.embargoes.next()].into_iter().flatten().min()
    }

    fn reclaim(&mut self, now: Tick, mut steps: u32, terms: Terms<'_>, out: &mut Departures<K, V>) -> Done {
        while let Some(slot) = self.store.due(now, &mut steps) {
            self.part_with(Some(slot), RemovalCause::Expired, terms, out);
        }
        while let Some(answer) = self.answers.due(now, &mut steps) {
            self.forgotten(answer, terms, out);
        }
        self.embargoes.lift(now, &mut steps, |hashed| self.changes.note(hashed));
        if steps == 0 { Done::Part } else { Done::All }
    }

    /// A few steps, on the way of a write.
    pub(super) fn reclaim_in_passing(&mut self, terms: Terms<'_>, out: &mut Departures<K, V>) {
        // A compare and a coarse reading where nothing is due; late by some milliseconds, which is for others to mind.
        if self.next_due().is_some_and(|next| next.has_passed_at(terms.clock.coarse())) {
            self.reclaim(terms.clock.now(), IN_PASSING, terms, out);
        }
    }

    /// Frees room that nothing of worth has, until `needed` is promised: first of what is over, then of answers without a value. `Part` where one hold of
    /// the lock wasn't enough for that.
    pub(super) fn free_worthless(&mut self, needed: u64, terms: Terms<'_>, promise: &mut Promise<'_>, out: &mut Departures<K, V>) -> Done {
        let (mut steps, before) = (VICTIMS, promise.amount());
        self.free_expired(needed, &mut steps, terms, promise, out);
        self.free_answers(needed, &mut steps, terms, promise, out);
        // Steps that only found out that entries were used lately are no reason to go on: a write doesn't pay for the whole wheel.
        let goes_on = steps == 0 && (before + 1..needed).contains(&promise.amount());
        if goes_on { Done::Part } else { Done::All }
    }

    pub(super) fn free_expired(
        &mut self,
        needed: u64,
        steps: &mut u32,
        terms: Terms<'_>,
        promise: &mut Promise<'_>,
        out: &mut Departures<K, V>,
    ) {
        if promise.amount() >= needed || self.store.next_due().is_none_or(|next| !terms.clock.may_have_passed(next)) {
            return;
        }
        let now = terms.clock.now();
        let mut gone = 0;
        while promise.amount() < needed {
            let Some(slot) = self.store.due(now, steps) else { break };
            self.evict(slot, RemovalCause::Expired, terms, promise, out);
            gone += 1;
        }
        terms.room.book_entries(0, gone);
    }

    pub(super) fn free_answers(
        &mut self,
        needed: u64,
        steps: &mut u32,
        terms: Terms<'_>,
        promise: &mut Promise<'_>,
        out: &mut Departures<K, V>,
    ) {
        while promise.amount() < needed && *steps > 0 {
            let Some(answer) = self.answers.take_oldest() else { break };
            promise.keep(self.unbook(answer, terms, out));
            *steps -= 1;
        }
    }
}
