//! Time has types here: a `Tick` is an instant of a cache's clock, a `Deadline` a tick that may never come.

mod agenda;
mod clock;
mod kernel;
mod mock;

pub(crate) use agenda::{Agenda, Appointment};
pub use clock::Clock;
pub use mock::MockClock;

use std::time::Duration;

/// An instant: nanoseconds since a start that is the same for every reading of one clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Tick(u64);

impl Tick {
    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The time from `earlier` to this instant; zero if that is the later one.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Nanoseconds since the clock's start.
    pub(crate) const fn nanos(self) -> u64 {
        self.0
    }

    /// This instant moved on by so many nanoseconds; the last instant there is where that goes too far.
    pub(crate) fn moved_on(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

/// An instant that something waits for, or never. At the deadline itself it has already passed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Deadline(u64);

impl Deadline {
    /// Not reached by any clock.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// `wait` from `now`; never, where that is further off than the clock can tell (584 years).
    pub(crate) fn after(now: Tick, wait: Duration) -> Self {
        Self(now.0.saturating_add(nanos(wait)))
    }

    /// Nanoseconds since the clock's start; the greatest number for never.
    pub(crate) const fn nanos(self) -> u64 {
        self.0
    }

    /// From the start on: it has always passed.
    pub(crate) const START: Self = Self(0);

    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// So much later; never, where that is further off than the clock can tell.
    pub(crate) fn plus(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(nanos(wait)))
    }

    /// So many nanoseconds earlier, or the start. Never stays never.
    pub(crate) fn earlier_by(self, nanos: u64) -> Self {
        if self.is_never() { self } else { Self(self.0.saturating_sub(nanos)) }
    }

    /// The next instant that is a multiple of `nanos`, so that what is due at about the same time is done together.
    pub(crate) fn rounded_up(self, nanos: u64) -> Self {
        Self(self.0.checked_next_multiple_of(nanos).unwrap_or(u64::MAX))
    }

    #[inline]
    pub(crate) fn is_never(self) -> bool {
        self == Self::NEVER
    }

    #[inline]
    pub(crate) fn has_passed_at(self, now: Tick) -> bool {
        !self.is_never() && now.0 >= self.0
    }

    /// How long from `now` until this deadline: zero once it has passed, `None` for never.
    pub(crate) fn left_at(self, now: Tick) -> Option<Duration> {
        (!self.is_never()).then(|| Duration::from_nanos(self.0.saturating_sub(now.0)))
    }
}

/// A duration in nanoseconds; the longest there is where it has more.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g18_the_longest_duration_is_never() {
        let now = Tick::from_nanos(5);
        assert!(Deadline::after(now, Duration::MAX).is_never());
        assert!(!Deadline::NEVER.has_passed_at(Tick::from_nanos(u64::MAX)));
        assert_eq!(Deadline::NEVER.left_at(now), None);
    }

    #[test]
    fn g10_at_the_deadline_itself_it_has_passed() {
        let deadline = Deadline::after(Tick::from_nanos(5), Duration::from_nanos(10));
        assert!(!deadline.has_passed_at(Tick::from_nanos(14)));
        assert!(deadline.has_passed_at(Tick::from_nanos(15)));
        assert!(deadline.has_passed_at(Tick::from_nanos(16)));
        assert_eq!(deadline.left_at(Tick::from_nanos(14)), Some(Duration::from_nanos(1)));
        assert_eq!(deadline.left_at(Tick::from_nanos(99)), Some(Duration::ZERO));
    }
}
