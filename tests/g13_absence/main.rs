//! G13: absence is an answer: that there is no such key is remembered for a while, counted apart, cleared by any write, and never takes much room.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

#[path = "../support/faces.rs"]
mod faces;
#[path = "../support/gate.rs"]
mod gate;
#[path = "../support/rest.rs"]
mod rest;
#[path = "../support/runway.rs"]
mod runway;
#[path = "../support/together.rs"]
mod together;
#[path = "../support/watchdog.rs"]
mod watchdog;

mod backend;
mod bound;
mod cleared;
mod counted;
mod failures;
mod least_recent;
mod storm;
mod times;
mod unseen;

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_nanos(1);
