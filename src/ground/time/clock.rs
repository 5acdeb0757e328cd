//! The clock that a cache tells time by.

use super::{Deadline, MockClock, Tick, kernel};
use std::time::Duration;

/// What a cache tells time by: the system's monotonic clock, or a [`MockClock`] that a test moves by hand.
///
/// A cache uses the system's clock unless its builder is given another one.
///
/// # Resolution
/// A value's deadline is kept to the precision of the system's monotonic clock. Far from a deadline a read asks only
/// the kernel's coarse clock, which costs a few nanoseconds; within 64 of that clock's ticks (1 to 10 ms each) of it, the precise one.
///
/// # Examples
/// ```
/// use bellwether::{Cache, Clock, MockClock};
///
/// let mock = MockClock::new();
/// let cache = Cache::<u32, &str>::builder().clock(mock.clone()).build()?;
/// # let _ = cache;
/// let system = Cache::<u32, &str>::builder().clock(Clock::system()).build()?;
/// # let _ = system;
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    System {
        /// How far the coarse clock may lag at the very most, asked once so that hits needn't.
        longest_lag: u64,
    },
    Mock(MockClock),
}

impl Clock {
    /// The system's monotonic clock, the default.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().clock(bellwether::Clock::system()).build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[must_use]
    pub fn system() -> Self {
        Self(Kind::System { longest_lag: kernel::longest_lag() })
    }

    /// Now, precisely.
    pub(crate) fn now(&self) -> Tick {
        match &self.0 {
            Kind::System { .. } => kernel::precise(),
            Kind::Mock(mock) => mock.now(),
        }
    }

    /// Now, cheaply: late by as much as the kernel's coarse clock is, and never early.
    #[inline]
    pub(crate) fn coarse(&self) -> Tick {
        match &self.0 {
            Kind::System { .. } => kernel::coarse(),
            Kind::Mock(mock) => mock.now(),
        }
    }

    /// How late [`coarse`](Self::coarse) is, in nanoseconds, while nothing holds that clock up.
    pub(crate) fn coarse_lag(&self) -> u64 {
        match &self.0 {
            Kind::System { .. } => kernel::coarse_lag(),
            Kind::Mock(_) => 0,
        }
    }

    /// Whether `deadline` may have passed, by one coarse reading; if not, it hasn't. A compare alone for "never".
    #[inline]
    pub(crate) fn may_have_passed(&self, deadline: Deadline) -> bool {
        if deadline.is_never() {
            return false;
        }
        match &self.0 {
            Kind::System { longest_lag } => deadline.has_passed_at(kernel::coarse().moved_on(*longest_lag)),
            Kind::Mock(mock) => deadline.has_passed_at(mock.now()),
        }
    }

    /// Whether `deadline` has passed: a compare for "never", a coarse reading far from the deadline, a precise one near it.
    #[inline]
    pub(crate) fn has_passed(&self, deadline: Deadline) -> bool {
        self.may_have_passed(deadline) && deadline.has_passed_at(self.now())
    }

    /// The deadline that lies `wait` from now. Asks no clock for one that never comes.
    pub(crate) fn deadline_in(&self, wait: Duration) -> Deadline {
        if wait == Duration::MAX { Deadline::NEVER } else { Deadline::after(self.now(), wait) }
    }

    /// The mock clock behind this one, if it is one: it keeps its own appointments.
    pub(crate) fn mock(&self) -> Option<&MockClock> {
        match &self.0 {
            Kind::System { .. } => None,
            Kind::Mock(mock) => Some(mock),
        }
    }
}

/// The system's clock.
impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl From<MockClock> for Clock {
    fn from(mock: MockClock) -> Self {
        Self(Kind::Mock(mock))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g10_the_coarse_clock_never_makes_a_value_live_longer() {
        let clock = Clock::system();
        for _ in 0..2_000 {
            let deadline = clock.deadline_in(Duration::from_micros(50));
            while !deadline.has_passed_at(clock.now()) {
                std::hint::spin_loop();
            }
            assert!(clock.has_passed(deadline), "the precise clock says so, the pair must");
        }
    }

    #[test]
    fn a_deadline_ahead_has_not_passed() {
        let clock = Clock::system();
        assert!(!clock.has_passed(clock.deadline_in(Duration::from_secs(3_600))));
        let soon = clock.deadline_in(Duration::from_millis(900));
        // Unless it has by now, on a very slow machine.
        assert!(!clock.has_passed(soon) || soon.has_passed_at(clock.now()));
        assert!(clock.has_passed(clock.deadline_in(Duration::ZERO)));
        assert!(clock.deadline_in(Duration::MAX).is_never());
    }
}
