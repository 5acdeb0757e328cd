//! G10: a value past its deadline is never returned, to any method.

#[path = "support/cases.rs"]
mod cases;
#[path = "support/faces.rs"]
mod faces;
#[path = "support/gate.rs"]
mod gate;
#[path = "support/rest.rs"]
mod rest;
#[path = "support/together.rs"]
mod together;
#[path = "support/watchdog.rs"]
mod watchdog;

#[path = "g10_time_to_live/mock_clock.rs"]
mod mock_clock;
#[path = "g10_time_to_live/real_clock.rs"]
mod real_clock;
#[path = "g10_time_to_live/seen.rs"]
mod seen;
