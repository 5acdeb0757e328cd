//! GDSF against a plain list of priorities.

use super::super::cost_aware::CostAware;
use super::{Bounds, Choice, Gone, Held, Nodes, Policy, entries};
use crate::ground::slab::Slot;
use proptest::prelude::*;
use std::time::Duration;

const SLOTS: u32 = 16;
/// Weights are powers of two up to this one, so that a model can reckon in whole numbers.
const HEAVIEST: u64 = 8;
const MOST_USES: u64 = 255;

/// Entries with their priorities in eighths of a microsecond, whose sum doesn't overflow.
#[derive(Default)]
struct Model {
    entries: Vec<Entry>,
    clock: u128,
    now: u64,
}

struct Entry {
    slot: Slot,
    uses: u64,
    cost: u32,
    weight: u64,
    /// When it was used last, by the clock and by the number of the use.
    since: u128,
    used: u64,
}

impl Entry {
    fn worth(&self) -> u128 {
        u128::from(self.uses) * u128::from(self.cost) * u128::from(HEAVIEST / self.weight)
    }
}

impl Model {
    fn weight(&self) -> u64 {
        self.entries.iter().map(|entry| entry.weight).sum()
    }

    /// One request; gives the victims.
    fn request(&mut self, slot: Slot, weight: u64, cost: u32, capacity: u64) -> Vec<Slot> {
        self.now += 1;
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.slot == slot) {
            entry.uses = (entry.uses + 1).min(MOST_USES);
            (entry.since, entry.used) = (self.clock, self.now);
            return Vec::new();
        }
        let mut victims = Vec::new();
        while self.weight() + weight > capacity {
            let priority = |entry: &Entry| entry.since + entry.worth();
            let at = (0..self.entries.len()).min_by_key(|&at| (priority(&self.entries[at]), self.entries[at].used));
            let victim = self.entries.remove(at.expect("what is too heavy is there"));
            self.clock = priority(&victim);
            victims.push(victim.slot);
        }
        self.entries.push(Entry { slot, uses: 1, cost, weight, since: self.clock, used: self.now });
        victims
    }

    fn reweigh(&mut self, slot: Slot, weight: u64) {
        let clock = self.clock;
        let entry = self.entries.iter_mut().find(|entry| entry.slot == slot).expect("it is held");
        entry.weight = weight;
        // A priority never falls behind the clock.
        entry.since = entry.since.max(clock.saturating_sub(entry.worth()));
    }
}

fn costs() -> impl Strategy<Value = u32> {
    prop_oneof![1..4_u32, 1..1_000_000_u32, Just(u32::MAX)]
}

proptest! {
    #[test]
    fn cost_aware_evicts_the_lowest_priority_and_of_several_the_one_used_longest_ago(
        steps in prop::collection::vec((0..SLOTS, 0..16_u8, 0..4_u32, costs()), 1..400),
        capacity in HEAVIEST..30,
    ) {
        let mut shard = Held::new(CostAware::new(entries(capacity)), SLOTS, capacity);
        let mut model = Model::default();
        for (slot, kind, power, cost) in steps {
            let weight = 1 << power;
            let held = model.entries.iter().position(|entry| entry.slot == slot);
            match (kind, held) {
                (0, Some(at)) => {
                    shard.remove(slot, Gone::Left);
                    model.entries.remove(at);
                }
                (1, Some(at)) if model.weight() - model.entries[at].weight + weight <= capacity => {
                    shard.reweigh(slot, weight);
                    model.reweigh(slot, weight);
                }
                _ => {
                    let victims = shard.request_of(slot, weight, Duration::from_micros(cost.into()));
                    prop_assert_eq!(victims, Some(model.request(slot, weight, cost, capacity)));
                }
            }
            shard.audit();
        }
    }
}

/// The priorities of the costliest entries go round every other eviction, and of ordinary ones now and then.
#[test]
fn the_clock_is_exact_however_long_it_runs() {
    const CAPACITY: u64 = 8;
    let mut shard = Held::new(CostAware::new(entries(CAPACITY)), SLOTS, CAPACITY);
    let mut model = Model::default();
    let mut state = 1_u32;
    for request in 0..200_000_u32 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (slot, weight) = ((state >> 28) * (state >> 24 & 15) / 15, 1 << (state >> 22 & 3));
        let cost = if request / 10_000 % 2 == 0 { u32::MAX - (state >> 20 & 3) } else { 1 + (state >> 10 & 1_023) };
        let victims = shard.request_of(slot, weight, Duration::from_micros(cost.into()));
        assert_eq!(victims, Some(model.request(slot, weight, cost, CAPACITY)), "at request {request}");
        if request % 1_000 == 0 {
            shard.audit();
        }
    }
    // A microsecond is 2^87 parts of the 2^128 in a round.
    let rounds = (model.clock / u128::from(HEAVIEST)) >> (128 - 87);
    assert!(rounds > 20, "the clock has gone round {rounds} times");
}

fn request(shard: &mut Held<CostAware>, slot: Slot, weight: u64, micros: u64) -> Vec<Slot> {
    shard.request_of(slot, weight, Duration::from_micros(micros)).expect("every arrival is welcome")
}

#[test]
fn what_was_costly_to_load_stays_longer_but_not_for_ever() {
    let mut shard = Held::new(CostAware::new(entries(10)), 2_000, 10);
    request(&mut shard, 0, 1, 1_000);
    // Nine cheap ones leave for each ten microseconds that the clock goes on.
    for key in 1..800 {
        request(&mut shard, key, 1, 10);
    }
    assert!(shard.held.contains(&0));
    for key in 800..1_000 {
        request(&mut shard, key, 1, 10);
    }
    assert!(!shard.held.contains(&0));
}

#[test]
fn the_highest_worth_of_all_is_still_told_apart() {
    let mut shard = Held::new(CostAware::new(entries(2)), SLOTS, 2);
    for (slot, uses) in [(0, MOST_USES), (1, MOST_USES / 2)] {
        for _ in 0..uses {
            request(&mut shard, slot, 1, u32::MAX.into());
        }
    }
    assert_eq!(request(&mut shard, 2, 1, 1), [1]);
}

#[test]
fn of_equal_costs_the_heaviest_leaves_first_though_all_are_huge() {
    let mut shard = Held::new(CostAware::new(entries(u64::MAX - 1)), SLOTS, u64::MAX - 1);
    for slot in 0..10_u32 {
        request(&mut shard, slot, (1 << 50) + u64::from(slot) * (1 << 40), 1);
    }
    for slot in (0..10).rev() {
        assert_eq!(shard.policy.victim(&mut shard.table, None), Choice::Evict(slot));
        shard.remove(slot, Gone::Evicted);
        shard.audit();
    }
}

#[test]
fn what_came_while_there_was_no_bound_leaves_first_unless_it_is_used() {
    let unbounded = Bounds { weight: u64::MAX, entries: None };
    let mut shard = Held::new(CostAware::new(unbounded), SLOTS, u64::MAX);
    assert!(!shard.policy.hit(shard.table.node(0), 0), "hits leave no event");
    for slot in 0..4 {
        request(&mut shard, slot, 1, 1_000);
    }
    shard.policy.resized(&mut shard.table, Bounds { weight: 4, entries: None });
    shard.capacity = 4;
    shard.audit();
    request(&mut shard, 0, 1, 0);
    shard.reweigh(1, 2);
    shard.reweigh(1, 1);
    shard.audit();
    assert_eq!(request(&mut shard, 4, 3, 1), [1, 2, 3]);
    assert_eq!(request(&mut shard, 5, 1, 1), [4]);
    shard.audit();
}
