//! No eviction: what is held stays, and what finds no room is refused.

use super::Nodes;
use super::hits::Hits;
use super::policy::{Arrival, Choice, Gone, Policy, Verdict};
use crate::ground::slab::Slot;

/// Keeps nothing, for it never has to choose.
pub(crate) struct None;

impl None {
    pub(super) fn new() -> Self {
        Self
    }
}

impl Policy for None {
    fn hits(&self) -> Hits {
        Hits::IGNORED
    }

    fn arrives(&mut self, _nodes: &mut impl Nodes, _arrival: &Arrival) -> Verdict {
        Verdict::Refused
    }

    fn admitted(&mut self, _nodes: &mut impl Nodes, _slot: Slot) {}

    fn touched(&mut self, _nodes: &mut impl Nodes, _slot: Slot) {}

    fn removed(&mut self, _nodes: &mut impl Nodes, _slot: Slot, _gone: Gone) {}

    fn reweighed(&mut self, _nodes: &mut impl Nodes, _slot: Slot, _old: u64) {}

    fn victim(&mut self, _nodes: &mut impl Nodes, _arrival: Option<&Arrival>) -> Choice {
        Choice::Nothing
    }

    #[cfg(any(test, debug_assertions))]
    fn audit(&self, _nodes: &impl Nodes, _entries: usize, _weight: u64) {}
}
