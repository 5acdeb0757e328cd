//! Drives a ghost table and a list of what was added.

use super::super::ghost::Ghost;
use super::{hash, number};

/// Their tags are all different.
const KEYS: u8 = 24;
/// Keys in a set: the last so many that were added can't have driven out each other.
const LAST: usize = 4;
/// The table's clock has gone round after so many keys for each entry that it was made for; until then it forgets the oldest of a set first.
const ROUND: u64 = 60;
/// With more entries than its clock has ticks for, it doesn't tell which of two keys came first that came at nearly the same time.
const TICKS: u64 = 1_024;

/// What one step does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Add { key: u8 },
    Take { key: u8 },
    Hold { entries: u64 },
    Shrink { entries: u64 },
}

impl Step {
    /// What these bytes mean; any do.
    pub(crate) fn read([kind, key, amount]: [u8; 3]) -> Self {
        match kind % 16 {
            0 | 1 => Self::Hold { entries: number(key, amount) },
            2 => Self::Shrink { entries: number(key, amount) },
            3..=5 => Self::Take { key: key % KEYS },
            _ => Self::Add { key: key % KEYS },
        }
    }
}

pub(crate) struct Driver {
    ghost: Ghost,
    made_for: u64,
    most: u64,
    additions: u64,
    /// What was added, oldest first, and whether it is still there for all that the list knows.
    list: Vec<(u8, bool)>,
    /// What was known last.
    known: [bool; KEYS as usize],
}

impl Driver {
    pub(crate) fn new(entries: u8) -> Self {
        Self::of(number(entries >> 5, entries & 31))
    }

    fn of(entries: u64) -> Self {
        Self {
            ghost: Ghost::new(Some(entries)),
            // It begins small, whatever it is made for.
            made_for: entries.clamp(1, 512),
            most: entries.max(1),
            additions: 0,
            list: Vec::new(),
            known: [false; KEYS as usize],
        }
    }

    /// # Panics
    /// If the table doesn't know what it must, or knows what it can't.
    pub(crate) fn run(&mut self, steps: impl IntoIterator<Item = Step>) {
        for step in steps {
            match step {
                Step::Add { key } => self.add(key),
                Step::Take { key } => self.take(key),
                Step::Hold { entries } => {
                    self.ghost.hold(entries);
                    // By doubling.
                    self.most = self.most.max(entries * 2);
                    assert_eq!(self.known, self.now_known(), "growth forgets nothing, and makes nothing up");
                }
                Step::Shrink { entries } => self.shrink(entries),
            }
            self.check();
        }
    }

    fn add(&mut self, key: u8) {
        self.ghost.add(hash(key));
        self.additions += 1;
        self.list.retain(|&(other, _)| other != key);
        self.list.push((key, true));
        let known = self.now_known();
        let lost: Vec<usize> = (0..known.len()).filter(|&at| self.known[at] && !known[at]).collect();
        assert!(lost.len() <= 1, "one key takes the place of one: {lost:?} are lost for {key}");
        self.known = known;
    }

    fn take(&mut self, key: u8) {
        let known = self.known[usize::from(key)];
        assert_eq!(self.ghost.take(hash(key)), known, "what is known can be taken, and nothing else");
        self.list.iter_mut().filter(|(other, _)| *other == key).for_each(|(_, is_there)| *is_there = false);
        self.known[usize::from(key)] = false;
        assert_eq!(self.known, self.now_known(), "what is taken is forgotten, and nothing else");
    }

    fn shrink(&mut self, entries: u64) {
        self.ghost.shrink_to(entries);
        let known = self.now_known();
        if self.ghost.memory() == 0 {
            *self = Self::of(entries.min(self.most));
        }
        assert_eq!(known, self.known, "it forgets all or nothing");
    }

    fn check(&self) {
        for key in 0..KEYS {
            assert!(!self.known[usize::from(key)] || self.list.contains(&(key, true)), "key {key} is known and wasn't added, or was taken");
        }
        let is_exact = self.additions < self.made_for * ROUND && self.most <= TICKS;
        let sure = if is_exact { LAST } else { 1 };
        for &(key, is_there) in self.list.iter().rev().take(sure) {
            assert_eq!(self.known[usize::from(key)], is_there, "key {key} was added lately and should be known, unless it was taken");
        }
        assert!(self.ghost.memory() as u64 <= (self.most * 8).max(64), "it takes memory for what it has grown to");
    }

    fn now_known(&self) -> [bool; KEYS as usize] {
        let mut keys = 0..;
        [(); KEYS as usize].map(|()| self.ghost.knows(hash(keys.next().expect("there are more numbers than keys"))))
    }
}
