//! Runs a trace through the cache, by its public interface.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ahash::RandomState;
use bellwether::{BoxError, Cache, CacheBuilder, EvictionPolicy};

use super::replay::Replay;
use crate::options::Through;

/// How the cache is built and asked.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) policy: EvictionPolicy,
    pub(crate) capacity: u64,
    /// As many as the cache chooses, unless given.
    pub(crate) shards: Option<usize>,
    pub(crate) through: Through,
    pub(crate) seed: u64,
}

/// Every entry weighs one, and values don't matter. The hasher is the cache's default one, but keyed by the program.
pub(crate) type Measured = Cache<u64, (), RandomState>;

/// Counts the hits of each window, by what the callers see, and gives the cache as it is after them.
pub(crate) fn hits(replay: &Replay<'_>, setup: &Setup) -> Result<(Vec<u64>, Measured), BoxError> {
    let builder = CacheBuilder::new().capacity(setup.capacity).eviction(setup.policy);
    let builder = builder.hasher(RandomState::with_seeds(setup.seed, 2, 3, 4));
    let builder = match setup.shards {
        Some(shards) => builder.shards(shards),
        None => builder,
    };
    let requests = &replay.trace.requests;
    let (counts, cache) = match setup.through {
        Through::Get => {
            let cache = builder.build()?;
            let counts = replay.count(|position| {
                let key = requests[position];
                let hit = cache.get(&key, |()| ()).is_some();
                if !hit {
                    cache.insert(key, ());
                }
                Ok(hit)
            })?;
            (counts, cache)
        }
        Through::FetchWith => {
            let loads = Arc::new(AtomicU64::new(0));
            let counter = Arc::clone(&loads);
            // The loader runs on the thread that asks, so that relaxed counting is exact.
            let load = move |_: &u64| {
                counter.fetch_add(1, Relaxed);
                Ok::<_, Infallible>(())
            };
            let cache = builder.loader_fn(load).build()?;
            let counts = replay.count(|position| {
                let before = loads.load(Relaxed);
                cache.fetch_with(&requests[position])?;
                Ok(loads.load(Relaxed) == before)
            })?;
            (counts, cache)
        }
    };
    agrees(&cache, setup, requests.len() as u64, counts.iter().sum())?;
    Ok((counts, cache))
}

/// Fails unless the cache's own figures are those of its caller.
fn agrees(cache: &Measured, setup: &Setup, requests: u64, hits: u64) -> Result<(), BoxError> {
    let metrics = cache.metrics();
    let (policy, capacity) = (setup.policy, setup.capacity);
    if (metrics.hits, metrics.misses) != (hits, requests - hits) {
        return Err(format!(
            "{policy} at capacity {capacity}: of {requests} requests {hits} were hits, but the cache counts {} hits and {} misses",
            metrics.hits, metrics.misses
        )
        .into());
    }
    if cache.weight() > capacity {
        return Err(format!("{policy} at capacity {capacity}: the cache holds {}", cache.weight()).into());
    }
    Ok(())
}
