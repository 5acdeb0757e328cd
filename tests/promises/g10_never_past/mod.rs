//! G10: a value past its last deadline is never returned, to any method, whatever the janitor does: reads check, timers only reclaim.

mod histories;
mod methods;
mod model;
mod soak;
mod waiters;
