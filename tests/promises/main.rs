//! What the crate promises, each promise in a folder of its own. One program, as most of what a test takes to compile is the cache itself.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

#[path = "../support/apart.rs"]
mod apart;
#[path = "../support/cases.rs"]
mod cases;
#[path = "../support/census.rs"]
mod census;
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
#[path = "../support/rules.rs"]
mod rules;
#[path = "../support/runway.rs"]
mod runway;
#[path = "../support/tally.rs"]
mod tally;
#[path = "../support/together.rs"]
mod together;
#[path = "../support/watchdog.rs"]
mod watchdog;
#[path = "../support/ways.rs"]
mod ways;
#[path = "../support/web.rs"]
mod web;

mod atomic;
#[cfg(feature = "bulk")]
mod bulk;
mod custom_policy;
mod freshness_corners;
mod g01_one_flight;
mod g02_writes_win;
mod g03_identity;
mod g04_callers_leave;
mod g04_entry;
mod g04_leaving;
mod g05_failure;
mod g06_no_lock;
mod g07_cycles;
mod g07_limits;
mod g08_delivered;
mod g09_expiry;
mod g10_never_past;
mod g10_time_to_live;
mod g11_reclaim;
mod g12_refresh;
mod g13_absence;
mod g14_capacity;
mod g14_model;
mod g14_policies;
mod g14_set_capacity;
mod g15_listener;
mod g16_accounts;
mod g16_loading;
mod g17_ends;
mod g18_hostile;
#[cfg(feature = "tokio")]
mod g19_runtimes;
mod g20_bills;
#[cfg(feature = "bulk")]
mod invalidation;
mod iteration;
mod window;
