//! What is remembered, for how long, and what goes first.

use super::{Answer, Answers, PATIENCE, Remembered};
use crate::ground::hash::Hashed;
use crate::ground::time::{Clock, Deadline, MockClock, Tick};
use crate::vocabulary::error::{LoadError, LoadErrorKind};
use std::time::Duration;

pub(super) fn at(nanos: u64) -> Deadline {
    Deadline::after(Tick::from_nanos(0), Duration::from_nanos(nanos))
}

pub(super) fn hashed(number: u64) -> Hashed {
    Hashed(number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// A clock that stands at `nanos`.
pub(super) fn clock(nanos: u64) -> Clock {
    let mock = MockClock::new();
    mock.set(Duration::from_nanos(nanos));
    mock.into()
}

pub(super) fn failed(failures: u32) -> Answer {
    Answer::Failed { error: LoadError::new("no route"), failures }
}

/// The answer for `key`, given until 100 and forgotten at 200, of weight one.
pub(super) fn remembered(key: u64, answer: Answer) -> Remembered<u64> {
    Remembered { hashed: hashed(key), key, answer, weight: 1, until: at(100), forgotten: at(200) }
}

/// All that is due at `nanos`, in order of keys.
fn due<K: Ord>(answers: &mut Answers<K>, nanos: u64) -> Vec<K> {
    let mut steps = 1_000_000;
    let mut keys: Vec<_> = std::iter::from_fn(|| answers.due(Tick::from_nanos(nanos), &mut steps)).map(|gone| gone.key).collect();
    keys.sort_unstable();
    keys
}

fn oldest(answers: &mut Answers<u64>) -> Option<u64> {
    let key = answers.take_oldest().map(|gone| gone.key);
    answers.audit();
    key
}

fn recall(answers: &Answers<u64>, key: u64, nanos: u64) -> Option<LoadErrorKind> {
    answers.recall(hashed(key), &key, &clock(nanos)).map(|error| error.kind())
}

#[test]
fn g13_an_absence_is_given_until_its_time_is_over_and_then_forgotten() {
    let mut answers = Answers::new();
    let absent = Remembered { forgotten: at(100), ..remembered(1, Answer::Absent) };
    assert!(answers.remember(absent).is_none());
    assert_eq!((answers.len(), answers.audit(), answers.failures(hashed(1), &1, &clock(0))), (1, 1, 0));
    assert_eq!(recall(&answers, 1, 99), Some(LoadErrorKind::Absent));
    assert_eq!(recall(&answers, 1, 100), None, "at the deadline itself it has passed");
    assert_eq!(recall(&answers, 1, 101), None);
    assert_eq!(recall(&answers, 2, 99), None, "another key");
    assert!(answers.next().is_some_and(|next| next <= at(100)));
    assert!(due(&mut answers, 99).is_empty());
    assert_eq!(due(&mut answers, 100), [1]);
    assert_eq!((answers.len(), answers.audit(), answers.next()), (0, 0, None));
}

#[test]
fn g12_a_failure_is_counted_for_longer_than_it_is_given() {
    let mut answers = Answers::new();
    answers.remember(remembered(1, failed(3)));
    assert_eq!(recall(&answers, 1, 99), Some(LoadErrorKind::Failed));
    assert_eq!(recall(&answers, 1, 100), None);
    let failures = |nanos| answers.failures(hashed(1), &1, &clock(nanos));
    assert_eq!([0, 99, 100, 199, 200, 201].map(failures), [3, 3, 3, 3, 0, 0]);
    assert_eq!(answers.failures(hashed(2), &2, &clock(0)), 0, "another key");
    assert!(due(&mut answers, 199).is_empty());
    assert_eq!(due(&mut answers, 201), [1]);
}

#[test]
fn g12_callers_get_the_very_error_that_the_load_failed_with() {
    let mut answers = Answers::new();
    let all = [
        LoadError::new("no route"),
        LoadError::panicked("index out of bounds".to_owned()),
        LoadError::TimedOut { after: Duration::from_secs(3) },
    ];
    for (key, error) in (0..).zip(&all) {
        answers.remember(remembered(key, Answer::Failed { error: error.clone(), failures: 1 }));
    }
    for (key, error) in (0..).zip(&all) {
        let given = answers.recall(hashed(key), &key, &clock(0)).expect("it holds");
        assert_eq!((given.kind(), given.to_string()), (error.kind(), error.to_string()));
    }
}

#[test]
fn g13_a_newer_answer_takes_the_place_of_the_older_one() {
    let mut answers = Answers::new();
    answers.remember(Remembered { weight: 5, ..remembered(1, failed(1)) });
    answers.remember(remembered(2, Answer::Absent));
    let newer = Remembered { weight: 2, until: at(400), forgotten: at(400), ..remembered(1, Answer::Absent) };
    let old = answers.remember(newer).expect("the key is known");
    assert_eq!((old.key, old.weight, old.answer.failures()), (1, 5, 1));
    assert_eq!((answers.len(), answers.audit(), answers.weight()), (2, 3, 3));
    assert_eq!(recall(&answers, 1, 399), Some(LoadErrorKind::Absent));
    assert_eq!(due(&mut answers, 399), [2], "the older one's time is off the wheel");
    assert_eq!(due(&mut answers, 400), [1]);
}

#[test]
fn g13_what_has_no_end_is_kept_until_it_is_forgotten() {
    let mut answers = Answers::new();
    answers.remember(Remembered { until: Deadline::NEVER, forgotten: Deadline::NEVER, ..remembered(1, Answer::Absent) });
    answers.audit();
    assert_eq!(answers.next(), None);
    assert!(due(&mut answers, u64::MAX).is_empty());
    assert_eq!(recall(&answers, 1, u64::MAX), Some(LoadErrorKind::Absent));
    assert_eq!(answers.forget(hashed(1), &1).map(|gone| gone.key), Some(1));
    assert!(answers.forget(hashed(1), &1).is_none());
}

#[test]
fn g13_a_write_forgets_what_is_not_given_any_more_too() {
    let mut answers = Answers::new();
    answers.remember(remembered(1, failed(7)));
    assert_eq!(recall(&answers, 1, 300), None);
    assert!(answers.forget(hashed(1), &1).is_some(), "past both of its times, and not yet reclaimed");
    assert_eq!(answers.audit(), 0);
    assert_eq!(answers.failures(hashed(1), &1, &clock(0)), 0);
}

#[test]
fn g13_the_least_recently_used_goes_first() {
    let mut answers = Answers::new();
    (1..=5).for_each(|key| assert!(answers.remember(remembered(key, Answer::Absent)).is_none()));
    recall(&answers, 1, 0);
    recall(&answers, 3, 0);
    answers.remember(remembered(2, Answer::Absent));
    assert_eq!(oldest(&mut answers), Some(4), "1 and 3 were asked for, and 2 has come anew");
    assert_eq!(oldest(&mut answers), Some(5));
    assert_eq!(oldest(&mut answers), Some(2));
    assert_eq!(oldest(&mut answers), Some(1), "it has been spared once");
    recall(&answers, 3, 0);
    assert_eq!(oldest(&mut answers), Some(3), "the last one goes, asked for or not");
    assert_eq!(oldest(&mut answers), None);
}

#[test]
fn g13_neither_one_that_is_not_given_nor_a_look_at_the_failures_counts_as_a_use() {
    let mut answers = Answers::new();
    (1..=4).for_each(|key| assert!(answers.remember(remembered(key, failed(1))).is_none()));
    recall(&answers, 1, 100);
    answers.failures(hashed(2), &2, &clock(0));
    recall(&answers, 3, 0);
    assert_eq!([oldest(&mut answers), oldest(&mut answers), oldest(&mut answers)], [Some(1), Some(2), Some(4)]);
}

#[test]
fn g13_a_newer_answer_has_not_been_asked_for_yet() {
    let mut answers = Answers::new();
    answers.remember(remembered(1, Answer::Absent));
    recall(&answers, 1, 0);
    answers.remember(remembered(1, failed(1)));
    answers.remember(remembered(2, Answer::Absent));
    assert_eq!(oldest(&mut answers), Some(1));
}

#[test]
fn g13_the_search_for_the_oldest_is_short() {
    let mut answers = Answers::new();
    let patience = u64::from(PATIENCE);
    (0..=2 * patience).for_each(|key| assert!(answers.remember(remembered(key, Answer::Absent)).is_none()));
    (0..=2 * patience).for_each(|key| assert!(recall(&answers, key, 0).is_some()));
    assert_eq!(oldest(&mut answers), Some(patience), "the first that it has no patience to spare");
    let mut marked = |key: u64| {
        let slot = answers.find(hashed(key), &key).expect("it is remembered");
        answers.records[slot].node.take_mark()
    };
    assert!(!(0..patience).any(&mut marked), "spared ones have lost their marks");
    assert!((patience + 1..=2 * patience).all(marked), "the others weren't looked at");
}

#[test]
fn g13_due_ones_come_out_as_the_steps_allow() {
    let mut answers = Answers::new();
    (0..100).for_each(|key| assert!(answers.remember(remembered(key, Answer::Absent)).is_none()));
    let now = Tick::from_nanos(200);
    assert!(answers.due(now, &mut 0).is_none());
    let (mut gone, mut calls) = (0, 0);
    while answers.len() > 0 {
        let mut steps = 10;
        while answers.due(now, &mut steps).is_some() {
            gone += 1;
        }
        answers.audit();
        calls += 1;
        assert!(calls < 1_000, "each call gets on");
    }
    assert_eq!(gone, 100);
    assert!(calls >= 10, "and none does more than it may: {calls}");
}

#[test]
fn g13_everything_goes_at_once_when_it_is_swapped_out() {
    let mut answers = Answers::new();
    (0..100).for_each(|key| assert!(answers.remember(remembered(key, failed(1))).is_none()));
    let old = answers.swap_out();
    assert_eq!((answers.len(), answers.audit(), answers.next()), (0, 0, None));
    assert_eq!((old.len(), old.audit(), old.weight()), (100, 100, 100));
    assert!(answers.remember(remembered(7, Answer::Absent)).is_none(), "it begins anew");
    assert_eq!((answers.audit(), answers.failures(hashed(7), &7, &clock(0))), (1, 0));
}

#[test]
fn g13_nothing_remembered_costs_no_memory() {
    const NONE: Answers<u64> = Answers::new();
    let mut answers = NONE;
    assert_eq!(answers.index.allocation_size(), 0);
    (0..10_000).for_each(|key| assert!(answers.remember(remembered(key, Answer::Absent)).is_none()));
    let most = answers.index.allocation_size();
    for key in 0..9_990 {
        assert!(answers.forget(hashed(key), &key).is_some());
    }
    answers.audit();
    assert!(answers.index.allocation_size() < most / 100, "the index of ten thousand isn't kept for ten");
    (9_990..10_000).for_each(|key| assert!(recall(&answers, key, 0).is_some(), "{key} has outlasted it"));
    assert_eq!(due(&mut answers, 200).len(), 10);
    assert_eq!((answers.index.allocation_size(), answers.records.next_occupied(0)), (0, None));
    answers.remember(remembered(1, Answer::Absent));
    assert_eq!(
        answers.records.handle(0).map(|handle| handle.generation),
        Some(0),
        "not even a page was kept: it is the first stay of a new slab"
    );
}
