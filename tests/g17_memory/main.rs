//! G17: many caches share the background work, and what they took is given back when they go. A binary of its own, as it looks at the process.
#![cfg(all(target_os = "linux", not(any(bellwether_loom, bellwether_shuttle))))]

#[path = "../support/census.rs"]
mod census;
#[path = "../support/gate.rs"]
mod gate;
#[path = "../support/watchdog.rs"]
mod watchdog;

mod process;
mod rounds;
mod threads;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The tests look at the whole process: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}
