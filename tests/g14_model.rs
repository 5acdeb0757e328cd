//! G14, G10 and G16 by a naive model: random calls, one after the other, on a cache and on a plain map beside it.
//!
//! With room for everything the two agree after every single call. In a small cache what is held is a part of what the map holds, never too
//! heavy, and whatever is returned is what was stored last.

#[path = "support/cases.rs"]
mod cases;
#[path = "support/faces.rs"]
mod faces;
#[path = "support/gate.rs"]
mod gate;
#[path = "support/hush.rs"]
mod hush;
#[path = "support/rest.rs"]
mod rest;
#[path = "support/tally.rs"]
mod tally;
#[path = "support/watchdog.rs"]
mod watchdog;

#[path = "g14_model/bounded.rs"]
mod bounded;
#[path = "g14_model/model.rs"]
mod model;
#[path = "g14_model/pair.rs"]
mod pair;
#[path = "g14_model/script.rs"]
mod script;
#[path = "g14_model/steps.rs"]
mod steps;
#[path = "g14_model/unbounded.rs"]
mod unbounded;
