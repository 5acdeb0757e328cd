//! The tuner finds the setting that suits the traffic, from miniature simulations of all of them over a slice of the keys.

use super::super::policy::Bounds;
use super::setting::Setting;
use super::simulation::Simulation;
use crate::ground::sync::Mutex;
use crate::ground::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::vocabulary::what_if::WhatIf;

/// A simulation holds about so many keys.
const KEYS: u64 = 128;

/// What the shards of a cache share to tune their windows, and to tell what other capacities would be worth.
pub(crate) struct Tuner {
    trial: Mutex<Trial>,
    /// Keys whose number is below are in the slice.
    slice: AtomicU64,
    /// The setting in force.
    chosen: AtomicUsize,
}

/// All settings at work on the same requests.
struct Trial {
    contestants: Vec<Contestant>,
    capacity: u64,
    requests: u64,
    chosen: usize,
}

struct Contestant {
    simulation: Simulation,
    score: u64,
}

impl Tuner {
    /// `capacity` and `entries` are the whole cache's; `entries` is about how many it holds when it is full, where that is known.
    pub(crate) fn new(capacity: u64, entries: Option<u64>) -> Self {
        let tuner = Self {
            trial: Mutex::new(Trial { contestants: Vec::new(), capacity: 0, requests: 0, chosen: 0 }),
            slice: AtomicU64::new(0),
            chosen: AtomicUsize::new(0),
        };
        tuner.resized(capacity, entries);
        tuner
    }

    /// The whole cache's capacity is another.
    pub(crate) fn resized(&self, capacity: u64, entries: Option<u64>) {
        let Some(entries) = entries.filter(|_| capacity < u64::MAX) else { return };
        let keys = entries.min(KEYS);
        let scaled = |whole: u64| u64::try_from(u128::from(whole) * u128::from(keys) / u128::from(entries.max(1))).unwrap_or(u64::MAX);
        let bounds = Bounds { weight: scaled(capacity), entries: Some(keys) };
        let mut trial = self.trial.lock();
        trial.capacity = keys;
        trial.contestants =
            Setting::ALL.iter().map(|&setting| Contestant { simulation: Simulation::new(bounds, setting), score: 0 }).collect();
        self.slice.store(if keys == entries { u64::MAX } else { scaled(u64::MAX >> 1) }, Ordering::Relaxed);
    }

    pub(super) fn slice(&self) -> u64 {
        self.slice.load(Ordering::Relaxed)
    }

    pub(super) fn setting(&self) -> Setting {
        Setting::ALL[self.chosen.load(Ordering::Relaxed)]
    }

    /// A request for a key of the slice.
    pub(super) fn request(&self, hash: u64, weight: u64) {
        let mut trial = self.trial.lock();
        trial.request(hash, weight);
        self.chosen.store(trial.chosen, Ordering::Relaxed);
    }

    /// The hit ratio at a quarter, half, twice and four times the capacity. The cache itself has had `hits` among `lookups`.
    pub(crate) fn what_if(&self, _hits: u64, _lookups: u64) -> Vec<WhatIf> {
        Vec::new()
    }
}

impl Trial {
    fn request(&mut self, hash: u64, weight: u64) {
        for contestant in &mut self.contestants {
            contestant.score += u64::from(contestant.simulation.request(hash, weight)) * 256;
        }
        self.requests += 1;
        if self.requests >= self.capacity * 4 {
            self.requests = 0;
            let (best, score) = self
                .contestants
                .iter()
                .map(|c| c.score)
                .enumerate()
                .max_by_key(|&(at, score)| (score, std::cmp::Reverse(at)))
                .unwrap_or((0, 0));
            let held = self.contestants[self.chosen].score;
            if score > held + held / 100 + 256 {
                self.chosen = best;
            }
            for c in &mut self.contestants {
                c.score = c.score * 3 / 4;
            }
        }
    }
}
