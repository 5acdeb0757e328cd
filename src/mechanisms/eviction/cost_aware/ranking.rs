//! A ranking is a heap of slots by priority, over a clock that rises to the lowest.
//!
//! Clock and priorities are counted without an end: they go round, and what counts is how far a priority lies ahead of the clock. None lies behind
//! it, for it only rises to the lowest; so the order is exact for ever, as long as none lies 2^128 ahead.

use crate::ground::slab::Slot;

/// How many a place in the heap has below it: four lie in two cache lines.
const BRANCHES: usize = 4;
/// The place of a slot that isn't in the heap.
const NOWHERE: u32 = u32::MAX;

/// An entry's place among the others.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Ranked {
    pub(super) priority: u128,
    /// The number of its last use; of equal priorities the one used longest ago ranks lower.
    pub(super) used: u64,
    pub(in super::super) slot: Slot,
    /// The cost by which the priority was reckoned.
    pub(super) cost: u32,
}

/// Entries by priority.
pub(super) struct Ranking {
    /// Each ranks no lower than the one above it.
    heap: Vec<Ranked>,
    /// By slot, the place in the heap.
    places: Vec<u32>,
    clock: u128,
}

impl Ranking {
    pub(super) const fn new() -> Self {
        Self { heap: Vec::new(), places: Vec::new(), clock: 0 }
    }

    pub(super) fn clock(&self) -> u128 {
        self.clock
    }

    /// All that is ranked, in no order.
    pub(super) fn ranked(&self) -> &[Ranked] {
        &self.heap
    }

    /// The place of `slot`, which must be ranked.
    pub(super) fn of(&self, slot: Slot) -> &Ranked {
        &self.heap[self.places[slot as usize] as usize]
    }

    pub(super) fn lowest(&self) -> Option<Slot> {
        self.heap.first().map(|ranked| ranked.slot)
    }

    /// The clock rises to the lowest priority.
    pub(super) fn raise_clock(&mut self) {
        if let Some(lowest) = self.heap.first() {
            self.clock = lowest.priority;
        }
    }

    pub(super) fn put(&mut self, ranked: Ranked) {
        let slot = ranked.slot as usize;
        if slot >= self.places.len() {
            self.places.resize(slot + 1, NOWHERE);
        }
        self.heap.push(ranked);
        self.rise(self.heap.len() - 1, ranked);
    }

    /// Takes out `slot`, which must be ranked.
    pub(super) fn remove(&mut self, slot: Slot) -> Ranked {
        let at = std::mem::replace(&mut self.places[slot as usize], NOWHERE) as usize;
        let removed = self.heap[at];
        let last = self.heap.pop().expect("what is ranked is in the heap");
        if at < self.heap.len() {
            self.sink(at, last);
        } else if self.heap.is_empty() {
            (self.heap, self.places) = (Vec::new(), Vec::new());
        }
        removed
    }

    fn is_lower(&self, one: &Ranked, other: &Ranked) -> bool {
        let key = |ranked: &Ranked| (ranked.priority.wrapping_sub(self.clock), ranked.used);
        key(one) < key(other)
    }

    fn set(&mut self, at: usize, ranked: Ranked) {
        self.heap[at] = ranked;
        self.places[ranked.slot as usize] = u32::try_from(at).expect("there are fewer entries than slots");
    }

    /// Puts `ranked` at `at`, which is free, or at a place above.
    fn rise(&mut self, mut at: usize, ranked: Ranked) {
        while at > 0 {
            let above = (at - 1) / BRANCHES;
            if !self.is_lower(&ranked, &self.heap[above]) {
                break;
            }
            self.set(at, self.heap[above]);
            at = above;
        }
        self.set(at, ranked);
    }

    /// Puts `ranked` at `at`, which is free, or at a place below or above.
    fn sink(&mut self, mut at: usize, ranked: Ranked) {
        while let Some(below) = self.lowest_below(at) {
            if !self.is_lower(&self.heap[below], &ranked) {
                break;
            }
            self.set(at, self.heap[below]);
            at = below;
        }
        self.rise(at, ranked);
    }

    /// The place of the lowest of those right below `at`.
    fn lowest_below(&self, at: usize) -> Option<usize> {
        let first = at * BRANCHES + 1;
        let end = (first + BRANCHES).min(self.heap.len());
        (first..end).reduce(|lowest, below| if self.is_lower(&self.heap[below], &self.heap[lowest]) { below } else { lowest })
    }

    /// Checks the order and the places, and gives the slots.
    #[cfg(any(test, debug_assertions, fuzzing))]
    pub(super) fn audit(&self) -> Vec<Slot> {
        for (at, ranked) in self.heap.iter().enumerate() {
            assert_eq!(self.places[ranked.slot as usize] as usize, at, "a ranked entry knows its place");
            let above = &self.heap[at.saturating_sub(1) / BRANCHES];
            assert!(!self.is_lower(ranked, above), "none ranks lower than the one above it");
        }
        let placed = self.places.iter().filter(|&&place| place != NOWHERE).count();
        assert_eq!(placed, self.heap.len(), "each slot with a place is ranked");
        self.heap.iter().map(|ranked| ranked.slot).collect()
    }
}
