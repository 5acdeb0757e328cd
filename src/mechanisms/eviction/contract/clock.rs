//! CLOCK against the ring of frames that its paper describes.

use super::super::clock::Clock;
use super::super::policy::{Choice, Policy as _};
use super::Held;
use crate::ground::slab::Slot;
use proptest::prelude::*;

const SLOTS: u32 = 16;

/// Frames in a ring, each with its use bit, and the hand that goes round.
struct Ring {
    frames: Vec<(Slot, bool)>,
    hand: usize,
    capacity: usize,
}

impl Ring {
    fn request(&mut self, slot: Slot) -> Option<Slot> {
        if let Some(frame) = self.frames.iter_mut().find(|frame| frame.0 == slot) {
            frame.1 = true;
            return None;
        }
        if self.frames.len() < self.capacity {
            self.frames.push((slot, false));
            return None;
        }
        while self.frames[self.hand].1 {
            self.frames[self.hand].1 = false;
            self.hand = (self.hand + 1) % self.capacity;
        }
        let victim = std::mem::replace(&mut self.frames[self.hand], (slot, false)).0;
        self.hand = (self.hand + 1) % self.capacity;
        Some(victim)
    }
}

proptest! {
    #[test]
    fn clock_evicts_as_the_ring_does(steps in prop::collection::vec(0..SLOTS, 1..300), capacity in 1..10_usize) {
        let mut shard = Held::new(Clock::new(), SLOTS, capacity as u64);
        let mut ring = Ring { frames: Vec::new(), hand: 0, capacity };
        for slot in steps {
            prop_assert_eq!(shard.request(slot), ring.request(slot));
        }
    }
}

#[test]
fn a_long_run_of_hit_entries_ends_a_search() {
    const MANY: u32 = 1_000;
    let mut shard = Held::new(Clock::new(), MANY, u64::from(MANY));
    (0..MANY).chain(0..MANY).for_each(|slot| _ = shard.request(slot));
    assert_eq!(shard.policy.victim(&mut shard.table, None), Choice::Evict(256));
    assert_eq!(shard.table.nodes.iter().filter(|node| node.marks() > 0).count(), 744);
}

#[test]
fn a_write_over_an_entry_is_a_hit() {
    let mut shard = Held::new(Clock::new(), 2, 2);
    (0..2).for_each(|slot| _ = shard.request(slot));
    shard.policy.touched(&mut shard.table, 0);
    assert_eq!(shard.policy.victim(&mut shard.table, None), Choice::Evict(1));
}
