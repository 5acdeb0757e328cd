//! G9: one expiry model: what an entry is worth at each instant, who sees it then, and where its times come from.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

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
#[path = "../support/watchdog.rs"]
mod watchdog;

mod boundaries;
mod changes;
mod failing;
mod held_entries;
mod hooks;
mod idle;
mod jitter;
mod own_settings;
mod refusals;
mod rows;
mod scene;
mod table;
