//! What is to be run for a trace, and the running of it.

use std::time::Instant;

use bellwether::BoxError;
use indicatif::ProgressBar;

use super::cache::{self, Measured, Setup};
use super::parallel;
use super::point::{Point, Prediction, Told, per_second, ratio, rounded};
use super::replay::{Replay, windows};
use super::{lru_model, opt};
use crate::capacity::Capacity;
use crate::options::{Options, Through};
use crate::policy::Policy;
use crate::progress;
use crate::trace::Trace;

/// What is asked of every trace.
pub(crate) struct Plan {
    pub(crate) capacities: Vec<Capacity>,
    pub(crate) policies: Vec<Policy>,
    pub(crate) shards: Option<usize>,
    pub(crate) through: Through,
    pub(crate) seed: u64,
    /// Windows to cut the trace into.
    pub(crate) curve: Option<u16>,
    /// Whether caches are asked what they would hit with other capacities.
    pub(crate) what_if: bool,
    pub(crate) jobs: usize,
    /// Starts the bar of something that goes through so many requests.
    pub(crate) bar: fn(&str, u64) -> ProgressBar,
}

/// What a run counted, and what the cache said after it.
struct Outcome {
    counts: Vec<u64>,
    what_if: Vec<Told>,
}

impl Plan {
    pub(crate) fn of(options: &Options) -> Self {
        Self {
            capacities: options.capacity.clone(),
            policies: options.policies(),
            shards: options.shards(),
            through: options.through,
            seed: options.seed,
            curve: options.curve,
            what_if: options.what_if,
            jobs: options.jobs(),
            bar: progress::phase,
        }
    }

    /// Runs a trace with every capacity and policy; the points come by capacity, then policy, in the order asked for.
    pub(crate) fn run(&self, trace: &Trace) -> Result<Vec<Point>, BoxError> {
        if self.windows() > trace.requests.len() {
            return Err(format!(
                "{} has {} requests, which can't be cut into {} windows",
                trace.name,
                trace.requests.len(),
                self.windows()
            )
            .into());
        }
        let mut capacities = Vec::new();
        for capacity in self.capacities.iter().map(|capacity| capacity.entries(trace)) {
            if !capacities.contains(&capacity) {
                capacities.push(capacity);
            }
        }
        let runs: Vec<_> = capacities.iter().flat_map(|&capacity| self.policies.iter().map(move |&policy| (capacity, policy))).collect();
        let bar = (self.bar)(&format!("requests of {}", trace.name), trace.requests.len() as u64 * runs.len() as u64);
        let replay = Replay { trace, windows: self.windows(), bar: &bar };
        let measured = parallel::run(self.jobs, runs.len(), |number| {
            let (capacity, policy) = runs[number];
            self.point(&replay, capacity, policy)
        })?;
        let (mut points, what_if): (Vec<_>, Vec<_>) = measured.into_iter().unzip();
        against_opt(&mut points);
        self.check_what_if(&mut points, &what_if, trace)?;
        Ok(points)
    }

    fn windows(&self) -> usize {
        self.curve.map_or(1, usize::from)
    }

    /// One run.
    fn point(&self, replay: &Replay<'_>, capacity: u64, policy: Policy) -> Result<(Point, Vec<Told>), BoxError> {
        let began = Instant::now();
        let outcome = self.outcome(replay, capacity, policy)?;
        let time = began.elapsed();
        let requests = replay.trace.requests.len() as u64;
        let hits = outcome.counts.iter().sum();
        let point = Point {
            trace: replay.trace.name.clone(),
            capacity,
            policy,
            shards: if matches!(policy, Policy::Cache(_)) { self.shards } else { None },
            hit_ratio: ratio(hits, requests),
            requests,
            hits,
            unique: replay.trace.unique,
            seconds: rounded(time.as_secs_f64()),
            requests_per_second: per_second(requests, time),
            of_opt: None,
            curve: self.curve.map(|_| ratios(&outcome.counts, replay)),
            what_if: Vec::new(),
        };
        Ok((point, outcome.what_if))
    }

    fn outcome(&self, replay: &Replay<'_>, capacity: u64, policy: Policy) -> Result<Outcome, BoxError> {
        let counted = |counts| Outcome { counts, what_if: Vec::new() };
        match policy {
            Policy::LruModel => lru_model::hits(replay, capacity).map(counted),
            Policy::Opt => opt::hits(replay, capacity).map(counted),
            Policy::Cache(policy) => {
                let setup = Setup { policy, capacity, shards: self.shards, through: self.through, seed: self.seed };
                let (counts, cache) = cache::hits(replay, &setup)?;
                Ok(Outcome { counts, what_if: if self.what_if { told(&cache) } else { Vec::new() } })
            }
        }
    }

    /// Runs caches with the capacities that other caches have told something about.
    pub(crate) fn check_what_if(&self, points: &mut [Point], told: &[Vec<Told>], trace: &Trace) -> Result<(), BoxError> {
        let runs: Vec<_> = told.iter().enumerate().flat_map(|(point, told)| told.iter().map(move |&what_if| (point, what_if))).collect();
        if runs.is_empty() {
            return Ok(());
        }
        let bar = (self.bar)(&format!("what if: {}", trace.name), trace.requests.len() as u64 * runs.len() as u64);
        let replay = Replay { trace, windows: 1, bar: &bar };
        let predictions = parallel::run(self.jobs, runs.len(), |number| {
            let (point, what_if) = runs[number];
            let counts = self.outcome(&replay, what_if.capacity, points[point].policy)?.counts;
            Ok(prediction(&what_if, ratio(counts.iter().sum(), trace.requests.len() as u64)))
        })?;
        for ((point, _), prediction) in runs.into_iter().zip(predictions) {
            points[point].what_if.push(prediction);
        }
        Ok(())
    }
}

/// What the cache says of other capacities.
fn told(cache: &Measured) -> Vec<Told> {
    let told = cache.what_if().into_iter();
    told.map(|what_if| Told { capacity: what_if.capacity, hit_ratio: what_if.hit_ratio, error: what_if.error }).collect()
}

fn prediction(what_if: &Told, measured: f64) -> Prediction {
    Prediction {
        capacity: what_if.capacity,
        predicted: rounded(what_if.hit_ratio),
        error: rounded(what_if.error),
        measured,
        difference: rounded(what_if.hit_ratio - measured),
    }
}

/// The hit ratio of each window.
fn ratios(counts: &[u64], replay: &Replay<'_>) -> Vec<f64> {
    let lengths = windows(replay.trace.requests.len(), replay.windows).map(|window| window.len() as u64);
    counts.iter().zip(lengths).map(|(&hits, length)| ratio(hits, length)).collect()
}

/// Puts each point in relation to the optimum with the same capacity, where that was run.
fn against_opt(points: &mut [Point]) {
    let optima: Vec<_> =
        points.iter().filter(|point| point.policy == Policy::Opt && point.hits > 0).map(|point| (point.capacity, point.hits)).collect();
    for point in points {
        let best = optima.iter().find(|&&(capacity, _)| capacity == point.capacity);
        point.of_opt = best.map(|&(_, hits)| ratio(point.hits, hits));
    }
}
