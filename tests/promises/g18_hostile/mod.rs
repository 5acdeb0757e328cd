//! G18: hostile input leads to an error at build time or to defined behaviour; never to corruption, never to a hang.

mod aborts;
mod bomb;
mod clock;
mod farewell;
mod fuse;
mod gathering;
mod keys;
mod keys_in_the_air;
mod long_queue;
mod odd_keys;
mod scene;
mod settings;
mod storm;
mod values;
mod weighers;
