//! Invalidation of many: by tags, by predicates and for a while, and every write against every flight.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

#[path = "../support/apart.rs"]
mod apart;
#[path = "../support/faces.rs"]
mod faces;
#[path = "../support/gate.rs"]
mod gate;
#[path = "../support/hush.rs"]
mod hush;
#[path = "../support/rest.rs"]
mod rest;
#[path = "../support/rules.rs"]
mod rules;
#[path = "../support/runway.rs"]
mod runway;
#[path = "../support/together.rs"]
mod together;
#[path = "../support/watchdog.rs"]
mod watchdog;

mod cells;
mod embargo;
mod embargo_flights;
mod matrix;
mod predicates;
mod scene;
mod tag_cost;
mod tag_flights;
mod tag_kept;
mod tag_renewals;
mod tag_seen;
mod tag_sweep;
mod tag_troubles;
mod tag_windows;
mod writes;
