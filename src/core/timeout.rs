//! Time-outs: a load that takes too long ends for those who wait, kept by a waiting thread or by the process's alarm.

use super::counters::Outcome;
use super::shared::CacheShared;
use crate::ground::sync::Weak;
use crate::ground::time::Appointment;
use crate::mechanisms::flight::{Flight, Landing, Standing};
use crate::vocabulary::error::{LoadError, LoadErrorKind};
use crate::vocabulary::keys::{Key, Value};
use std::sync::Arc;
use std::task::{Wake, Waker};

impl<K: Key, V: Value, S> CacheShared<K, V, S> {
    pub(super) fn timed_out(&self) -> LoadError {
        LoadError::TimedOut { after: self.settings.load_timeout }
    }

    /// Ends a flight whose deadline has passed, and says whether it did: not one that has landed or is about to. Its load may go on unheard:
    /// it is still counted among those of its key.
    pub(super) fn time_out(&self, flight: &Arc<Flight<K, V>>) -> bool {
        let Some(mine) = self.shard(flight.hashed()).seal_overdue(flight) else {
            return false;
        };
        let standing = if mine { Standing::Held } else { Standing::Superseded };
        let landing = Landing { result: Err(self.timed_out()), standing };
        self.publish(flight, landing, Outcome::Failed(LoadErrorKind::TimedOut));
        true
    }

    pub(super) fn cancel_alarm(&self, alarm: Appointment) {
        match self.clock.mock() {
            Some(mock) => mock.cancel(alarm),
            None => self.process.alarm.cancel(alarm),
        }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Sees to it that the flight ends at its deadline even if no thread waits for it.
    pub(crate) fn watch(self: &Arc<Self>, flight: &Arc<Flight<K, V>>) {
        let deadline = flight.deadline();
        if deadline.is_never() || !flight.wants_alarm() {
            return;
        }
        let waker = Waker::from(Arc::new(AtDeadline { shared: Arc::downgrade(self), flight: Arc::downgrade(flight) }));
        let alarm = match self.clock.mock() {
            Some(mock) => mock.watch(deadline, waker),
            None => self.process.alarm.watch(deadline, waker),
        };
        if let Some(unneeded) = flight.keep_alarm(alarm) {
            self.cancel_alarm(unneeded);
        }
        // A mock clock wakes only when it is moved, which may have been just before.
        if self.clock.mock().is_some() && self.clock.has_passed(deadline) {
            self.time_out(flight);
        }
    }
}

/// What an alarm does at a flight's deadline. It keeps neither the cache nor the flight.
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
