//! Snapshots: what a cache holds is saved whole and restored as far as it is still good, whatever comes in between.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

#[path = "../support/faces.rs"]
mod faces;
#[path = "../support/gate.rs"]
mod gate;
#[path = "../support/hush.rs"]
mod hush;
#[path = "../support/watchdog.rs"]
mod watchdog;

mod autosave;
mod autosave_threads;
mod capacity;
mod codecs;
mod files;
mod forge;
mod hostile;
mod killed;
mod known;
mod round_trips;
mod time;
mod while_written;
mod world;
