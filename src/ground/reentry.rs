//! Knows whether this thread is inside a closure that runs under a shard's lock, so that calls from there panic
//! with a message instead of deadlocking.

use super::sync::per_thread;
use std::cell::Cell;

per_thread! {
    static INSIDE: Cell<Option<Of>> = Cell::new(None);
}

/// Whose code runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// The closure of `get`.
    Get,
    /// The closure of `try_compute`.
    TryCompute,
    /// A method of a custom policy.
    Policy,
}

/// Held while a user's code runs under a shard's lock.
pub(crate) struct Inside(Option<Of>);

impl Inside {
    pub(crate) fn enter(of: Of) -> Self {
        Self(INSIDE.with(|inside| inside.replace(Some(of))))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.with(|inside| inside.set(self.0));
    }
}

/// To be called before any shard is locked.
///
/// # Panics
/// If this thread is inside a closure of `get` or `try_compute`, or a method of a custom policy.
#[inline]
pub(crate) fn check() {
    if let Some(of) = INSIDE.with(Cell::get) {
        refuse(of);
    }
}

/// Whether this thread is inside such code.
pub(crate) fn is_inside() -> bool {
    INSIDE.with(Cell::get).is_some()
}

#[cold]
#[inline(never)]
fn refuse(of: Of) -> ! {
    match of {
        Of::Get => panic!(
            "a bellwether cache was called from inside the closure of `get`, which runs under the lock of a part of the cache: \
             use `fetch` to get the value out first, then call"
        ),
        Of::TryCompute => panic!(
            "a bellwether cache was called from inside the closure of `try_compute`, which runs under the lock of a part of the cache: \
             use `compute`, whose closure runs under no lock"
        ),
        Of::Policy => {
            panic!(
                "a bellwether cache was called from inside a method of a custom policy, which runs under the lock of a part of the cache"
            )
        }
    }
}
