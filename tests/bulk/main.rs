//! Calls for many keys: read-through of many in one call of the loader, and lookups and writes of many.
#![cfg(all(feature = "bulk", not(any(bellwether_loom, bellwether_shuttle))))]

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

mod scene;

mod brought;
mod chunks;
mod crossing;
mod cycles;
mod failures;
mod forms;
mod fresh;
mod herd;
mod hostile;
mod kept_sinks;
mod leaving;
mod model;
mod permits;
mod times;
mod turns;
mod unasked;
