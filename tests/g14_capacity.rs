//! G14: never over, never short.

#[path = "support/cases.rs"]
mod cases;
#[path = "support/faces.rs"]
mod faces;
#[path = "support/gate.rs"]
mod gate;
#[path = "support/rest.rs"]
mod rest;
#[path = "support/tally.rs"]
mod tally;
#[path = "support/together.rs"]
mod together;
#[path = "support/watchdog.rs"]
mod watchdog;

#[path = "g14_capacity/heavy.rs"]
mod heavy;
#[path = "g14_capacity/least_recent.rs"]
mod least_recent;
#[path = "g14_capacity/never_over.rs"]
mod never_over;
#[path = "g14_capacity/never_short.rs"]
mod never_short;
#[path = "g14_capacity/random.rs"]
mod random;
#[path = "g14_capacity/weights.rs"]
mod weights;
