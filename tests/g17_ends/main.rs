//! G17: a clean end. The last handle may be dropped anywhere, and a cache may be closed at any time.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

#[path = "../support/apart.rs"]
mod apart;
#[path = "../support/census.rs"]
mod census;
#[path = "../support/faces.rs"]
mod faces;
#[path = "../support/gate.rs"]
mod gate;
#[path = "../support/hush.rs"]
mod hush;
#[path = "../support/rest.rs"]
mod rest;
#[path = "../support/runway.rs"]
mod runway;
#[path = "../support/together.rs"]
mod together;
#[path = "../support/watchdog.rs"]
mod watchdog;

mod clears;
mod close;
mod closing_race;
mod idle;
mod in_flight;
mod in_time;
mod last_handle;
mod limit;
mod odd_places;
mod own_cache;
