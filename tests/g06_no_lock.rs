//! G6: no lock is held while user code runs. Whatever of it calls back into the same cache, it is never a deadlock.

#[path = "support/apart.rs"]
mod apart;
#[path = "support/faces.rs"]
mod faces;
#[path = "support/gate.rs"]
mod gate;
#[path = "support/rest.rs"]
mod rest;
#[path = "support/runway.rs"]
mod runway;
#[path = "support/watchdog.rs"]
mod watchdog;

#[path = "g06_no_lock/abandoned.rs"]
mod abandoned;
#[path = "g06_no_lock/day.rs"]
mod day;
#[path = "g06_no_lock/drops.rs"]
mod drops;
#[path = "g06_no_lock/inside_get.rs"]
mod inside_get;
#[path = "g06_no_lock/loaders.rs"]
mod loaders;
#[path = "g06_no_lock/loud.rs"]
mod loud;
#[path = "g06_no_lock/wakers.rs"]
mod wakers;
