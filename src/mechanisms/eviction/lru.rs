//! Least recently used: one queue in order of use.

use super::{Nodes, Policy};
use crate::ground::chain::Chain;
use crate::ground::slab::Slot;

/// Front: used last. Back: used longest ago.
pub(crate) struct Lru {
    queue: Chain,
}

impl Lru {
    pub(super) fn new() -> Self {
        Self { queue: Chain::new() }
    }
}

impl Policy for Lru {
    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.queue.push_front(nodes, slot);
    }

    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.queue.remove(nodes, slot);
        self.queue.push_front(nodes, slot);
    }

    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.queue.remove(nodes, slot);
    }

    fn victim(&mut self, _nodes: &mut impl Nodes) -> Option<Slot> {
        self.queue.back()
    }
}
