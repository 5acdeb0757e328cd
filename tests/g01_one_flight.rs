//! G1: one flight per key.

#[path = "support/apart.rs"]
mod apart;
#[path = "support/faces.rs"]
mod faces;
#[path = "support/gate.rs"]
mod gate;
#[path = "support/rest.rs"]
mod rest;
#[path = "support/runway.rs"]
mod runway;
#[path = "support/watchdog.rs"]
mod watchdog;

#[path = "g01_one_flight/herd.rs"]
mod herd;
#[path = "g01_one_flight/joining.rs"]
mod joining;
#[path = "g01_one_flight/key_forms.rs"]
mod key_forms;
#[path = "g01_one_flight/second_look.rs"]
mod second_look;
