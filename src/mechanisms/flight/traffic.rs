//! The traffic of one cache: how many flights are in the air and how many wait for them, now and at most; and who waits for all to land.

use super::seats::Seats;
use crate::ground::sync::Mutex;
use crate::ground::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

pub(crate) struct Traffic {
    pub(crate) flights: Gauge,
    pub(crate) waiters: Gauge,
    /// Those who wait until nothing is in the air.
    idle: Mutex<Seats>,
}

impl Traffic {
    pub(crate) fn new() -> Self {
        Self { flights: Gauge::new(), waiters: Gauge::new(), idle: Mutex::new(Seats::default()) }
    }

    /// A flight has landed; those who wait for the last one are woken.
    pub(super) fn landed(&self) {
        if self.flights.sub(1) == 0 {
            let seats = std::mem::take(&mut *self.idle.lock());
            seats.wake_all();
        }
    }

    /// Ready when nothing is in the air; else `cx` is woken once that is so. May wake without need.
    pub(crate) fn poll_idle(&self, cx: &Context<'_>) -> Poll<()> {
        if self.flights.now() == 0 {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let unneeded = {
            let mut seats = self.idle.lock();
            if seats.wakes(&waker) {
                Some(waker)
            } else {
                let seat = seats.take();
                seats.sleep(seat, waker)
            }
        };
        drop(unneeded);
        // The last may have landed just before the waker was there to be found.
        if self.flights.now() == 0 { Poll::Ready(()) } else { Poll::Pending }
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
        let traffic = Traffic::new();
        traffic.flights.add(2);
        let (parker, waker) = Parker::new();
        let cx = Context::from_waker(&waker);
        for _ in 0..3 {
            assert!(traffic.poll_idle(&cx).is_pending());
        }
        traffic.landed();
        assert!(traffic.poll_idle(&cx).is_pending());
        traffic.landed();
        parker.park();
        assert!(traffic.poll_idle(&Context::from_waker(Waker::noop())).is_ready());
        assert_eq!((traffic.flights.now(), traffic.flights.peak()), (0, 2));
    }

    #[test]
    fn polling_again_and_again_for_an_idle_cache_takes_one_seat() {
        let traffic = Traffic::new();
        traffic.flights.add(1);
        let (_, waker) = Parker::new();
        for _ in 0..1_000 {
            assert!(traffic.poll_idle(&Context::from_waker(&waker)).is_pending());
        }
        assert_eq!(traffic.idle.lock().rows(), 1);
    }
}
