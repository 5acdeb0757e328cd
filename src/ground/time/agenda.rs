//! An agenda holds wakers by the time at which they are to be woken.

use super::{Deadline, Tick};
use std::collections::BTreeMap;
use std::task::Waker;

/// Wakers in order of their deadlines. Single-threaded: its keeper locks it.
#[derive(Default)]
pub(crate) struct Agenda {
    entries: BTreeMap<Appointment, Waker>,
    made: u64,
}

/// One entry's place in an agenda.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Appointment {
    at: Deadline,
    number: u64,
}

impl Agenda {
    pub(crate) fn add(&mut self, at: Deadline, waker: Waker) -> Appointment {
        self.made += 1;
        let appointment = Appointment { at, number: self.made };
        self.entries.insert(appointment, waker);
        appointment
    }

    /// Takes an entry out; the waker is the caller's to drop, off the lock.
    pub(crate) fn cancel(&mut self, appointment: Appointment) -> Option<Waker> {
        self.entries.remove(&appointment)
    }

    pub(crate) fn next(&self) -> Option<Deadline> {
        self.entries.first_key_value().map(|(appointment, _)| appointment.at)
    }

    /// Takes out one entry whose deadline has passed.
    pub(crate) fn take_due(&mut self, now: Tick) -> Option<Waker> {
        let first = self.entries.first_entry()?;
        first.key().at.has_passed_at(now).then(|| first.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn entries_come_due_in_order_and_cancelled_ones_do_not() {
        let start = Tick::from_nanos(0);
        let at = |nanos| Deadline::after(start, Duration::from_nanos(nanos));
        let mut agenda = Agenda::default();
        let late = agenda.add(at(20), Waker::noop().clone());
        agenda.add(at(10), Waker::noop().clone());
        agenda.add(at(10), Waker::noop().clone());
        assert_eq!(agenda.next(), Some(at(10)));
        assert!(agenda.take_due(Tick::from_nanos(9)).is_none());
        assert!(agenda.take_due(Tick::from_nanos(10)).is_some());
        assert!(agenda.take_due(Tick::from_nanos(10)).is_some());
        assert!(agenda.take_due(Tick::from_nanos(10)).is_none());
        assert!(agenda.cancel(late).is_some());
        assert!(agenda.cancel(late).is_none());
        assert_eq!(agenda.next(), None);
    }
}
