//! Permits: how many loads of a cache run at a time, and the queue of those that wait for one.

use crate::ground::sync::Mutex;
use std::collections::BTreeMap;

/// The permits of one cache, for flights of type `T`. Without a limit there is nothing to take, and no lock.
pub(crate) struct Permits<T> {
    limit: Option<Limit<T>>,
}

struct Limit<T> {
    most: u64,
    most_queued: u64,
    state: Mutex<State<T>>,
}

struct State<T> {
    used: u64,
    /// Those that wait, by their serials: in the order in which they were made.
    queue: BTreeMap<u64, T>,
    usage: Usage,
}

/// How many permits and places in the queue are taken now, and were at most.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Usage {
    pub(crate) used: u64,
    pub(crate) used_peak: u64,
    pub(crate) queued: u64,
    pub(crate) queued_peak: u64,
}

/// What somebody who asked for a permit got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Permit {
    /// Nothing to give back: there is no limit.
    Needless,
    Granted,
    /// A place in the queue.
    Queued,
    /// Nothing: the queue is full.
    Refused,
}

/// Whether the queue's limit holds for the one who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queueing {
    Limited,
    /// It was let in before, and waited for something else.
    Anyway,
}

impl<T> Permits<T> {
    /// No limit.
    #[cfg(test)]
    pub(crate) const UNLIMITED: Self = Self { limit: None };

    /// At most `most` at a time, and `most_queued` waiting; no limit where `most` is `None`.
    pub(crate) fn new(most: Option<u64>, most_queued: u64) -> Self {
        let state = || Mutex::new(State { used: 0, queue: BTreeMap::new(), usage: Usage::default() });
        Self { limit: most.map(|most| Limit { most, most_queued, state: state() }) }
    }

    /// Whether one waits for a permit.
    pub(crate) fn is_queued(&self, serial: u64) -> bool {
        self.limit.as_ref().is_some_and(|limit| limit.state.lock().queue.contains_key(&serial))
    }

    /// Asks for a permit, which [`pass_on`](Self::pass_on) gives back. `who` is called for a place in the queue.
    pub(crate) fn ask(&self, serial: u64, queueing: Queueing, who: impl FnOnce() -> T) -> Permit {
        let Some(limit) = &self.limit else { return Permit::Needless };
        let mut state = limit.state.lock();
        if state.used < limit.most {
            state.used += 1;
            state.usage.used_peak = state.usage.used_peak.max(state.used);
            return Permit::Granted;
        }
        let queued = state.queue.len() as u64;
        if queueing == Queueing::Limited && queued >= limit.most_queued {
            return Permit::Refused;
        }
        state.queue.insert(serial, who());
        state.usage.queued_peak = state.usage.queued_peak.max(state.queue.len() as u64);
        Permit::Queued
    }

    /// Whether one who asked now would be refused.
    pub(crate) fn is_full(&self) -> bool {
        self.limit.as_ref().is_some_and(|limit| {
            let state = limit.state.lock();
            state.used >= limit.most && state.queue.len() as u64 >= limit.most_queued
        })
    }

    /// Whether there is no limit.
    pub(crate) fn are_unlimited(&self) -> bool {
        self.limit.is_none()
    }

    /// Passes a permit that isn't needed any more on to the one who waited longest, who then has it; else it is free.
    pub(crate) fn pass_on(&self) -> Option<T> {
        let mut state = self.limit.as_ref()?.state.lock();
        let next = state.queue.pop_first();
        if next.is_none() {
            state.used -= 1;
        }
        next.map(|(_, next)| next)
    }

    /// Leaves the queue.
    pub(crate) fn leave(&self, serial: u64) -> Option<T> {
        self.limit.as_ref()?.state.lock().queue.remove(&serial)
    }

    pub(crate) fn usage(&self) -> Usage {
        let Some(limit) = &self.limit else { return Usage::default() };
        let state = limit.state.lock();
        Usage { used: state.used, queued: state.queue.len() as u64, ..state.usage }
    }
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn permits_are_passed_on_in_order_and_free_in_the_end() {
        let permits = Permits::new(Some(2), u64::MAX);
        let ask = |n: u64| permits.ask(n, Queueing::Limited, || n);
        assert_eq!(
            [ask(1), ask(2), ask(3), ask(4), ask(5)],
            [Permit::Granted, Permit::Granted, Permit::Queued, Permit::Queued, Permit::Queued]
        );
        assert_eq!(permits.leave(4), Some(4));
        assert_eq!([permits.pass_on(), permits.pass_on(), permits.pass_on(), permits.pass_on()], [Some(3), Some(5), None, None]);
        assert_eq!(permits.usage(), Usage { used: 0, used_peak: 2, queued: 0, queued_peak: 3 });
    }

    #[test]
    fn a_full_queue_refuses_but_those_let_in_before() {
        let permits = Permits::new(Some(1), 1);
        let ask = |n: u64, queueing| permits.ask(n, queueing, || n);
        assert_eq!(ask(1, Queueing::Limited), Permit::Granted);
        assert_eq!(ask(2, Queueing::Limited), Permit::Queued);
        assert_eq!(ask(3, Queueing::Limited), Permit::Refused);
        assert_eq!(ask(4, Queueing::Anyway), Permit::Queued);
        assert_eq!(permits.usage().queued, 2);
    }

    #[test]
    fn without_a_limit_nothing_is_taken() {
        let permits = Permits::UNLIMITED;
        assert_eq!(permits.ask(1, Queueing::Limited, || 1), Permit::Needless);
        assert_eq!((permits.pass_on(), permits.leave(1), permits.usage()), (None, None, Usage::default()));
    }
}
