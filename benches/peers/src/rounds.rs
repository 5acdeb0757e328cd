//! Rounds in which each contestant has its turn, in an order drawn anew for each.

use crate::Settings;
use crate::contestants::Contestant;
use indicatif::ProgressIterator;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use std::time::Instant;

/// What a contestant's calls took, in nanoseconds, the shortest first.
pub struct Times(Vec<f64>);

impl Times {
    /// The time that such a share of the calls fell below.
    pub fn at(&self, share: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
        let place = (share * self.0.len() as f64) as usize;
        self.0[place.min(self.0.len() - 1)]
    }
}

/// Has each contestant look keys up, round after round.
pub fn play(contestants: &[Contestant], settings: &Settings) -> Vec<(&'static str, Times)> {
    let mut random = StdRng::seed_from_u64(settings.seed);
    let keys =
        |random: &mut StdRng| -> Vec<u64> { (0..settings.keys.get()).map(|_| random.random_range(0..settings.entries.get())).collect() };
    let mut times = vec![Vec::with_capacity(settings.rounds.get()); contestants.len()];
    // Who is always the first finds nothing in the processor's cache, and the others find what it has left there.
    let mut order: Vec<usize> = (0..contestants.len()).collect();
    for _ in (0..settings.rounds.get()).progress() {
        let shared = keys(&mut random);
        order.shuffle(&mut random);
        for &place in &order {
            let own = if settings.repeat.get() == 1 { keys(&mut random) } else { shared.clone() };
            let start = Instant::now();
            (0..settings.repeat.get()).for_each(|_| contestants[place].1(&own));
            times[place].push(start.elapsed().as_nanos() as f64 / f64::from(settings.repeat.get()));
        }
    }
    let sorted = times.into_iter().map(|mut times| {
        times.sort_by(f64::total_cmp);
        Times(times)
    });
    contestants.iter().map(|(name, _)| *name).zip(sorted).collect()
}
