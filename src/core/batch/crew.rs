//! The flights of a batch as one: what the call waits for, they all wait for, and they end at one time.

use crate::core::shared::CacheShared;
use crate::ground::contain::{contain, drop_contained};
use crate::ground::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::ground::sync::{Mutex, Weak, serial};
use crate::ground::time::Deadline;
use crate::ground::waits::{Awaited, Queue};
use crate::mechanisms::flight::Flight;
use crate::vocabulary::keys::{Key, Value};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

/// The flights of a batch, as the one load that they are to others: what it waits for, they all wait for.
pub(super) struct Crew<K, V> {
    pub(super) serial: u64,
    pub(super) flights: Box<[Arc<Flight<K, V>>]>,
    on_permit: bool,
    /// Whether somebody waits for it who has a permit, from then on until it is over.
    urgent: AtomicBool,
    pub(super) over: AtomicBool,
    /// How many of its flights the call itself has landed.
    pub(super) answered: AtomicUsize,
    lateness: Mutex<Lateness>,
}

/// Whether a call has had its time, though nobody may wait for it any more.
#[derive(Default)]
struct Lateness {
    is_late: bool,
    /// Wakes the call's task then.
    task: Option<Waker>,
}

impl<K: Send + Sync, V: Send + Sync> Awaited for Crew<K, V> {
    fn serial(&self) -> u64 {
        self.serial
    }

    fn node(&self) -> u64 {
        self.serial
    }

    fn berths(&self, takes: &mut dyn FnMut(u64)) {
        self.flights.iter().for_each(|flight| flight.berths(takes));
    }

    fn is_privileged(&self) -> bool {
        // Its flights may all have landed, and the call goes on.
        (self.on_permit || self.urgent.load(Ordering::Relaxed) || self.flights.iter().any(|flight| flight.is_privileged()))
            && !self.is_over()
    }

    fn privilege(&self) {
        self.urgent.store(true, Ordering::Relaxed);
        self.flights.iter().for_each(|flight| flight.privilege());
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn queue(&self) -> Option<Queue> {
        None
    }
}

impl<K: Key, V: Value> Crew<K, V> {
    pub(super) fn new(flights: Box<[Arc<Flight<K, V>>]>, on_permit: bool) -> Self {
        Self {
            serial: serial(),
            on_permit,
            urgent: AtomicBool::new(flights.iter().any(|flight| flight.is_privileged())),
            flights,
            over: AtomicBool::new(false),
            answered: AtomicUsize::new(0),
            lateness: Mutex::new(Lateness::default()),
        }
    }

    /// They were claimed at about the same time, and all are over with the last.
    pub(super) fn last_deadline(&self) -> Deadline {
        self.flights.iter().map(|flight| flight.deadline()).max().unwrap_or(Deadline::NEVER)
    }

    pub(super) fn time_out<S: Send + Sync + 'static>(&self, shared: &Arc<CacheShared<K, V, S>>) {
        self.flights.iter().filter(|flight| !flight.has_landed()).for_each(|flight| shared.time_out(flight));
        let task = {
            let mut lateness = self.lateness.lock();
            lateness.is_late = true;
            lateness.task.take()
        };
        if let Some(task) = task {
            if let Err(panic) = contain(|| task.wake()) {
                panic.forget();
            }
        }
    }

    /// Whether anybody wants the call to go on: a flight has yet to land, or all were landed by the call itself, which may have more to do. Its task
    /// is woken when that changes. Those before the `front` have landed.
    pub(super) fn is_wanted(&self, front: &mut usize, cx: &Context<'_>) -> bool {
        while let Some(flight) = self.flights.get(*front) {
            if flight.poll_stop(cx).is_pending() {
                return true;
            }
            *front += 1;
        }
        if self.answered.load(Ordering::Acquire) < self.flights.len() {
            return false;
        }
        let waker = cx.waker().clone();
        let mut lateness = self.lateness.lock();
        let needless = lateness.task.replace(waker);
        let is_late = lateness.is_late;
        drop(lateness);
        drop_contained(needless);
        !is_late
    }
}

/// An alarm that ends the flights of a batch.
pub(super) struct AtDeadline<K, V, S> {
    pub(super) shared: Weak<CacheShared<K, V, S>>,
    pub(super) crew: Weak<Crew<K, V>>,
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Wake for AtDeadline<K, V, S> {
    fn wake(self: Arc<Self>) {
        if let (Some(shared), Some(crew)) = (self.shared.upgrade(), self.crew.upgrade()) {
            crew.time_out(&shared);
        }
    }
}
