//! Atomic updates: conditional writes and changes of what is held, on every face.
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

mod back;
mod flights;
mod forms;
mod heard;
mod rows;
mod scene;
mod storm;
mod tags;
mod threads;
mod traps;
mod weights;
