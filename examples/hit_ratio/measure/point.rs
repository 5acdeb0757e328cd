//! What comes out of one run: a line of JSON, a field of the table, a dot of the plot.

use std::time::Duration;

use serde::Serialize;

use crate::policy::Policy;

/// The outcome of one trace, capacity and policy.
#[derive(Clone, Serialize)]
pub(crate) struct Point {
    pub(crate) trace: String,
    pub(crate) capacity: u64,
    pub(crate) policy: Policy,
    /// Absent (`null`) where the cache chose, and for what isn't a cache.
    pub(crate) shards: Option<usize>,
    /// Between 0 and 1.
    pub(crate) hit_ratio: f64,
    pub(crate) requests: u64,
    pub(crate) hits: u64,
    /// Different keys of the trace.
    pub(crate) unique: u64,
    pub(crate) seconds: f64,
    pub(crate) requests_per_second: f64,
    /// Hits over those of `opt`, where that was run and had any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) of_opt: Option<f64>,
    /// The hit ratio of each window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) curve: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) what_if: Vec<Prediction>,
}

/// What a cache says that it would hit with another capacity.
#[derive(Clone, Copy)]
pub(crate) struct Told {
    pub(crate) capacity: u64,
    pub(crate) hit_ratio: f64,
    /// By how much the ratio may be off.
    pub(crate) error: f64,
}

/// What a cache said that it would hit with another capacity, and what a run with that capacity hit.
#[derive(Clone, Serialize)]
pub(crate) struct Prediction {
    pub(crate) capacity: u64,
    pub(crate) predicted: f64,
    /// By how much the prediction may be off, as the cache says.
    pub(crate) error: f64,
    pub(crate) measured: f64,
    /// The prediction less the measurement.
    pub(crate) difference: f64,
}

/// `part` over `whole`, in six decimals; zero of nothing is zero.
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a ratio needs no more than 53 bits")]
    let ratio = part as f64 / whole.max(1) as f64;
    rounded(ratio)
}

/// In six decimals.
pub(crate) fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

/// Whole requests in a second.
pub(crate) fn per_second(requests: u64, time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
    let rate = requests as f64 / time.as_secs_f64().max(1e-9);
    rate.round()
}
