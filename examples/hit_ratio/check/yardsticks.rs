//! The yardsticks against even plainer ones, and where their figures are known.

use bellwether::BoxError;

use super::{counted, ensure, generated};
use crate::measure::{lru_model, opt};
use crate::trace::Trace;

pub(super) fn opt_agrees_with_a_search() -> Result<(), BoxError> {
    for spec in ["zipf:60:1500:0.8", "scan:30:1500:40", "phase:40:1500:3", "loop:30:1500"] {
        let trace = generated(spec)?;
        for capacity in [1, 2, 7, 20, 100] {
            let hits: u64 = counted(&trace, |replay| opt::hits(replay, capacity))?.iter().sum();
            let expected = hits_by_search(&trace, capacity);
            ensure(hits == expected, || format!("{hits} hits of {spec} at capacity {capacity}, where a search finds {expected}"))?;
        }
    }
    Ok(())
}

/// Belady's rule as it is written: of all keys that are held, the one leaves whose next request is furthest away.
fn hits_by_search(trace: &Trace, capacity: u64) -> u64 {
    let (mut held, mut hits) = (Vec::new(), 0);
    for (position, key) in trace.requests.iter().enumerate() {
        if held.contains(&key) {
            hits += 1;
            continue;
        }
        if held.len() as u64 == capacity {
            let rest = &trace.requests[position..];
            let away = |held: &&u64| rest.iter().position(|key| key == *held).unwrap_or(usize::MAX);
            let victim = (0..held.len()).max_by_key(|&place| away(&held[place])).unwrap_or(0);
            held.swap_remove(victim);
        }
        held.push(key);
    }
    hits
}

pub(super) fn loops_are_as_they_must_be() -> Result<(), BoxError> {
    let trace = generated("loop:100:10000")?;
    for (capacity, lru, opt) in [(1, 0, 0), (99, 0, 9800), (100, 9900, 9900), (1000, 9900, 9900)] {
        let by_lru: u64 = counted(&trace, |replay| lru_model::hits(replay, capacity))?.iter().sum();
        let by_opt: u64 = counted(&trace, |replay| opt::hits(replay, capacity))?.iter().sum();
        ensure((by_lru, by_opt) == (lru, opt), || format!("{by_lru} hits of lru-model and {by_opt} of opt at capacity {capacity}"))?;
    }
    Ok(())
}
