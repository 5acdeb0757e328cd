//! The recorder gathers a history while threads and loaders make it.
//!
//! It is built on std alone and takes stamps as arguments, so it serves real
//! threads and model checkers alike: under a checker that runs one thread at a
//! time its locks are never contended, and its atomics add no schedules.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::history::{Call, History, Load, Op, Reply, Stamp, Value, carries_tag};

/// The one counter that all stamps of a history come from.
#[derive(Debug, Default)]
pub(crate) struct Clock(AtomicU64);

impl Clock {
    /// The next stamp.
    pub(crate) fn tick(&self) -> Stamp {
        // The strongest ordering: what a thread does between two stamps must
        // not be seen by others as happening outside them.
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// What all threads of one history share.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// The last value given out.
    values: AtomicU32,
    /// The calls of the threads that have handed in their log.
    calls: Mutex<Vec<Call>>,
    /// The loads that have begun.
    loads: Mutex<Vec<Load>>,
}

impl Recorder {
    /// A value that nobody had before, for an insert.
    pub(crate) fn fresh(&self) -> Value {
        // Relaxed: only that no two are equal matters.
        self.values.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A value that nobody had before and that carries no tag, for a write that can't give it one.
    pub(crate) fn fresh_untagged(&self) -> Value {
        let value = self.fresh();
        if carries_tag(value) { self.fresh_untagged() } else { value }
    }

    /// To be called first thing in a loader; it brings the value it gets here.
    pub(crate) fn load(&self, begin: Stamp) -> Value {
        let value = self.fresh();
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        loads.push(Load { value, begin });
        value
    }

    /// Takes in what one thread did.
    pub(crate) fn collect(&self, log: ThreadLog) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.extend(log.calls);
    }

    /// All that was recorded up to now.
    pub(crate) fn history(&self) -> History {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        History { calls: calls.clone(), loads: loads.clone() }
    }
}

/// What one thread did; its own until it is handed in, so recording a call
/// synchronises nothing but the clock.
#[derive(Debug)]
pub(crate) struct ThreadLog {
    thread: usize,
    calls: Vec<Call>,
}

/// A call under way. Dropping it leaves the call without a return.
#[derive(Debug)]
pub(crate) struct Ticket(usize);

impl ThreadLog {
    /// An empty log.
    pub(crate) fn new(thread: usize) -> Self {
        let calls = Vec::new();
        Self { thread, calls }
    }

    /// How many calls there are.
    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    /// What the last call came back with.
    pub(crate) fn last(&self) -> Option<Reply> {
        self.calls.last()?.returned.map(|(_, reply)| reply)
    }

    /// Notes a call that is about to be made.
    pub(crate) fn call(&mut self, called: Stamp, op: Op) -> Ticket {
        self.calls.push(Call { thread: self.thread, op, called, returned: None });
        Ticket(self.calls.len() - 1)
    }

    /// Notes what the call came back with.
    pub(crate) fn ret(&mut self, ticket: Ticket, returned: Stamp, reply: Reply) {
        let Ticket(index) = ticket;
        self.calls[index].returned = Some((returned, reply));
    }
}
