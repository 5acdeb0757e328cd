//! What a run of requests came to: counts and latencies.

use std::time::Duration;

use bellwether::BoxError;
use hdrhistogram::Histogram;
use hdrhistogram::errors::CreationError;
use serde::Serialize;

/// Latencies are told apart up to this one, ten minutes.
const LONGEST_MICROS: u64 = 600_000_000;

/// The figures of one run.
#[derive(Serialize)]
pub(crate) struct Figures {
    pub(crate) requests: u64,
    /// What these requests cost the database.
    pub(crate) queries: u64,
    pub(crate) errors: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    /// The first error, to name it.
    #[serde(skip)]
    pub(crate) first_error: Option<BoxError>,
}

/// Figures in the making.
pub(crate) struct Tally {
    /// Latencies of the requests that were answered, in microseconds.
    latencies: Histogram<u64>,
    errors: u64,
    first_error: Option<BoxError>,
}

impl Tally {
    pub(crate) fn new() -> Result<Self, CreationError> {
        Ok(Self { latencies: Histogram::new_with_bounds(1, LONGEST_MICROS, 3)?, errors: 0, first_error: None })
    }

    /// Counts one request.
    pub(crate) fn record(&mut self, outcome: Result<Duration, BoxError>) {
        match outcome {
            Ok(latency) => {
                let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
                self.latencies.saturating_record(micros);
            }
            Err(error) => {
                self.errors += 1;
                self.first_error.get_or_insert(error);
            }
        }
    }

    /// Closes the tally of a run that cost the database `queries`.
    pub(crate) fn close(self, queries: u64) -> Figures {
        Figures {
            requests: self.latencies.len() + self.errors,
            queries,
            errors: self.errors,
            p50_ms: millis(self.latencies.value_at_quantile(0.50)),
            p99_ms: millis(self.latencies.value_at_quantile(0.99)),
            max_ms: millis(self.latencies.max()),
            first_error: self.first_error,
        }
    }
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1e3
}
