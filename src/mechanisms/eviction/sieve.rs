//! SIEVE (Zhang, Yang, Yue, Vigfusson, Rashmi: "SIEVE is Simpler than LRU", NSDI 2024): one queue in order of
//! arrival, and a hand that spares what was hit since it last came by.

use super::{Nodes, Policy};
use crate::ground::chain::Chain;
use crate::ground::slab::Slot;

/// Entries that the hand spares at most in one search, so that no write pays for a long walk; it then takes the next one, hit or not.
const PATIENCE: u32 = 256;

/// Front: came last. Back: came first.
pub(crate) struct Sieve {
    queue: Chain,
    /// Where the next search begins; the back where there is none.
    hand: Option<Slot>,
}

impl Sieve {
    pub(super) fn new() -> Self {
        Self { queue: Chain::new(), hand: None }
    }
}

impl Policy for Sieve {
    fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.queue.push_front(nodes, slot);
    }

    fn touched(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        nodes.node_mut(slot).set_mark();
    }

    fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        if self.hand == Some(slot) {
            self.hand = self.queue.before(nodes, slot);
        }
        self.queue.remove(nodes, slot);
    }

    fn victim(&mut self, nodes: &mut impl Nodes) -> Option<Slot> {
        let mut at = self.hand.or_else(|| self.queue.back())?;
        for _ in 0..PATIENCE {
            if !nodes.node_mut(at).take_mark() {
                break;
            }
            at = self.queue.before(nodes, at).or_else(|| self.queue.back())?;
        }
        self.hand = Some(at);
        Some(at)
    }
}
