//! No eviction: an arrival without room is refused, and nothing leaves for it.

use super::super::none::None as NoEviction;
use super::super::policy::{Choice, Policy as _};
use super::Held;
use proptest::prelude::*;
use std::time::Duration;

proptest! {
    #[test]
    fn g14_what_is_held_stays_and_what_finds_no_room_is_refused(
        steps in prop::collection::vec((0..16_u32, 1..4_u64), 1..300),
        capacity in 1..20_u64,
    ) {
        let mut shard = Held::new(NoEviction::new(), 16, capacity);
        let mut arrivals = Vec::new();
        for (slot, weight) in steps {
            let (held, fits) = (shard.held.contains(&slot), shard.weight + weight <= capacity);
            let before = shard.held.len();
            let came = shard.request_of(slot, weight, Duration::ZERO);
            prop_assert_eq!(came, (held || fits).then(Vec::new));
            prop_assert_eq!(shard.held.len(), before + usize::from(!held && fits));
            arrivals.extend((!held && fits).then_some(slot));
            shard.audit();
        }
        // Only where the capacity shrinks does anything leave, by its age.
        for slot in arrivals {
            prop_assert_eq!(shard.policy.victim(&mut shard.table, None), Choice::Evict(slot));
            shard.remove(slot, super::Gone::Evicted);
        }
        prop_assert_eq!(shard.policy.victim(&mut shard.table, None), Choice::Nothing);
    }
}
