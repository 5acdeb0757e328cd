//! G9: one expiry model: what an entry is worth at each instant, who sees it then, and where its times come from.

mod boundaries;
mod changes;
mod failing;
mod held_entries;
mod hooks;
mod idle;
mod jitter;
mod own_settings;
mod refusals;
mod rows;
mod scene;
mod table;
