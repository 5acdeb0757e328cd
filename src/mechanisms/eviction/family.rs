//! The policies that the crate brings, as one type.

use super::Nodes;
use super::adaptive::{Adaptive, Tuner};
use super::arc::Arc as AdaptiveReplacement;
use super::clock::Clock;
use super::cost_aware::CostAware;
use super::fifo::Fifo;
use super::hits::Hits;
use super::lfu::Lfu;
use super::lirs::Lirs;
use super::lru::Lru;
use super::names::EvictionPolicy;
use super::none::None;
use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Arrival, Bounds, Choice, Gone, Policy, Verdict};
use super::random::Random;
use super::s3_fifo::S3Fifo;
use super::sieve::Sieve;
use super::slru::Slru;
use super::tiny_lfu::TinyLfu;
use crate::ground::slab::Slot;
use crate::ground::sync::Arc;

/// One of the crate's policies, with its queues.
pub(super) enum Family {
    Adaptive(Box<Adaptive>),
    Lru(Lru),
    Slru(Slru),
    Fifo(Fifo),
    Clock(Clock),
    Sieve(Sieve),
    S3Fifo(Box<S3Fifo>),
    TinyLfu(Box<TinyLfu>),
    AdaptiveReplacement(Box<AdaptiveReplacement>),
    Lirs(Box<Lirs>),
    Lfu(Box<Lfu>),
    CostAware(Box<CostAware>),
    Random(Random),
    None(None),
}

/// Runs the same code on whichever policy it is.
macro_rules! each {
    ($family:expr, $policy:ident => $body:expr) => {
        match $family {
            Family::Adaptive($policy) => $body,
            Family::Lru($policy) => $body,
            Family::Slru($policy) => $body,
            Family::Fifo($policy) => $body,
            Family::Clock($policy) => $body,
            Family::Sieve($policy) => $body,
            Family::S3Fifo($policy) => $body,
            Family::TinyLfu($policy) => $body,
            Family::AdaptiveReplacement($policy) => $body,
            Family::Lirs($policy) => $body,
            Family::Lfu($policy) => $body,
            Family::CostAware($policy) => $body,
            Family::Random($policy) => $body,
            Family::None($policy) => $body,
        }
    };
}

impl Family {
    /// A shard's policy. `tuner` is there if the policy is adaptive.
    pub(super) fn new(policy: EvictionPolicy, bounds: Bounds, tuner: Option<&Arc<Tuner>>) -> Self {
        match policy {
            EvictionPolicy::Adaptive => {
                let tuner = tuner.map_or_else(|| Arc::new(Tuner::new(bounds.weight, bounds.entries)), Arc::clone);
                Self::Adaptive(Box::new(Adaptive::new(bounds, tuner)))
            }
            EvictionPolicy::Lru => Self::Lru(Lru::new()),
            EvictionPolicy::Slru => Self::Slru(Slru::new(bounds)),
            EvictionPolicy::Fifo => Self::Fifo(Fifo::new()),
            EvictionPolicy::Clock => Self::Clock(Clock::new()),
            EvictionPolicy::Sieve => Self::Sieve(Sieve::new()),
            EvictionPolicy::S3Fifo => Self::S3Fifo(Box::new(S3Fifo::new(bounds))),
            EvictionPolicy::TinyLfu => Self::TinyLfu(Box::new(TinyLfu::new(bounds))),
            EvictionPolicy::AdaptiveReplacement => Self::AdaptiveReplacement(Box::new(AdaptiveReplacement::new(bounds))),
            EvictionPolicy::Lirs => Self::Lirs(Box::new(Lirs::new(bounds))),
            EvictionPolicy::Lfu => Self::Lfu(Box::new(Lfu::new(bounds))),
            EvictionPolicy::CostAware => Self::CostAware(Box::new(CostAware::new(bounds))),
            EvictionPolicy::Random => Self::Random(Random::new()),
            EvictionPolicy::None => Self::None(None::new()),
        }
    }
}

impl Ordered for Family {
    fn row(&self, nth: u8, course: &mut Course) -> Option<(Row<'_>, u8)> {
        each!(self, policy => policy.row(nth, course))
    }

    fn rank(&self, nodes: &impl Nodes, slot: Slot, course: &mut Course) -> Rank {
        each!(self, policy => policy.rank(nodes, slot, course))
    }
}

impl Policy for Family {
    fn hits(&self) -> Hits {
        each!(self, policy => policy.hits())
    }

    fn arrives(&mut self, nodes: &mut impl Nodes, arrival: &Arrival) -> Verdict {
        each!(self, policy => policy.arrives(nodes, arrival))
    }

    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        each!(self, policy => policy.admitted(nodes, slot));
    }

    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        each!(self, policy => policy.touched(nodes, slot));
    }

    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot, gone: Gone) {
        each!(self, policy => policy.removed(nodes, slot, gone));
    }

    fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64) {
        each!(self, policy => policy.reweighed(nodes, slot, old));
    }

    fn victim(&mut self, nodes: &mut impl Nodes, arrival: Option<&Arrival>) -> Choice {
        each!(self, policy => policy.victim(nodes, arrival))
    }

    fn resized(&mut self, nodes: &mut impl Nodes, bounds: Bounds) {
        each!(self, policy => policy.resized(nodes, bounds));
    }

    #[cfg(any(test, debug_assertions, fuzzing))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        each!(self, policy => policy.audit(nodes, entries, weight));
    }
}
