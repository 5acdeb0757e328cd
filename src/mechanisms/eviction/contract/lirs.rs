//! LIRS against its paper's stack and list.

use super::super::lirs::Lirs;
use super::{Arrival, Bounds, Gone, Held, Nodes, Policy, Verdict, entries};
use crate::ground::slab::Slot;
use proptest::prelude::*;
use std::time::Duration;

const SLOTS: u32 = 24;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Status {
    Lir,
    Hir,
    Gone,
}

/// The paper's section 3.3. The first of a list is at its bottom or front.
struct Paper {
    capacity: usize,
    lirs: usize,
    s: Vec<(Slot, Status)>,
    q: Vec<Slot>,
}

impl Paper {
    fn new(capacity: usize) -> Self {
        // Two HIR blocks, as in the authors' program, where so many leave the LIR blocks half.
        let lirs = capacity - 2.min(capacity / 2);
        Self { capacity, lirs, s: Vec::new(), q: Vec::new() }
    }

    fn count(&self, status: Status) -> usize {
        self.s.iter().filter(|block| block.1 == status).count()
    }

    fn resident(&self) -> usize {
        self.count(Status::Lir) + self.q.len()
    }

    /// Takes `x` out of the stack and says what it was there.
    fn take(&mut self, x: Slot) -> Option<Status> {
        let at = self.s.iter().position(|block| block.0 == x)?;
        Some(self.s.remove(at).1)
    }

    fn take_from_q(&mut self, x: Slot) -> bool {
        self.q.iter().position(|&y| y == x).map(|at| self.q.remove(at)).is_some()
    }

    fn prune(&mut self) {
        while self.s.first().is_some_and(|block| block.1 != Status::Lir) {
            self.s.remove(0);
        }
    }

    fn demote_bottom(&mut self) {
        assert_eq!(self.s[0].1, Status::Lir);
        let (bottom, _) = self.s.remove(0);
        self.q.push(bottom);
        self.prune();
    }

    fn request(&mut self, x: Slot) -> Option<Slot> {
        let is_resident = self.q.contains(&x) || self.s.contains(&(x, Status::Lir));
        // It is asked before a victim of a cache without HIR blocks can change the stack.
        let was = self.take(x);
        let mut victim = None;
        if !is_resident && self.resident() == self.capacity {
            if self.q.is_empty() {
                self.demote_bottom();
            }
            let evicted = self.q.remove(0);
            self.s.iter_mut().filter(|block| block.0 == evicted).for_each(|block| block.1 = Status::Gone);
            victim = Some(evicted);
        }
        self.take_from_q(x);
        if was.is_some() || self.count(Status::Lir) < self.lirs {
            self.s.push((x, Status::Lir));
            if self.count(Status::Lir) > self.lirs {
                self.demote_bottom();
            }
        } else {
            self.s.push((x, Status::Hir));
            self.q.push(x);
        }
        self.prune();
        self.bound();
        victim
    }

    /// The paper leaves the bound open: twice as many blocks that aren't resident as may be that are.
    fn bound(&mut self) {
        while self.count(Status::Gone) > 2 * self.capacity {
            let oldest = self.s.iter().position(|block| block.1 == Status::Gone).expect("there are some");
            self.s.remove(oldest);
        }
    }

    fn remove(&mut self, x: Slot) {
        self.take(x);
        self.take_from_q(x);
        self.prune();
    }
}

impl Held<Lirs> {
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
    fn lirs_evicts_as_the_paper_does(steps in prop::collection::vec((0..SLOTS, 0..16_u8), 1..400), capacity in 1..10_usize) {
        let mut shard = Held::new(Lirs::new(entries(capacity as u64)), SLOTS, capacity as u64);
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
            prop_assert_eq!(shard.policy.remembered(), paper.count(Status::Gone));
        }
    }
}

#[test]
fn lirs_keeps_most_of_a_loop_that_is_longer_than_the_cache() {
    const LENGTH: u32 = 150;
    let mut shard = Held::new(Lirs::new(entries(100)), LENGTH, 100);
    let mut hits = 0;
    for request in 0..LENGTH * 20 {
        let key = request % LENGTH;
        hits += u32::from(shard.held.contains(&key));
        shard.request(key);
    }
    // All but the first round finds the 98 that stay.
    assert!(hits >= 98 * 19, "{hits} hits");
}

#[test]
fn what_lirs_remembers_goes_by_entries_and_not_by_weight() {
    let bounds = Bounds { weight: 1 << 40, entries: None };
    let mut shard = Held::new(Lirs::new(bounds), 40_000, 1 << 40);
    for key in 0..40_000 {
        shard.request_of(key, 1 << 30, Duration::ZERO).expect("it is welcome");
    }
    assert_eq!((shard.held.len(), shard.weight), (1_024, 1 << 40));
    let remembered = shard.policy.remembered();
    assert!((1_024..=2 * 1_024).contains(&remembered), "{remembered} are remembered");
}

#[test]
fn lirs_remembers_twice_as_many_as_it_holds() {
    const CAPACITY: u32 = 1_100;
    let mut shard = Held::new(Lirs::new(entries(CAPACITY.into())), 8 * CAPACITY, CAPACITY.into());
    for key in 0..8 * CAPACITY {
        shard.request(key);
        if key >= 3 * CAPACITY {
            assert_eq!(shard.policy.remembered(), 2 * CAPACITY as usize, "after key {key}");
        }
    }
}

#[test]
fn an_entry_heavier_than_the_stayers_share_passes() {
    let mut shard = Held::new(Lirs::new(entries(100)), SLOTS, 100);
    shard.request(0);
    shard.request_of(1, 99, Duration::ZERO).expect("it is welcome");
    // However often it is used, it doesn't stay; and who stayed, stays.
    for _ in 0..3 {
        shard.request(1);
        shard.audit();
    }
    assert_eq!(shard.request(2), Some(1));
    assert_eq!(shard.request_of(3, 100, Duration::ZERO).expect("it is welcome"), [0, 2]);
    shard.audit();
}
