//! A capacity as the command line says it: a number of entries, or a share of a trace's keys.

use std::str::FromStr;

use crate::trace::Trace;

/// Fewer entries than this are no share of anything: a small trace is run with as many.
const LEAST_SHARE: u64 = 32;

/// A number of entries, or a share of the different keys of a trace.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Capacity {
    Entries(u64),
    /// Per cent.
    Share(f64),
}

impl Capacity {
    /// The number of entries for a trace: a share is rounded down, and is at least 32.
    pub(crate) fn entries(self, trace: &Trace) -> u64 {
        match self {
            Self::Entries(entries) => entries,
            Self::Share(percent) => part(trace.unique, percent).max(LEAST_SHARE),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a number of keys in memory is neither negative nor near 2^53"
)]
fn part(of: u64, percent: f64) -> u64 {
    (of as f64 * percent / 100.0) as u64
}

impl FromStr for Capacity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let capacity = match text.strip_suffix('%') {
            Some(percent) => percent.parse().ok().filter(|&percent| percent > 0.0 && percent <= 100.0).map(Self::Share),
            None => text.parse().ok().filter(|&entries| entries > 0).map(Self::Entries),
        };
        capacity.ok_or_else(|| {
            "give a number of entries from 1 up, or a share of the trace's keys above 0% and up to 100%, such as 1%".to_owned()
        })
    }
}
