//! Drives a shard's policy through all that can happen to it, and checks its books after each step.

use super::super::adaptive::Tuner;
use super::super::family::Family;
use super::super::policy::{Bounds, Choice, Gone, Policy as _};
use super::super::{EvictionPolicy, Nodes as _};
use super::held::Held;
use crate::ground::slab::Slot;
use crate::ground::sync::Arc;
use std::time::Duration;

const SLOTS: u32 = 40;

/// What one step does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A request for a key, and the weight and the cost of its entry if it is a miss.
    Request(Slot, Weight, Duration),
    /// A caller writes over an entry.
    Touch(Slot),
    Leave(Slot),
    /// A new weight, where there is room for it.
    Reweigh(Slot, Weight),
    /// Room for an entry of another shard.
    GiveUp,
    /// Another capacity. The number of entries is known or not, or said to be what it isn't.
    Resize(Bounds),
}

/// What an entry weighs: at least one, at most all there is room for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Weight {
    Is(u64),
    /// So many of 64 parts of the capacity.
    Part(u8),
}

impl Weight {
    fn of(self, capacity: u64) -> u64 {
        match self {
            Self::Is(weight) => weight.clamp(1, capacity),
            Self::Part(parts) => u64::try_from(u128::from(capacity) * u128::from(parts) / 64).unwrap_or(u64::MAX).clamp(1, capacity),
        }
    }
}

impl Step {
    /// What these bytes mean; any do.
    pub(crate) fn read([kind, slot, shape, amount]: [u8; 4]) -> Self {
        let slot = u32::from(slot) % SLOTS;
        let weight = match shape % 16 {
            0..=9 => Weight::Is(1),
            10..=12 => Weight::Is(u64::from(amount) % 8),
            13 => Weight::Part(amount % 16),
            14 => Weight::Part(amount % 65),
            _ => Weight::Is(1 << (amount % 64)),
        };
        match kind % 64 {
            0..=2 => Self::Leave(slot),
            3..=5 => Self::Reweigh(slot, weight),
            6 => Self::GiveUp,
            7 => Self::Resize(bounds(shape, amount)),
            8 | 9 => Self::Touch(slot),
            _ => Self::Request(slot, weight, Duration::from_micros(u64::from(amount) << (shape % 32))),
        }
    }
}

/// A capacity, and what is said of the number of entries.
fn bounds(shape: u8, amount: u8) -> Bounds {
    let weight = match shape % 8 {
        0..=4 => u64::from(amount % 60) + 1,
        5 => 1 << (amount % 64),
        6 => u64::MAX - u64::from(amount % 2),
        _ => u64::from(amount) * 16 + 1,
    };
    let entries = match (shape / 8) % 4 {
        _ if weight == u64::MAX => None,
        0 | 1 => Some(weight),
        2 => Some(weight.min(u64::from(amount / 8) + 1)),
        _ => None,
    };
    Bounds { weight, entries }
}

pub(crate) struct Driver {
    shard: Held<Family>,
    tuner: Arc<Tuner>,
}

impl Driver {
    pub(crate) fn new(policy: EvictionPolicy, shape: u8, amount: u8) -> Self {
        let bounds = bounds(shape, amount);
        let tuner = Arc::new(Tuner::new(bounds.weight, bounds.entries));
        let shard = Held::new(Family::new(policy, bounds, Some(&tuner)), SLOTS, bounds.weight);
        Self { shard, tuner }
    }

    /// # Panics
    /// If the policy loses sight of an entry or a weight, or gives up what it doesn't hold.
    pub(crate) fn run(&mut self, steps: impl IntoIterator<Item = Step>) {
        for step in steps {
            self.step(step);
            assert!(self.shard.weight <= self.shard.capacity, "there is room for what is held");
            self.shard.audit();
        }
        self.look();
        while !self.shard.held.is_empty() {
            self.give_up();
            self.shard.audit();
        }
        assert_eq!(self.shard.policy.victim(&mut self.shard.table, None), Choice::Nothing);
    }

    fn step(&mut self, step: Step) {
        let Self { shard, .. } = self;
        match step {
            Step::Request(slot, weight, cost) => drop(shard.request_of(slot, weight.of(shard.capacity), cost)),
            Step::Touch(slot) if shard.held.contains(&slot) => shard.policy.touched(&mut shard.table, slot),
            Step::Leave(slot) if shard.held.contains(&slot) => shard.remove(slot, Gone::Left),
            Step::Reweigh(slot, weight) if shard.held.contains(&slot) => {
                let weight = weight.of(shard.capacity);
                let others = shard.weight - shard.table.weight(slot);
                if others.checked_add(weight).is_some_and(|sum| sum <= shard.capacity) {
                    shard.reweigh(slot, weight);
                }
            }
            Step::Touch(_) | Step::Leave(_) | Step::Reweigh(..) => {}
            Step::GiveUp => self.give_up(),
            Step::Resize(bounds) => self.resize(bounds),
        }
    }

    fn resize(&mut self, bounds: Bounds) {
        self.look();
        let Self { shard, tuner } = self;
        shard.capacity = bounds.weight;
        tuner.resized(bounds.weight, bounds.entries);
        shard.policy.resized(&mut shard.table, bounds);
        while self.shard.weight > self.shard.capacity {
            self.give_up();
        }
    }

    /// Lets the policy's victim go; there is one while an entry is held.
    fn give_up(&mut self) {
        let Self { shard, .. } = self;
        match shard.policy.victim(&mut shard.table, None) {
            Choice::Evict(victim) => shard.remove(victim, Gone::Evicted),
            Choice::Nothing => assert!(shard.held.is_empty(), "entries are held, and none may leave"),
        }
    }

    /// What other capacities would be worth is told in numbers that can be.
    fn look(&self) {
        let told = self.tuner.what_if(1, 3);
        assert!(told.iter().all(|what| (0.0..=1.0).contains(&what.hit_ratio) && (0.0..=1.0).contains(&what.error)), "{told:?}");
        assert!(told.is_sorted_by_key(|what| what.capacity), "{told:?}");
    }
}
