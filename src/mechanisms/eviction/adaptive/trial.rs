//! A trial: all settings at work side by side on the requests of a slice of the keys, each in a miniature simulation, and the one in
//! force also in caches of other sizes.

use super::super::policy::Bounds;
use super::contest::Contest;
use super::setting::Setting;
use super::tuner::Request;
use super::what_if::{self, OTHERS, Tally};
use crate::vocabulary::what_if::WhatIf;

/// A simulation holds so many keys, or all of a smaller cache.
const KEYS: u64 = 128;
/// Of a large cache it holds one key in so many, up to `MOST_KEYS`: phases come and go within fewer rounds of a large cache.
const ENTRIES_PER_KEY: u64 = 64;
const MOST_KEYS: u64 = 1_024;
/// Looks at the scores while the slice is asked for as many times as a simulation holds keys.
const LOOKS: u64 = 4;
/// Scores last for about so many looks, and for fewer in larger simulations, which come to learn as much from each.
const LASTING: std::ops::RangeInclusive<u64> = 32..=64;
/// The settings that are tried at other capacities: one for each kind of traffic.
const FEW: [usize; 3] = [0, 1, 3];
/// The slice may be one key in so many before the trial takes rests.
const DEAR: u64 = 16;
/// It has to be calm for so many requests before its first rest.
const CALM: u64 = 32_768;
/// And it runs for so many, for each key of a simulation, between two rests; once so many are hits in a row it rests whatever its cost.
const RUN: u64 = 8;
/// The numbers that a key can have.
const NUMBERS: u64 = 1 << 63;

/// How large the simulations are.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    capacity: u64,
    entries: u64,
    keys: u64,
}

/// Whether hits count now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Running,
    Resting,
}

pub(super) struct Trial {
    scale: Scale,
    /// All settings at the cache's own capacity.
    own: Contest,
    /// Few of them at other capacities.
    others: [Contest; OTHERS.len()],
    /// Requests until the next look at the scores.
    until_look: u64,
    tally: Tally,
    /// Requests since the last switch or rest.
    run: u64,
    /// The requests that it runs for until it may rest.
    until_rest: u64,
    /// Misses of the last so many requests that make a run between two rests.
    missed: u64,
    /// Hits since the last miss.
    hits_in_a_row: u64,
    /// Misses that it rests for; zero while it runs.
    rest: u64,
    /// What is left to make up for a rest, before the simulations tell what they would if there had been none.
    warming: u64,
}

impl Scale {
    /// That of a cache of so much capacity, which holds about so many entries.
    pub(super) fn new(capacity: u64, entries: u64) -> Self {
        let keys = (entries / ENTRIES_PER_KEY).clamp(KEYS, MOST_KEYS).min(entries);
        Self { capacity, entries, keys }
    }

    /// What the whole comes down to in a simulation.
    fn scaled(self, whole: u64) -> u64 {
        let scaled = u128::from(whole) * u128::from(self.keys) / u128::from(self.entries);
        u64::try_from(scaled).unwrap_or(u64::MAX).max(1)
    }

    /// Of the 2^63 numbers that a key can have, those below this are in the slice.
    pub(super) fn slice(self) -> u64 {
        self.scaled(NUMBERS)
    }

    /// For how many looks scores last.
    fn lasting(self) -> u64 {
        (LASTING.end() * KEYS / self.keys.max(1)).clamp(*LASTING.start(), *LASTING.end())
    }

    /// A simulation of so many quarters of the capacity.
    fn bounds(self, quarters: u64) -> Bounds {
        let part = |whole: u64| (u128::from(whole) * u128::from(quarters) / 4).try_into().unwrap_or(u64::MAX).max(1);
        Bounds { weight: part(self.scaled(self.capacity)), entries: Some(part(self.keys)) }
    }

    /// Misses that a trial rests for, after a run with so many.
    fn rest_after(self, missed: u64) -> u64 {
        (self.keys * DEAR / self.entries).saturating_sub(1).saturating_mul(missed).max(1)
    }

    /// Whether all hits of a slice are too many to be told for ever.
    fn is_dear(self) -> bool {
        self.keys * DEAR > self.entries
    }
}

impl Trial {
    pub(super) fn new(scale: Scale, chosen: usize) -> Self {
        let all = (0..Setting::ALL.len()).map(|at| (at + chosen) % Setting::ALL.len());
        let lasting = scale.lasting();
        Self {
            scale,
            own: Contest::new(scale.bounds(4), all, lasting),
            others: OTHERS.map(|quarters| Contest::new(scale.bounds(quarters), FEW, lasting)),
            until_look: 0,
            tally: Tally::new(),
            run: 0,
            until_rest: CALM,
            missed: 0,
            hits_in_a_row: 0,
            rest: 0,
            warming: 0,
        }
    }

    pub(super) fn chosen(&self) -> usize {
        self.own.setting()
    }

    pub(super) fn phase(&self) -> Phase {
        if self.rest == 0 { Phase::Running } else { Phase::Resting }
    }

    /// A key of the slice was asked for in the cache itself.
    pub(super) fn request(&mut self, request: Request, hash: u64, weight: u64) {
        if self.rest > 0 {
            self.rest -= u64::from(request == Request::Miss);
            return;
        }
        let mut missed = [!self.own.request(hash, weight), false, false, false, false];
        for (other, missed) in self.others.iter_mut().zip(&mut missed[1..]) {
            *missed = !other.request(hash, weight);
        }
        match self.warming.checked_sub(1) {
            Some(left) => self.warming = left,
            None => self.tally.count(hash, missed),
        }
        self.run += 1;
        match request {
            Request::Hit => self.hits_in_a_row += 1,
            Request::Miss => {
                self.missed += 1;
                self.hits_in_a_row = 0;
            }
        }
        self.until_look += LOOKS;
        if self.until_look >= self.scale.keys {
            self.until_look = 0;
            self.look();
        }
    }

    /// Looks at the scores: a better setting comes into force, and a calm trial rests.
    fn look(&mut self) {
        let has_switched = self.own.look();
        for other in &mut self.others {
            other.look();
        }
        if has_switched {
            (self.run, self.until_rest, self.missed) = (0, CALM, 0);
        }
        // Where nothing is missed there is nothing to learn.
        let is_idle = self.hits_in_a_row >= self.scale.keys * RUN;
        if is_idle || (self.run >= self.until_rest && self.scale.is_dear()) {
            self.rest = if is_idle { 1 } else { self.scale.rest_after(self.missed) };
            (self.run, self.until_rest, self.missed) = (0, self.scale.keys * RUN, 0);
            self.warming = self.until_rest / 2;
        } else if self.run % (self.scale.keys * RUN) < self.scale.keys.div_ceil(LOOKS) {
            self.missed = 0;
        }
    }

    pub(super) fn what_if(&self, hits: u64, lookups: u64) -> Vec<WhatIf> {
        what_if::tell(&self.tally, self.scale.capacity, hits, lookups)
    }
}
