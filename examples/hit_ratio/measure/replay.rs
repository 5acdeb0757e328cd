//! Goes through a trace and counts the hits of each of its windows.

use std::ops::Range;

use bellwether::BoxError;
use indicatif::ProgressBar;

use crate::trace::Trace;

/// Requests between two moves of the progress bar.
const STEP: usize = 1 << 16;

/// A trace, cut into windows of equal length, and the bar that shows how far it is.
pub(crate) struct Replay<'a> {
    pub(crate) trace: &'a Trace,
    pub(crate) windows: usize,
    pub(crate) bar: &'a ProgressBar,
}

impl Replay<'_> {
    /// Counts the hits of each window. `hit` gets the position of each request, in order.
    pub(crate) fn count(&self, mut hit: impl FnMut(usize) -> Result<bool, BoxError>) -> Result<Vec<u64>, BoxError> {
        let mut counts = Vec::with_capacity(self.windows);
        for window in windows(self.trace.requests.len(), self.windows) {
            let mut hits = 0;
            for position in window {
                hits += u64::from(hit(position)?);
                if (position + 1) % STEP == 0 {
                    self.bar.inc(STEP as u64);
                }
            }
            counts.push(hits);
        }
        self.bar.inc((self.trace.requests.len() % STEP) as u64);
        Ok(counts)
    }
}

/// The positions of each window. Lengths differ by one at most.
pub(crate) fn windows(requests: usize, windows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..windows).map(move |window| requests * window / windows..requests * (window + 1) / windows)
}
