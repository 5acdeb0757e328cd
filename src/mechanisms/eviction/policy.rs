//! What a policy is asked, and what it answers.

use super::Nodes;
use super::hits::Hits;
use crate::ground::slab::Slot;

/// What each policy can do. Slots name entries; links and marks lie with the entries, reached through [`Nodes`].
///
/// Room is made before an entry comes in: `arrives` once, `victim` as often as room is missing, and `admitted` when it is in.
pub(super) trait Policy {
    /// What becomes of hits. Those that leave an event are told by `touched`. It may be another after a write.
    fn hits(&self) -> Hits;

    /// Notes a hit, as it is done under the read lock. Says whether it leaves an event.
    #[cfg(any(test, fuzzing))]
    fn hit(&self, node: &super::node::Node, hash: u64) -> bool {
        self.hits().note(node, hash)
    }

    /// Room is missing for an entry that is to come in. Asked once for each.
    fn arrives(&mut self, _nodes: &mut impl Nodes, _arrival: &Arrival) -> Verdict {
        Verdict::Welcome
    }

    /// An entry came in.
    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot);

    /// An entry was used: a hit that left an event, or a caller's write over it.
    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot);

    /// An entry is about to leave.
    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot, gone: Gone);

    /// An entry weighed `old` until now.
    fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64);

    /// The entry that should leave next, to make room for `arrival` or, without one, for an entry of another shard. It is still in.
    fn victim(&mut self, nodes: &mut impl Nodes, arrival: Option<&Arrival>) -> Choice;

    /// The shard's share of the capacity is another.
    fn resized(&mut self, _nodes: &mut impl Nodes, _bounds: Bounds) {}

    /// Checks that the policy holds just `entries` entries of `weight` together.
    #[cfg(any(test, debug_assertions, fuzzing))]
    fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64);
}

/// An entry that is to come in, and for which room is missing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) hash: u64,
    pub(crate) weight: u64,
    /// The weight that is to be freed for it, as of the first question.
    pub(crate) missing: u64,
}

/// Whether entries may be evicted for an arrival.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Welcome,
    /// It isn't worth what it would take the place of.
    Refused,
}

/// Whom a policy gives up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Choice {
    Evict(Slot),
    /// There is no entry that may leave.
    Nothing,
}

impl Choice {
    pub(super) fn of(slot: Option<Slot>) -> Self {
        slot.map_or(Self::Nothing, Self::Evict)
    }
}

/// How an entry leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Gone {
    /// As the policy's victim.
    Evicted,
    /// Otherwise: it has expired, or was removed or cleared.
    Left,
}

/// What a shard is to hold: its share of the cache's capacity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Bounds {
    /// `u64::MAX` where there is no bound.
    pub(crate) weight: u64,
    /// About how many entries that is, where it is known.
    pub(crate) entries: Option<u64>,
}

impl Bounds {
    /// About how many entries a full shard will hold, by those that it holds now, and at most as many as was said.
    pub(super) fn entries_of(self, held: usize, weight: u64) -> u64 {
        let said = self.entries.unwrap_or(u64::MAX);
        if weight == 0 {
            return said;
        }
        let counted = u128::from(self.weight) * held as u128 / u128::from(weight);
        u64::try_from(counted).unwrap_or(u64::MAX).min(said)
    }
}
