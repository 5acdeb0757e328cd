//! Recurring work of a cache: done at intervals, by a thread that may block, and once more when the cache is closed.
//!
//! The appointment is kept by the janitor or a mock clock, which only send for a thread. It is the cache's, and doesn't keep it alive.

use super::contents::Contents;
use super::places::{IfRefused, blocking};
use super::shared::CacheShared;
use crate::ground::contain::contain;
use crate::ground::sync::atomic::{AtomicU64, Ordering};
use crate::ground::sync::{Mutex, Weak, per_thread};
use crate::ground::time::Appointment;
use crate::vocabulary::keys::{Key, Value};
use futures::channel::oneshot;
use std::cell::Cell;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

per_thread! {
    static AT_IT: Cell<bool> = Cell::new(false);
}

/// Whether this thread is at the recurring work of any cache, which may be users' code by now.
fn is_at_it() -> bool {
    AT_IT.try_with(Cell::get).unwrap_or(false)
}

/// How work went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Went {
    Well,
    Wrong,
    /// There was nothing to be done.
    Nothing,
}

/// Work on a cache, which may block.
pub(crate) type Work<K, V> = dyn Fn(&dyn Contents<K, V>) -> Went + Send + Sync;

/// What is asked for.
pub(crate) struct Duty<K, V> {
    /// `Duration::MAX`: only when the cache is closed.
    pub(crate) every: Duration,
    /// Done once, before the cache is handed out.
    pub(crate) first: Box<Work<K, V>>,
    pub(crate) work: Box<Work<K, V>>,
}

/// A cache's recurring work.
pub(crate) struct Recurring<K, V> {
    duty: Duty<K, V>,
    /// Held by the thread that is at it.
    turn: Mutex<()>,
    next: Mutex<Next>,
    done: AtomicU64,
    failed: AtomicU64,
}

/// When it is done next.
enum Next {
    /// It isn't settled: a thread is at it, or on its way.
    Open,
    Booked(Appointment),
    /// Never.
    Stopped,
}

impl<K, V> Recurring<K, V> {
    pub(crate) fn new(duty: Duty<K, V>) -> Self {
        let next = Mutex::new(Next::Open);
        Self { duty, turn: Mutex::new(()), next, done: AtomicU64::new(0), failed: AtomicU64::new(0) }
    }

    /// How often it was done, and how often it went wrong.
    pub(crate) fn counts(&self) -> [u64; 2] {
        [self.done.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed)]
    }

    /// One at a time: another that is under way is waited for, but not from inside of one, which it could wait for in turn.
    fn go_through(&self, work: &Work<K, V>, cache: &dyn Contents<K, V>) {
        let is_inside = is_at_it();
        let turn = if is_inside { self.turn.try_lock() } else { Some(self.turn.lock()) };
        let Some(_turn) = turn else { return };
        AT_IT.with(|at_it| at_it.set(true));
        let went = contain(|| work(cache)).unwrap_or_else(|panic| {
            panic.forget();
            Went::Wrong
        });
        AT_IT.with(|at_it| at_it.set(is_inside));
        match went {
            Went::Well => self.done.fetch_add(1, Ordering::Relaxed),
            Went::Wrong => self.failed.fetch_add(1, Ordering::Relaxed),
            Went::Nothing => 0,
        };
    }
}

impl<K, V, S> CacheShared<K, V, S> {
    /// It isn't done any more at intervals.
    pub(super) fn stop_recurring(&self) {
        let Some(recurring) = &self.settings.recurring else { return };
        let booked = std::mem::replace(&mut *recurring.next.lock(), Next::Stopped);
        if let Next::Booked(appointment) = booked {
            self.cancel_alarm(appointment);
        }
    }
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> CacheShared<K, V, S> {
    /// Does what comes first, on this thread, and makes the first appointment.
    pub(crate) fn begin_recurring(self: &Arc<Self>) {
        if let Some(recurring) = &self.settings.recurring {
            blocking(IfRefused::Go, || recurring.go_through(&*recurring.duty.first, &**self));
            self.book_recurring();
        }
    }

    /// Does it a last time, on this thread.
    pub(crate) fn recur_at_last(self: &Arc<Self>) {
        if self.settings.recurring.is_some() {
            self.stop_recurring();
            blocking(IfRefused::Go, || self.recur());
        }
    }

    /// As [`recur_at_last`](Self::recur_at_last), for a task, which never blocks where a thread can be had. Dropped, it goes on all the same.
    pub(crate) async fn recurred_at_last(self: &Arc<Self>) {
        if self.settings.recurring.is_none() {
            return;
        }
        self.stop_recurring();
        if is_at_it() {
            return self.recur();
        }
        let (done, told) = oneshot::channel();
        let shared = Arc::clone(self);
        self.places.for_blocking(&self.process).run(Box::new(move || {
            shared.recur();
            drop(shared);
            let _nobody_waits = done.send(());
        }));
        if told.await.is_err() {
            blocking(IfRefused::Go, || self.recur());
        }
    }

    fn recur(&self) {
        if let Some(recurring) = &self.settings.recurring {
            recurring.go_through(&*recurring.duty.work, self);
        }
    }

    /// Makes the next appointment.
    fn book_recurring(self: &Arc<Self>) {
        let Some(recurring) = &self.settings.recurring else { return };
        let at = self.clock.deadline_in(recurring.duty.every);
        if at.is_never() {
            return;
        }
        {
            let mut next = recurring.next.lock();
            if let Next::Open = *next {
                let waker = Waker::from(Arc::new(Due { shared: Arc::downgrade(self) }));
                if let Some(appointment) = self.set_alarm(at, waker) {
                    *next = Next::Booked(appointment);
                }
            }
        }
        // A mock clock wakes only when it is moved, which may have been just before.
        if self.clock.mock().is_some() && self.clock.has_passed(at) {
            self.send_for_recurring();
        }
    }

    /// The appointment has come: sends for a thread.
    fn send_for_recurring(self: &Arc<Self>) {
        let Some(recurring) = &self.settings.recurring else { return };
        {
            let mut next = recurring.next.lock();
            match std::mem::replace(&mut *next, Next::Open) {
                // It was this one, or two have noticed that it is due.
                Next::Booked(appointment) => self.cancel_alarm(appointment),
                Next::Open => return,
                Next::Stopped => {
                    *next = Next::Stopped;
                    return;
                }
            }
        }
        let then = Then { shared: Arc::downgrade(self) };
        self.places.for_blocking(&self.process).run(Box::new(move || {
            // The cache may have ended before a thread was there.
            if let Some(shared) = then.shared.upgrade() {
                shared.recur();
            }
            drop(then);
        }));
    }
}

/// The janitor's way to a cache, which it doesn't keep alive.
struct Due<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> {
    shared: Weak<CacheShared<K, V, S>>,
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> Wake for Due<K, V, S> {
    fn wake(self: Arc<Self>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.send_for_recurring();
        }
    }
}

/// Makes the next appointment in the end, also where no thread could be had.
struct Then<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> {
    shared: Weak<CacheShared<K, V, S>>,
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> Drop for Then<K, V, S> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.book_recurring();
        }
    }
}
