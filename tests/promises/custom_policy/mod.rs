//! Policies of a user's own: what they are told and when, what they may decide, and what holds if they are wrong.

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
