//! A waiter is one caller's seat in a flight. Dropping it leaves the flight, which goes on.

use super::seats::Seat;
use super::{Flight, Landing, Stage};
use crate::ground::contain::drop_contained;
use crate::ground::seeded::{self, Bug};
use std::sync::Arc;
use std::task::{Context, Poll};

/// One who waits: a parked thread or a task, by its waker.
pub(crate) struct Waiter<K, V> {
    flight: Arc<Flight<K, V>>,
    /// None where the flight had landed before it was joined.
    seat: Option<Seat>,
    /// Whether it would have the cache's own loader load.
    wished: bool,
}

impl<K, V> Waiter<K, V> {
    pub(super) fn new(flight: Arc<Flight<K, V>>, seat: Option<Seat>, wished: bool) -> Self {
        Self { flight, seat, wished }
    }

    /// Leaves, and says whether it was still there when the flight landed.
    pub(crate) fn leave(mut self) -> bool {
        self.depart()
    }

    fn depart(&mut self) -> bool {
        let Some(seat) = self.seat.take() else { return false };
        if seeded::on(Bug::SkipWaiterDrop) {
            return false;
        }
        let waker = match &mut self.flight.air.lock().stage {
            Stage::Aloft(seats) | Stage::Sealed(seats) => {
                self.flight.left(self.wished);
                seats.leave(seat)
            }
            Stage::Landed(_) => return true,
        };
        drop_contained(waker);
        false
    }

    pub(crate) fn flight(&self) -> &Arc<Flight<K, V>> {
        &self.flight
    }

    /// The landing, or the promise to wake `cx` when it comes. A later poll replaces the waker of an earlier one.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<Landing<V>> {
        // The first look needs no waker: clones and drops of wakers are user code and stay outside the lock.
        match &self.flight.air.lock().stage {
            Stage::Landed(landing) => {
                return Poll::Ready(landing.clone());
            }
            Stage::Aloft(seats) | Stage::Sealed(seats) => {
                let known = self.seat.and_then(|seat| seats.waker(seat));
                if known.is_some_and(|waker| waker.will_wake(cx.waker())) {
                    return Poll::Pending;
                }
            }
        }
        let waker = cx.waker().clone();
        let (poll, unneeded) = match &mut self.flight.air.lock().stage {
            Stage::Landed(landing) => (Poll::Ready(landing.clone()), Some(waker)),
            Stage::Aloft(seats) | Stage::Sealed(seats) => match self.seat {
                Some(seat) => (Poll::Pending, seats.sleep(seat, waker)),
                None => unreachable!("whoever joined before the landing has a seat until it has come"),
            },
        };
        drop(unneeded);
        poll
    }
}

impl<K, V> Drop for Waiter<K, V> {
    fn drop(&mut self) {
        self.depart();
    }
}
