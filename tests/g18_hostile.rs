//! G18: hostile input leads to an error at build time or to defined behaviour; never to corruption, never to a hang.

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

#[path = "g18_hostile/aborts.rs"]
mod aborts;
#[path = "g18_hostile/bomb.rs"]
mod bomb;
#[path = "g18_hostile/clock.rs"]
mod clock;
#[path = "g18_hostile/farewell.rs"]
mod farewell;
#[path = "g18_hostile/fuse.rs"]
mod fuse;
#[path = "g18_hostile/gathering.rs"]
mod gathering;
#[path = "g18_hostile/keys.rs"]
mod keys;
#[path = "g18_hostile/keys_in_the_air.rs"]
mod keys_in_the_air;
#[path = "g18_hostile/long_queue.rs"]
mod long_queue;
#[path = "g18_hostile/odd_keys.rs"]
mod odd_keys;
#[path = "g18_hostile/scene.rs"]
mod scene;
#[path = "g18_hostile/settings.rs"]
mod settings;
#[path = "g18_hostile/storm.rs"]
mod storm;
#[path = "g18_hostile/values.rs"]
mod values;
#[path = "g18_hostile/weighers.rs"]
mod weighers;
