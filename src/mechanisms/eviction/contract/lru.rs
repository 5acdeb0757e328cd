//! LRU against a list by recency.

use super::super::lru::Lru;
use super::Held;
use proptest::prelude::*;
use std::collections::VecDeque;

const SLOTS: u32 = 16;

proptest! {
    #[test]
    fn lru_evicts_as_a_list_by_recency_does(steps in prop::collection::vec(0..SLOTS, 1..300), capacity in 1..10_usize) {
        let mut shard = Held::new(Lru::new(), SLOTS, capacity as u64);
        let mut model = VecDeque::new();
        for slot in steps {
            let known = model.iter().position(|&s| s == slot).map(|at| model.remove(at)).is_some();
            let expected = if !known && model.len() == capacity { model.pop_back() } else { None };
            model.push_front(slot);
            prop_assert_eq!(shard.request(slot), expected);
        }
    }
}
