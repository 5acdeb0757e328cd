//! The expiry model: the settings that give an entry its times, and the one function that tells what those times mean now.

use crate::ground::time::{Clock, Deadline};
use std::time::Duration;

/// A cache's time rules, for entries that bring none of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expiry {
    /// How long a value lives from when it is stored; `Duration::MAX` is for ever.
    pub(crate) time_to_live: Duration,
}

impl Expiry {
    pub(crate) const NONE: Self = Self { time_to_live: Duration::MAX };

    /// The times of an entry that is stored now, by its own time to live or else the cache's.
    pub(crate) fn times(&self, own: Option<Duration>, clock: &Clock) -> Times {
        Times { ends: clock.deadline_in(own.unwrap_or(self.time_to_live)) }
    }
}

/// An entry's times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// The end of its time to live.
    ends: Deadline,
}

/// What a value is worth now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Freshness {
    /// Within its time to live.
    Fresh,
    /// Past its last deadline: not to be shown to anybody.
    Expired,
}

impl Times {
    /// The one function that says what a value's times mean. An entry without deadlines costs one compare and reads no clock.
    #[inline]
    pub(crate) fn freshness(&self, clock: &Clock) -> Freshness {
        if clock.has_passed(self.ends) { Freshness::Expired } else { Freshness::Fresh }
    }

    #[inline]
    pub(crate) fn is_fresh(&self, clock: &Clock) -> bool {
        self.freshness(clock) == Freshness::Fresh
    }
}
