//! The answers against a plain model: a map of what is remembered, and a list of it by use.

use super::{Answer, Answers, PATIENCE, Remembered};
use crate::ground::hash::Hashed;
use crate::ground::time::{Clock, Deadline, MockClock, Tick};
use crate::vocabulary::error::{LoadError, LoadErrorKind};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

/// Keys from this one on aren't equal to anything, not even to themselves.
const ODD: u8 = 24;

/// A key, and which of all that were ever made it is.
#[derive(Clone, Copy, Debug)]
struct Key {
    name: u8,
    number: u32,
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.name < ODD
    }
}

impl Eq for Key {}

impl Key {
    /// Few hashes, so that many keys share one.
    fn hashed(self) -> Hashed {
        Hashed(u64::from(self.name % 7).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}

#[derive(Clone, Debug)]
enum Step {
    Remember {
        name: u8,
        failures: u32,
        weight: u64,
        given: Option<u64>,
        kept: u64,
    },
    Recall(u8),
    Failures(u8),
    Forget(u8),
    TakeOldest,
    /// Takes out what is due, as far as so many steps go.
    Due(u32),
    Advance(u64),
    /// A clock that was set back.
    GoBack(u64),
    SwapOut,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    name: u8,
    /// Zero: absent.
    failures: u32,
    weight: u64,
    until: u64,
    forgotten: u64,
    used: bool,
}

/// What is remembered by number, and the numbers from the one used last to the one used longest ago.
#[derive(Default)]
struct Model {
    kept: BTreeMap<u32, Kept>,
    queue: Vec<u32>,
}

impl Model {
    fn find(&self, name: u8) -> Option<u32> {
        self.kept.iter().find(|(_, kept)| kept.name == name && name < ODD).map(|(&number, _)| number)
    }

    fn take(&mut self, number: u32) -> (u32, Kept) {
        self.queue.retain(|&other| other != number);
        (number, self.kept.remove(&number).expect("it is kept"))
    }

    fn take_oldest(&mut self) -> Option<(u32, Kept)> {
        for _ in 0..PATIENCE {
            let oldest = self.kept.get_mut(self.queue.last()?)?;
            if !std::mem::take(&mut oldest.used) {
                break;
            }
            self.queue.rotate_right(1);
        }
        let oldest = *self.queue.last()?;
        Some(self.take(oldest))
    }
}

fn passed(deadline: u64, now: u64) -> bool {
    deadline != u64::MAX && deadline <= now
}

fn deadline(nanos: u64) -> Deadline {
    Deadline::after(Tick::from_nanos(0), Duration::from_nanos(nanos))
}

fn answer(failures: u32) -> Answer {
    match failures {
        0 => Answer::Absent,
        failures => Answer::Failed { error: LoadError::new(failures.to_string()), failures },
    }
}

fn check(gone: Option<Remembered<Key>>, expected: Option<(u32, Kept)>) {
    let what = |gone: Remembered<Key>| (gone.key.number, gone.key.name, gone.answer.failures(), gone.weight, gone.until, gone.forgotten);
    let as_well =
        |(number, kept): (u32, Kept)| (number, kept.name, kept.failures, kept.weight, deadline(kept.until), deadline(kept.forgotten));
    assert_eq!(gone.map(what), expected.map(as_well));
}

/// Both, side by side.
struct Pair {
    answers: Answers<Key>,
    model: Model,
    mock: MockClock,
    clock: Clock,
    now: u64,
    made: u32,
}

impl Pair {
    fn new() -> Self {
        let mock = MockClock::new();
        let clock = mock.clone().into();
        Self { answers: Answers::new(), model: Model::default(), mock, clock, now: 0, made: 0 }
    }

    fn key(&mut self, name: u8) -> Key {
        self.made += 1;
        Key { name, number: self.made }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Remember { name, failures, weight, given, kept } => {
                let until = given.map_or(u64::MAX, |given| self.now.saturating_add(given));
                let forgotten = until.saturating_add(kept);
                let key = self.key(name);
                let expected = self.model.find(name).map(|number| self.model.take(number));
                let times = (deadline(until), deadline(forgotten));
                let new = Remembered { hashed: key.hashed(), key, answer: answer(failures), weight, until: times.0, forgotten: times.1 };
                check(self.answers.remember(new), expected);
                self.model.kept.insert(key.number, Kept { name, failures, weight, until, forgotten, used: false });
                self.model.queue.insert(0, key.number);
            }
            Step::Recall(name) => {
                let key = self.key(name);
                let found = self.model.find(name).and_then(|number| self.model.kept.get_mut(&number));
                let expected = found.filter(|kept| !passed(kept.until, self.now)).map(|kept| {
                    kept.used = true;
                    let error = if kept.failures == 0 { LoadError::Absent } else { LoadError::new(kept.failures.to_string()) };
                    (error.kind(), error.to_string())
                });
                let given = self.answers.recall(key.hashed(), &key, &self.clock).map(|error| (error.kind(), error.to_string()));
                assert!(given.as_ref().is_none_or(|given| matches!(given.0, LoadErrorKind::Absent | LoadErrorKind::Failed)));
                assert_eq!(given, expected);
            }
            Step::Failures(name) => {
                let key = self.key(name);
                let found = self.model.find(name).map(|number| self.model.kept[&number]);
                let expected = found.filter(|kept| !passed(kept.forgotten, self.now)).map_or(0, |kept| kept.failures);
                assert_eq!(self.answers.failures(key.hashed(), &key, &self.clock), expected);
            }
            Step::Forget(name) => {
                let key = self.key(name);
                let expected = self.model.find(name).map(|number| self.model.take(number));
                check(self.answers.forget(key.hashed(), &key), expected);
            }
            Step::TakeOldest => {
                let expected = self.model.take_oldest();
                check(self.answers.take_oldest(), expected);
            }
            Step::Due(steps) => self.due(steps),
            Step::Advance(nanos) => {
                self.now = self.now.saturating_add(nanos);
                self.mock.set(Duration::from_nanos(self.now));
            }
            Step::GoBack(nanos) => {
                self.now = self.now.saturating_sub(nanos);
                self.mock.set(Duration::from_nanos(self.now));
            }
            Step::SwapOut => {
                let old = self.answers.swap_out();
                assert_eq!((old.len(), old.audit()), (self.model.kept.len(), self.model.kept.values().map(|kept| kept.weight).sum()));
                self.model = Model::default();
            }
        }
    }

    /// Which of several due ones comes first is the wheel's choice; with steps enough, none is left.
    fn due(&mut self, mut steps: u32) {
        while let Some(gone) = self.answers.due(Tick::from_nanos(self.now), &mut steps) {
            let number = gone.key.number;
            assert!(self.model.kept.get(&number).is_some_and(|kept| passed(kept.forgotten, self.now)), "{number} isn't due");
            let expected = self.model.take(number);
            check(Some(gone), Some(expected));
        }
        if steps > 0 {
            assert!(self.model.kept.values().all(|kept| !passed(kept.forgotten, self.now)), "one that is due was left");
        }
    }

    fn agree(&self) {
        let weight: u64 = self.model.kept.values().map(|kept| kept.weight).sum();
        assert_eq!((self.answers.len(), self.answers.weight(), self.answers.audit()), (self.model.kept.len(), weight, weight));
        let first = self.model.kept.values().map(|kept| kept.forgotten).filter(|&forgotten| forgotten != u64::MAX).min();
        match (self.answers.next(), first) {
            (None, None) => {}
            (Some(next), Some(first)) => assert!(next <= deadline(first), "it wakes in time"),
            (next, first) => panic!("next is {next:?}, and should be {first:?}"),
        }
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let name = || 0..32_u8;
    // Short ones meet each other to the nanosecond; long ones reach the wheel's outer levels.
    let time = || prop_oneof![4 => 0..12_u64, 2 => 0..2_000_u64, 1 => 0..1_u64 << 45];
    let given = prop_oneof![9 => time().prop_map(Some), 1 => Just(None)];
    let remember = (name(), 0..4_u32, 0..5_u64, given, time()).prop_map(|(name, failures, weight, given, kept)| Step::Remember {
        name,
        failures,
        weight,
        given,
        kept,
    });
    prop_oneof![
        8 => remember,
        6 => name().prop_map(Step::Recall),
        2 => name().prop_map(Step::Failures),
        2 => name().prop_map(Step::Forget),
        3 => Just(Step::TakeOldest),
        2 => (0..4_u32).prop_map(Step::Due),
        1 => Just(Step::Due(u32::MAX)),
        4 => time().prop_map(Step::Advance),
        1 => time().prop_map(Step::GoBack),
        1 => prop::option::weighted(0.1, Just(())).prop_map(|swap| if swap.is_some() { Step::SwapOut } else { Step::TakeOldest }),
    ]
}

proptest! {
    #[test]
    fn g13_it_agrees_with_a_plain_model(steps in prop::collection::vec(steps(), 1..400)) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.run(step);
            pair.agree();
        }
        while pair.answers.len() > 0 {
            pair.run(&Step::TakeOldest);
            pair.agree();
        }
    }
}
