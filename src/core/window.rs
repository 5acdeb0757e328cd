//! The batching window: single misses are held back for a while, and go out as one call of the loader.

use super::fleet::{Aboard, Fleet};
use super::lead::LoadGuard;
use super::places::Chosen;
use super::shared::CacheShared;
use crate::ground::sync::{Mutex, Weak};
use crate::ground::time::Deadline;
use crate::vocabulary::keys::{Key, Value};
use std::any::Any;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

/// Where loads wait for company. None of them has begun: they are a fleet that takes on others until the window closes.
pub(crate) struct Window {
    wait: Duration,
    /// The last fleet, of the cache's own types. It is kept by its flights.
    last: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Window {
    pub(super) fn new(wait: Duration) -> Self {
        Self { wait, last: Mutex::new(None) }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Has a load wait for others, or go with those that wait if they are as many now as may go.
    pub(super) fn hold_back(self: &Arc<Self>, window: &Window, guard: LoadGuard<K, V, S>, chosen: Chosen) {
        let flight = Arc::clone(&guard.flight);
        let (fleet, aboard) = {
            let mut last = window.last.lock();
            let open = last.as_ref().and_then(|last| last.downcast_ref::<Weak<Fleet<K, V, S>>>()).and_then(Weak::upgrade);
            let boarded = match open {
                Some(fleet) => fleet.take_aboard(guard).map(|aboard| (fleet, aboard)),
                None => Err(guard),
            };
            boarded.unwrap_or_else(|guard| {
                // What goes out for several callers doesn't end with the runtime of one of them.
                let fleet = Fleet::open(self, guard, chosen.or_own_threads(&self.process));
                *last = Some(Box::new(Arc::downgrade(&fleet)));
                (fleet, Aboard::First)
            })
        };
        fleet.berth(&flight);
        match aboard {
            Aboard::First => self.close_later(&fleet, window.wait),
            Aboard::More => {}
            Aboard::Full => fleet.departs(),
        }
    }

    fn close_later(&self, fleet: &Arc<Fleet<K, V, S>>, wait: Duration) {
        let end = Deadline::after(self.clock.now(), wait);
        if let Some(alarm) = self.set_alarm(end, Waker::from(Arc::new(AtItsEnd(Arc::downgrade(fleet))))) {
            fleet.keep_alarm(alarm);
        }
        // A mock clock wakes only when it is moved, which may have been just before.
        if self.clock.mock().is_some() && self.clock.has_passed(end) {
            fleet.closes();
        }
    }
}

/// Closes the window.
struct AtItsEnd<K: Key, V: Value, S: Send + Sync + 'static>(Weak<Fleet<K, V, S>>);

impl<K: Key, V: Value, S: Send + Sync + 'static> Wake for AtItsEnd<K, V, S> {
    fn wake(self: Arc<Self>) {
        if let Some(fleet) = self.0.upgrade() {
            fleet.closes();
        }
    }
}
