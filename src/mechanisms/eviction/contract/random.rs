//! Random: every entry is drawn about as often as any other, whatever has left before.

use super::super::Gone;
use super::super::policy::{Choice, Policy as _};
use super::super::random::Random;
use super::Held;
use crate::ground::slab::Slot;
use proptest::prelude::*;

fn draw(shard: &mut Held<Random>) -> Slot {
    match shard.policy.victim(&mut shard.table, None) {
        Choice::Evict(slot) => slot,
        Choice::Nothing => panic!("entries are held"),
    }
}

fn held(slots: u32) -> Held<Random> {
    let mut shard = Held::new(Random::new(), slots, u64::from(slots));
    (0..slots).for_each(|slot| _ = shard.request(slot));
    shard
}

#[test]
fn every_entry_is_drawn_about_as_often_as_any_other() {
    const DRAWS: u32 = 40_000;
    let mut shard = held(80);
    (0..80).step_by(2).for_each(|slot| shard.remove(slot, Gone::Left));
    let mut drawn = [0_u32; 80];
    (0..DRAWS).for_each(|_| drawn[draw(&mut shard) as usize] += 1);
    // A fortieth of 40,000, and six standard deviations of a binomial.
    let strays = drawn.iter().skip(1).step_by(2).filter(|&&times| times.abs_diff(1_000) > 188);
    assert_eq!(strays.count(), 0, "{drawn:?}");
    assert!(drawn.iter().step_by(2).all(|&times| times == 0), "what has left is drawn no more: {drawn:?}");
}

#[test]
fn the_memory_of_a_crowd_is_given_back() {
    let mut shard = held(1_000);
    (0..1_000).for_each(|slot| shard.remove(slot, Gone::Left));
    assert_eq!(shard.policy.victim(&mut shard.table, None), Choice::Nothing);
    assert_eq!(shard.policy.memory(), 0);
}

proptest! {
    #[test]
    fn the_same_requests_have_the_same_victims(steps in prop::collection::vec(0..16_u32, 1..300), capacity in 1..10_u64) {
        let [mut one, mut other] = [(); 2].map(|()| Held::new(Random::new(), 16, capacity));
        for slot in steps {
            prop_assert_eq!(one.request(slot), other.request(slot));
            one.audit();
        }
    }
}
