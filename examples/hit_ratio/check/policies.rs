//! The cache against the yardsticks, and what is made of its runs.

use bellwether::{BoxError, EvictionPolicy};
use indicatif::ProgressBar;

use super::{counted, ensure, generated};
use crate::capacity::Capacity;
use crate::measure::cache::{self, Setup};
use crate::measure::lru_model;
use crate::measure::plan::Plan;
use crate::measure::point::{Point, Told, ratio};
use crate::options::Through;
use crate::policy::Policy;

const TRACES: [&str; 4] = ["zipf:2000:6000:0.9", "loop:300:3000", "scan:400:4000:200", "phase:400:5000:2"];

fn plan(policies: Vec<Policy>, capacities: &[u64], shards: Option<usize>) -> Plan {
    Plan {
        capacities: capacities.iter().map(|&entries| Capacity::Entries(entries)).collect(),
        policies,
        shards,
        through: Through::Get,
        seed: 1,
        curve: Some(10),
        what_if: false,
        jobs: 2,
        bar: |_, _| ProgressBar::hidden(),
    }
}

pub(super) fn lru_is_the_model() -> Result<(), BoxError> {
    for spec in TRACES {
        let trace = generated(spec)?;
        for capacity in [1, 2, 33, 299, 1000, 5000] {
            let expected = counted(&trace, |replay| lru_model::hits(replay, capacity))?;
            for (through, seed) in [(Through::Get, 1), (Through::FetchWith, 2)] {
                let setup = Setup { policy: EvictionPolicy::Lru, capacity, shards: Some(1), through, seed };
                let hits = counted(&trace, |replay| Ok(cache::hits(replay, &setup)?.0))?;
                ensure(hits == expected, || format!("{spec} at capacity {capacity}, by {through:?}: {hits:?} instead of {expected:?}"))?;
            }
        }
    }
    Ok(())
}

pub(super) fn runs_repeat_themselves() -> Result<(), BoxError> {
    for spec in TRACES {
        let trace = generated(spec)?;
        let plan = plan(Policy::all().collect(), &[100], Some(2));
        for (once, again) in plan.run(&trace)?.iter().zip(plan.run(&trace)?) {
            ensure(once.curve == again.curve, || format!("{spec} under {}: {:?}, then {:?}", once.policy, once.curve, again.curve))?;
        }
    }
    Ok(())
}

pub(super) fn opt_is_not_beaten() -> Result<(), BoxError> {
    for spec in TRACES {
        let trace = generated(spec)?;
        for shards in [Some(1), Some(4)] {
            let optima = plan(vec![Policy::Opt], &[32, 33, 250, 251], None).run(&trace)?;
            for point in plan(Policy::all().collect(), &[32, 250], shards).run(&trace)? {
                // It leaves the newcomer out, which `opt` may not: with one entry more it may.
                let room = u64::from(point.policy == Policy::Cache(EvictionPolicy::None));
                let best = hits_of(&optima, Policy::Opt, point.capacity + room).ok_or("opt was not run")?;
                ensure(point.hits <= best, || {
                    format!("{spec} at capacity {} under {}: {} hits, and {best} of opt", point.capacity, point.policy, point.hits)
                })?;
            }
        }
    }
    Ok(())
}

fn hits_of(points: &[Point], policy: Policy, capacity: u64) -> Option<u64> {
    points.iter().find(|point| point.policy == policy && point.capacity == capacity).map(|point| point.hits)
}

pub(super) fn figures_add_up() -> Result<(), BoxError> {
    let trace = generated("zipf:2000:12000:0.9")?;
    let policies = vec![Policy::Opt, Policy::Cache(EvictionPolicy::Adaptive), Policy::LruModel];
    let points = plan(policies.clone(), &[200, 50, 200], None).run(&trace)?;
    let order: Vec<_> = points.iter().map(|point| (point.capacity, point.policy)).collect();
    let expected: Vec<_> = [200, 50].iter().flat_map(|&capacity| policies.iter().map(move |&policy| (capacity, policy))).collect();
    ensure(order == expected, || format!("points come as {order:?}"))?;
    for point in &points {
        let curve = point.curve.as_deref().unwrap_or(&[]);
        let by_windows: f64 = curve.iter().map(|ratio| ratio * 1200.0).sum();
        #[expect(clippy::cast_precision_loss, reason = "some thousands")]
        let off = (by_windows - point.hits as f64).abs();
        ensure(curve.len() == 10 && off < 0.1, || format!("{} hits, but {by_windows} in windows {curve:?}", point.hits))?;
        ensure(point.hits > 0 && point.hit_ratio == ratio(point.hits, 12_000), || format!("a ratio of {}", point.hit_ratio))?;
        let best = hits_of(&points, Policy::Opt, point.capacity).unwrap_or(0);
        ensure(point.of_opt == Some(ratio(point.hits, best)), || format!("{:?} of the optimum", point.of_opt))?;
    }
    Ok(())
}

pub(super) fn phases_show() -> Result<(), BoxError> {
    let trace = generated("phase:400:10000:2")?;
    let mut plan = plan(vec![Policy::Cache(EvictionPolicy::Lru)], &[200], Some(1));
    plan.curve = Some(5);
    let curve = plan.run(&trace)?.remove(0).curve.unwrap_or_default();
    let as_told = curve.iter().enumerate().all(|(window, &ratio)| if window % 2 == 0 { ratio > 0.4 } else { ratio == 0.0 });
    ensure(as_told && curve.len() == 5, || format!("LRU hits {curve:?}"))
}

pub(super) fn what_if_is_held_against_runs() -> Result<(), BoxError> {
    let trace = generated("zipf:2000:6000:0.9")?;
    let other_capacities = plan(vec![Policy::LruModel], &[25, 400], None).run(&trace)?;
    let mut points = plan(vec![Policy::Opt, Policy::Cache(EvictionPolicy::Lru)], &[100], Some(1)).run(&trace)?;
    let told = [25, 400].map(|capacity| Told { capacity, hit_ratio: 0.5, error: 0.01 });
    plan(Vec::new(), &[], Some(1)).check_what_if(&mut points, &[Vec::new(), told.to_vec()], &trace)?;
    ensure(points[0].what_if.is_empty() && points[1].what_if.len() == 2, || "predictions stand where they don't belong".to_owned())?;
    for (prediction, run) in points[1].what_if.iter().zip(&other_capacities) {
        let off = (prediction.predicted - prediction.measured - prediction.difference).abs();
        let as_run = prediction.capacity == run.capacity && prediction.measured == run.hit_ratio;
        ensure(as_run && off < 1e-6, || {
            let (what, ratio, other) = (prediction.capacity, prediction.measured, run.hit_ratio);
            format!("at capacity {what} it is {ratio} and {} less than told; a run of its own has {other}", prediction.difference)
        })?;
    }
    Ok(())
}
