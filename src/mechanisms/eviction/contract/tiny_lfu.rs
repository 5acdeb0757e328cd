//! W-TinyLFU against lists by recency and the same sketch.

use super::super::Nodes as _;
use super::super::policy::{Bounds, Choice, Policy as _};
use super::super::random::Xorshift;
use super::super::sketch::Sketch;
use super::super::tiny_lfu::TinyLfu;
use super::{Gone, Held, Table, entries};
use crate::ground::slab::Slot;
use proptest::prelude::*;
use std::time::Duration;

const SLOTS: u32 = 48;

/// Lists by recency: used longest ago first.
struct Lists {
    window: Vec<Slot>,
    probation: Vec<Slot>,
    protected: Vec<Slot>,
    sketch: Sketch,
    dice: Xorshift,
    capacity: usize,
    /// For its hashes.
    table: Table,
}

impl Lists {
    fn new(capacity: usize) -> Self {
        Self {
            window: Vec::new(),
            probation: Vec::new(),
            protected: Vec::new(),
            sketch: Sketch::new(Some(capacity as u64)),
            dice: Xorshift::new(),
            capacity,
            table: Table::new(SLOTS),
        }
    }

    fn request(&mut self, slot: Slot) -> Option<Slot> {
        self.sketch.add(self.table.hash(slot));
        if let Some(at) = self.window.iter().position(|&other| other == slot) {
            self.window.remove(at);
            self.window.push(slot);
            return None;
        }
        if self.probation.iter().chain(&self.protected).any(|&other| other == slot) {
            self.probation.retain(|&other| other != slot);
            self.protected.retain(|&other| other != slot);
            self.protected.push(slot);
            if self.protected.len() > (self.capacity - self.window_share()) * 4 / 5 {
                self.probation.push(self.protected.remove(0));
            }
            return None;
        }
        self.window.push(slot);
        if self.window.len() <= self.window_share() {
            return None;
        }
        let candidate = self.window.remove(0);
        if self.window.len() + self.probation.len() + self.protected.len() < self.capacity {
            self.probation.push(candidate);
            return None;
        }
        self.contest(candidate)
    }

    fn window_share(&self) -> usize {
        self.capacity.div_ceil(100)
    }

    /// Gives whichever of the candidate and the main part's victim has to go.
    fn contest(&mut self, candidate: Slot) -> Option<Slot> {
        let from = if self.probation.is_empty() { &mut self.protected } else { &mut self.probation };
        let Some(&victim) = from.first() else { return Some(candidate) };
        let (own, other) = (self.sketch.estimate(self.table.hash(candidate)), self.sketch.estimate(self.table.hash(victim)));
        if own > other || (own >= 6 && self.dice.below(128) == 0) {
            from.remove(0);
            self.probation.push(candidate);
            return Some(victim);
        }
        Some(candidate)
    }
}

fn held(slots: u32, capacity: u64) -> Held<TinyLfu> {
    Held::new(TinyLfu::new(entries(capacity)), slots, capacity)
}

fn ask(shard: &mut Held<TinyLfu>, slot: Slot, weight: u64) -> Option<Vec<Slot>> {
    let victims = shard.request_of(slot, weight, Duration::ZERO);
    shard.audit();
    victims
}

proptest! {
    #[test]
    fn tiny_lfu_evicts_as_the_lists_do(steps in prop::collection::vec((0..SLOTS, 1..4_u32), 1..800), capacity in 1..32_usize) {
        let mut shard = held(SLOTS, capacity as u64);
        let mut model = Lists::new(capacity);
        // The lower of two numbers: some keys are asked for more often than others.
        for (slot, times) in steps {
            for _ in 0..times {
                prop_assert_eq!(shard.request(slot / times), model.request(slot / times));
            }
        }
        shard.audit();
    }
}

#[test]
fn a_heavy_arrival_must_have_been_asked_for_more_often_than_all_that_it_displaces() {
    let mut shard = held(11, 10);
    for _ in 0..2 {
        (0..10).for_each(|slot| assert_eq!(ask(&mut shard, slot, 1), Some(Vec::new())));
    }
    let before = shard.held.clone();
    // Each of the four that would go was asked for twice.
    for _ in 0..8 {
        assert_eq!(ask(&mut shard, 10, 4), None);
        assert_eq!(shard.held, before, "what is refused displaces nothing");
    }
    assert_eq!(ask(&mut shard, 10, 4), Some(vec![0, 1, 2, 3]), "those outside the window");
    assert!(shard.held.contains(&10));
}

#[test]
fn g14_an_entry_as_heavy_as_the_whole_capacity_can_win() {
    let mut shard = held(11, 10);
    // Three of them are protected, one is in the window: they were asked for 13 times together.
    (0..10).chain(0..3).for_each(|slot| assert_eq!(ask(&mut shard, slot, 1), Some(Vec::new())));
    (0..13).for_each(|_| assert_eq!(ask(&mut shard, 10, 10), None));
    assert_eq!(ask(&mut shard, 10, 10).map(|victims| victims.len()), Some(10));
    assert_eq!(shard.weight, 10);
}

#[test]
fn g14_an_entry_of_ordinary_weight_is_held_though_it_is_heavier_than_the_window() {
    let mut shard = held(100, 100);
    for slot in 0..100 {
        let victims = ask(&mut shard, slot, 9 + u64::from(slot % 3)).expect("it is as heavy as the others");
        assert!(victims.len() <= 2 && !victims.contains(&slot), "{slot}: {victims:?}");
        assert!(shard.held.contains(&slot));
    }
}

#[test]
fn what_is_heavier_than_all_that_may_be_protected_drives_nothing_out() {
    let mut shard = held(8, 100);
    for (slot, weight) in [(0, 5), (0, 5), (1, 5), (2, 5), (1, 5), (3, 80), (3, 80)] {
        assert_eq!(ask(&mut shard, slot, weight), Some(Vec::new()));
    }
    let regions: Vec<u8> = (0..4).map(|slot| shard.table.node(slot).region).collect();
    assert_eq!(regions, [1, 2, 0, 1]);
}

#[test]
fn without_a_bound_a_hit_costs_nothing() {
    let unbounded = Bounds { weight: u64::MAX, entries: None };
    let mut shard = Held::new(TinyLfu::new(unbounded), 200, 100);
    (0..100).for_each(|slot| _ = shard.request(slot));
    assert!(!shard.policy.hit(shard.table.node(0), 0));
    // A bound comes: what came first goes first, and the window is emptied a few entries at a time.
    shard.policy.resized(&mut shard.table, entries(100));
    assert!(shard.policy.hit(shard.table.node(0), 0));
    assert_eq!(shard.policy.victim(&mut shard.table, None), Choice::Evict(0));
    for (slot, left) in [(100, 36), (101, 1), (102, 1)] {
        shard.request(slot);
        assert_eq!(shard.held.iter().filter(|&&slot| shard.table.node(slot).region == 0).count(), left);
        shard.audit();
    }
}

#[test]
fn a_protected_entry_that_grows_too_heavy_is_unprotected() {
    let mut shard = held(8, 100);
    for slot in [0, 1, 2, 0, 1] {
        assert_eq!(ask(&mut shard, slot, 5), Some(Vec::new()));
    }
    shard.reweigh(1, 80);
    shard.audit();
    assert_eq!([0, 1, 2].map(|slot| shard.table.node(slot).region), [2, 1, 0]);
}

#[test]
fn what_is_used_beyond_the_share_takes_the_protection_of_what_was_used_longest_ago() {
    let mut shard = held(10, 10);
    (0..9).chain(0..8).for_each(|slot| _ = shard.request(slot));
    assert_eq!([0, 1, 7, 8].map(|slot| shard.table.node(slot).region), [1, 2, 2, 0]);
}

#[test]
fn g14_after_a_shrink_it_gives_its_memory_back() {
    let bounds = |weight, is_known| Bounds { weight, entries: Some(weight).filter(|_| is_known) };
    for is_known in [true, false] {
        for step in [2, 100] {
            let mut shard = Held::new(TinyLfu::new(bounds(20_000, is_known)), 20_000, 20_000);
            (0..20_000).for_each(|slot| _ = shard.request(slot));
            let full = shard.policy.memory();
            while shard.capacity > 100 {
                shard.capacity /= step;
                shard.policy.resized(&mut shard.table, bounds(shard.capacity, is_known));
                while shard.weight > shard.capacity {
                    let Choice::Evict(victim) = shard.policy.victim(&mut shard.table, None) else { panic!("entries are held") };
                    shard.remove(victim, Gone::Evicted);
                }
                (0..100).for_each(|slot| _ = shard.request(slot));
            }
            let memory = shard.policy.memory();
            assert!(memory < full / 8, "{memory} bytes for {} entries, {full} for 20,000", shard.capacity);
        }
    }
}
