//! Eviction policies: which entry has to go. One file for each policy.

mod adaptive;
mod arc;
mod clock;
mod cost_aware;
mod custom;
#[cfg(any(test, fuzzing))]
mod driver;
mod family;
mod fifo;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod ghost;
mod history;
mod hits;
mod lfu;
mod lirs;
mod lru;
mod names;
mod node;
mod none;
mod order;
mod plan;
mod policy;
mod queue;
mod random;
mod s3_fifo;
mod sieve;
mod sketch;
mod slru;
mod tiny_lfu;

pub use custom::{CustomPolicy, PolicyBounds, PolicyEntry, PolicySlot};
pub(crate) use custom::{MakePolicy, Pins};
pub use names::{EvictionPolicy, UnknownPolicy};
pub(crate) use node::{Node, Nodes};
pub(crate) use order::{ALL_RANKS, RANKS, Rank, Telling};
pub(crate) use plan::{Plan, Sizing};
pub(crate) use policy::{Arrival, Bounds, Choice, Gone, Verdict};
use queue::Queue;

use crate::ground::slab::{Handle, Slot};
use crate::ground::striped::{Fullness, Ring};
use custom::Custom;
use family::Family;
use hits::Hits;
use order::{Field, Part};
use policy::Policy as _;
use sieve::Sieve;

/// A shard's policy with its queues, and the entries that weigh nothing, which no policy can make room with.
pub(crate) struct Eviction<K, V> {
    /// The policy's, so that no hit has to ask it.
    hits: Hits,
    chosen: Chosen<K, V>,
    weightless: Sieve,
    /// How many entries of no weight there are.
    weightless_held: usize,
}

enum Chosen<K, V> {
    Family(Family),
    Custom(Custom<K, V>),
}

impl<K, V> Chosen<K, V> {
    fn hits(&self) -> Hits {
        match self {
            Self::Family(family) => family.hits(),
            Self::Custom(_) => Hits::TOLD,
        }
    }
}

/// Nodes of entries that have keys and values.
pub(crate) trait Entries<K, V>: Nodes {
    fn holds(&self, slot: Slot) -> bool;
    fn entry(&self, slot: Slot) -> (&K, &V);
}

impl<K, V> Eviction<K, V> {
    fn new(chosen: Chosen<K, V>) -> Self {
        Self { hits: chosen.hits(), chosen, weightless: Sieve::new(), weightless_held: 0 }
    }

    /// Notes a hit under the read lock: a mark in the entry for lazy policies, an event in the ring for eager ones.
    #[inline]
    pub(crate) fn hit(&self, node: &Node, hash: u64, handle: impl FnOnce() -> Option<Handle>, ring: &Ring) -> Fullness {
        if self.hits.note(node, hash) { handle().map_or(Fullness::Room, |handle| ring.push(handle)) } else { Fullness::Room }
    }

    /// Whether entries leave to make room at all.
    pub(crate) fn evicts(&self) -> bool {
        !matches!(&self.chosen, Chosen::Family(Family::None(_)))
    }

    /// Room is missing for an entry that is to come in.
    pub(crate) fn arrives(&mut self, entries: &mut impl Entries<K, V>, arrival: &Arrival) -> Verdict {
        match &mut self.chosen {
            Chosen::Family(family) => family.arrives(entries, arrival),
            Chosen::Custom(_) => Verdict::Welcome,
        }
    }

    pub(crate) fn admitted(&mut self, entries: &mut impl Entries<K, V>, slot: Slot) {
        if entries.weight(slot) == 0 {
            self.weightless_held += 1;
            return self.weightless.admitted(entries, slot);
        }
        match &mut self.chosen {
            Chosen::Family(family) => family.admitted(entries, slot),
            Chosen::Custom(custom) => custom.admitted(entries, slot),
        }
        self.hits = self.chosen.hits();
    }

    pub(crate) fn touched(&mut self, entries: &mut impl Entries<K, V>, slot: Slot) {
        if entries.weight(slot) == 0 {
            return self.weightless.touched(entries, slot);
        }
        match &mut self.chosen {
            Chosen::Family(family) => family.touched(entries, slot),
            Chosen::Custom(custom) => custom.touched(slot),
        }
    }

    pub(crate) fn removed(&mut self, entries: &mut impl Entries<K, V>, slot: Slot, gone: Gone) {
        if entries.weight(slot) == 0 {
            self.weightless_held -= 1;
            return self.weightless.removed(entries, slot, gone);
        }
        match &mut self.chosen {
            Chosen::Family(family) => family.removed(entries, slot, gone),
            Chosen::Custom(custom) => custom.removed(entries, slot),
        }
    }

    /// The entry in `slot`, which stays on either side of weighing something, weighed `old` until now.
    pub(crate) fn reweighed(&mut self, entries: &mut impl Entries<K, V>, slot: Slot, old: u64) {
        if old == entries.weight(slot) {
            return;
        }
        match &mut self.chosen {
            Chosen::Family(family) => family.reweighed(entries, slot, old),
            Chosen::Custom(custom) => custom.reweighed(entries, slot, old),
        }
    }

    pub(crate) fn victim(&mut self, entries: &mut impl Entries<K, V>, arrival: Option<&Arrival>, pins: Pins) -> Choice {
        match &mut self.chosen {
            Chosen::Family(family) => family.victim(entries, arrival),
            Chosen::Custom(custom) => custom.victim(entries, pins),
        }
    }

    /// The entry of no weight that should leave if `most` are held, so that their number is bounded.
    pub(crate) fn weightless_victim(&mut self, entries: &mut impl Entries<K, V>, most: usize) -> Option<Slot> {
        if self.weightless_held < most {
            return None;
        }
        match self.weightless.victim(entries, None) {
            Choice::Evict(slot) => Some(slot),
            Choice::Nothing => None,
        }
    }

    pub(crate) fn resized(&mut self, entries: &mut impl Entries<K, V>, bounds: Bounds) {
        match &mut self.chosen {
            Chosen::Family(family) => family.resized(entries, bounds),
            Chosen::Custom(custom) => custom.resized(bounds),
        }
        self.hits = self.chosen.hits();
    }

    /// Goes on telling the order in which the entries would leave, until `steps` are spent, and says whether all is told. An entry that moves meanwhile
    /// may be told of twice, or not at all.
    pub(crate) fn tell(
        &self,
        telling: &mut Telling,
        nodes: &impl Nodes,
        stay: impl Fn(Slot) -> Option<Handle>,
        steps: &mut u32,
        mut met: impl FnMut(Slot, Rank),
    ) -> bool {
        let field = Field { nodes, stay };
        if telling.part() == Part::Policy {
            match &self.chosen {
                Chosen::Family(family) => telling.go_on(family, &field, steps, &mut met),
                Chosen::Custom(custom) => telling.go_on(custom, &field, steps, &mut met),
            }
        }
        if telling.part() == Part::Weightless {
            telling.go_on(&self.weightless, &field, steps, &mut met);
        }
        telling.part() == Part::Told
    }

    /// Checks that each of so many entries, of so much weight together, is held in one place.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        self.weightless.audit(nodes, self.weightless_held, 0);
        let entries = entries - self.weightless_held;
        match &self.chosen {
            Chosen::Family(family) => family.audit(nodes, entries, weight),
            Chosen::Custom(custom) => custom.audit(nodes, entries, weight),
        }
    }
}

#[cfg(test)]
mod contract;
