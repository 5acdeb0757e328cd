//! The order that each policy tells, against that in which it then evicts.

use super::super::order::{Field, Part, Rank, Telling};
use super::*;
use crate::ground::slab::{Handle, Slot};
use std::collections::HashSet;

/// More slots than are ever asked for again, so that others can come in.
const MANY: u32 = 64;

/// What a policy tells of its order, coldest first, in bites of so many steps.
fn told(shard: &mut Held<Family>, bite: u32) -> Vec<Slot> {
    told_while(shard, bite, |_| {})
}

/// The same, with something else going on after each bite. What is told of twice is there twice.
fn told_while(shard: &mut Held<Family>, bite: u32, mut other: impl FnMut(&mut Held<Family>)) -> Vec<Slot> {
    let mut telling = Telling::default();
    let mut told: Vec<(u8, u128, u64, Slot)> = Vec::new();
    for _ in 0..1_000 {
        let mut steps = bite;
        let field = Field { nodes: &shard.table, stay: |slot| Some(Handle { slot, generation: 0 }) };
        telling.go_on(&shard.policy, &field, &mut steps, &mut |slot, rank| match rank {
            Rank::Nth(nth) => told.push((nth, 0, 0, slot)),
            Rank::Worth(worth, used) => told.push((u8::MAX, worth, used, slot)),
        });
        if telling.part() != Part::Policy {
            told.sort_by_key(|&(nth, worth, used, _)| (nth, worth, used));
            return told.into_iter().map(|(.., slot)| slot).collect();
        }
        other(shard);
    }
    panic!("it comes to no end");
}

fn drained(shard: &mut Held<Family>) -> Vec<Slot> {
    let mut drained = Vec::new();
    while let Choice::Evict(victim) = shard.policy.victim(&mut shard.table, None) {
        shard.remove(victim, Gone::Evicted);
        drained.push(victim);
    }
    drained
}

fn sorted(mut slots: Vec<Slot>) -> Vec<Slot> {
    slots.sort_unstable();
    slots
}

/// Two neighbours that are used one after the other are neighbours again, at the other end.
#[test]
fn what_has_moved_together_is_not_taken_for_what_has_stayed() {
    let mut shard = family(EvictionPolicy::Lru, MANY, u64::from(MANY));
    (0..MANY).for_each(|key| assert_eq!(shard.request(key), None));
    let mut moves = [&[15, 16][..], &[32], &[46, 47]].into_iter();
    let told = told_while(&mut shard, 15, |shard| {
        moves.next().into_iter().flatten().for_each(|&key| assert_eq!(shard.request(key), None));
    });
    let mut once = HashSet::new();
    let unmoved: Vec<_> = told.into_iter().filter(|slot| ![15, 16, 32, 46, 47].contains(slot) && once.insert(*slot)).collect();
    assert_eq!(unmoved, (0..MANY).filter(|slot| ![15, 16, 32, 46, 47].contains(slot)).collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn the_order_told_is_the_order_of_eviction_where_that_is_promised(
        steps in prop::collection::vec((0..SLOTS, 0..4_u8, 1..4_u64), 1..300),
        capacity in 3..20_u64,
        bite in 1..40_u32,
    ) {
        use EvictionPolicy::{Clock, CostAware, Fifo, Lfu, Lirs, Lru, None, Sieve, Slru};
        for policy in [Lru, Slru, Fifo, Clock, Sieve, Lfu, Lirs, CostAware, None] {
            let mut shard = family(policy, SLOTS, capacity);
            for &(key, cost, weight) in &steps {
                drop(shard.request_of(key, weight, Duration::from_micros(u64::from(cost))));
            }
            let told = told(&mut shard, bite);
            prop_assert_eq!(&told, &drained(&mut shard), "{:?}", policy);
        }
    }

    #[test]
    fn every_policy_tells_of_each_entry_once(
        steps in prop::collection::vec((0..SLOTS, 0..4_u8, 1..4_u64), 1..300),
        capacity in 3..20_u64,
        bite in 1..40_u32,
    ) {
        for policy in EvictionPolicy::ALL {
            let mut shard = family(policy, SLOTS, capacity);
            for &(key, cost, weight) in &steps {
                drop(shard.request_of(key, weight, Duration::from_micros(u64::from(cost))));
            }
            prop_assert_eq!(sorted(told(&mut shard, bite)), shard.held.iter().copied().collect::<Vec<_>>(), "{:?}", policy);
        }
    }

    /// What comes in is asked for once: then these go queue by queue, as told, until only newcomers go.
    #[test]
    fn entries_that_are_asked_for_once_drive_others_out_in_the_order_told(
        steps in prop::collection::vec(0..SLOTS, 1..300),
        capacity in 3..20_u64,
        bite in 1..40_u32,
    ) {
        use EvictionPolicy::{AdaptiveReplacement, Lirs, S3Fifo};
        for policy in [AdaptiveReplacement, Lirs, S3Fifo] {
            let mut shard = family(policy, MANY, capacity);
            for &key in &steps {
                shard.request(key);
            }
            if shard.held.len() < usize::try_from(capacity).expect("it is small") {
                continue;
            }
            let told = told(&mut shard, bite);
            let gone: Vec<_> = (SLOTS..MANY).filter_map(|key| shard.request(key)).filter(|&victim| victim < SLOTS).collect();
            prop_assert_eq!(&told[..gone.len()], &gone[..], "{:?}", policy);
        }
    }

    /// Hits and departures between the bites move the place where the walk was broken off; never all that was met last.
    #[test]
    fn what_stays_where_it_is_is_told_in_its_order_though_others_move(
        moved in prop::collection::vec((0..MANY, any::<bool>()), 0..200),
        most in 1..4_usize,
        bite in 9..40_u32,
    ) {
        for policy in [EvictionPolicy::Lru, EvictionPolicy::Slru, EvictionPolicy::AdaptiveReplacement] {
            let mut shard = family(policy, MANY, u64::from(MANY));
            (0..MANY).for_each(|key| assert_eq!(shard.request(key), None));
            let mut moves = moved.iter();
            let told = told_while(&mut shard, bite, |shard| for &(key, leaves) in moves.by_ref().take(most) {
                match (shard.held.contains(&key), leaves) {
                    (true, true) => shard.remove(key, Gone::Left),
                    (true, false) => assert_eq!(shard.request(key), None),
                    (false, _) => {}
                }
            });
            let is_unmoved = |slot: &Slot| moved.iter().all(|(key, _)| key != slot);
            let mut once = HashSet::new();
            let unmoved: Vec<_> = told.into_iter().filter(is_unmoved).filter(|&slot| once.insert(slot)).collect();
            prop_assert_eq!(unmoved, (0..MANY).filter(is_unmoved).collect::<Vec<_>>(), "{:?}", policy);
        }
    }
}
