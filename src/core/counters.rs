//! A cache's counters.

use crate::ground::striped::Striped;
use crate::mechanisms::flight::Traffic;
use crate::mechanisms::permits::Usage;
use crate::mechanisms::room::Room;
use crate::vocabulary::error::{LoadError, LoadErrorKind};
use crate::vocabulary::metrics::{Janitor, MetricsSnapshot};
use crate::vocabulary::removal::RemovalCause;
use std::time::Duration;

/// What is counted one at a time.
#[derive(Clone, Copy)]
pub(crate) enum Count {
    Hit,
    Miss,
    Joined,
    LoadStarted,
    TurnedAway,
    StaleHit,
    NegativeHit,
    RefreshStarted,
    RefreshFailed,
    RefreshDropped,
}

/// A time that is added up.
#[derive(Clone, Copy)]
pub(crate) enum Time {
    Load,
    Wait,
}

/// How a load ended.
#[derive(Clone, Copy)]
pub(crate) enum Outcome {
    Stored,
    Absent,
    Unchanged,
    Uncached,
    Refused,
    Superseded,
    /// It never began: an insert answered those who waited.
    Answered,
    Failed(LoadErrorKind),
}

impl Outcome {
    pub(crate) fn of_error(error: &LoadError) -> Self {
        if error.is_absent() { Self::Absent } else { Self::Failed(error.kind()) }
    }
}

const TIMES: usize = 10;
const OUTCOMES: usize = TIMES + 2;
const FAILED: usize = OUTCOMES + 7;
const REMOVED: usize = FAILED + LoadErrorKind::COUNT;
const ALL: usize = REMOVED + RemovalCause::COUNT;

/// What is held and under way, beside what was counted.
#[derive(Clone, Copy)]
pub(crate) struct Holdings<'a> {
    pub(crate) room: &'a Room,
    /// Answers without a value.
    pub(crate) negatives: u64,
    pub(crate) traffic: &'a Traffic,
    pub(crate) permits: Usage,
    /// Events that wait for the listener.
    pub(crate) unreported: u64,
    pub(crate) listener_panics: u64,
    pub(crate) policy_faults: u64,
    /// Those that were done, and those that failed.
    pub(crate) autosaves: [u64; 2],
}

/// All counters of a cache.
pub(crate) struct Counters(Striped<ALL>);

impl Counters {
    pub(crate) fn new() -> Self {
        Self(Striped::new())
    }

    #[inline]
    pub(crate) fn count(&self, what: Count) {
        self.0.add(place(what), 1);
    }

    pub(crate) fn count_many(&self, what: Count, number: u64) {
        self.0.add(place(what), number);
    }

    pub(crate) fn spent(&self, on: Time, time: Duration) {
        self.0.add(time_place(on), u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn load_ended(&self, how: Outcome) {
        self.0.add(outcome(how), 1);
    }

    pub(crate) fn removed(&self, counts: &[u64; RemovalCause::COUNT]) {
        for (index, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
            self.0.add(REMOVED + index, count);
        }
    }

    pub(crate) fn snapshot(&self, held: &Holdings<'_>, janitor: Janitor) -> MetricsSnapshot {
        let Holdings { room, negatives, traffic, permits, unreported, listener_panics, policy_faults, autosaves } = *held;
        // Read on both sides of the weight: neither a capacity that shrinks nor one that grows shows less than was held.
        let capacity = room.capacity();
        let of = |what| self.0.sum(place(what));
        let ended = |how| self.0.sum(outcome(how));
        let spent = |on| Duration::from_nanos(self.0.sum(time_place(on)));
        MetricsSnapshot {
            hits: of(Count::Hit),
            stale_hits: of(Count::StaleHit),
            negative_hits: of(Count::NegativeHit),
            misses: of(Count::Miss),
            joined: of(Count::Joined),
            turned_away: of(Count::TurnedAway),
            loads_started: of(Count::LoadStarted),
            loads_stored: ended(Outcome::Stored),
            loads_absent: ended(Outcome::Absent),
            loads_unchanged: ended(Outcome::Unchanged),
            loads_uncached: ended(Outcome::Uncached),
            loads_refused: ended(Outcome::Refused),
            loads_superseded: ended(Outcome::Superseded),
            loads_answered: ended(Outcome::Answered),
            refreshes: traffic.refreshes.now(),
            refreshes_started: of(Count::RefreshStarted),
            refreshes_failed: of(Count::RefreshFailed),
            refreshes_dropped: of(Count::RefreshDropped),
            load_time: spent(Time::Load),
            wait_time: spent(Time::Wait),
            flights: traffic.flights.now(),
            flights_peak: traffic.flights.peak(),
            waiters: traffic.waiters.now(),
            waiters_peak: traffic.waiters.peak(),
            permits: permits.used,
            permits_peak: permits.used_peak,
            queued: permits.queued,
            queued_peak: permits.queued_peak,
            entries: room.entries(),
            weight: room.held(),
            negatives,
            capacity: capacity.max(room.capacity()),
            unreported,
            listener_panics,
            policy_faults,
            autosaves: autosaves[0],
            autosaves_failed: autosaves[1],
            janitor,
            failed: std::array::from_fn(|kind| self.0.sum(FAILED + kind)),
            removed: std::array::from_fn(|cause| self.0.sum(REMOVED + cause)),
        }
    }
}

#[inline]
fn place(what: Count) -> usize {
    match what {
        Count::Hit => 0,
        Count::Miss => 1,
        Count::Joined => 2,
        Count::LoadStarted => 3,
        Count::TurnedAway => 4,
        Count::StaleHit => 5,
        Count::NegativeHit => 6,
        Count::RefreshStarted => 7,
        Count::RefreshFailed => 8,
        Count::RefreshDropped => 9,
    }
}

fn time_place(on: Time) -> usize {
    match on {
        Time::Load => TIMES,
        Time::Wait => TIMES + 1,
    }
}

fn outcome(how: Outcome) -> usize {
    match how {
        Outcome::Stored => OUTCOMES,
        Outcome::Absent => OUTCOMES + 1,
        Outcome::Unchanged => OUTCOMES + 2,
        Outcome::Uncached => OUTCOMES + 3,
        Outcome::Refused => OUTCOMES + 4,
        Outcome::Superseded => OUTCOMES + 5,
        Outcome::Answered => OUTCOMES + 6,
        Outcome::Failed(kind) => FAILED + kind.index(),
    }
}
