//! A linearizability oracle: it says whether a recorded history of one key
//! could have come from a cache that keeps its promises.
//!
//! Threads record what they called and what they got (`recorder`), every call
//! and return stamped from one counter. `check` then looks for one order of the
//! calls that respects real time and that a plain, sequential cache (`spec`)
//! would have answered the same way (`search`). If there is none, the
//! `violation` prints the history as a table for a person to read.

mod conditional;
pub(crate) mod history;
pub(crate) mod recorder;
mod search;
pub(crate) mod spec;
pub(crate) mod state;
mod sweeping;
pub(crate) mod violation;

use history::History;
use violation::{Reason, Violation};

/// What the cache under test is free to do. The default is the strictest.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// A bounded cache may evict a value, or refuse to store it, at any time.
    pub(crate) may_forget: bool,
    /// Some loads of this history fail, so a fetch or refresh may fail too.
    pub(crate) loads_may_fail: bool,
    /// More loads of the key may be wanted than may run at once, so a flight may
    /// wait for its turn, and an insert answer it.
    pub(crate) queued_flights: bool,
}

/// Passes the history if a correct cache could have made it.
pub(crate) fn check(history: &History, options: Options) -> Result<(), Violation> {
    let reason = if let Some(flaw) = history.flaw() {
        Reason::Flawed(flaw)
    } else if let Some(value) = spec::unasked_load(history, options) {
        Reason::UnaskedLoad(value)
    } else if let Err(stuck) = search::linearize(history, options) {
        Reason::NotLinearizable(stuck)
    } else {
        return Ok(());
    };
    Err(Violation::new(history, reason))
}
