//! The plan of a cache's eviction: which policy, and how much each shard is to hold.

use super::adaptive::Tuner;
use super::custom::{Custom, MakePolicy};
use super::family::Family;
use super::names::EvictionPolicy;
use super::policy::Bounds;
use super::{Chosen, Eviction};
use crate::ground::contain::contain;
use crate::ground::reentry::{Inside, Of};
use crate::ground::sync::Arc;
use crate::ground::sync::atomic::{AtomicU64, Ordering};
use crate::vocabulary::what_if::WhatIf;

/// Entries of no weight that a cache may hold at least.
const FEW_WEIGHTLESS: u64 = 1_024;
/// Entries of no weight that a cache may hold if nobody knows how many others it will.
const WEIGHTLESS: u64 = 65_536;

/// What the shards of a cache make their policies by.
pub(crate) struct Plan<K, V> {
    policy: EvictionPolicy,
    custom: Option<std::sync::Arc<MakePolicy<K, V>>>,
    shards: u64,
    /// The whole cache's capacity.
    capacity: AtomicU64,
    /// About how many entries make up the capacity, where it isn't their number: what was expected, or nothing is known.
    sizing: Sizing,
    tuner: Option<Arc<Tuner>>,
    /// How often a user's policy was wrong.
    faults: Arc<AtomicU64>,
}

/// What is known of the number of entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sizing {
    /// The capacity is their number.
    ByCapacity,
    /// It was said.
    Expected(u64),
    Unknown,
}

impl Sizing {
    fn of(self, capacity: u64) -> Option<u64> {
        match self {
            Self::ByCapacity => Some(capacity).filter(|&entries| entries < u64::MAX),
            Self::Expected(entries) => Some(entries.min(capacity)),
            Self::Unknown => None,
        }
    }
}

impl<K, V> Plan<K, V> {
    pub(crate) fn new(
        policy: EvictionPolicy,
        custom: Option<std::sync::Arc<MakePolicy<K, V>>>,
        shards: usize,
        capacity: u64,
        sizing: Sizing,
    ) -> Self {
        let is_tuned = policy == EvictionPolicy::Adaptive && custom.is_none();
        let tuner = is_tuned.then(|| Arc::new(Tuner::new(capacity, sizing.of(capacity))));
        let faults = Arc::new(AtomicU64::new(0));
        Self { policy, custom, shards: shards as u64, capacity: AtomicU64::new(capacity), sizing, tuner, faults }
    }

    /// A shard's policy.
    pub(crate) fn eviction(&self) -> Eviction<K, V> {
        Eviction::new(match &self.custom {
            Some(make) => self.made(make),
            None => Chosen::Family(Family::new(self.policy, self.bounds(), self.tuner.as_ref())),
        })
    }

    /// A policy for a shard that holds nothing any more.
    pub(crate) fn plain_eviction(&self) -> Eviction<K, V> {
        Eviction::new(self.plain())
    }

    fn plain(&self) -> Chosen<K, V> {
        Chosen::Family(Family::new(EvictionPolicy::Fifo, self.bounds(), None))
    }

    /// A user's policy; first in, first out where there is none to be had.
    fn made(&self, make: &std::sync::Arc<MakePolicy<K, V>>) -> Chosen<K, V> {
        let policy = contain(|| {
            let _inside = Inside::enter(Of::Policy);
            make(&self.bounds().into())
        });
        match policy {
            Ok(policy) => Chosen::Custom(Custom::new(policy, &self.faults)),
            Err(panic) => {
                panic.forget();
                self.faults.fetch_add(1, Ordering::Relaxed);
                self.plain()
            }
        }
    }

    /// What each shard is to hold.
    pub(crate) fn bounds(&self) -> Bounds {
        // Relaxed: who needs the new capacity was told of it after it was set.
        let capacity = self.capacity.load(Ordering::Relaxed);
        if capacity == u64::MAX {
            return Bounds { weight: u64::MAX, entries: None };
        }
        let share = |whole: u64| whole.div_ceil(self.shards);
        Bounds { weight: share(capacity), entries: self.sizing.of(capacity).map(share) }
    }

    /// How many entries of no weight a shard may hold: of a bounded cache as many as it is to hold others, or a thousand if that is more.
    pub(crate) fn weightless(&self) -> usize {
        let capacity = self.capacity.load(Ordering::Relaxed);
        if capacity == u64::MAX {
            return usize::MAX;
        }
        if capacity == 0 {
            return 0;
        }
        let whole = self.sizing.of(capacity).unwrap_or(WEIGHTLESS).clamp(FEW_WEIGHTLESS, u64::MAX);
        usize::try_from(whole.div_ceil(self.shards)).unwrap_or(usize::MAX)
    }

    /// The whole cache's capacity is another.
    pub(crate) fn resize(&self, capacity: u64) {
        self.capacity.store(capacity, Ordering::Relaxed);
        if let Some(tuner) = &self.tuner {
            tuner.resized(capacity, self.sizing.of(capacity));
        }
    }

    /// What other capacities would be worth, where the policy knows.
    pub(crate) fn what_if(&self, hits: u64, lookups: u64) -> Vec<WhatIf> {
        self.tuner.as_ref().map_or_else(Vec::new, |tuner| tuner.what_if(hits, lookups))
    }

    /// How often a user's policy was wrong.
    pub(crate) fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }
}
