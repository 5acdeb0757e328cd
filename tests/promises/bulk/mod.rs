//! Calls for many keys: read-through of many in one call of the loader, and lookups and writes of many.

mod scene;

mod brought;
mod chunks;
mod crossing;
mod cycles;
mod failures;
mod forms;
mod fresh;
mod herd;
mod hostile;
mod kept_sinks;
mod leaving;
mod model;
mod permits;
mod times;
mod turns;
mod unasked;
