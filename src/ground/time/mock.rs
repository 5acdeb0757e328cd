//! A clock that stands still until a test moves it.

use super::{Agenda, Appointment, Deadline, Tick, nanos};
use crate::ground::contain::contain;
use crate::ground::reentry;
use crate::ground::sync::{Arc, Mutex};
use std::fmt;
use std::task::Waker;
use std::time::Duration;

/// A clock that a test moves by hand, so that no test of time rules has to sleep.
///
/// It starts at zero and stands still. Clones move together. A cache built with it takes every deadline of its entries, every back-off and every
/// time-out from it. Moving it forward past a time-out ends the load, and past the end of an entry's time has that entry reclaimed, both before the call
/// returns. Only instants of the wall clock, as [`Loaded::expires_at`](crate::Loaded::expires_at) takes them, are none of its.
///
/// # Examples
/// ```
/// use bellwether::{Cache, MockClock};
/// use std::time::Duration;
///
/// let clock = MockClock::new();
/// let cache = Cache::builder().time_to_live(Duration::from_secs(10)).clock(clock.clone()).build()?;
/// cache.insert("k", 1);
/// clock.advance(Duration::from_nanos(9_999_999_999));
/// assert!(cache.contains_key("k"));
/// clock.advance(Duration::from_nanos(1));
/// assert!(!cache.contains_key("k"));
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Default)]
pub struct MockClock(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    now: u64,
    agenda: Agenda,
}

impl MockClock {
    /// A clock at zero.
    ///
    /// # Examples
    /// ```
    /// let clock = bellwether::MockClock::new();
    /// assert_eq!(clock.elapsed(), std::time::Duration::ZERO);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock forward by `by`, stopping at its end (584 years), and ends and reclaims what has run out by then, on this thread.
    ///
    /// # Examples
    /// ```
    /// let clock = bellwether::MockClock::new();
    /// clock.advance(std::time::Duration::from_millis(5));
    /// assert_eq!(clock.elapsed(), std::time::Duration::from_millis(5));
    /// ```
    ///
    /// # Panics
    /// Inside the closure of [`Cache::get`](crate::Cache::get), under whose lock no load can be ended.
    pub fn advance(&self, by: Duration) {
        reentry::check();
        {
            let mut state = self.0.lock();
            state.now = state.now.saturating_add(nanos(by));
        }
        self.wake_due();
    }

    /// Sets the clock to `to` after its start, which may be a jump back.
    ///
    /// # Examples
    /// ```
    /// let clock = bellwether::MockClock::new();
    /// clock.advance(std::time::Duration::from_secs(60));
    /// clock.set(std::time::Duration::from_secs(30));
    /// assert_eq!(clock.elapsed(), std::time::Duration::from_secs(30));
    /// ```
    ///
    /// # Panics
    /// As [`advance`](Self::advance).
    pub fn set(&self, to: Duration) {
        reentry::check();
        self.0.lock().now = nanos(to);
        self.wake_due();
    }

    /// How far the clock stands from its start.
    ///
    /// # Examples
    /// ```
    /// assert!(bellwether::MockClock::new().elapsed().is_zero());
    /// ```
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.0.lock().now)
    }

    pub(crate) fn now(&self) -> Tick {
        Tick::from_nanos(self.0.lock().now)
    }

    pub(crate) fn watch(&self, at: Deadline, waker: Waker) -> Appointment {
        let mut state = self.0.lock();
        state.agenda.add(at, waker)
    }

    pub(crate) fn cancel(&self, appointment: Appointment) {
        let cancelled = self.0.lock().agenda.cancel(appointment);
        drop(cancelled);
    }

    /// Wakes what is due by the clock as it stands then: whoever is woken may move it.
    fn wake_due(&self) {
        loop {
            let due = {
                let mut state = self.0.lock();
                let now = Tick::from_nanos(state.now);
                state.agenda.take_due(now)
            };
            let Some(waker) = due else { return };
            if let Err(panic) = contain(|| waker.wake()) {
                panic.forget();
            }
        }
    }
}

impl fmt::Debug for MockClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MockClock").field(&self.elapsed()).finish()
    }
}
