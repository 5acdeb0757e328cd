//! Policies of a user's own: what they are told and when, what they may decide, and what holds if they are wrong.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

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

mod calls;
mod cost;
mod factory;
mod faults;
mod pinning;
mod told;

use crate::faces::Face;

/// The keys that are held, in order.
fn keys(cache: &impl Face<u64, u64>) -> Vec<u64> {
    let mut keys: Vec<_> = cache.entries().into_iter().map(|(key, _)| key).collect();
    keys.sort_unstable();
    keys
}
