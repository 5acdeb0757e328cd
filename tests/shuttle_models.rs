//! Models of whole caches under shuttle: herds, writes against loads and refreshes, and the oracle over every schedule.
//!
//! Built only with `--cfg bellwether_shuttle`; CONTRIBUTING says how. `BELLWETHER_SCHEDULES` sets how many schedules each
//! scheduler tries, 20,000 if it isn't set.
#![cfg(bellwether_shuttle)]
#![allow(dead_code, reason = "the oracle's parts serve several test binaries")]

#[path = "support/driver.rs"]
mod driver;
#[path = "support/oracle/mod.rs"]
mod oracle;

#[path = "shuttle_models/atomic.rs"]
mod atomic;
#[cfg(feature = "bulk")]
#[path = "shuttle_models/bulk.rs"]
mod bulk;
#[cfg(feature = "bulk")]
#[path = "shuttle_models/bulk_histories.rs"]
mod bulk_histories;
#[cfg(feature = "bulk")]
#[path = "shuttle_models/bulk_unasked.rs"]
mod bulk_unasked;
#[path = "shuttle_models/capacity.rs"]
mod capacity;
#[path = "shuttle_models/flights.rs"]
mod flights;
#[path = "shuttle_models/freshness.rs"]
mod freshness;
#[path = "shuttle_models/histories.rs"]
mod histories;
#[path = "shuttle_models/lapses.rs"]
mod lapses;
#[path = "shuttle_models/listener.rs"]
mod listener;
#[path = "shuttle_models/protocol.rs"]
mod protocol;
#[path = "shuttle_models/tags.rs"]
mod tags;
#[cfg(feature = "bulk")]
#[path = "shuttle_models/window.rs"]
mod window;
#[cfg(feature = "bulk")]
#[path = "shuttle_models/window_histories.rs"]
mod window_histories;
#[cfg(feature = "bulk")]
#[path = "shuttle_models/window_scene.rs"]
mod window_scene;
#[path = "shuttle_models/world.rs"]
mod world;
