//! Every policy under weights, with a capacity that changes, other shards that need room, and no bound at all.

use super::super::family::Family;
use super::super::policy::Policy;
use super::{Bounds, Choice, EvictionPolicy, Gone, Held, Nodes, policies};
use crate::ground::slab::Slot;
use proptest::prelude::*;
use std::time::Duration;

const SLOTS: u32 = 40;
const LARGEST: u64 = 60;

/// What can happen to a shard.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A request for a key, whose entry weighs that many hundredths of the capacity, and costs that much.
    Request(Slot, u64, u32),
    Leave(Slot),
    /// A new weight, in hundredths of the capacity, where there is room for it.
    Reweigh(Slot, u64),
    /// Room for an entry of another shard.
    GiveUp,
    /// Another capacity; with none there is no bound.
    Resize(Option<u64>, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Mostly light ones, some as heavy as the whole capacity.
    let share = || prop_oneof![8 => 0..10_u64, 2 => 10..60_u64, 1 => Just(100_u64)];
    let capacity = prop_oneof![4 => (1..LARGEST).prop_map(Some), 1 => Just(None)];
    let step = prop_oneof![
        24 => (0..SLOTS, share(), any::<u32>()).prop_map(|(slot, share, cost)| Step::Request(slot, share, cost >> (slot % 32))),
        2 => (0..SLOTS).prop_map(Step::Leave),
        2 => (0..SLOTS, share()).prop_map(|(slot, share)| Step::Reweigh(slot, share)),
        1 => Just(Step::GiveUp),
        1 => (capacity, any::<bool>()).prop_map(|(capacity, is_known)| Step::Resize(capacity, is_known)),
    ];
    prop::collection::vec(step, 1..300)
}

impl Held<Family> {
    fn take(&mut self, step: Step) {
        let of_capacity = |share: u64, capacity: u64| (capacity.min(LARGEST) * share / 100).max(1);
        match step {
            Step::Request(slot, share, cost) => {
                let weight = of_capacity(share, self.capacity);
                self.request_of(slot, weight, Duration::from_micros(cost.into()));
            }
            Step::Leave(slot) if self.held.contains(&slot) => self.remove(slot, Gone::Left),
            Step::Reweigh(slot, share) if self.held.contains(&slot) => {
                let weight = of_capacity(share, self.capacity);
                if self.weight - self.table.weight(slot) + weight <= self.capacity {
                    self.reweigh(slot, weight);
                }
            }
            Step::GiveUp => self.give_up(),
            Step::Resize(capacity, is_known) => {
                self.capacity = capacity.unwrap_or(u64::MAX);
                let entries = capacity.filter(|_| is_known);
                self.policy.resized(&mut self.table, Bounds { weight: self.capacity, entries });
                while self.weight > self.capacity {
                    self.give_up();
                }
            }
            Step::Leave(_) | Step::Reweigh(..) => {}
        }
    }

    /// Lets the policy's victim go; there is one while an entry is held.
    fn give_up(&mut self) {
        match self.policy.victim(&mut self.table, None) {
            Choice::Evict(victim) => self.remove(victim, Gone::Evicted),
            Choice::Nothing => assert!(self.held.is_empty(), "entries are held, and none may leave"),
        }
    }
}

proptest! {
    #[test]
    fn g14_weights_are_right_whatever_happens(steps in steps(), capacity in 1..LARGEST, is_known in any::<bool>()) {
        for policy in policies() {
            let bounds = Bounds { weight: capacity, entries: Some(capacity).filter(|_| is_known) };
            let mut shard = Held::new(Family::new(policy, bounds, None), SLOTS, capacity);
            for &step in &steps {
                shard.take(step);
                prop_assert!(shard.weight <= shard.capacity, "{policy:?} holds too much after {step:?}");
                shard.audit();
            }
            while !shard.held.is_empty() {
                shard.give_up();
                shard.audit();
            }
        }
    }
}

#[test]
fn no_hit_leaves_an_event_where_nothing_is_ever_evicted() {
    let unbounded = Bounds { weight: u64::MAX, entries: None };
    for policy in [EvictionPolicy::AdaptiveReplacement, EvictionPolicy::Lirs, EvictionPolicy::Lfu] {
        let mut shard = Held::new(Family::new(policy, unbounded, None), SLOTS, u64::MAX);
        for slot in (0..SLOTS).chain(0..SLOTS) {
            assert!(shard.request(slot).is_none());
            assert!(!shard.policy.hit(shard.table.node(slot), shard.table.hash(slot)), "{policy}");
        }
        shard.audit();
    }
}
