//! The tuner is what the shards of a cache share: it runs a trial of all settings over a slice of the keys, and tells which one is in force.

use super::setting::Setting;
use super::trial::{Phase, Scale, Trial};
use crate::ground::sync::Mutex;
use crate::ground::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::vocabulary::what_if::WhatIf;

/// What the shards of a cache share to tune their windows, and to tell what other capacities would be worth.
pub(crate) struct Tuner {
    /// A leaf: nothing else is locked under it, and a shard that finds it taken goes on without it.
    trial: Mutex<Option<Trial>>,
    /// Of all numbers that a key can have, those below are in the slice.
    slice: AtomicU64,
    /// The slice whose hits are followed: none of them while the trial rests.
    hits: AtomicU64,
    /// The setting in force.
    chosen: AtomicUsize,
    capacity: AtomicU64,
    /// About how many entries the trial was made for; zero if there is none.
    entries: AtomicU64,
}

/// A request for a key of the slice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Request {
    Hit,
    Miss,
}

impl Tuner {
    /// `capacity` and `entries` are the whole cache's; `entries` is about how many it holds when it is full, where that is known.
    pub(crate) fn new(capacity: u64, entries: Option<u64>) -> Self {
        let tuner = Self {
            trial: Mutex::new(None),
            slice: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            chosen: AtomicUsize::new(0),
            capacity: AtomicU64::new(0),
            entries: AtomicU64::new(0),
        };
        tuner.resized(capacity, entries);
        tuner
    }

    /// The whole cache's capacity is another.
    pub(crate) fn resized(&self, capacity: u64, entries: Option<u64>) {
        let known = entries.filter(|&entries| entries > 0 && capacity < u64::MAX);
        let mut trial = self.trial.lock();
        let scale = known.map(|entries| Scale::new(capacity, entries));
        let slice = scale.map_or(0, |scale| scale.slice());
        *trial = scale.map(|scale| Trial::new(scale, self.chosen.load(Ordering::Relaxed)));
        // Relaxed here and below: what is read a moment late does no harm.
        self.capacity.store(capacity, Ordering::Relaxed);
        self.entries.store(known.unwrap_or(0), Ordering::Relaxed);
        self.slice.store(slice, Ordering::Relaxed);
        self.hits.store(slice, Ordering::Relaxed);
    }

    /// A shard that is full holds so many entries of so much weight: where nobody knows how many the cache will hold, this tells.
    pub(super) fn size_up(&self, entries: u64, weight: u64) {
        let capacity = self.capacity.load(Ordering::Relaxed);
        if capacity == u64::MAX || entries == 0 {
            return;
        }
        let whole = u128::from(capacity) * u128::from(entries) / u128::from(weight.max(1));
        let (whole, sized) = (u64::try_from(whole).unwrap_or(u64::MAX).max(1), self.entries.load(Ordering::Relaxed));
        if whole / 4 > sized || whole.saturating_mul(4) < sized {
            self.resized(capacity, Some(whole));
        }
    }

    /// Of all numbers that a key can have, those below are in the slice.
    pub(super) fn slice(&self) -> u64 {
        self.slice.load(Ordering::Relaxed)
    }

    /// The slice whose hits are to be told.
    pub(super) fn slice_of_hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// The setting in force.
    pub(super) fn setting(&self) -> Setting {
        Setting::ALL[self.chosen.load(Ordering::Relaxed)]
    }

    /// A key of the slice was asked for; its entry weighs so much.
    pub(super) fn follow(&self, request: Request, hash: u64, weight: u64) {
        // Requests that come while another shard is telling its own go untold.
        let Some(mut trial) = self.trial.try_lock() else { return };
        let Some(trial) = trial.as_mut() else { return };
        let before = trial.phase();
        trial.request(request, hash, weight);
        self.chosen.store(trial.chosen(), Ordering::Relaxed);
        if trial.phase() != before {
            let slice = match trial.phase() {
                Phase::Running => self.slice(),
                Phase::Resting => 0,
            };
            self.hits.store(slice, Ordering::Relaxed);
        }
    }

    /// The hit ratio at a quarter, half, twice and four times the capacity. The cache itself has had `hits` among `lookups`.
    pub(crate) fn what_if(&self, hits: u64, lookups: u64) -> Vec<WhatIf> {
        self.trial.lock().as_ref().map_or_else(Vec::new, |trial| trial.what_if(hits, lookups))
    }
}
