//! G3: a flight lands only while the map still holds that very flight, and a write to one key never disturbs the flight of another.

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

#[path = "g03_identity/collisions.rs"]
mod collisions;
#[path = "g03_identity/successor.rs"]
mod successor;
#[path = "g03_identity/time_out.rs"]
mod time_out;
