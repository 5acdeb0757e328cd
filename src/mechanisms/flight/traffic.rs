//! The traffic of one cache: how many flights are in the air and how many wait for them, now and at most; and who waits for all to land.

use super::seats::{Seat, Seats};
use crate::ground::contain::drop_contained;
use crate::ground::sync::Mutex;
use crate::ground::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::task::{Context, Poll};

pub(crate) struct Traffic {
    pub(crate) flights: Gauge,
    pub(crate) waiters: Gauge,
    /// Refreshes under way, and how many there may be.
    pub(crate) refreshes: Gauge,
    most_refreshes: u64,
    /// Those who wait until nothing is in the air.
    idle: Mutex<Waits>,
    /// How many those are.
    awaited: AtomicU64,
}

/// Those who wait for the next idle moment, and how many of those moments there were.
#[derive(Default)]
struct Waits {
    moment: u64,
    seats: Seats,
}

/// One who waits until nothing is in the air.
pub(crate) struct IdleWait {
    traffic: Arc<Traffic>,
    /// For which idle moment it waits, and where.
    seat: Option<(u64, Seat)>,
}

impl Traffic {
    pub(crate) fn new(most_refreshes: u64) -> Self {
        Self {
            flights: Gauge::new(),
            waiters: Gauge::new(),
            refreshes: Gauge::new(),
            most_refreshes,
            idle: Mutex::default(),
            awaited: AtomicU64::new(0),
        }
    }

    /// Whether as many refreshes are under way as may be.
    pub(crate) fn is_full_of_refreshes(&self) -> bool {
        self.refreshes.now() >= self.most_refreshes
    }

    /// Whether one more refresh may be under way, which then is.
    pub(super) fn may_refresh(&self) -> bool {
        self.refreshes.add_within(self.most_refreshes)
    }

    /// The load of a refresh has ended, or will never begin.
    pub(super) fn refresh_ended(&self) {
        self.refreshes.sub(1);
    }

    /// A flight has landed. Says whether it was the last in the air: those who wait for that are to be woken then.
    #[must_use]
    pub(super) fn landed(&self) -> bool {
        self.flights.sub(1) == 0
    }

    /// Wakes those who wait for the last flight to land.
    pub(super) fn wake_idle(&self) {
        let seats = {
            let mut idle = self.idle.lock();
            idle.moment += 1;
            std::mem::take(&mut idle.seats)
        };
        seats.wake_all();
    }

    /// Whether anybody waits until nothing is in the air.
    pub(crate) fn is_idle_awaited(&self) -> bool {
        self.awaited.load(Ordering::SeqCst) > 0
    }
}

impl IdleWait {
    pub(crate) fn new(traffic: &Arc<Traffic>) -> Self {
        traffic.awaited.fetch_add(1, Ordering::SeqCst);
        Self { traffic: Arc::clone(traffic), seat: None }
    }

    /// Ready when nothing is in the air; else `cx` is woken once that is so. May wake without need.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.traffic.flights.now() == 0 {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let unneeded = {
            let mut idle = self.traffic.idle.lock();
            let Waits { moment, seats } = &mut *idle;
            let seat = match self.seat {
                Some((of, seat)) if of == *moment => seat,
                Some(_) | None => seats.take(),
            };
            self.seat = Some((*moment, seat));
            seats.sleep(seat, waker)
        };
        drop(unneeded);
        // The last may have landed just before the waker was there to be found.
        if self.traffic.flights.now() == 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for IdleWait {
    fn drop(&mut self) {
        self.traffic.awaited.fetch_sub(1, Ordering::SeqCst);
        let waker = {
            let mut idle = self.traffic.idle.lock();
            let here = self.seat.filter(|(moment, _)| *moment == idle.moment);
            here.and_then(|(_, seat)| idle.seats.leave(seat))
        };
        drop_contained(waker);
    }
}

/// A number that goes up and down, and the highest that it was.
pub(crate) struct Gauge {
    now: AtomicU64,
    peak: AtomicU64,
}

impl Gauge {
    fn new() -> Self {
        Self { now: AtomicU64::new(0), peak: AtomicU64::new(0) }
    }

    /// Sequentially consistent, as the count of flights is what `close` goes by: a load that `close` doesn't count sees that it is closed.
    pub(super) fn add(&self, number: u64) {
        let now = self.now.fetch_add(number, Ordering::SeqCst) + number;
        // Read first: at the peak's height nothing is written.
        if self.peak.load(Ordering::Relaxed) < now {
            self.peak.fetch_max(now, Ordering::Relaxed);
        }
    }

    /// One more, unless there are as many as may be.
    fn add_within(&self, most: u64) -> bool {
        let added = self.now.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| (now < most).then(|| now + 1));
        if let Ok(before) = added {
            self.peak.fetch_max(before + 1, Ordering::Relaxed);
        }
        added.is_ok()
    }

    /// Gives what is left.
    pub(super) fn sub(&self, number: u64) -> u64 {
        self.now.fetch_sub(number, Ordering::SeqCst) - number
    }

    pub(crate) fn now(&self) -> u64 {
        self.now.load(Ordering::SeqCst)
    }

    pub(crate) fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests {
    use super::*;
    use crate::ground::park::Parker;
    use std::task::Waker;

    #[test]
    fn g17_whoever_waits_for_an_idle_cache_is_woken_by_the_last_landing() {
        let traffic = Arc::new(Traffic::new(u64::MAX));
        traffic.flights.add(2);
        let (parker, waker) = Parker::new();
        let cx = Context::from_waker(&waker);
        let mut wait = IdleWait::new(&traffic);
        for _ in 0..3 {
            assert!(wait.poll(&cx).is_pending());
        }
        assert!(!traffic.landed());
        assert!(wait.poll(&cx).is_pending());
        assert!(traffic.landed(), "it was the last");
        traffic.wake_idle();
        parker.park();
        assert!(wait.poll(&Context::from_waker(Waker::noop())).is_ready());
        assert_eq!((traffic.flights.now(), traffic.flights.peak()), (0, 2));
    }

    #[test]
    fn those_who_wait_for_an_idle_cache_and_go_leave_no_trace() {
        let traffic = Arc::new(Traffic::new(u64::MAX));
        traffic.flights.add(1);
        let (parker, waker) = Parker::new();
        for _ in 0..1_000 {
            let mut wait = IdleWait::new(&traffic);
            for _ in 0..3 {
                assert!(wait.poll(&Context::from_waker(&waker)).is_pending());
            }
        }
        assert_eq!(traffic.idle.lock().seats.rows(), 1);
        assert_eq!(Arc::strong_count(&parker), 2, "only the test's own waker is left");
        assert!(!traffic.is_idle_awaited());
    }

    #[test]
    fn who_waits_for_the_next_idle_moment_takes_nobody_s_seat() {
        let traffic = Arc::new(Traffic::new(u64::MAX));
        traffic.flights.add(1);
        let (mut early, mut late) = (IdleWait::new(&traffic), IdleWait::new(&traffic));
        let cx = Context::from_waker(Waker::noop());
        assert!(early.poll(&cx).is_pending());
        assert!(traffic.landed());
        traffic.wake_idle();
        traffic.flights.add(1);
        let (parker, waker) = Parker::new();
        assert!(late.poll(&Context::from_waker(&waker)).is_pending());
        drop(early);
        assert!(traffic.landed());
        traffic.wake_idle();
        parker.park();
    }
}
