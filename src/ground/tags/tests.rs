//! Strikes and carriers of names, one thing after another and among threads.

use super::*;
use crate::ground::time::Deadline;

fn names<const N: usize>(names: [&str; N]) -> [Arc<str>; N] {
    names.map(Arc::from)
}

#[test]
fn g2_a_strike_hits_what_began_before_it_and_nothing_else() {
    let tags = Tags::new();
    let begun = tags.now();
    let old = tags.labels(&names(["a", "b"]), begun).expect("there are names");
    tags.strike("b", Strike::Invalidate);
    let new = tags.labels(&names(["a", "b"]), tags.now()).expect("there are names");
    assert_eq!((old.fate(), new.fate()), (Fate::Invalidated, Fate::Spared));
    tags.strike("c", Strike::Invalidate);
    assert_eq!(new.fate(), Fate::Spared);
}

#[test]
fn g2_a_strike_counts_against_a_load_that_brings_the_name_later() {
    let tags = Tags::new();
    let begun = tags.now();
    tags.strike("a", Strike::Invalidate);
    assert_eq!(tags.labels(&names(["a"]), begun).expect("there is a name").fate(), Fate::Invalidated);
    assert_eq!(tags.labels(&names(["a"]), tags.now()).expect("there is a name").fate(), Fate::Spared);
}

#[test]
fn g2_the_first_strike_since_a_load_began_is_known() {
    let tags = Tags::new();
    let labels = tags.labels(&names(["a", "b"]), tags.now()).expect("there are names");
    assert_eq!(labels.struck_by(), None);
    tags.strike("c", Strike::Invalidate);
    tags.strike("a", Strike::Invalidate);
    assert_eq!(labels.struck_by(), Some(2));
    tags.strike("b", Strike::Expire(Tick::from_nanos(1)));
    assert_eq!(labels.struck_by(), Some(2));
    tags.strike("a", Strike::Invalidate);
    assert!(labels.struck_by().is_some_and(|number| (1..=2).contains(&number)), "of several it is no later one");
}

#[test]
fn g2_a_tag_that_nobody_carries_any_more_is_remembered_as_struck() {
    let tags = Tags::new();
    let begun = tags.now();
    let carried = tags.labels(&names(["a"]), begun);
    tags.strike("a", Strike::Expire(Tick::from_nanos(5)));
    drop(carried);
    assert_eq!(tags.carried(), 0);
    assert!(matches!(tags.labels(&names(["a"]), begun).expect("there is a name").fate(), Fate::Expired(_)));
}

#[test]
fn a_name_is_held_for_as_long_as_it_is_carried() {
    let tags = Tags::new();
    let one = tags.labels(&names(["a", "a", "b"]), 0).expect("there are names");
    let other = one.stamped(7);
    assert_eq!((one.names().count(), tags.carried()), (2, 2));
    drop(one);
    assert_eq!((other.stamp, tags.carried()), (7, 2));
    drop(other);
    assert_eq!(tags.carried(), 0);
    assert!(tags.labels(&[], 0).is_none());
}

#[test]
fn g9_expiries_count_from_the_first_that_was_not_carried_out() {
    let tags = Tags::new();
    let labels = tags.labels(&names(["a"]), tags.now()).expect("there is a name");
    for at in [5, 9] {
        tags.strike("a", Strike::Expire(Tick::from_nanos(at)));
        assert_eq!(labels.fate(), Fate::Expired(Deadline::from_nanos(5)));
    }
    let number = tags.unswept().expect("nothing was carried out");
    tags.sweep_ended(number);
    assert_eq!(tags.unswept(), None);
    tags.strike("a", Strike::Expire(Tick::from_nanos(20)));
    assert_eq!(labels.fate(), Fate::Expired(Deadline::from_nanos(20)));
}

#[test]
fn names_come_and_go_among_threads_and_none_is_lost_or_left() {
    let tags = Tags::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for round in 0..5_000 {
                    let labels = tags.labels(&names([["a", "b", "c"][round % 3]]), tags.now()).expect("there is a name");
                    assert!(tags.carried() >= 1);
                    let more = labels.stamped(0);
                    drop(labels);
                    drop(more);
                }
            });
        }
    });
    assert_eq!(tags.carried(), 0);
}
