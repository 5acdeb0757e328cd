//! Upkeep: the appointment at which a cache's expired entries are next reclaimed, with whoever keeps its time.

use crate::ground::janitor::Janitor;
use crate::ground::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::ground::sync::{Arc, Mutex};
use crate::ground::time::{Appointment, Deadline, MockClock, Tick};
use std::sync::OnceLock;
use std::task::Waker;
use std::time::Duration;

/// What falls due within so many nanoseconds is reclaimed together, so that a busy janitor wakes seldom.
const TOGETHER: u64 = 1 << 26;

/// What is wanted soon may wait so long for a visit that comes anyway.
const SOON: Duration = Duration::from_nanos(TOGETHER / 2);

/// A cache's appointment: one at a time, the earliest that is needed.
pub(crate) struct Upkeep {
    keeper: Keeper,
    /// Has the cache reclaim what is due. Given once the cache is there.
    visit: OnceLock<Waker>,
    /// When the appointment is, for those who ask without the lock.
    at: AtomicU64,
    /// Whether the keeper stands by.
    stands_by: AtomicBool,
    booked: Mutex<Booked>,
}

struct Booked {
    at: Deadline,
    appointment: Option<Appointment>,
    /// One that never comes, by which the keeper stands by.
    standing: Option<Appointment>,
}

/// Who keeps the appointment.
pub(crate) enum Keeper {
    Janitor(Arc<Janitor>),
    /// The clock itself, when it is moved.
    Mock(MockClock),
    /// Nobody: calls do what they can, and [`run_maintenance`](crate::Cache::run_maintenance) the rest.
    Nobody,
}

impl Upkeep {
    pub(crate) fn new(keeper: Keeper) -> Self {
        let booked = Booked { at: Deadline::NEVER, appointment: None, standing: None };
        let (at, stands_by) = (AtomicU64::new(u64::MAX), AtomicBool::new(false));
        Self { keeper, visit: OnceLock::new(), at, stands_by, booked: Mutex::new(booked) }
    }

    /// Says how the cache is to be visited. To be called once, before anything is due.
    pub(crate) fn visit_by(&self, visit: Waker) {
        drop(self.visit.set(visit));
    }

    /// Sees to it that the cache is visited once `due` has passed, or soon after. Takes no shard's lock; to be called under none.
    #[inline]
    pub(crate) fn want(&self, due: Deadline) {
        // Relaxed: whoever takes the appointment out looks for what is due afterwards, and finds it under the shard's lock.
        if due.nanos() < self.at.load(Ordering::Relaxed) {
            self.book(due);
        }
    }

    /// Sees to it that the cache is visited, now or a moment later.
    pub(crate) fn want_soon(&self, now: Tick) {
        let wait = match &self.keeper {
            Keeper::Janitor(_) => SOON,
            Keeper::Mock(_) | Keeper::Nobody => Duration::ZERO,
        };
        self.want(Deadline::after(now, wait));
    }

    /// Has the keeper stand by, so that nobody who [wants a visit soon](Self::want_soon) has to wait until a thread is started, or, for a moment from
    /// now on, woken.
    pub(crate) fn stand_by(&self, now: Tick) {
        if matches!(self.keeper, Keeper::Janitor(_)) {
            // Relaxed: who doesn't see it yet looks again, under the lock.
            if !self.stands_by.load(Ordering::Relaxed) {
                self.have_stand_by();
            }
            self.want_soon(now);
        }
    }

    #[cold]
    fn have_stand_by(&self) {
        let mut booked = self.booked.lock();
        if let (Keeper::Janitor(janitor), None) = (&self.keeper, &booked.standing) {
            booked.standing = Some(janitor.watch(Deadline::NEVER, Waker::noop().clone()));
        }
        self.stands_by.store(true, Ordering::Relaxed);
    }

    #[cold]
    fn book(&self, due: Deadline) {
        match &self.keeper {
            Keeper::Janitor(_) => self.book_at(due.rounded_up(TOGETHER), TOGETHER - 1),
            Keeper::Mock(_) => self.book_at(due, 0),
            Keeper::Nobody => {}
        }
    }

    /// Books a visit at once, but after all that is due by `now`.
    pub(crate) fn go_on(&self, now: Tick) {
        self.book_at(Deadline::after(now, Duration::ZERO), 0);
    }

    /// Books a visit, which is early enough for what falls due up to `early` nanoseconds before.
    fn book_at(&self, at: Deadline, early: u64) {
        let Some(visit) = self.visit.get() else { return };
        let visit = visit.clone();
        let mut booked = self.booked.lock();
        if at >= booked.at {
            return;
        }
        let needless = booked.appointment.take();
        booked.at = at;
        self.at.store(at.nanos().saturating_sub(early), Ordering::Relaxed);
        booked.appointment = match &self.keeper {
            Keeper::Janitor(janitor) => Some(janitor.watch(at, visit)),
            Keeper::Mock(mock) => Some(mock.watch(at, visit)),
            Keeper::Nobody => None,
        };
        self.cancel(needless);
        if self.is_unkept() {
            // Nobody will come: the next that needs a visit tries again.
            self.cancel(booked.appointment.take());
            booked.at = Deadline::NEVER;
            self.at.store(u64::MAX, Ordering::Relaxed);
        }
    }

    /// Whether a thread that would keep the appointment could not be had.
    pub(crate) fn is_unkept(&self) -> bool {
        matches!(&self.keeper, Keeper::Janitor(janitor) if janitor.is_unavailable())
    }

    /// The visit has come: whatever is due from now on needs another appointment.
    pub(crate) fn begins(&self) {
        let mut booked = self.booked.lock();
        // Perhaps not the one that this visit is.
        self.cancel(booked.appointment.take());
        booked.at = Deadline::NEVER;
        self.at.store(u64::MAX, Ordering::Relaxed);
    }

    fn cancel(&self, appointment: Option<Appointment>) {
        let Some(appointment) = appointment else { return };
        match &self.keeper {
            Keeper::Janitor(janitor) => janitor.cancel(appointment),
            Keeper::Mock(mock) => mock.cancel(appointment),
            Keeper::Nobody => {}
        }
    }
}

#[cfg(all(test, bellwether_loom))]
mod loom;

/// No visit is needed any more.
impl Drop for Upkeep {
    fn drop(&mut self) {
        let (needless, standing) = {
            let mut booked = self.booked.lock();
            (booked.appointment.take(), booked.standing.take())
        };
        self.cancel(needless);
        if let (Keeper::Janitor(janitor), Some(standing)) = (&self.keeper, standing) {
            janitor.dismiss(standing);
        }
    }
}
