//! The shop that the examples share: its database, what can go wrong with that, and progress on stderr.

pub(crate) mod db;
pub(crate) mod error;
pub(crate) mod progress;
pub(crate) mod schema;
