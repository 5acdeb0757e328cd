//! Dice: random numbers for what is to be spread out. Not for secrets.

use super::sync::per_thread;
use std::cell::Cell;

per_thread! {
    /// This thread's state; zero before its first throw.
    static STATE: Cell<u64> = Cell::new(0);
}

/// A number in (0, 1], each of 2^53 equally likely.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
pub(crate) fn throw() -> f64 {
    const STEPS: u64 = 1 << 53;
    ((next() >> 11) + 1) as f64 / STEPS as f64
}

/// A number below `end`, or zero.
pub(crate) fn below(end: usize) -> usize {
    let end = u64::try_from(end).unwrap_or(u64::MAX);
    next().checked_rem(end).and_then(|number| usize::try_from(number).ok()).unwrap_or(0)
}

/// The smallest number that [`throw`] gives is `exp(-LONGEST)`, or a little more.
pub(crate) const LONGEST: f64 = 36.8;

/// Splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014).
fn next() -> u64 {
    // A thread that is ending has no state of its own any more.
    let state = STATE.try_with(Cell::get).unwrap_or(0);
    let state = if state == 0 { seed() } else { state }.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let _ = STATE.try_with(|mine| mine.set(state));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn seed() -> u64 {
    // Models replay a run from its schedule alone.
    if cfg!(any(bellwether_loom, bellwether_shuttle)) {
        return 1;
    }
    ahash::RandomState::new().hash_one(0_u8) | 1
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn throws_are_spread_evenly_over_the_unit_interval() {
        let mut tenths = [0_u32; 10];
        for _ in 0..100_000 {
            let number = throw();
            assert!(number > 0.0 && number <= 1.0);
            let tenth = (0..10_u32).rev().find(|&tenth| number > f64::from(tenth) / 10.0).expect("it is above zero");
            tenths[tenth as usize] += 1;
        }
        // Six standard deviations of a binomial with a tenth of 100,000 are 570.
        assert!(tenths.iter().all(|&number| number.abs_diff(10_000) < 600), "{tenths:?}");
    }

    #[test]
    fn no_throw_is_rarer_than_the_longest_says() {
        let smallest = 1.0 / (1_u64 << 53) as f64;
        assert!(-smallest.ln() <= LONGEST);
    }
}
