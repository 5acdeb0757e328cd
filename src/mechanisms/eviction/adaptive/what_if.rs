//! What other capacities would be worth, from the misses of simulations of them.

use crate::vocabulary::what_if::WhatIf;

/// The capacities that are simulated beside the cache's own, in quarters of it.
pub(super) const OTHERS: [u64; 4] = [1, 2, 8, 16];
/// Keys are counted in so many groups, so that the spread between these tells how much chance there is in the choice of the slice.
const GROUPS: usize = 16;

/// Misses of the slice at the cache's own capacity and at the others.
pub(super) struct Tally([[u64; OTHERS.len() + 1]; GROUPS]);

impl Tally {
    pub(super) fn new() -> Self {
        Self([[0; OTHERS.len() + 1]; GROUPS])
    }

    /// Counts a request for the key of `hash`, by where it was a miss: at the cache's own capacity first, then at the others.
    pub(super) fn count(&mut self, hash: u64, missed: [bool; OTHERS.len() + 1]) {
        let group = usize::try_from(hash.wrapping_mul(0x8CB9_2BA7_2F3D_8DD7) >> 60).unwrap_or(0);
        for (count, missed) in self.0[group].iter_mut().zip(missed) {
            *count += u64::from(missed);
        }
    }
}

/// The hit ratios at the other capacities, for a cache that has had `hits` among `lookups`.
///
/// The cache's own misses are scaled by how the slice's misses at the other capacity compare with those at the cache's own: what the
/// slice has more or less of than all keys, of hot keys above all, is so in both and falls out.
pub(super) fn tell(tally: &Tally, capacity: u64, hits: u64, lookups: u64) -> Vec<WhatIf> {
    let misses = lookups.saturating_sub(hits) as f64 / lookups.max(1) as f64;
    let told = |(at, &quarters): (usize, &u64)| {
        let (ratio, error) = compare(tally, at + 1);
        let other = (u128::from(capacity) * u128::from(quarters) / 4).try_into().unwrap_or(u64::MAX).max(1);
        let missed = misses * ratio;
        WhatIf::new(other, (1.0 - missed).clamp(0.0, 1.0), (misses * error).clamp(0.0, 1.0))
    };
    OTHERS.iter().enumerate().map(told).collect()
}

/// How many misses there are for each one at the cache's own capacity, and the standard error of that: the groups are a cluster sample,
/// and this is its ratio estimator (Cochran: "Sampling Techniques", 1977, chapter 6).
fn compare(tally: &Tally, other: usize) -> (f64, f64) {
    let sum = |at: usize| tally.0.iter().map(|group| group[at] as f64).sum::<f64>();
    let (own, its) = (sum(0), sum(other));
    if own == 0.0 {
        return (1.0, 1.0);
    }
    let ratio = its / own;
    let spread: f64 = tally.0.iter().map(|group| (group[other] as f64 - ratio * group[0] as f64).powi(2)).sum();
    let groups = GROUPS as f64;
    (ratio, (spread * groups / (groups - 1.0)).sqrt() / own)
}
