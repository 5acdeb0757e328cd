//! LFU with ageing against a plain list of ranks.

use super::super::lfu::Lfu;
use super::{Gone, Held, entries};
use crate::ground::slab::Slot;
use proptest::prelude::*;

const SLOTS: u32 = 20;
const MOST_USES: u64 = 31;

/// An entry of the model.
struct Entry {
    slot: Slot,
    uses: u64,
    rank: u64,
    used: usize,
}

proptest! {
    #[test]
    fn lfu_evicts_the_lowest_rank_and_of_several_the_one_used_longest_ago(
        // The lower the key, the more often it is asked for, so that some are used very often.
        steps in prop::collection::vec((0..SLOTS, 0..SLOTS, 0..20_u8), 1..600),
        capacity in 1..10_usize,
    ) {
        let mut shard = Held::new(Lfu::new(entries(capacity as u64)), SLOTS, capacity as u64);
        let mut model: Vec<Entry> = Vec::new();
        let mut age = 0;
        for (now, (one, other, kind)) in steps.into_iter().enumerate() {
            let slot = one * other / SLOTS;
            let at = model.iter().position(|entry| entry.slot == slot);
            let mut expected = None;
            match at {
                Some(at) if kind == 0 => {
                    shard.remove(slot, Gone::Left);
                    model.remove(at);
                    continue;
                }
                Some(at) => {
                    let uses = (model[at].uses + 1).min(MOST_USES);
                    model[at] = Entry { slot, uses, rank: age + uses, used: now };
                }
                None => {
                    if model.len() == capacity {
                        let lowest = (0..capacity).min_by_key(|&at| (model[at].rank, model[at].used)).expect("it is full");
                        let victim = model.remove(lowest);
                        age = victim.rank;
                        expected = Some(victim.slot);
                    }
                    model.push(Entry { slot, uses: 1, rank: age + 1, used: now });
                }
            }
            prop_assert_eq!(shard.request(slot), expected);
            shard.audit();
        }
    }
}

#[test]
fn yesterdays_favourites_stay_through_a_scan_and_leave_in_the_end() {
    const FAVOURITES: u32 = 8;
    let mut shard = Held::new(Lfu::new(entries(16)), 2_000, 16);
    for request in 0..FAVOURITES * 50 {
        shard.request(request % FAVOURITES);
    }
    let held = |shard: &Held<Lfu>| (0..FAVOURITES).filter(|favourite| shard.held.contains(favourite)).count();
    // Each time the eight other places were filled anew the cache is older by one: 30 times until a favourite is no better than a new entry.
    for key in 100..300 {
        shard.request(key);
    }
    assert_eq!(held(&shard), 8);
    for key in 300..500 {
        shard.request(key);
    }
    assert_eq!(held(&shard), 0);
}

#[test]
fn so_many_uses_are_told_apart() {
    let mut shard = Held::new(Lfu::new(entries(2)), SLOTS, 2);
    for _ in 0..MOST_USES {
        shard.request(0);
    }
    for _ in 1..MOST_USES {
        shard.request(1);
    }
    assert_eq!(shard.request(2), Some(1));
}
