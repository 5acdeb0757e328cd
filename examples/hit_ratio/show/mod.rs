//! Prints and draws what was measured.

pub(crate) mod plot;
pub(crate) mod report;
mod table;
