//! The sketch against exact counts.

use super::super::sketch::Sketch;
use proptest::prelude::*;
use std::collections::HashMap;

fn hash(key: u32) -> u64 {
    u64::from(key + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

proptest! {
    #[test]
    fn no_key_is_guessed_to_be_rarer_than_it_is(keys in prop::collection::vec(0..60_u32, 1..2_000), entries in 100..3_000_u64, grows in 0..4_u64) {
        let mut sketch = Sketch::new(Some(entries));
        let mut counts = HashMap::new();
        for (at, &key) in keys.iter().enumerate() {
            sketch.add(hash(key));
            *counts.entry(key).or_insert(0_u32) += 1;
            if at % 500 == 499 {
                sketch.hold(entries * grows);
            }
        }
        // Fewer additions than it takes to be halved.
        for (key, count) in counts {
            prop_assert!(sketch.estimate(hash(key)) >= count.min(15));
        }
    }
}

#[test]
fn few_keys_are_guessed_to_be_more_frequent_than_they_are() {
    for entries in [200, 1_000, 5_000, 40_000] {
        let mut sketch = Sketch::new(Some(u64::from(entries)));
        sketch.hold(u64::from(entries));
        (1..10).for_each(|doubled| sketch.hold(u64::from(entries).min(1_024 << doubled)));
        // As many keys as entries twice each, and as many again that were never asked for.
        (0..2 * entries).for_each(|key| sketch.add(hash(key % entries)));
        let wrong = (0..2 * entries).filter(|&key| sketch.estimate(hash(key)) != if key < entries { 2 } else { 0 }).count();
        assert!(wrong < entries as usize / 20, "{wrong} of {} at {entries} entries", 2 * entries);
    }
}

#[test]
fn an_empty_sketch_guesses_nothing_and_takes_no_counters() {
    let sketch = Sketch::new(None);
    assert_eq!((0..100).map(|key| sketch.estimate(hash(key))).sum::<u32>(), 0);
}

#[test]
fn counters_are_halved_while_others_are_counted() {
    let mut sketch = Sketch::new(Some(1_000));
    (0..12).for_each(|_| sketch.add(hash(0)));
    let halved = |sketch: &Sketch| sketch.estimate(hash(0)) < 12;
    let additions = (1..).find(|&key| {
        sketch.add(hash(key % 7 + 1));
        halved(&sketch)
    });
    let additions = additions.expect("it is halved some time");
    assert!((19_000..20_500).contains(&additions), "{additions}");
    assert_eq!(sketch.estimate(hash(0)), 6);
    // Once in a round, not twice.
    (0..10_000).for_each(|key| sketch.add(hash(key % 7 + 1)));
    assert_eq!(sketch.estimate(hash(0)), 6);
}

#[test]
fn a_counter_goes_no_higher_than_fifteen() {
    let mut sketch = Sketch::new(Some(100));
    (0..100).for_each(|_| sketch.add(hash(3)));
    assert_eq!(sketch.estimate(hash(3)), 15);
}
