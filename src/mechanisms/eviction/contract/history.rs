//! The history against a plain list.

use super::super::history::{History, as_many_as};
use super::{Bounds, entries};
use proptest::prelude::*;
use std::collections::VecDeque;

/// What can be done to a history, with a hash.
#[derive(Clone, Copy, Debug)]
enum Step {
    Remember(u64),
    Recall(u64),
    ForgetOldest,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Hashes whose low bits are alike fall into one bucket.
    let hash = || (0..24_u64).prop_map(|n| n.rotate_right(4));
    let step = prop_oneof![
        4 => hash().prop_map(Step::Remember),
        2 => hash().prop_map(Step::Recall),
        1 => Just(Step::ForgetOldest),
    ];
    prop::collection::vec(step, 1..400)
}

proptest! {
    #[test]
    fn a_history_agrees_with_a_list(steps in steps()) {
        let mut history = History::new();
        // Oldest first.
        let mut model: VecDeque<(u64, usize)> = VecDeque::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Remember(hash) => {
                    history.remember(hash, number);
                    model.retain(|trace| trace.0 != hash);
                    model.push_back((hash, number));
                }
                Step::Recall(hash) => {
                    let expected = model.iter().position(|trace| trace.0 == hash).and_then(|at| model.remove(at));
                    prop_assert_eq!(history.recall(hash), expected.map(|trace| trace.1));
                }
                Step::ForgetOldest => prop_assert_eq!(history.forget_oldest(), model.pop_front().is_some()),
            }
            history.audit();
            prop_assert_eq!(history.len(), model.len());
            prop_assert_eq!(history.oldest(), model.front().map(|trace| &trace.1));
        }
    }
}

#[test]
fn a_history_that_was_long_is_right_while_it_shrinks() {
    let mut history = History::new();
    for hash in 0..5_000_u64 {
        history.remember(hash.wrapping_mul(0x9E37_79B9_7F4A_7C15), hash);
    }
    for hash in 0..5_000_u64 {
        assert_eq!(history.oldest(), Some(&hash));
        assert!(history.forget_oldest());
        if hash % 500 == 0 {
            history.audit();
        }
    }
    assert_eq!((history.len(), history.forget_oldest()), (0, false));
}

#[test]
fn what_is_remembered_goes_by_the_number_of_entries() {
    let unknown = Bounds { weight: 1 << 40, entries: None };
    assert_eq!((as_many_as(0, unknown), as_many_as(5_000, unknown)), (1_024, 5_000));
    assert_eq!((as_many_as(0, entries(100)), as_many_as(150, entries(100))), (100, 150));
    assert_eq!((as_many_as(0, entries(1 << 30)), as_many_as(2_000, entries(1 << 30))), (1_024, 2_000));
    assert_eq!(as_many_as(5_000, Bounds { weight: u64::MAX, entries: None }), 0);
}
