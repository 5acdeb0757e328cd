//! The default policy: a lazy-window TinyLFU whose window is tuned by miniature simulations of other settings.
//!
//! The shards run by the setting that the tuner has in force. Of the hits, only those of keys in the tuner's slice leave an event; all
//! others are a mark in their entry.

mod contest;
mod lazy_window;
mod setting;
mod simulation;
mod trial;
mod tuner;
mod what_if;

pub(crate) use tuner::Tuner;

use super::Nodes;
use super::hits::{Hits, number};
use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Arrival, Bounds, Choice, Gone, Policy, Verdict};
use crate::ground::slab::Slot;
use crate::ground::sync::Arc;
use lazy_window::LazyWindow;
use tuner::Request;

/// A shard's policy.
pub(crate) struct Adaptive {
    window: LazyWindow,
    tuner: Arc<Tuner>,
    /// Keys whose number is below are in the tuner's slice, and it wants to know of their hits.
    hits_of: u64,
    /// How many entries there are when the shard is full: as many as was said, or as there were when that was last looked at.
    sized: u64,
}

impl Adaptive {
    pub(super) fn new(bounds: Bounds, tuner: Arc<Tuner>) -> Self {
        let sized = bounds.entries.unwrap_or(0);
        Self { window: LazyWindow::new(bounds, tuner.setting()), hits_of: tuner.slice_of_hits(), tuner, sized }
    }

    /// Bytes of what is known of the keys.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.window.memory()
    }

    fn follow(&mut self, request: Request, hash: u64, weight: u64) {
        let slice = match request {
            Request::Hit => self.hits_of,
            Request::Miss => self.tuner.slice(),
        };
        if number(hash) < slice {
            self.tuner.follow(request, hash, weight);
        }
        self.hits_of = self.tuner.slice_of_hits();
        self.window.set(self.tuner.setting());
    }

    /// The shard is full: tells the tuner how many entries that is, if nobody has said so, or something else by far.
    fn size_up(&mut self) {
        let held = self.window.len() as u64;
        if (held / 4 > self.sized || held < self.sized / 4) && self.window.is_half_full() {
            self.sized = held;
            self.tuner.size_up(held, self.window.weight());
        }
    }
}

impl Ordered for Adaptive {
    fn row(&self, nth: u8, course: &mut Course) -> Option<(Row<'_>, u8)> {
        self.window.row(nth, course)
    }

    fn rank(&self, nodes: &impl Nodes, slot: Slot, course: &mut Course) -> Rank {
        self.window.rank(nodes, slot, course)
    }
}

impl Policy for Adaptive {
    fn hits(&self) -> Hits {
        if self.window.is_bounded() { Hits::sampled(1, self.hits_of) } else { Hits::IGNORED }
    }

    fn arrives(&mut self, nodes: &mut impl Nodes, arrival: &Arrival) -> Verdict {
        self.size_up();
        let verdict = self.window.arrives(nodes, arrival);
        if verdict == Verdict::Refused {
            self.follow(Request::Miss, arrival.hash, arrival.weight);
        }
        verdict
    }

    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.follow(Request::Miss, nodes.hash(slot), nodes.weight(slot));
        self.window.admitted(nodes, slot);
    }

    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        nodes.node(slot).mark();
        self.follow(Request::Hit, nodes.hash(slot), nodes.weight(slot));
    }

    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot, gone: Gone) {
        self.window.removed(nodes, slot, gone);
    }

    fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64) {
        self.window.reweighed(nodes, slot, old);
    }

    fn victim(&mut self, nodes: &mut impl Nodes, arrival: Option<&Arrival>) -> Choice {
        self.window.victim(nodes, arrival)
    }

    fn resized(&mut self, _nodes: &mut impl Nodes, bounds: Bounds) {
        self.sized = bounds.entries.unwrap_or(0);
        self.window.resized(bounds);
        self.hits_of = self.tuner.slice_of_hits();
    }

    #[cfg(any(test, debug_assertions, fuzzing))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        self.window.audit(nodes, entries, weight);
    }
}
