//! Eviction policies: which entry has to go. One file for each policy.

mod lru;
mod node;
mod sieve;

pub(crate) use node::{Node, Nodes};

use crate::ground::slab::{Handle, Slot};
use crate::ground::striped::{Fullness, Ring};
use lru::Lru;
use sieve::Sieve;

/// Which entry makes room when the cache is full.
///
/// # Examples
/// ```
/// use bellwether::{Cache, EvictionPolicy};
///
/// let cache = Cache::<u32, u32>::builder().capacity(2).shards(1).eviction(EvictionPolicy::Lru).build()?;
/// cache.insert(1, 10);
/// cache.insert(2, 20);
/// cache.fetch(&1);
/// cache.insert(3, 30);
/// assert!(cache.contains_key(&1) && !cache.contains_key(&2));
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum EvictionPolicy {
    /// The entry that was used longest ago. A hit leaves a mark that the next write works in: it costs one shared counter more than
    /// under [`Sieve`](Self::Sieve).
    Lru,
    /// A hand walks from the oldest entry to the newest and takes the first that wasn't hit since it last came by; a hit sets one bit.
    /// The default. (Zhang, Yang, Yue, Vigfusson, Rashmi: "SIEVE is Simpler than LRU", NSDI 2024.)
    #[default]
    Sieve,
}

/// What each policy can do. Slots name entries; links and marks lie with the entries, reached through [`Nodes`].
pub(super) trait Policy {
    /// A new entry came in.
    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot);
    /// An entry was used.
    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot);
    /// An entry is about to leave, for whatever cause.
    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot);
    /// The entry that should leave next. It is still in; `None` where there is no entry at all.
    fn victim(&mut self, nodes: &mut impl Nodes) -> Option<Slot>;
}

/// A shard's policy with its queues.
pub(crate) enum Eviction {
    Lru(Lru),
    Sieve(Sieve),
}

/// Runs the same code on whichever policy it is.
macro_rules! each {
    ($eviction:expr, $policy:ident => $body:expr) => {
        match $eviction {
            Eviction::Lru($policy) => $body,
            Eviction::Sieve($policy) => $body,
        }
    };
}

impl Eviction {
    pub(crate) fn new(policy: EvictionPolicy) -> Self {
        match policy {
            EvictionPolicy::Lru => Self::Lru(Lru::new()),
            EvictionPolicy::Sieve => Self::Sieve(Sieve::new()),
        }
    }

    /// Notes a hit under the read lock: a mark in the entry for lazy policies, one in the ring for eager ones.
    #[inline]
    pub(crate) fn hit(&self, node: &Node, handle: impl FnOnce() -> Option<Handle>, ring: &Ring) -> Fullness {
        match self {
            Self::Sieve(_) => {
                node.set_mark();
                Fullness::Room
            }
            Self::Lru(_) => handle().map_or(Fullness::Room, |handle| ring.push(handle)),
        }
    }

    pub(crate) fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        each!(self, policy => policy.admitted(nodes, slot));
    }

    pub(crate) fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        each!(self, policy => policy.touched(nodes, slot));
    }

    pub(crate) fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        each!(self, policy => policy.removed(nodes, slot));
    }

    pub(crate) fn victim(&mut self, nodes: &mut impl Nodes) -> Option<Slot> {
        each!(self, policy => policy.victim(nodes))
    }
}

#[cfg(test)]
mod contract;
