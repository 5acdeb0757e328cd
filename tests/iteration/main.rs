//! Walking over all entries: iterators, snapshots, streams, pages, and the coldest and hottest.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

#[path = "../support/cases.rs"]
mod cases;
#[path = "../support/faces.rs"]
mod faces;
#[path = "../support/gate.rs"]
mod gate;
#[path = "../support/hush.rs"]
mod hush;
#[path = "../support/policies.rs"]
mod policies;
#[path = "../support/rest.rs"]
mod rest;
#[path = "../support/together.rs"]
mod together;
#[path = "../support/watchdog.rs"]
mod watchdog;

mod iteration;
