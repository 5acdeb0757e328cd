//! The ghost table against a list.

use super::super::driver::ghost::{Driver, Step};
use super::super::ghost::Ghost;
use proptest::prelude::*;

fn hash(key: u32) -> u64 {
    u64::from(key + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

proptest! {
    #[test]
    fn it_knows_what_was_added_and_not_taken(
        // Few enough for no set to overflow, and too few for a tag to be met twice.
        steps in prop::collection::vec((0..12_u32, any::<bool>()), 1..200),
        entries in 4_000..6_000_u64,
        grows_after in 0..200_usize,
    ) {
        let mut ghost = Ghost::new(Some(entries));
        let mut list = Vec::new();
        for (at, (key, is_new)) in steps.into_iter().enumerate() {
            if at == grows_after {
                ghost.hold(entries);
            }
            let known = list.contains(&key);
            prop_assert_eq!(ghost.knows(hash(key)), known);
            list.retain(|&other| other != key);
            if is_new {
                ghost.add(hash(key));
                list.push(key);
            } else if at < grows_after {
                // What was there when it grew is in two places.
                prop_assert_eq!(ghost.take(hash(key)), known);
            } else if known {
                list.push(key);
            }
        }
    }
}

proptest! {
    #[test]
    fn it_does_what_a_list_does(steps in prop::collection::vec(any::<[u8; 3]>(), 1..400), entries in any::<u8>()) {
        Driver::new(entries).run(steps.into_iter().map(Step::read));
    }
}

#[test]
fn it_forgets_the_oldest_first() {
    const ENTRIES: u32 = 1_000;
    let mut ghost = Ghost::new(Some(u64::from(ENTRIES)));
    (0..10 * ENTRIES).for_each(|key| ghost.add(hash(key)));
    let known = |from: u32, to: u32| (from..to).filter(|&key| ghost.knows(hash(key))).count();
    assert_eq!(known(10 * ENTRIES - 1, 10 * ENTRIES), 1);
    let (late, early) = (known(9 * ENTRIES + 500, 10 * ENTRIES), known(0, 7 * ENTRIES));
    assert!(late > 440, "{late} of the last 500");
    assert!(early < 70, "{early} of the first 7,000");
}

#[test]
fn it_seldom_takes_one_key_for_another() {
    let mut ghost = Ghost::new(Some(1_000));
    (0..1_000).for_each(|key| ghost.add(hash(key)));
    let wrong = (1_000..201_000).filter(|&key| ghost.knows(hash(key))).count();
    assert!(wrong < 30, "{wrong} of 200,000");
}

#[test]
fn it_grows_with_what_is_held_and_forgets_nothing() {
    let mut ghost = Ghost::new(None);
    (0..50).for_each(|key| ghost.add(hash(key)));
    (0..8).for_each(|doubled| ghost.hold(1_500 << doubled));
    assert!((0..50).all(|key| ghost.knows(hash(key))));
    (0..100_000).for_each(|key| ghost.add(hash(key)));
    let known = (0..100_000).filter(|&key| ghost.knows(hash(key))).count();
    assert!(known > 85_000, "{known} of 100,000");
}

#[test]
fn g14_it_takes_memory_for_the_entries_held_however_few_it_was_made_for() {
    for few in [1, 3, 10, 100, 600, 1_024] {
        let mut ghost = Ghost::new(Some(few));
        ghost.add(hash(0));
        (1..30_000).for_each(|held| ghost.hold(held));
        let memory = ghost.memory();
        assert!((2 * 30_000..8 * 30_000).contains(&memory), "{memory} bytes for 30,000 entries, made for {few}");
        assert!(ghost.knows(hash(0)));
    }
}
