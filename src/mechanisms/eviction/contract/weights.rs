//! Every policy under weights, with a capacity that changes, other shards that need room, and no bound at all.

use super::super::driver::shard::{Driver, Step};
use super::super::family::Family;
use super::super::policy::Policy;
use super::{Bounds, EvictionPolicy, Held, Nodes as _};
use proptest::prelude::*;

const SLOTS: u32 = 40;

proptest! {
    #[test]
    fn g14_weights_are_right_whatever_happens(steps in prop::collection::vec(any::<[u8; 4]>(), 1..300), [shape, amount] in any::<[u8; 2]>()) {
        for policy in EvictionPolicy::ALL {
            Driver::new(policy, shape, amount).run(steps.iter().map(|&step| Step::read(step)));
        }
    }
}

#[test]
fn no_hit_leaves_an_event_where_nothing_is_ever_evicted() {
    let unbounded = Bounds { weight: u64::MAX, entries: None };
    for policy in [EvictionPolicy::AdaptiveReplacement, EvictionPolicy::Lirs, EvictionPolicy::Lfu] {
        let mut shard = Held::new(Family::new(policy, unbounded, None), SLOTS, u64::MAX);
        for slot in (0..SLOTS).chain(0..SLOTS) {
            assert!(shard.request(slot).is_none());
            assert!(!shard.policy.hit(shard.table.node(slot), shard.table.hash(slot)), "{policy}");
        }
        shard.audit();
    }
}
