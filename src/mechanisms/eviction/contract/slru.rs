//! Segmented LRU against two lists.

use super::super::policy::{Choice, Policy as _};
use super::super::slru::Slru;
use super::{Held, entries};
use crate::ground::slab::Slot;
use proptest::prelude::*;
use std::time::Duration;

const SLOTS: u32 = 24;

/// Both lists: used longest ago first.
#[derive(Default)]
struct Segments {
    probation: Vec<Slot>,
    protected: Vec<Slot>,
}

impl Segments {
    fn request(&mut self, slot: Slot, capacity: usize) -> Option<Slot> {
        let known = self.probation.iter().chain(&self.protected).any(|&other| other == slot);
        if known {
            self.probation.retain(|&other| other != slot);
            self.protected.retain(|&other| other != slot);
            self.protected.push(slot);
            if self.protected.len() > capacity * 4 / 5 {
                self.probation.push(self.protected.remove(0));
            }
            return None;
        }
        let is_full = self.probation.len() + self.protected.len() == capacity;
        let victim = is_full.then(|| self.probation.remove(0));
        self.probation.push(slot);
        victim
    }
}

fn held(slots: u32, capacity: u64) -> Held<Slru> {
    Held::new(Slru::new(entries(capacity)), slots, capacity)
}

fn victim(shard: &mut Held<Slru>) -> Choice {
    shard.policy.victim(&mut shard.table, None)
}

proptest! {
    #[test]
    fn slru_evicts_as_two_lists_do(steps in prop::collection::vec(0..SLOTS, 1..400), capacity in 1..16_usize) {
        let mut shard = held(SLOTS, capacity as u64);
        let mut model = Segments::default();
        for slot in steps {
            prop_assert_eq!(shard.request(slot), model.request(slot, capacity));
        }
    }
}

#[test]
fn an_entry_heavier_than_all_that_may_be_protected_drives_nothing_out() {
    let mut shard = held(4, 10);
    for (slot, weight) in [(0, 1), (0, 1), (1, 9), (1, 9)] {
        let victims = shard.request_of(slot, weight, Duration::ZERO).expect("it is welcome");
        assert_eq!(victims, []);
    }
    assert_eq!(victim(&mut shard), Choice::Evict(1));
    // One that grows so heavy once it is protected is the next to go as well.
    shard.reweigh(1, 1);
    assert_eq!(shard.request(1), None);
    shard.reweigh(1, 9);
    assert_eq!(victim(&mut shard), Choice::Evict(1));
    shard.audit();
}

#[test]
fn what_is_protected_goes_when_nothing_else_is_left() {
    let mut shard = held(4, 5);
    (0..4).chain(0..4).for_each(|slot| _ = shard.request(slot));
    assert_eq!(victim(&mut shard), Choice::Evict(0));
}

#[test]
fn a_shrink_unprotects_a_few_at_a_time() {
    let mut shard = held(1_000, 1_000);
    (0..800).chain(0..800).for_each(|slot| _ = shard.request(slot));
    shard.policy.resized(&mut shard.table, entries(10));
    for left in [736, 672, 608] {
        assert_eq!(victim(&mut shard), Choice::Evict(0), "what was used longest ago is still the first to go");
        assert_eq!(shard.table.nodes.iter().filter(|node| node.region == 1).count(), left);
        shard.audit();
    }
}

#[test]
fn without_a_bound_a_hit_costs_nothing() {
    let mut shard = held(1, u64::MAX);
    shard.request(0);
    assert!(!shard.policy.hit(shard.table.nodes.first().expect("there is one"), 0));
    shard.policy.resized(&mut shard.table, entries(10));
    assert!(shard.policy.hit(shard.table.nodes.first().expect("there is one"), 0));
}

#[test]
fn what_loses_its_protection_stands_behind_what_comes_in_later() {
    let mut shard = held(10, 10);
    (0..9).chain(0..9).chain([9]).for_each(|slot| _ = shard.request(slot));
    assert_eq!(victim(&mut shard), Choice::Evict(0));
}
