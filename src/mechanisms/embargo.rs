//! Embargoes: for a while after a write nothing is stored that is loaded for its key, as what loads read from lags behind what was written.
//!
//! Kept by hash: another key with the same hash is under it, too, and is loaded without being stored.

use crate::ground::hash::Hashed;
use crate::ground::time::{Clock, Deadline, Tick};
use hashbrown::HashTable;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Ends beyond twice the embargoes that are kept before they are cleared out.
const SPARE: usize = 64;

/// The embargoes of a shard. Single-threaded: the shard's lock guards it.
pub(crate) struct Embargoes {
    /// Hashes with the end of their embargo.
    by_hash: HashTable<(u64, Deadline)>,
    /// The same by their ends; of a hash whose embargo was made longer, the earlier ends as well.
    by_end: BinaryHeap<Reverse<(Deadline, u64)>>,
}

impl Embargoes {
    pub(crate) const fn new() -> Self {
        Self { by_hash: HashTable::new(), by_end: BinaryHeap::new() }
    }

    /// Puts a hash under embargo until then at least.
    pub(crate) fn impose(&mut self, hashed: Hashed, until: Deadline) {
        match self.by_hash.find_mut(hashed.0, |&(hash, _)| hash == hashed.0) {
            Some((_, end)) if *end >= until => return,
            Some((_, end)) => *end = until,
            None => {
                self.by_hash.insert_unique(hashed.0, (hashed.0, until), |&(hash, _)| hash);
            }
        }
        self.by_end.push(Reverse((until, hashed.0)));
        if self.by_end.len() > 2 * self.by_hash.len() + SPARE {
            // Ends that were put off many times.
            self.by_end = self.by_hash.iter().map(|&(hash, end)| Reverse((end, hash))).collect();
        }
    }

    /// Whether a hash is under embargo, or was until lately.
    pub(crate) fn knows(&self, hashed: Hashed) -> bool {
        self.by_hash.find(hashed.0, |&(hash, _)| hash == hashed.0).is_some()
    }

    /// Whether a hash is under embargo.
    pub(crate) fn covers(&self, hashed: Hashed, clock: &Clock) -> bool {
        !self.by_hash.is_empty()
            && self.by_hash.find(hashed.0, |&(hash, _)| hash == hashed.0).is_some_and(|&(_, end)| !clock.has_passed(end))
    }

    /// When the next one ends.
    pub(crate) fn next(&self) -> Option<Deadline> {
        self.by_end.peek().map(|&Reverse((end, _))| end).filter(|end| !end.is_never())
    }

    /// Lifts those that are over, and calls `lifted` with each. Spends one of `steps` for each.
    pub(crate) fn lift(&mut self, now: Tick, steps: &mut u32, mut lifted: impl FnMut(Hashed)) {
        while let Some(&Reverse((end, hash))) = self.by_end.peek().filter(|Reverse((end, _))| *steps > 0 && end.has_passed_at(now)) {
            *steps -= 1;
            self.by_end.pop();
            // One that was made longer stays.
            if let Ok(entry) = self.by_hash.find_entry(hash, |&(other, until)| other == hash && until == end) {
                entry.remove();
                lifted(Hashed(hash));
            }
        }
        if self.by_hash.is_empty() {
            *self = Self::new();
        } else if self.by_hash.len() < self.by_hash.capacity() / 8 {
            self.by_hash.shrink_to(self.by_hash.len() * 2, |&(hash, _)| hash);
            self.by_end.shrink_to(self.by_end.len() * 2);
        }
    }
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests {
    use super::*;
    use crate::ground::time::MockClock;
    use std::time::Duration;

    #[test]
    fn g2_an_embargo_ends_with_its_longest_term_and_leaves_nothing() {
        let mock = MockClock::new();
        let clock = Clock::from(mock.clone());
        let mut embargoes = Embargoes::new();
        for seconds in [5, 9, 2] {
            embargoes.impose(Hashed(7), Deadline::after(clock.now(), Duration::from_secs(seconds)));
        }
        assert!(embargoes.covers(Hashed(7), &clock) && !embargoes.covers(Hashed(8), &clock));
        mock.advance(Duration::from_secs(8));
        embargoes.lift(clock.now(), &mut 100, drop);
        assert!(embargoes.covers(Hashed(7), &clock));
        mock.advance(Duration::from_secs(1));
        assert!(!embargoes.covers(Hashed(7), &clock));
        embargoes.lift(clock.now(), &mut 100, drop);
        assert_eq!((embargoes.by_hash.len(), embargoes.by_end.len(), embargoes.next()), (0, 0, None));
    }

    #[test]
    fn g20_lifting_goes_by_steps() {
        let mock = MockClock::new();
        let clock = Clock::from(mock.clone());
        let mut embargoes = Embargoes::new();
        (0..10).for_each(|hash| embargoes.impose(Hashed(hash), Deadline::after(clock.now(), Duration::from_secs(1))));
        mock.advance(Duration::from_secs(1));
        let mut steps = 4;
        embargoes.lift(clock.now(), &mut steps, drop);
        assert_eq!((steps, embargoes.by_hash.len()), (0, 6));
    }
}
