//! What every policy must hold; and beside, a file for each, the policies against plain models of their papers.

mod adaptive;
mod arc;
mod clock;
mod cost_aware;
mod fifo;
mod ghost;
mod history;
mod lfu;
mod lirs;
mod lru;
mod none;
mod order;
mod random;
mod s3_fifo;
mod sieve;
mod sketch;
mod slru;
mod tiny_lfu;
mod weights;

use super::driver::held::{Held, Table, entries};
use super::family::Family;
use super::policy::Policy;
use super::{Arrival, Bounds, Choice, EvictionPolicy, Gone, Nodes, Verdict};
use proptest::prelude::*;
use std::time::Duration;

const SLOTS: u32 = 16;

/// Every policy that evicts.
fn policies() -> impl Iterator<Item = EvictionPolicy> {
    EvictionPolicy::ALL.into_iter().filter(|&policy| policy != EvictionPolicy::None)
}

fn family(policy: EvictionPolicy, slots: u32, capacity: u64) -> Held<Family> {
    Held::new(Family::new(policy, entries(capacity), None), slots, capacity)
}

proptest! {
    #[test]
    fn every_victim_is_held_and_every_entry_can_be_had(
        steps in prop::collection::vec((0..SLOTS, 0..8_u8, 1..4_u64), 1..300),
        capacity in 3..20_u64,
    ) {
        for policy in policies() {
            let mut shard = family(policy, SLOTS, capacity);
            for &(key, kind, weight) in &steps {
                let is_held = shard.held.contains(&key);
                match kind {
                    0 if is_held => shard.remove(key, Gone::Left),
                    1 if is_held && shard.weight - shard.table.weight(key) + weight <= capacity => shard.reweigh(key, weight),
                    _ => drop(shard.request_of(key, weight, Duration::from_micros(u64::from(kind)))),
                }
                prop_assert!(shard.weight <= capacity);
                shard.audit();
            }
            while let Choice::Evict(victim) = shard.policy.victim(&mut shard.table, None) {
                shard.remove(victim, Gone::Evicted);
                shard.audit();
            }
            prop_assert!(shard.held.is_empty(), "{policy:?} lost {:?}", shard.held);
        }
    }
}
