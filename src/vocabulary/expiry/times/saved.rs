//! An entry's times as they are saved: told from the instant of saving, so that they mean something to another process.

use super::{More, Times};
use crate::ground::time::{Clock, Deadline, Tick, nanos};
use crate::vocabulary::expiry::{Origin, OwnRules, Refresh, Rules};
use std::time::Duration;

/// An entry's times, all in relation to one instant.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct SavedTimes {
    /// How long before it the entry was stored.
    pub(crate) age: Duration,
    pub(crate) life: Life,
    /// How long before it the entry was used last.
    pub(crate) unused: Duration,
    /// What the entry brings of its own, besides its time to live: what isn't as the cache's rules have it.
    pub(crate) own: OwnRules,
}

/// The time to live that is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Life {
    Endless,
    Left(Duration),
    /// It has been over for so long, and the entry is stale.
    Over(Duration),
}

impl SavedTimes {
    /// These times as they are so much later.
    pub(crate) fn later(self, elapsed: Duration) -> Self {
        let life = match self.life {
            Life::Endless => Life::Endless,
            Life::Left(left) => match left.checked_sub(elapsed) {
                Some(left) => Life::Left(left),
                None => Life::Over(elapsed - left),
            },
            Life::Over(over) => Life::Over(over.saturating_add(elapsed)),
        };
        Self { age: self.age.saturating_add(elapsed), life, unused: self.unused.saturating_add(elapsed), own: self.own }
    }
}

impl Times {
    /// These times as seen from `at`, in a cache with these `rules`.
    pub(crate) fn saved(&self, rules: &Rules, at: Tick) -> SavedTimes {
        let (age, life) = (at.since(self.stored), Life::of(self.ends(), at));
        let Some(more) = &self.more else {
            let own = OwnRules {
                time_to_idle: own(Duration::MAX, rules.time_to_idle),
                stale_while_revalidate: own(Duration::ZERO, rules.stale_while_revalidate),
                stale_if_error: own(Duration::ZERO, rules.stale_if_error),
                ..OwnRules::default()
            };
            return SavedTimes { age, life, unused: Duration::ZERO, own };
        };
        let own = OwnRules {
            lifetime: None,
            time_to_idle: own(if more.idle == u64::MAX { Duration::MAX } else { Duration::from_nanos(more.idle) }, rules.time_to_idle),
            refresh_after: match more.refresh {
                // Jitter makes it one of its own that needn't be: then it stays as it fell.
                Refresh::After(after) if more.refresh != rules.refresh => Some(after),
                Refresh::After(_) | Refresh::Never | Refresh::Ahead(_) | Refresh::Early(_) => None,
            },
            stale_while_revalidate: own(more.stale_while_revalidate, rules.stale_while_revalidate),
            stale_if_error: own(more.stale_if_error, rules.stale_if_error),
        };
        SavedTimes { age, life, unused: at.since(Tick::from_nanos(more.last_use())), own }
    }

    /// Times of an entry that was saved and is stored again now, in a cache with these `rules`. It may be over.
    ///
    /// What began before the clock did can't be told by it; an end never comes later for that.
    pub(crate) fn restored(saved: &SavedTimes, rules: &Rules, origin: Origin, clock: &Clock) -> Self {
        let now = clock.now();
        let (ends, lost) = saved.life.end(now);
        let mut rules = rules.with(&OwnRules { lifetime: None, ..saved.own });
        rules.stale_while_revalidate = rules.stale_while_revalidate.saturating_sub(lost);
        rules.stale_if_error = rules.stale_if_error.saturating_sub(lost);
        let plain = rules.is_plain() && !origin.reread;
        let mut times = Self { soonest: ends, stored: before(now, saved.age).0, more: None };
        if !plain {
            let (used, forgotten) = before(now, saved.unused);
            if rules.time_to_idle != Duration::MAX {
                rules.time_to_idle = rules.time_to_idle.saturating_sub(forgotten);
            }
            let mut more = More::new(&rules, origin, used);
            if let Life::Left(left) = saved.life {
                more.lifetime = nanos(left.saturating_add(saved.age));
            }
            times.more = Some(Box::new(more));
            times.end_at(ends);
        }
        times
    }
}

impl Life {
    fn of(ends: Deadline, at: Tick) -> Self {
        match ends.left_at(at) {
            None => Self::Endless,
            Some(Duration::ZERO) => Self::Over(at.since(Tick::from_nanos(ends.nanos()))),
            Some(left) => Self::Left(left),
        }
    }

    /// When that is by a clock that shows `now`, and by how much it should have been earlier than the clock's start.
    fn end(self, now: Tick) -> (Deadline, Duration) {
        match self {
            Self::Endless => (Deadline::NEVER, Duration::ZERO),
            Self::Left(left) => (Deadline::after(now, left), Duration::ZERO),
            Self::Over(over) => {
                let (end, lost) = before(now, over);
                (Deadline::from_nanos(end.nanos()), lost)
            }
        }
    }
}

/// The instant so long before `now`, or the clock's start, with what is missing then.
fn before(now: Tick, time: Duration) -> (Tick, Duration) {
    let since_start = Duration::from_nanos(now.nanos());
    match since_start.checked_sub(time) {
        Some(instant) => (Tick::from_nanos(nanos(instant)), Duration::ZERO),
        None => (Tick::from_nanos(0), time - since_start),
    }
}

/// What an entry has of its own.
fn own(value: Duration, rule: Duration) -> Option<Duration> {
    (value != rule).then_some(value)
}
