//! Drives a sketch and watches the guesses of a few keys.

use super::super::sketch::Sketch;
use super::{hash, number};

const KEYS: u8 = 40;
/// The highest guess.
const HIGHEST: u32 = 15;
/// Additions for each entry before counters are halved.
const ROUND: u64 = 20;
/// Rounds are waited for only where so many entries are the most that it was made for.
const FEW: u64 = 40;

/// What one step does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Add { key: u8, times: u8 },
    Hold { entries: u64 },
    Shrink { entries: u64 },
}

impl Step {
    /// What these bytes mean; any do.
    pub(crate) fn read([kind, key, amount]: [u8; 3]) -> Self {
        match kind % 16 {
            0 | 1 => Self::Hold { entries: number(key, amount) },
            2 => Self::Shrink { entries: number(key, amount) },
            _ => Self::Add { key: key % KEYS, times: amount % 32 },
        }
    }
}

pub(crate) struct Driver {
    sketch: Sketch,
    /// How many entries it was made for at first, what it has grown to at most, and the additions since.
    made_for: u64,
    most: u64,
    additions: u64,
    /// What was guessed last, by key.
    guesses: [u32; KEYS as usize],
    /// How often each key was added: exact until counters are halved for the first time.
    counts: [u32; KEYS as usize],
    /// How often a key was seen to be halved.
    halvings: [u64; KEYS as usize],
}

impl Driver {
    pub(crate) fn new(entries: u8) -> Self {
        Self::of(number(entries >> 5, entries & 31))
    }

    fn of(entries: u64) -> Self {
        Self {
            sketch: Sketch::new(Some(entries)),
            // It begins small, whatever it is made for.
            made_for: entries.clamp(1, 512),
            most: entries.max(1),
            additions: 0,
            guesses: [0; KEYS as usize],
            counts: [0; KEYS as usize],
            halvings: [0; KEYS as usize],
        }
    }

    /// # Panics
    /// If a guess is none that the additions explain.
    pub(crate) fn run(&mut self, steps: impl IntoIterator<Item = Step>) {
        for step in steps {
            match step {
                Step::Add { key, times } => (0..times).for_each(|_| self.add(key)),
                Step::Hold { entries } => {
                    self.sketch.hold(entries);
                    // By doubling.
                    self.most = self.most.max(entries * 2);
                    assert_eq!(self.guesses, self.guessed(), "growth forgets nothing");
                }
                Step::Shrink { entries } => self.shrink(entries),
            }
            assert!(self.sketch.memory() as u64 <= (self.most * 16).max(8_192), "it takes memory for what it has grown to");
        }
        self.end();
    }

    fn add(&mut self, key: u8) {
        self.sketch.add(hash(key));
        self.additions += 1;
        self.counts[usize::from(key)] += 1;
        let guesses = self.guessed();
        for (at, (&was, &is)) in self.guesses.iter().zip(&guesses).enumerate() {
            let more = (was + 1).min(HIGHEST);
            let counted = if at == usize::from(key) { more } else { was };
            let explained = [counted, more, counted / 2, more / 2];
            assert!(explained.contains(&is), "key {at} was guessed {was} and is {is}, after key {key} was added");
            self.halvings[at] += u64::from(is < counted);
            if self.additions < self.made_for * ROUND {
                assert!(is >= self.counts[at].min(HIGHEST), "key {at} was added {} times and is guessed {is}", self.counts[at]);
            }
            assert!(self.halvings[at] <= self.additions / (self.made_for * ROUND), "key {at} is halved once in a round");
        }
        self.guesses = guesses;
    }

    fn shrink(&mut self, entries: u64) {
        self.sketch.shrink_to(entries);
        let guesses = self.guessed();
        if guesses == [0; KEYS as usize] && self.sketch.memory() == 0 {
            *self = Self::of(entries.min(self.most));
        } else {
            assert_eq!(guesses, self.guesses, "it forgets all or nothing");
        }
    }

    fn guessed(&self) -> [u32; KEYS as usize] {
        let mut keys = 0..;
        [(); KEYS as usize].map(|()| self.sketch.estimate(hash(keys.next().expect("there are more numbers than keys"))))
    }

    /// In two rounds all keys are halved.
    fn end(&mut self) {
        if self.most > FEW {
            return;
        }
        let (before, guesses) = (self.halvings, self.guesses);
        let (round, blocks) = (self.most * ROUND, (self.sketch.memory() / 64) as u64);
        for n in 0..2 * (round + blocks) {
            self.add(u8::try_from(n % u64::from(KEYS)).expect("there are few keys"));
        }
        for (at, (&was, &is)) in before.iter().zip(&self.halvings).enumerate() {
            assert!(guesses[at] < 2 || is > was, "key {at} was guessed {} and never halved", guesses[at]);
        }
    }
}
