//! G16: accounts balance.

#[path = "support/apart.rs"]
mod apart;
#[path = "support/faces.rs"]
mod faces;
#[path = "support/gate.rs"]
mod gate;
#[path = "support/hush.rs"]
mod hush;
#[path = "support/rest.rs"]
mod rest;
#[path = "support/runway.rs"]
mod runway;
#[path = "support/tally.rs"]
mod tally;
#[path = "support/together.rs"]
mod together;
#[path = "support/watchdog.rs"]
mod watchdog;

#[path = "g16_accounts/lookups.rs"]
mod lookups;
#[path = "g16_accounts/outcomes.rs"]
mod outcomes;
#[path = "g16_accounts/removals.rs"]
mod removals;
#[path = "g16_accounts/threads.rs"]
mod threads;
