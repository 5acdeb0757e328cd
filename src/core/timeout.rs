//! Time-outs: a load that takes too long ends for those who wait, kept by a waiting thread or by the process's alarm.

use super::shared::CacheShared;
use crate::ground::sync::Weak;
use crate::ground::time::{Appointment, Deadline};
use crate::mechanisms::flight::{Flight, Kind};
use crate::vocabulary::error::LoadError;
use crate::vocabulary::keys::{Key, Value};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

impl<K, V, S> CacheShared<K, V, S> {
    /// The error of a load whose time is over.
    pub(super) fn timed_out(&self) -> LoadError {
        LoadError::TimedOut { after: self.settings.load_timeout }
    }

    /// The real time that a flight has left, if there is a limit.
    pub(super) fn time_left(&self, flight: &Flight<K, V>) -> Option<Duration> {
        if self.clock.mock().is_some() { None } else { flight.deadline().left_at(self.clock.now()) }
    }

    /// Has `waker` woken at `deadline`, by this cache's clock.
    pub(super) fn set_alarm(&self, deadline: Deadline, waker: Waker) -> Appointment {
        match self.clock.mock() {
            Some(mock) => mock.watch(deadline, waker),
            None => self.process.alarm.watch(deadline, waker),
        }
    }

    /// Switches an alarm off that a landing has made needless.
    pub(super) fn cancel_alarm(&self, alarm: Appointment) {
        match self.clock.mock() {
            Some(mock) => mock.cancel(alarm),
            None => self.process.alarm.cancel(alarm),
        }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Ends a flight whose time is over. `false` if it has landed, or is just being landed by a load that came in time.
    pub(super) fn time_out(self: &Arc<Self>, flight: &Arc<Flight<K, V>>) -> bool {
        if flight.kind() == Kind::Entry {
            return self.vacate(flight);
        }
        let sealed = self.shard(flight.hashed()).seal(flight);
        if let Some(mine) = sealed {
            self.give_up(flight, mine, self.timed_out());
        }
        sealed.is_some()
    }

    /// Sees to it that a flight ends at its deadline though no thread waits for it.
    pub(crate) fn watch(self: &Arc<Self>, flight: &Arc<Flight<K, V>>) {
        let deadline = flight.deadline();
        if deadline.is_never() || !flight.wants_alarm() {
            return;
        }
        let waker = Waker::from(Arc::new(AtDeadline { shared: Arc::downgrade(self), flight: Arc::downgrade(flight) }));
        if let Some(unneeded) = flight.keep_alarm(self.set_alarm(deadline, waker)) {
            self.cancel_alarm(unneeded);
        }
        // A mock clock wakes only when it is moved, which may have been just before.
        if self.clock.mock().is_some() && self.clock.has_passed(deadline) {
            self.time_out(flight);
        }
    }
}

/// The alarm's way to a flight, which it doesn't keep alive.
struct AtDeadline<K, V, S> {
    shared: Weak<CacheShared<K, V, S>>,
    flight: Weak<Flight<K, V>>,
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Wake for AtDeadline<K, V, S> {
    fn wake(self: Arc<Self>) {
        if let (Some(shared), Some(flight)) = (self.shared.upgrade(), self.flight.upgrade()) {
            shared.time_out(&flight);
        }
    }
}
