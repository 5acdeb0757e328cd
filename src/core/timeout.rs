//! Time-outs: a load that takes too long ends for those who wait, kept by a waiting thread or by the process's janitor.

use super::shared::{CacheShared, WithJanitor};
use crate::ground::contain::{contain, drop_contained};
use crate::ground::pool::BoxFuture;
use crate::ground::sync::{Mutex, Weak};
use crate::ground::time::{Appointment, Deadline};
use crate::mechanisms::flight::{Flight, Kind};
use crate::shard::Departures;
use crate::vocabulary::error::LoadError;
use crate::vocabulary::keys::{Key, Value};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

impl<K, V, S> CacheShared<K, V, S> {
    /// The error of a load whose time is over.
    pub(super) fn timed_out(&self) -> LoadError {
        LoadError::TimedOut { after: self.settings.load_timeout }
    }

    /// The real time that a flight has left, if there is a limit.
    pub(super) fn time_left(&self, flight: &Flight<K, V>) -> Option<Duration> {
        self.time_left_until(flight.deadline())
    }

    /// The real time that is left until `deadline`, if it ever comes.
    pub(super) fn time_left_until(&self, deadline: Deadline) -> Option<Duration> {
        if self.clock.mock().is_some() { None } else { deadline.left_at(self.clock.now()) }
    }

    /// Has `waker` woken at `deadline`, by this cache's clock. Nothing where nobody keeps it.
    pub(super) fn set_alarm(&self, deadline: Deadline, waker: Waker) -> Option<Appointment> {
        match (self.clock.mock(), self.settings.janitor) {
            (Some(mock), _) => Some(mock.watch(deadline, waker)),
            (None, WithJanitor::Yes) => Some(self.process.janitor.watch(deadline, waker)),
            (None, WithJanitor::No) => None,
        }
    }

    /// Switches an alarm off that a landing has made needless.
    pub(super) fn cancel_alarm(&self, alarm: Appointment) {
        match self.clock.mock() {
            Some(mock) => mock.cancel(alarm),
            None => self.process.janitor.cancel(alarm),
        }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Ends a flight whose time is over, unless it has landed, or is just being landed by a load that came in time.
    pub(super) fn time_out(self: &Arc<Self>, flight: &Arc<Flight<K, V>>) {
        if flight.kind() == Kind::Entry {
            self.vacate(flight);
            return;
        }
        let error = self.timed_out();
        // The key's clone is user code, and so is its `Eq`: whatever they do, the flight ends.
        let key = contain(|| self.key_to_remember(flight, &error)).unwrap_or_else(|panic| {
            panic.forget();
            None
        });
        let mut out = Departures::new();
        if key.is_some() {
            self.make_way_for_an_answer(flight.hashed(), &mut out);
        }
        let shard = self.shard(flight.hashed());
        let mut seal = |note| shard.seal(flight, note, self.terms(), &mut self.room.promise(), &mut out);
        let sealed = contain(|| seal(self.note_of(flight, &error, key))).unwrap_or_else(|panic| {
            panic.forget();
            seal(None)
        });
        let failed = sealed.and_then(|mine| self.give_up(flight, mine, error));
        self.let_go(out);
        self.report(flight, failed);
    }

    /// Sees to it that a flight ends at its deadline though no thread waits for it.
    pub(crate) fn watch(self: &Arc<Self>, flight: &Arc<Flight<K, V>>) {
        let deadline = flight.deadline();
        if deadline.is_never() || !flight.wants_alarm() {
            return;
        }
        let waker = Waker::from(Arc::new(AtDeadline { shared: Arc::downgrade(self), flight: Arc::downgrade(flight) }));
        let Some(alarm) = self.set_alarm(deadline, waker) else { return };
        if let Some(unneeded) = flight.keep_alarm(alarm) {
            self.cancel_alarm(unneeded);
        }
        // A mock clock wakes only when it is moved, which may have been just before.
        if self.clock.mock().is_some() && self.clock.has_passed(deadline) {
            self.time_out(flight);
        }
    }
}

/// A call to wake one who waits, by whoever keeps the cache's time: the janitor, a mock clock, or the timer of the builder's spawner.
pub(super) struct WakeUp {
    at: Deadline,
    by: Option<By>,
}

enum By {
    Appointment(Appointment, Waker),
    /// Taken out to be polled. A future by itself couldn't be shared between threads.
    Timer(Mutex<Option<BoxFuture<'static, ()>>>),
}

impl WakeUp {
    pub(super) const fn new(at: Deadline) -> Self {
        Self { at, by: None }
    }

    pub(super) fn at(&self) -> Deadline {
        self.at
    }

    /// Ready once its time has come; else `cx` is woken then.
    pub(super) fn poll<K, V, S>(&mut self, shared: &CacheShared<K, V, S>, cx: &Context<'_>) -> Poll<()> {
        if self.at.is_never() {
            return Poll::Pending;
        }
        if shared.clock.has_passed(self.at) {
            return Poll::Ready(());
        }
        // A mock clock that was moved on and back has forgotten it.
        let is_booked = |by: &By| matches!(by, By::Appointment(_, waker) if waker.will_wake(cx.waker()));
        if shared.clock.mock().is_none() && self.by.as_ref().is_some_and(is_booked) {
            return Poll::Pending;
        }
        if !matches!(self.by, Some(By::Timer(_))) {
            self.call_off(shared);
            let waker = cx.waker().clone();
            let appointment = shared.set_alarm(self.at, waker.clone());
            self.by = match appointment {
                Some(appointment) => Some(By::Appointment(appointment, waker)),
                None => shared
                    .time_left_until(self.at)
                    .and_then(|left| shared.places.sleep(left))
                    .map(|timer| By::Timer(Mutex::new(Some(timer)))),
            };
        }
        if let Some(By::Timer(kept)) = &self.by {
            let mut timer = kept.lock().take();
            let mut cx = Context::from_waker(cx.waker());
            let polled = contain(|| timer.as_mut().map(|timer| timer.as_mut().poll(&mut cx)));
            if matches!(polled, Ok(Some(Poll::Pending))) {
                *kept.lock() = timer;
            } else {
                // It has rung too early, or has panicked: another is made.
                if let Err(panic) = polled {
                    panic.forget();
                }
                drop_contained(timer);
                self.by = None;
                cx.waker().wake_by_ref();
            }
        }
        // A mock clock wakes only when it is moved, which may have been just before.
        if shared.clock.has_passed(self.at) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Nobody waits any more.
    pub(super) fn call_off<K, V, S>(&mut self, shared: &CacheShared<K, V, S>) {
        match self.by.take() {
            Some(By::Appointment(appointment, _)) => shared.cancel_alarm(appointment),
            timer => drop_contained(timer),
        }
    }
}

/// The janitor's way to a flight, which it doesn't keep alive.
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
