//! G15: whatever leaves a cache is reported to the listener exactly once, with its key and cause, in order per key, under no lock; and a slow
//! listener holds back the writers of its cache and nobody else.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

#[path = "../support/apart.rs"]
mod apart;
#[path = "../support/cases.rs"]
mod cases;
#[path = "../support/faces.rs"]
mod faces;
#[path = "../support/gate.rs"]
mod gate;
#[path = "../support/hush.rs"]
mod hush;
#[path = "../support/rest.rs"]
mod rest;
#[path = "../support/together.rs"]
mod together;
#[path = "../support/watchdog.rs"]
mod watchdog;
#[path = "../support/ways.rs"]
mod ways;

mod bounds;
mod causes;
mod channel;
mod channel_runtimes;
mod clearing;
mod crosswise;
mod ear;
mod ends;
mod forms;
mod held_up;
mod inside;
mod janitor;
mod loads;
mod loud;
mod model;
mod storm;
mod waiting;
