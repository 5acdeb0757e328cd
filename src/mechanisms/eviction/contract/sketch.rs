//! The sketch against exact counts.

use super::super::driver::sketch::{Driver, Step};
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

proptest! {
    #[test]
    fn its_guesses_are_what_the_additions_make(steps in prop::collection::vec(any::<[u8; 3]>(), 1..400), entries in any::<u8>()) {
        Driver::new(entries).run(steps.into_iter().map(Step::read));
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

#[test]
fn g14_it_takes_memory_for_the_entries_held_however_few_it_was_made_for() {
    for few in [1, 3, 10, 100, 600, 1_024] {
        let mut sketch = Sketch::new(Some(few));
        sketch.add(hash(0));
        (1..30_000).for_each(|held| sketch.hold(held));
        let memory = sketch.memory();
        assert!((5 * 30_000..20 * 30_000).contains(&memory), "{memory} bytes for 30,000 entries, made for {few}");
        assert_eq!(sketch.estimate(hash(0)), 1);
    }
}

#[test]
fn the_counters_of_very_few_entries_are_all_halved() {
    for entries in 1..10 {
        let mut sketch = Sketch::new(Some(entries));
        (0..100).for_each(|key| (0..8).for_each(|_| sketch.add(hash(key))));
        (0..2_000).for_each(|_| sketch.add(hash(100)));
        let high = (0..100).filter(|&key| sketch.estimate(hash(key)) > 3).count();
        assert!(high < 3, "{high} of 100 that nobody asks for any more stand high, with {entries} entries");
    }
}

#[test]
fn a_round_of_halving_goes_on_through_growth_and_takes_each_counter_once() {
    let mut sketch = Sketch::new(Some(1_000));
    (0..200).for_each(|key| (0..12).for_each(|_| sketch.add(hash(key))));
    let mut filler = (0..).map(|n| hash(200 + n % 7));
    let halved = |sketch: &Sketch| (0..200).filter(|&key| sketch.estimate(hash(key)) < 12).count();
    while halved(&sketch) < 50 {
        sketch.add(filler.next().expect("it never ends"));
    }
    sketch.hold(2_000);
    (0..400).for_each(|_| sketch.add(filler.next().expect("it never ends")));
    let once = (0..200).filter(|&key| (6..9).contains(&sketch.estimate(hash(key)))).count();
    assert!(once > 195, "{once} of 200 are halved once");
}

#[test]
fn halving_leaves_neighbours_alone() {
    let mut sketch = Sketch::new(Some(1_000));
    // So many that half of all counters are odd; then others, until all are halved.
    (0..10_000).for_each(|key| sketch.add(hash(key)));
    (0..10_500).for_each(|n| sketch.add(hash(10_000 + n % 7)));
    let high = (0..10_000).filter(|&key| sketch.estimate(hash(key)) > 7).count();
    assert!(high < 20, "{high} of 10,000 that were asked for once stand high");
}

#[test]
fn keys_are_told_apart_by_any_bits_of_their_hashes() {
    for shift in [0, 20, 40, 50] {
        let mut sketch = Sketch::new(Some(1_000));
        (0..1_000_u64).for_each(|key| sketch.add(key << shift));
        let wrong = (0..2_000_u64).filter(|&key| sketch.estimate(key << shift) != u32::from(key < 1_000)).count();
        assert!(wrong < 100, "{wrong} of 2,000 whose hashes differ from bit {shift} on");
    }
}
