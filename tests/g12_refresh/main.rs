//! G12: values are loaded anew in the background, and loads that fail or hang cost nobody a value that may still be shown.
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
#[path = "../support/runway.rs"]
mod runway;
#[path = "../support/tally.rs"]
mod tally;
#[path = "../support/together.rs"]
mod together;
#[path = "../support/watchdog.rs"]
mod watchdog;

mod backing_off;
mod between;
mod closures;
mod ends;
mod fallback;
mod hooks;
mod joining;
mod limits;
mod lost;
mod once;
mod outcomes;
mod overtaken;
mod places;
mod queued;
mod remembered;
mod scene;
mod seconds;
mod soft;
mod troubles;
mod when;
