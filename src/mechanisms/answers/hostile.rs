//! Keys and errors that do harm, and keys that must not be asked at all.

use super::tests::{at, clock, failed, hashed, remembered};
use super::{Answer, Answers, Remembered};
use crate::ground::hash::Hashed;
use crate::ground::time::Tick;
use crate::vocabulary::error::LoadError;
use equivalent::Equivalent;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// A key that counts how often it is compared, and says that it equals another one or not.
struct Counting<'a> {
    compared: &'a Cell<u32>,
    is_it: bool,
}

impl Equivalent<u64> for Counting<'_> {
    fn equivalent(&self, _: &u64) -> bool {
        self.compared.set(self.compared.get() + 1);
        self.is_it
    }
}

#[test]
fn g13_where_nothing_is_remembered_no_key_is_compared() {
    let compared = Cell::new(0);
    let key = Counting { compared: &compared, is_it: true };
    let mut answers = Answers::<u64>::new();
    let asks = |answers: &mut Answers<u64>| {
        assert!(answers.recall(hashed(1), &key, &clock(0)).is_none());
        assert_eq!(answers.failures(hashed(1), &key, &clock(0)), 0);
        assert!(answers.forget(hashed(1), &key).is_none());
    };
    asks(&mut answers);
    answers.remember(remembered(2, Answer::Absent));
    asks(&mut answers);
    assert_eq!(compared.get(), 0, "and a key with another hash isn't, either");
    // The table finds these two by the same bits.
    let (held, asked) = (Hashed(7), Hashed(7 | 1 << 40));
    answers.remember(Remembered { hashed: held, ..remembered(3, Answer::Absent) });
    assert!(answers.recall(asked, &key, &clock(0)).is_none());
    assert_eq!(compared.get(), 0, "nor is one that lies in the same place");
    assert!(answers.recall(hashed(2), &key, &clock(0)).is_some());
    assert!(!Counting { is_it: false, ..key }.equivalent(&2) && compared.get() == 2);
}

#[test]
fn g18_keys_of_one_hash_are_told_apart() {
    let mut answers = Answers::new();
    let same = |key| Remembered { hashed: Hashed(7), ..remembered(key, failed(u32::try_from(key).expect("small"))) };
    (0..200).for_each(|key| assert!(answers.remember(same(key)).is_none()));
    (0..200).step_by(2).for_each(|key| assert_eq!(answers.forget(Hashed(7), &key).map(|gone| gone.key), Some(key)));
    assert_eq!(answers.audit(), 100);
    for key in 0..200_u64 {
        let expected = if key % 2 == 1 { u32::try_from(key).expect("small") } else { 0 };
        assert_eq!(answers.failures(Hashed(7), &key, &clock(0)), expected);
    }
}

#[test]
fn g18_a_key_that_is_not_equal_to_itself_takes_nobody_with_it() {
    struct Odd(u64);
    impl PartialEq for Odd {
        fn eq(&self, _: &Self) -> bool {
            false
        }
    }
    impl Eq for Odd {}
    let mut answers = Answers::new();
    let odd =
        |key: u64| Remembered { hashed: Hashed(7), key: Odd(key), answer: failed(1), weight: key, until: at(key), forgotten: at(key) };
    for key in 1..=6 {
        assert!(answers.remember(odd(key)).is_none());
    }
    assert!(answers.recall(Hashed(7), &Odd(1), &clock(0)).is_none() && answers.forget(Hashed(7), &Odd(1)).is_none());
    assert_eq!((answers.len(), answers.audit()), (6, 21));
    assert_eq!(answers.due(Tick::from_nanos(1), &mut 10).map(|gone| gone.key.0), Some(1));
    assert_eq!(answers.take_oldest().map(|gone| gone.key.0), Some(2));
    assert_eq!((answers.len(), answers.audit()), (4, 18));
}

#[test]
fn g18_a_panicking_eq_changes_nothing() {
    struct Bomb;
    impl Equivalent<u64> for Bomb {
        fn equivalent(&self, _: &u64) -> bool {
            panic!("compared");
        }
    }
    let mut answers = Answers::new();
    answers.remember(remembered(1, failed(2)));
    let panicked = catch_unwind(AssertUnwindSafe(|| answers.forget(hashed(1), &Bomb).is_some()));
    assert!(panicked.is_err());
    assert_eq!((answers.audit(), answers.failures(hashed(1), &1, &clock(0))), (1, 2));
}

/// A key and an error that panic when they are dropped, but count it first.
struct Grenade(Rc<Cell<u32>>);

impl Drop for Grenade {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
        panic!("dropped");
    }
}

#[derive(Debug)]
struct BadError;

impl fmt::Display for BadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bad")
    }
}

impl std::error::Error for BadError {}

impl Drop for BadError {
    fn drop(&mut self) {
        panic!("error dropped");
    }
}

#[test]
fn g18_each_of_many_panicking_drops_is_stopped() {
    let dropped = Rc::new(Cell::new(0));
    let mut answers = Answers::new();
    for number in 0..3 {
        let answer = Answer::Failed { error: LoadError::new(BadError), failures: 1 };
        let key = Grenade(Rc::clone(&dropped));
        // `remember` asks for `Eq`, of which these keys have no need.
        answers.insert(Remembered { hashed: hashed(number), key, answer, weight: 1, until: at(1), forgotten: at(2) });
    }
    answers.take_oldest().expect("three are remembered").let_go();
    assert_eq!(dropped.get(), 1);
    drop(answers);
    assert_eq!(dropped.get(), 3);
}
