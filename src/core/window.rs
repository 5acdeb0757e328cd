//! The batching window: single misses are held back for a while, and go out as one call of the loader.

use super::lead::LoadGuard;
use super::places::Chosen;
use super::shared::CacheShared;
use crate::ground::sync::{Mutex, Weak};
use crate::ground::time::{Appointment, Deadline};
use crate::vocabulary::keys::{Key, Value};
use std::any::Any;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

/// Where loads wait for company.
pub(crate) struct Window {
    wait: Duration,
    inside: Mutex<Inside>,
}

struct Inside {
    /// The loads that wait, of the cache's own types, which guards of loads hold their cache by: the cache lets go of them when it ends.
    gathered: Option<Box<dyn Any + Send>>,
    /// Counts the times that it was opened.
    round: u64,
}

/// Loads that wait.
struct Gathered<K: Key, V: Value, S: Send + Sync + 'static> {
    guards: Vec<LoadGuard<K, V, S>>,
    /// Where the first of them would have been loaded.
    chosen: Chosen,
    /// What closes the window.
    alarm: Option<Appointment>,
}

impl Window {
    pub(super) fn new(wait: Duration) -> Self {
        Self { wait, inside: Mutex::new(Inside { gathered: None, round: 0 }) }
    }

    /// Lets go of all that wait, as the cache ends.
    pub(super) fn clear(&self) {
        let gathered = self.inside.lock().gathered.take();
        drop(gathered);
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Has a load wait for others, or go with those that wait if they are as many now as may go.
    pub(super) fn hold_back(self: &Arc<Self>, window: &Window, guard: LoadGuard<K, V, S>, chosen: Chosen) {
        let opened = {
            let mut inside = window.inside.lock();
            match inside.gathered.as_mut().and_then(|gathered| gathered.downcast_mut::<Gathered<K, V, S>>()) {
                Some(gathered) => {
                    gathered.guards.push(guard);
                    if gathered.guards.len() < self.settings.max_batch {
                        return;
                    }
                    None
                }
                None => {
                    inside.gathered = Some(Box::new(Gathered { guards: vec![guard], chosen, alarm: None }));
                    inside.round += 1;
                    Some(inside.round)
                }
            }
        };
        let Some(round) = opened.filter(|_| self.settings.max_batch > 1) else { return self.close_window(window) };
        let waker = Waker::from(Arc::new(AtItsEnd { shared: Arc::downgrade(self), round }));
        // Where nobody would close it, it isn't opened.
        let Some(alarm) = self.set_alarm(Deadline::after(self.clock.now(), window.wait), waker) else { return self.close_window(window) };
        let needless = {
            let mut inside = window.inside.lock();
            let is_open = inside.round == round;
            match inside.gathered.as_mut().and_then(|gathered| gathered.downcast_mut::<Gathered<K, V, S>>()) {
                Some(gathered) if is_open => gathered.alarm.replace(alarm),
                Some(_) | None => Some(alarm),
            }
        };
        needless.into_iter().for_each(|alarm| self.cancel_alarm(alarm));
    }

    /// All that wait go.
    fn close_window(self: &Arc<Self>, window: &Window) {
        let gathered = window.inside.lock().gathered.take();
        let Some(Ok(gathered)) = gathered.map(|gathered| gathered.downcast::<Gathered<K, V, S>>()) else { return };
        let Gathered { guards, chosen, alarm } = *gathered;
        alarm.into_iter().for_each(|alarm| self.cancel_alarm(alarm));
        self.launch_batch(guards, chosen);
    }
}

/// Closes the window that was opened then.
struct AtItsEnd<K, V, S> {
    shared: Weak<CacheShared<K, V, S>>,
    round: u64,
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Wake for AtItsEnd<K, V, S> {
    fn wake(self: Arc<Self>) {
        let Some(shared) = self.shared.upgrade() else { return };
        let Some(window) = &shared.window else { return };
        let is_open = window.inside.lock().round == self.round;
        if is_open {
            shared.close_window(window);
        }
    }
}
