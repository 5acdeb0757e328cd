//! The default policy: a lazy-window TinyLFU whose window is tuned by miniature simulations.

mod core;
mod setting;
mod simulation;
mod tuner;

pub(crate) use tuner::Tuner;

use super::Nodes;
use super::hits::{Hits, number};
use super::policy::{Arrival, Bounds, Choice, Gone, Policy, Verdict};
use crate::ground::slab::Slot;
use crate::ground::sync::Arc;
use core::Core;

/// A shard's policy.
pub(crate) struct Adaptive {
    core: Core,
    tuner: Arc<Tuner>,
    /// Keys whose number is below are in the tuner's slice.
    slice: u64,
}

impl Adaptive {
    pub(super) fn new(bounds: Bounds, tuner: Arc<Tuner>) -> Self {
        Self { core: Core::new(bounds, tuner.setting()), slice: tuner.slice(), tuner }
    }

    /// Whether the tuner follows the key of `hash`.
    fn is_followed(&self, hash: u64) -> bool {
        number(hash) < self.slice
    }

    fn request(&mut self, hash: u64, weight: u64) {
        if self.is_followed(hash) {
            self.tuner.request(hash, weight);
        }
        self.slice = self.tuner.slice();
        self.core.set(self.tuner.setting());
    }
}

impl Policy for Adaptive {
    fn hits(&self) -> Hits {
        Hits::sampled(1, self.slice)
    }

    fn arrives(&mut self, nodes: &mut impl Nodes, arrival: &Arrival) -> Verdict {
        let verdict = self.core.arrives(nodes, arrival);
        if verdict == Verdict::Refused {
            self.request(arrival.hash, arrival.weight);
        }
        verdict
    }

    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.request(nodes.hash(slot), nodes.weight(slot));
        self.core.admitted(nodes, slot);
    }

    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        nodes.node(slot).mark();
        self.request(nodes.hash(slot), nodes.weight(slot));
    }

    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot, gone: Gone) {
        self.core.removed(nodes, slot, gone);
    }

    fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64) {
        self.core.reweighed(nodes, slot, old);
    }

    fn victim(&mut self, nodes: &mut impl Nodes, arrival: Option<&Arrival>) -> Choice {
        self.core.victim(nodes, arrival)
    }

    fn resized(&mut self, _nodes: &mut impl Nodes, bounds: Bounds) {
        self.core.resized(bounds.weight);
        self.slice = self.tuner.slice();
    }

    #[cfg(any(test, debug_assertions))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        self.core.audit(nodes, entries, weight);
    }
}
