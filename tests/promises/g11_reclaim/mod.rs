//! G11: what has expired is reclaimed without traffic: by the mock clock when it is moved, by the janitor at its time, and by writes where there
//! is no janitor.

mod by_itself;
mod changes;
mod exhausted;
mod held_up;
mod idle;
mod model;
mod moved;
mod timers;
mod unkept;

use bellwether::{MetricsSnapshot, RemovalCause};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_nanos(1);

/// The janitor is one for the whole process, and some of the tests hold it up: those that need it run one at a time.
fn janitors_turn() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn expired(metrics: &MetricsSnapshot) -> u64 {
    metrics.removals(RemovalCause::Expired)
}
