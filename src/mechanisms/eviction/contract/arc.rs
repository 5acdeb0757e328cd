//! ARC against its paper's pseudo-code.

use super::super::arc::Arc;
use super::{Arrival, Bounds, Choice, Gone, Held, Nodes, Policy, Verdict, entries};
use crate::ground::slab::Slot;
use proptest::prelude::*;
use std::time::Duration;

const SLOTS: u32 = 20;

/// The paper's figure 4. The first of a list was used longest ago.
struct Paper {
    c: usize,
    p: usize,
    t1: Vec<Slot>,
    t2: Vec<Slot>,
    b1: Vec<Slot>,
    b2: Vec<Slot>,
}

/// Takes `x` out of a list, if it is there.
fn take(list: &mut Vec<Slot>, x: Slot) -> bool {
    list.iter().position(|&y| y == x).map(|at| list.remove(at)).is_some()
}

impl Paper {
    fn new(c: usize) -> Self {
        Self { c, p: 0, t1: Vec::new(), t2: Vec::new(), b1: Vec::new(), b2: Vec::new() }
    }

    fn request(&mut self, x: Slot) -> Option<Slot> {
        if take(&mut self.t1, x) || take(&mut self.t2, x) {
            self.t2.push(x);
            return None;
        }
        if self.b1.contains(&x) {
            let delta = if self.b1.len() >= self.b2.len() { 1 } else { self.b2.len() / self.b1.len() };
            self.p = (self.p + delta).min(self.c);
            let victim = self.replace(false);
            take(&mut self.b1, x);
            self.t2.push(x);
            return victim;
        }
        if self.b2.contains(&x) {
            let delta = if self.b2.len() >= self.b1.len() { 1 } else { self.b1.len() / self.b2.len() };
            self.p = self.p.saturating_sub(delta);
            let victim = self.replace(true);
            take(&mut self.b2, x);
            self.t2.push(x);
            return victim;
        }
        let victim = if self.t1.len() + self.b1.len() == self.c {
            if self.t1.len() < self.c {
                self.b1.remove(0);
                self.replace(false)
            } else {
                Some(self.t1.remove(0))
            }
        } else {
            if self.t1.len() + self.t2.len() + self.b1.len() + self.b2.len() == 2 * self.c {
                self.b2.remove(0);
            }
            self.replace(false)
        };
        self.t1.push(x);
        victim
    }

    fn replace(&mut self, x_is_in_b2: bool) -> Option<Slot> {
        // The paper's cache never has room again once it is full; ours has after a removal.
        if self.t1.len() + self.t2.len() < self.c {
            return None;
        }
        let from_t1 = !self.t1.is_empty() && (self.t1.len() > self.p || (x_is_in_b2 && self.t1.len() == self.p));
        // Nor does the paper say what goes if T2 is to give way and is empty.
        let (from, to) = if from_t1 || self.t2.is_empty() { (&mut self.t1, &mut self.b1) } else { (&mut self.t2, &mut self.b2) };
        let victim = from.remove(0);
        to.push(victim);
        Some(victim)
    }

    fn remove(&mut self, x: Slot) {
        let _ = take(&mut self.t1, x) || take(&mut self.t2, x);
        if self.t1.is_empty() && self.t2.is_empty() {
            self.b1.clear();
            self.b2.clear();
        }
    }
}

impl Held<Arc> {
    /// An arrival for which no room was made in the end. When it comes again it is the same arrival.
    fn ask_in_vain(&mut self, key: Slot) {
        if self.weight == self.capacity && !self.held.contains(&key) {
            let arrival = Arrival { hash: self.table.hash(key), weight: 1, missing: 1 };
            assert_eq!(self.policy.arrives(&mut self.table, &arrival), Verdict::Welcome);
        }
    }
}

proptest! {
    #[test]
    fn arc_evicts_as_the_paper_does(steps in prop::collection::vec((0..SLOTS, 0..12_u8), 1..400), capacity in 1..10_usize) {
        let mut shard = Held::new(Arc::new(entries(capacity as u64)), SLOTS, capacity as u64);
        let mut paper = Paper::new(capacity);
        for (slot, kind) in steps {
            if kind == 0 && shard.held.contains(&slot) {
                shard.remove(slot, Gone::Left);
                paper.remove(slot);
            } else {
                if kind == 1 {
                    shard.ask_in_vain(slot);
                }
                prop_assert_eq!(shard.request(slot), paper.request(slot));
            }
            shard.audit();
            prop_assert_eq!(shard.policy.remembered(), paper.b1.len() + paper.b2.len());
        }
    }
}

/// What is remembered goes by the entries held, of which one is missing while another comes in: none must be forgotten for that.
#[test]
fn arc_evicts_as_the_paper_does_in_a_large_cache() {
    const CAPACITY: u32 = 1_100;
    let mut shard = Held::new(Arc::new(entries(CAPACITY.into())), 4 * CAPACITY, CAPACITY.into());
    let mut paper = Paper::new(CAPACITY as usize);
    let mut state = 1_u32;
    for request in 0..12_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Half of the requests are for keys that are often asked for.
        let keys = if state >> 31 == 0 { 4 * CAPACITY } else { 2 * CAPACITY };
        let slot = (state >> 8) % keys;
        assert_eq!(shard.request(slot), paper.request(slot), "at request {request}");
        assert_eq!(shard.policy.remembered(), paper.b1.len() + paper.b2.len(), "at request {request}");
    }
    assert_eq!(shard.policy.remembered(), CAPACITY as usize, "as many as the paper ever remembers");
}

#[test]
fn a_key_that_returns_while_there_is_room_counts_as_used_again() {
    let mut shard = Held::new(Arc::new(entries(2)), SLOTS, 2);
    shard.request(0);
    shard.request(0);
    shard.request(1);
    assert_eq!(shard.request(2), Some(1));
    shard.remove(2, Gone::Left);
    // Both are held as used twice, so that the older of the two leaves; had 1 come as new, it would leave itself.
    assert_eq!(shard.request(1), None);
    shard.request(0);
    assert_eq!(shard.policy.remembered(), 0);
    shard.remove(0, Gone::Left);
    shard.request(3);
    // The border has moved for 1, so that 3, which was used once, keeps its place.
    assert_eq!(shard.request(4), Some(1));
}

#[test]
fn what_arc_remembers_goes_by_entries_and_not_by_weight() {
    let bounds = Bounds { weight: 1 << 40, entries: None };
    let mut shard = Held::new(Arc::new(bounds), 40_000, 1 << 40);
    for key in 0..40_000 {
        shard.request_of(key, 1 << 30, Duration::ZERO).expect("it is welcome");
    }
    assert_eq!((shard.held.len(), shard.weight), (1_024, 1 << 40));
    assert!(shard.policy.remembered() <= 2 * 1_024, "{} are remembered", shard.policy.remembered());
    // A tenth as many that are ten times as heavy: what is remembered of the others is forgotten step by step.
    for key in 0..2_000 {
        shard.request_of(key, 10 << 30, Duration::ZERO).expect("it is welcome");
    }
    assert!(shard.policy.remembered() <= 2 * 1_024, "{} are remembered", shard.policy.remembered());
}

#[test]
fn an_entry_as_heavy_as_the_capacity_leaves_arc_whole() {
    let mut shard = Held::new(Arc::new(entries(8)), SLOTS, 8);
    for key in [0, 1, 2, 0, 1, 3, 4, 5, 6, 7, 8, 2, 9] {
        shard.request(key);
    }
    assert_eq!(shard.request_of(10, 8, Duration::ZERO).expect("it is welcome").len(), 8);
    shard.audit();
    assert_eq!(shard.policy.victim(&mut shard.table, None), Choice::Evict(10));
    assert_eq!(shard.request_of(2, 8, Duration::ZERO).expect("it is welcome"), [10]);
    shard.audit();
}
