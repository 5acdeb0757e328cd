//! Random: every entry is as likely to go as any other.

use super::Nodes;
use super::hits::Hits;
use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Arrival, Choice, Gone, Policy};
use crate::ground::slab::Slot;

/// The position of a slot that holds nothing.
const ABSENT: u32 = u32::MAX;

pub(crate) struct Random {
    /// The slots that are held, in any order, without gaps.
    held: Vec<Slot>,
    /// Where in `held` each slot stands.
    positions: Vec<u32>,
    numbers: Xorshift,
}

impl Random {
    pub(super) fn new() -> Self {
        Self { held: Vec::new(), positions: Vec::new(), numbers: Xorshift::new() }
    }

    /// How many slots there is room for.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.held.capacity() + self.positions.capacity()
    }
}

/// Any order: none is more likely to go than another.
impl Ordered for Random {
    fn row(&self, nth: u8, _course: &mut Course) -> Option<(Row<'_>, u8)> {
        (nth == 0).then_some((Row::List(&self.held), 0))
    }

    fn rank(&self, _nodes: &impl Nodes, _slot: Slot, _course: &mut Course) -> Rank {
        Rank::Nth(0)
    }
}

impl Policy for Random {
    fn hits(&self) -> Hits {
        Hits::IGNORED
    }

    fn admitted(&mut self, _nodes: &mut impl Nodes, slot: Slot) {
        let at = slot as usize;
        if at >= self.positions.len() {
            self.positions.resize(at + 1, ABSENT);
        }
        self.positions[at] = u32::try_from(self.held.len()).expect("slots are numbered with 32 bits");
        self.held.push(slot);
    }

    fn touched(&mut self, _nodes: &mut impl Nodes, _slot: Slot) {}

    fn removed(&mut self, _nodes: &mut impl Nodes, slot: Slot, _gone: Gone) {
        let position = std::mem::replace(&mut self.positions[slot as usize], ABSENT);
        self.held.swap_remove(position as usize);
        // The last one has come into the gap, unless it was the one that left.
        if let Some(&moved) = self.held.get(position as usize) {
            self.positions[moved as usize] = position;
        }
        if self.held.is_empty() {
            // The memory of a crowd that has gone. The numbers go on.
            *self = Self { numbers: self.numbers, ..Self::new() };
        }
    }

    fn reweighed(&mut self, _nodes: &mut impl Nodes, _slot: Slot, _old: u64) {}

    fn victim(&mut self, _nodes: &mut impl Nodes, _arrival: Option<&Arrival>) -> Choice {
        if self.held.is_empty() {
            return Choice::Nothing;
        }
        let at = self.numbers.below(self.held.len());
        Choice::Evict(self.held[at])
    }

    #[cfg(any(test, debug_assertions, fuzzing))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        let held: u64 = self.held.iter().map(|&slot| nodes.weight(slot)).sum();
        assert_eq!((self.held.len(), held), (entries, weight), "each entry can be drawn");
        let is_at_home = |(at, &slot): (usize, &Slot)| self.positions[slot as usize] as usize == at;
        assert!(self.held.iter().enumerate().all(is_at_home), "each slot's position is known");
    }
}

/// Xorshift64* (Vigna: "An experimental exploration of Marsaglia's xorshift generators, scrambled", ACM TOMS 42(4), 2016). The numbers are
/// the same in every shard and every run, which can so be repeated.
#[derive(Clone, Copy)]
pub(super) struct Xorshift(u64);

impl Xorshift {
    pub(super) fn new() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let product = u128::from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)) * end as u128;
        // It is below `end` × 2^64, so that the quotient is below `end`.
        usize::try_from(product >> 64).expect("it is below a number of this type")
    }
}
