//! Seats hold the wakers of those who wait for a flight, threads and tasks alike.

use super::wake;
use std::task::Waker;

/// A seat's number.
pub(super) type Seat = usize;

/// One seat for each waiter, in order of arrival but where a seat was left and taken again.
#[derive(Default)]
pub(super) struct Seats {
    all: Vec<State>,
    free: Vec<Seat>,
}

enum State {
    Free,
    /// Taken by one who hasn't gone to sleep yet.
    Awake,
    Asleep(Waker),
}

impl Seats {
    pub(super) fn take(&mut self) -> Seat {
        if let Some(seat) = self.free.pop() {
            self.all[seat] = State::Awake;
            return seat;
        }
        self.all.push(State::Awake);
        self.all.len() - 1
    }

    /// The waker that is to be woken for `seat`.
    pub(super) fn waker(&self, seat: Seat) -> Option<&Waker> {
        match self.all.get(seat) {
            Some(State::Asleep(waker)) => Some(waker),
            Some(State::Free | State::Awake) | None => None,
        }
    }

    /// Has `waker` woken for `seat`; the one that it replaces is the caller's to drop, off the lock.
    pub(super) fn sleep(&mut self, seat: Seat, waker: Waker) -> Option<Waker> {
        waker_of(std::mem::replace(self.all.get_mut(seat)?, State::Asleep(waker)))
    }

    /// Leaves `seat`; its waker is the caller's to drop, off the lock.
    pub(super) fn leave(&mut self, seat: Seat) -> Option<Waker> {
        let state = std::mem::replace(self.all.get_mut(seat)?, State::Free);
        self.free.push(seat);
        waker_of(state)
    }

    /// Wakes everybody, under no lock.
    pub(super) fn wake_all(self) {
        self.all.into_iter().filter_map(waker_of).for_each(wake);
    }

    /// How many rows were ever made.
    #[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
    pub(super) fn rows(&self) -> usize {
        self.all.len()
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.all.len() - self.free.len()
    }
}

fn waker_of(state: State) -> Option<Waker> {
    match state {
        State::Asleep(waker) => Some(waker),
        State::Free | State::Awake => None,
    }
}
