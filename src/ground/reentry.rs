//! Knows whether this thread is inside a closure that runs under a shard's lock, so that calls from there panic
//! with a message instead of deadlocking.

use super::sync::per_thread;
use std::cell::Cell;

per_thread! {
    static INSIDE: Cell<bool> = Cell::new(false);
}

/// Held while a user's closure runs under a shard's lock.
pub(crate) struct Inside(());

impl Inside {
    pub(crate) fn enter() -> Self {
        INSIDE.with(|inside| inside.set(true));
        Self(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.with(|inside| inside.set(false));
    }
}

/// To be called before any shard is locked.
///
/// # Panics
/// If this thread is inside a closure of `get`, or in a user's policy.
#[inline]
pub(crate) fn check() {
    if INSIDE.with(Cell::get) {
        refuse();
    }
}

/// Whether this thread is inside such a closure.
pub(crate) fn is_inside() -> bool {
    INSIDE.with(Cell::get)
}

#[cold]
#[inline(never)]
fn refuse() -> ! {
    panic!(
        "a bellwether cache was called from inside the closure of `get` or a method of a custom policy, which run under the lock of a part of the cache: \
         from `get`, get the value out first, by `fetch`, then call"
    );
}
