//! Ghosts are what is remembered of entries that have left: fingerprints of their keys, first in, first out.

use hashbrown::HashTable;
use std::collections::VecDeque;

/// Ghosts that one call lays to rest at most: after a shrink there may be many.
const PATIENCE: u32 = 64;
/// Gaps that there may be in any case; beyond there may be three for each ghost.
const FEW_GAPS: usize = 1_024;
/// What stands in the place of a ghost that was taken.
const TAKEN: u32 = 0;

/// A bounded set of fingerprints that forgets the oldest.
pub(super) struct Ghosts {
    /// Oldest first, with gaps where one was taken.
    queue: VecDeque<u32>,
    /// The number of the oldest; each has the number after its elder's. Numbers wrap.
    oldest: u32,
    /// The numbers of all that weren't taken, by fingerprint.
    index: HashTable<u32>,
}

impl Ghosts {
    pub(super) fn new() -> Self {
        Self { queue: VecDeque::new(), oldest: 0, index: HashTable::new() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Adds the ghost of `hash` as the youngest of at most `most`.
    pub(super) fn add(&mut self, hash: u64, most: usize) {
        self.take(hash);
        let fingerprint = fingerprint(hash);
        let Self { queue, oldest, index } = self;
        let number = oldest.wrapping_add(u32::try_from(queue.len()).expect("there are fewer ghosts than slots"));
        queue.push_back(fingerprint);
        index.insert_unique(spread(fingerprint), number, |&number| spread(queue[place(number, *oldest)]));
        for _ in 0..PATIENCE {
            let gaps = self.queue.len() - self.index.len();
            let is_full = self.index.len() > most || gaps > most.saturating_mul(3).max(FEW_GAPS);
            if !is_full && self.queue.front() != Some(&TAKEN) {
                break;
            }
            self.forget_oldest();
        }
    }

    /// Takes the ghost of `hash` out and says whether there was one.
    pub(super) fn take(&mut self, hash: u64) -> bool {
        let fingerprint = fingerprint(hash);
        let Self { queue, oldest, index } = self;
        let Ok(found) = index.find_entry(spread(fingerprint), |&number| queue[place(number, *oldest)] == fingerprint) else {
            return false;
        };
        let (number, _) = found.remove();
        queue[place(number, *oldest)] = TAKEN;
        true
    }

    fn forget_oldest(&mut self) {
        let Some(fingerprint) = self.queue.pop_front() else { return };
        let number = self.oldest;
        self.oldest = number.wrapping_add(1);
        if let Ok(found) = self.index.find_entry(spread(fingerprint), |&other| other == number) {
            found.remove();
        }
    }

    /// Checks that all that weren't taken are indexed.
    #[cfg(any(test, debug_assertions, fuzzing))]
    pub(super) fn audit(&self) {
        let untaken = self.queue.iter().filter(|&&fingerprint| fingerprint != TAKEN).count();
        assert_eq!(untaken, self.index.len(), "each ghost can be found");
        for &number in &self.index {
            assert_ne!(self.queue[place(number, self.oldest)], TAKEN, "what was taken isn't found");
        }
    }
}

/// Both halves of a hash in one: none of them differs everywhere between the keys of a shard.
fn fingerprint(hash: u64) -> u32 {
    let folded = (hash ^ (hash >> 32)) & u64::from(u32::MAX);
    u32::try_from(folded).expect("it has 32 bits").max(TAKEN + 1)
}

/// A fingerprint over all the bits that the index looks at.
fn spread(fingerprint: u32) -> u64 {
    u64::from(fingerprint).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn place(number: u32, oldest: u32) -> usize {
    number.wrapping_sub(oldest) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Spread over both halves, as hashes are.
    fn hash(key: u64) -> u64 {
        (key + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    proptest! {
        #[test]
        fn they_agree_with_a_plain_list(steps in prop::collection::vec((0..30_u64, prop::bool::ANY), 1..500), most in 0..20_usize) {
            let mut ghosts = Ghosts::new();
            let mut model: Vec<u64> = Vec::new();
            for (key, adds) in steps {
                let was_there = model.iter().position(|&other| other == key).map(|at| model.remove(at)).is_some();
                if adds {
                    model.push(key);
                    model.drain(..model.len().saturating_sub(most));
                    ghosts.add(hash(key), most);
                } else {
                    prop_assert_eq!(ghosts.take(hash(key)), was_there);
                }
                prop_assert_eq!(ghosts.len(), model.len());
                ghosts.audit();
            }
            let found: Vec<u64> = (0..30).filter(|&key| ghosts.take(hash(key))).collect();
            model.sort_unstable();
            prop_assert_eq!(found, model);
        }
    }

    #[test]
    fn an_old_ghost_keeps_no_endless_row_of_gaps_behind_it() {
        let mut ghosts = Ghosts::new();
        ghosts.add(hash(0), 8);
        for key in 1..10_000 {
            ghosts.add(hash(key), 8);
            assert!(ghosts.take(hash(key)));
            assert!(ghosts.queue.len() <= FEW_GAPS + 2, "{key}: {}", ghosts.queue.len());
        }
    }

    #[test]
    fn their_numbers_wrap() {
        let mut ghosts = Ghosts { oldest: u32::MAX - 2, ..Ghosts::new() };
        for key in 0..100 {
            ghosts.add(hash(key), 8);
            ghosts.audit();
        }
        assert!((92..100).all(|key| ghosts.take(hash(key))));
    }

    #[test]
    fn after_a_shrink_no_call_lays_all_of_them_to_rest() {
        let mut ghosts = Ghosts::new();
        (0..1_000).for_each(|key| ghosts.add(hash(key), 1_000));
        ghosts.add(hash(1_000), 10);
        assert_eq!(ghosts.len(), 1_001 - PATIENCE as usize);
    }
}
