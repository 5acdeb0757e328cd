//! A flight is one load in the air: the first caller starts it, the rest wait.
//!
//! It knows who it is (a berth in the map of flights), who waits for it, and, once landed, what it brought. Whether it may still be
//! joined or stored isn't its own affair: the map says so, under the shard's lock.

mod map;
mod seats;
mod waiter;

pub(crate) use map::{Claimed, Ended, FlightMap, Overtaken, Turn};
pub(crate) use waiter::Waiter;

use crate::ground::contain::{contain, drop_contained};
use crate::ground::hash::Hashed;
use crate::ground::seeded::{self, Bug};
use crate::ground::sync::Mutex;
use crate::ground::sync::atomic::{AtomicBool, Ordering};
use crate::ground::time::{Appointment, Deadline};
use crate::vocabulary::error::LoadError;
use seats::Seats;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// One load of one key.
pub(crate) struct Flight<K, V> {
    /// There until the flight is dropped.
    key: Option<K>,
    hashed: Hashed,
    /// Its key's place in the map of flights.
    berth: u64,
    /// When it is over, landed or not.
    deadline: Deadline,
    /// Whether its load has begun. Written under the lock of the shard.
    begun: AtomicBool,
    air: Mutex<Air<V>>,
}

/// What changes about a flight.
struct Air<V> {
    stage: Stage<V>,
    /// Starts the load of a flight that has to wait for its turn.
    launch: Option<Launch>,
    /// Wakes the load's own task when nobody needs its result any more.
    stop: Option<Waker>,
    /// The alarm that ends it at its deadline.
    alarm: Option<Appointment>,
}

/// Begins a load. Called or dropped under no lock.
pub(crate) type Launch = Box<dyn FnOnce() + Send>;

enum Stage<V> {
    /// Being loaded.
    Aloft(Seats),
    /// Somebody is about to land it: nobody else does.
    Sealed(Seats),
    Landed(Landing<V>),
}

/// How a flight ended.
pub(crate) struct Landing<V> {
    pub(crate) result: Result<Arc<V>, LoadError>,
    pub(crate) standing: Standing,
}

/// Whether a write had overtaken the flight before it landed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    Held,
    Superseded,
}

impl<V> Clone for Landing<V> {
    fn clone(&self) -> Self {
        Self { result: self.result.clone(), standing: self.standing }
    }
}

impl<K, V> Flight<K, V> {
    fn new(key: K, hashed: Hashed, berth: u64, deadline: Deadline) -> Self {
        let air = Air { stage: Stage::Aloft(Seats::default()), launch: None, stop: None, alarm: None };
        Self { key: Some(key), hashed, berth, deadline, begun: AtomicBool::new(false), air: Mutex::new(air) }
    }

    pub(crate) fn key(&self) -> &K {
        self.key.as_ref().expect("it is taken out only by `drop`")
    }

    pub(crate) fn has_landed(&self) -> bool {
        matches!(self.air.lock().stage, Stage::Landed(_))
    }

    pub(crate) fn hashed(&self) -> Hashed {
        self.hashed
    }

    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline
    }

    pub(crate) fn has_begun(&self) -> bool {
        // Relaxed: the flag announces nothing but itself.
        self.begun.load(Ordering::Relaxed)
    }

    fn set_begun(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }

    /// Takes a seat among those who wait.
    pub(crate) fn join(self: &Arc<Self>) -> Waiter<K, V> {
        let seat = match &mut self.air.lock().stage {
            Stage::Aloft(seats) | Stage::Sealed(seats) => Some(seats.take()),
            Stage::Landed(_) => None,
        };
        Waiter::new(Arc::clone(self), seat)
    }

    /// Runs `launch` at once if the flight's turn has come, else keeps it until then. A flight that has landed needs none.
    pub(crate) fn when_begun(&self, launch: Launch) {
        let now = {
            let mut air = self.air.lock();
            match (&air.stage, self.has_begun()) {
                (Stage::Landed(_), _) => return drop_after(air, launch),
                (Stage::Aloft(_) | Stage::Sealed(_), true) => launch,
                (Stage::Aloft(_) | Stage::Sealed(_), false) => {
                    air.launch = Some(launch);
                    return;
                }
            }
        };
        now();
    }

    /// Begins the load of a flight whose turn has come; the map has marked it as begun.
    pub(crate) fn begin(&self) {
        let launch = self.air.lock().launch.take();
        if let Some(launch) = launch {
            launch();
        }
    }

    /// Takes on to land the flight, by a result or a time-out. `true` for the first who asks, who then publishes.
    pub(crate) fn seal(&self) -> bool {
        let mut air = self.air.lock();
        let Stage::Aloft(seats) = &mut air.stage else { return false };
        let seats = std::mem::take(seats);
        air.stage = Stage::Sealed(seats);
        true
    }

    /// Lands the flight that the caller has sealed, and wakes all who wait. Gives the alarm that is to be switched off.
    pub(crate) fn publish(&self, landing: Landing<V>) -> Option<Appointment> {
        if seeded::on(Bug::WakeBeforePublish) {
            self.air.lock().stage.take_seats().wake_all();
        }
        let (seats, launch, stop, alarm) = {
            let mut air = self.air.lock();
            let seats = air.stage.take_seats();
            air.stage = Stage::Landed(landing);
            (seats, air.launch.take(), air.stop.take(), air.alarm.take())
        };
        // Published before anybody is woken: who wakes finds the result.
        if !seeded::on(Bug::WakeBeforePublish) {
            seats.wake_all();
        }
        if let Some(stop) = stop {
            wake(stop);
        }
        drop_contained(launch);
        alarm
    }

    /// For the load's own task: ready once the flight has landed without it, so that the loader can be dropped.
    pub(crate) fn poll_stop(&self, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let (poll, unneeded) = {
            let mut air = self.air.lock();
            match air.stage {
                Stage::Landed(_) => (Poll::Ready(()), Some(waker)),
                Stage::Aloft(_) | Stage::Sealed(_) => (Poll::Pending, air.stop.replace(waker)),
            }
        };
        drop(unneeded);
        poll
    }

    /// Whether somebody should set the alarm that ends this flight at its deadline.
    pub(crate) fn wants_alarm(&self) -> bool {
        let air = self.air.lock();
        air.alarm.is_none() && matches!(air.stage, Stage::Aloft(_))
    }

    /// Keeps the alarm that was set, or gives it back to be switched off where it isn't needed any more.
    pub(crate) fn keep_alarm(&self, alarm: Appointment) -> Option<Appointment> {
        let mut air = self.air.lock();
        if matches!(air.stage, Stage::Landed(_)) { Some(alarm) } else { air.alarm.replace(alarm) }
    }

    /// How many wait.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn waiters(&self) -> usize {
        match &self.air.lock().stage {
            Stage::Aloft(seats) | Stage::Sealed(seats) => seats.taken(),
            Stage::Landed(_) => 0,
        }
    }
}

impl<V> Stage<V> {
    fn take_seats(&mut self) -> Seats {
        match self {
            Self::Aloft(seats) | Self::Sealed(seats) => std::mem::take(seats),
            Self::Landed(_) => Seats::default(),
        }
    }
}

/// Wakes one; a waker is user code, and one that panics doesn't keep the others asleep.
fn wake(waker: Waker) {
    if let Err(panic) = contain(|| waker.wake()) {
        panic.forget();
    }
}

/// Releases `lock`, then drops `value`.
fn drop_after<L, T>(lock: L, value: T) {
    drop(lock);
    drop_contained(value);
}

/// The key's and the value's `Drop` are user code, and whoever lets go last is not to be stopped by it.
impl<K, V> Drop for Flight<K, V> {
    fn drop(&mut self) {
        drop_contained(self.key.take());
        let stage = std::mem::replace(&mut self.air.lock().stage, Stage::Sealed(Seats::default()));
        drop_contained(stage);
    }
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests;

#[cfg(all(test, bellwether_loom))]
mod loom;
