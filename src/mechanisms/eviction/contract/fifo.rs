//! FIFO against a list in order of arrival.

use super::super::fifo::Fifo;
use super::Held;
use crate::ground::slab::Slot;
use proptest::prelude::*;

const SLOTS: u32 = 16;

proptest! {
    #[test]
    fn fifo_evicts_what_came_first(steps in prop::collection::vec(0..SLOTS, 1..300), capacity in 1..10_usize) {
        let mut shard = Held::new(Fifo::new(), SLOTS, capacity as u64);
        let mut arrived: Vec<Slot> = Vec::new();
        for slot in steps {
            let mut expected = None;
            if !arrived.contains(&slot) {
                expected = (arrived.len() == capacity).then(|| arrived.remove(0));
                arrived.push(slot);
            }
            prop_assert_eq!(shard.request(slot), expected);
        }
    }
}
