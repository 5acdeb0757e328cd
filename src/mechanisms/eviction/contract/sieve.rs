//! SIEVE against its paper's pseudo-code.

use super::super::sieve::Sieve;
use super::Held;
use crate::ground::slab::Slot;
use proptest::prelude::*;

const SLOTS: u32 = 16;

proptest! {
    #[test]
    fn sieve_evicts_as_the_paper_does(steps in prop::collection::vec(0..SLOTS, 1..300), capacity in 1..10_usize) {
        let mut shard = Held::new(Sieve::new(), SLOTS, capacity as u64);
        // Newest first: the slot and whether it was visited; the hand is the slot that it points to.
        let mut queue: Vec<(Slot, bool)> = Vec::new();
        let mut hand: Option<Slot> = None;
        for slot in steps {
            let mut expected = None;
            if let Some(entry) = queue.iter_mut().find(|entry| entry.0 == slot) {
                entry.1 = true;
            } else {
                if queue.len() == capacity {
                    let mut at = hand.and_then(|h| queue.iter().position(|entry| entry.0 == h)).unwrap_or(queue.len() - 1);
                    while queue[at].1 {
                        queue[at].1 = false;
                        at = if at == 0 { queue.len() - 1 } else { at - 1 };
                    }
                    hand = if at == 0 { None } else { Some(queue[at - 1].0) };
                    expected = Some(queue.remove(at).0);
                }
                queue.insert(0, (slot, false));
            }
            prop_assert_eq!(shard.request(slot), expected);
        }
    }
}
