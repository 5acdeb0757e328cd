//! S3-FIFO against its paper's three queues.

use super::super::Nodes as _;
use super::super::policy::{Bounds, Choice, Gone, Policy as _};
use super::super::s3_fifo::S3Fifo;
use super::{Held, entries};
use crate::ground::slab::Slot;
use proptest::prelude::*;

const SLOTS: u32 = 48;

/// Lists in order of arrival, oldest first; slots with the hits that are counted.
struct Queues {
    small: Vec<(Slot, u8)>,
    main: Vec<(Slot, u8)>,
    ghosts: Vec<Slot>,
    capacity: usize,
}

impl Queues {
    fn request(&mut self, slot: Slot) -> Option<Slot> {
        if let Some(entry) = self.small.iter_mut().chain(&mut self.main).find(|entry| entry.0 == slot) {
            entry.1 = (entry.1 + 1).min(3);
            return None;
        }
        let was_ghost = self.ghosts.contains(&slot);
        self.ghosts.retain(|&ghost| ghost != slot);
        let is_full = self.small.len() + self.main.len() == self.capacity;
        let victim = is_full.then(|| self.evict());
        let queue = if was_ghost { &mut self.main } else { &mut self.small };
        queue.push((slot, 0));
        victim
    }

    fn evict(&mut self) -> Slot {
        loop {
            if self.small.len() >= (self.capacity / 10).max(1) {
                let (slot, hits) = self.small.remove(0);
                if hits <= 1 {
                    self.ghosts.push(slot);
                    let most = self.capacity - self.capacity / 10;
                    self.ghosts.drain(..self.ghosts.len().saturating_sub(most));
                    return slot;
                }
                self.main.push((slot, 0));
            } else {
                let (slot, hits) = self.main.remove(0);
                if hits == 0 {
                    return slot;
                }
                self.main.push((slot, hits - 1));
            }
        }
    }
}

proptest! {
    #[test]
    fn s3_fifo_evicts_as_the_paper_does(steps in prop::collection::vec(0..SLOTS, 1..800), capacity in 1..32_usize) {
        let mut shard = Held::new(S3Fifo::new(entries(capacity as u64)), SLOTS, capacity as u64);
        let mut model = Queues { small: Vec::new(), main: Vec::new(), ghosts: Vec::new(), capacity };
        for slot in steps {
            prop_assert_eq!(shard.request(slot), model.request(slot));
        }
        shard.audit();
    }
}

#[test]
fn a_long_run_of_hit_entries_ends_a_search() {
    const MANY: u32 = 1_000;
    let mut shard = Held::new(S3Fifo::new(entries(u64::from(MANY))), MANY, u64::from(MANY));
    (0..3).flat_map(|_| 0..MANY).for_each(|slot| _ = shard.request(slot));
    assert_eq!(shard.policy.victim(&mut shard.table, None), Choice::Evict(256));
    shard.audit();
}

#[test]
fn ghosts_are_bounded_by_entries_and_not_by_weight() {
    let known = Bounds { weight: 1 << 40, entries: Some(10) };
    let unknown = Bounds { weight: 1 << 40, entries: None };
    for (bounds, most) in [(known, 9), (unknown, 1_024)] {
        let mut shard = Held::new(S3Fifo::new(bounds), 5_000, 10);
        (0..5_000).for_each(|slot| _ = shard.request(slot));
        assert_eq!(shard.policy.ghosts(), most, "{bounds:?}");
    }
}

#[test]
fn without_a_bound_there_are_no_ghosts() {
    let unbounded = Bounds { weight: u64::MAX, entries: None };
    let mut shard = Held::new(S3Fifo::new(entries(10)), 100, 10);
    (0..100).for_each(|slot| _ = shard.request(slot));
    assert_eq!(shard.policy.ghosts(), 9);
    shard.policy.resized(&mut shard.table, unbounded);
    assert_eq!(shard.policy.ghosts(), 0);
    (0..100).for_each(|slot| _ = shard.request(slot));
    assert_eq!(shard.policy.ghosts(), 0);
}

#[test]
fn a_write_over_an_entry_is_a_hit() {
    let mut shard = Held::new(S3Fifo::new(entries(2)), 2, 2);
    (0..2).for_each(|slot| _ = shard.request(slot));
    (0..2).for_each(|_| shard.policy.touched(&mut shard.table, 0));
    assert_eq!(shard.policy.victim(&mut shard.table, None), Choice::Evict(1));
}

#[test]
fn an_entry_that_comes_back_to_the_queues_has_no_hits() {
    let mut shard = Held::new(S3Fifo::new(entries(2)), 2, 2);
    (0..2).chain([0, 0]).for_each(|slot| _ = shard.request(slot));
    // As when it weighs nothing for a while.
    shard.policy.removed(&mut shard.table, 0, Gone::Left);
    shard.policy.admitted(&mut shard.table, 0);
    assert_eq!(shard.table.node(0).marks(), 0);
}

#[test]
fn only_what_was_evicted_from_the_small_queue_leaves_a_ghost() {
    let mut shard = Held::new(S3Fifo::new(entries(10)), 10, 10);
    (0..10).chain([0, 0]).for_each(|slot| _ = shard.request(slot));
    shard.remove(1, Gone::Left);
    assert_eq!(shard.policy.ghosts(), 0, "it was removed otherwise");
    assert_eq!(shard.policy.victim(&mut shard.table, None), Choice::Evict(2));
    shard.remove(0, Gone::Evicted);
    assert_eq!(shard.policy.ghosts(), 0, "it was in the main queue");
    shard.remove(2, Gone::Evicted);
    assert_eq!(shard.policy.ghosts(), 1);
}

#[test]
fn a_great_shrink_gives_the_ghosts_memory_back() {
    let mut shard = Held::new(S3Fifo::new(entries(1_000)), 3_000, 1_000);
    (0..3_000).for_each(|slot| _ = shard.request(slot));
    shard.policy.resized(&mut shard.table, entries(900));
    assert_eq!(shard.policy.ghosts(), 900, "a small one doesn't");
    shard.policy.resized(&mut shard.table, entries(100));
    assert_eq!(shard.policy.ghosts(), 0);
}

#[test]
fn a_ghost_goes_to_the_main_queue_even_where_room_is_free() {
    let mut shard = Held::new(S3Fifo::new(entries(10)), 11, 10);
    (0..11).for_each(|slot| _ = shard.request(slot));
    shard.remove(5, Gone::Left);
    assert_eq!(shard.request(0), None, "there is room");
    assert_eq!([0, 1].map(|slot| shard.table.node(slot).region), [1, 0]);
}
