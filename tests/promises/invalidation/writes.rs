//! The writes of G2, as rows of a table: what each does where a fresh value is held for the key, and where none is.

use super::scene::Hands;
use bellwether::{Entry, Loaded};
use std::sync::Arc;
use std::time::Duration;

pub(super) const KEY: u32 = 1;
/// What is held for the key where anything is.
pub(super) const OLD: u32 = 1;
/// What the writes write.
pub(super) const NEW: u32 = 500;
/// The tag of every value.
pub(super) const TAG: &str = "a";
/// Longer than a test takes by any clock.
pub(super) const LONG: Duration = Duration::from_secs(1_000_000);

/// What a write does to its key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Effect {
    /// Nothing: no flight is superseded.
    Nothing,
    /// This value is held.
    Writes(u32),
    /// None is.
    Removes,
    /// As `Removes`, where there is no stale window; else the value stays as a stale one.
    Expires,
    /// All flights are superseded, and what is held stays.
    Spares,
    /// As `Removes`, and nothing is stored that is loaded.
    Bars,
    /// The call makes no sense here.
    Senseless,
}

/// When a flight is superseded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum When {
    AtOnce,
    /// As it lands, by what it brings: until then it can be joined.
    Landing,
}

pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) call: fn(&Hands<u32, u32>),
    pub(super) held: Effect,
    pub(super) none: Effect,
    pub(super) when: When,
    /// Whether it changes the value where it lies, which it can't while somebody has it in hand.
    pub(super) is_in_place: bool,
}

impl Row {
    const fn new(name: &'static str, held: Effect, none: Effect, call: fn(&Hands<u32, u32>)) -> Self {
        Self { name, call, held, none, when: When::AtOnce, is_in_place: false }
    }
}

/// What a call says that isn't of interest.
fn ignore<T>(_: T) {}

fn peek(hands: &Hands<u32, u32>) -> Option<Arc<u32>> {
    hands.sync().peek(&KEY)
}

/// Every write there is, and what looks like one.
pub(super) fn rows() -> Vec<Row> {
    use Effect::{Bars, Expires, Nothing, Removes, Senseless, Spares, Writes};
    let both = |name, effect, call| Row::new(name, effect, effect, call);
    let mut rows = vec![
        both("insert", Writes(NEW), |hands| hands.sync().insert(KEY, NEW)),
        both("insert_with", Writes(NEW), |hands| hands.sync().insert_with(KEY, Loaded::value(NEW).tags([TAG]))),
        both("insert_with_ttl", Writes(NEW), |hands| hands.sync().insert_with_ttl(KEY, NEW, LONG)),
        both("insert_with an absence", Removes, |hands| hands.sync().insert_with(KEY, Loaded::absent())),
        both("insert_with uncached", Removes, |hands| hands.sync().insert_with(KEY, Loaded::value(NEW).uncached())),
        both("try_insert", Writes(NEW), |hands| assert!(hands.try_insert(KEY, NEW))),
        both("invalidate", Removes, |hands| ignore(hands.sync().invalidate(&KEY))),
        both("remove", Removes, |hands| drop(hands.sync().remove(&KEY))),
        both("expire", Expires, |hands| ignore(hands.sync().expire(&KEY))),
        both("clear", Removes, |hands| hands.sync().clear()),
        Row::new("replace", Writes(NEW), Nothing, |hands| drop(hands.replace(KEY, NEW))),
        Row::new("compute", Writes(OLD + NEW), Nothing, |hands| ignore(hands.compute(&KEY, |value| *value += NEW))),
        Row {
            is_in_place: true,
            ..Row::new("try_compute", Writes(OLD + NEW), Nothing, |hands| ignore(hands.try_compute(&KEY, |value| *value += NEW)))
        },
        Row::new("upsert", Writes(OLD + NEW), Writes(NEW), |hands| hands.upsert(KEY, || 0, |value| *value += NEW)),
        Row::new("insert_if_absent", Nothing, Writes(NEW), |hands| drop(hands.insert_if_absent(KEY, NEW))),
        Row::new("compare_and_swap", Writes(NEW), Senseless, |hands| {
            let held = peek(hands).expect("it is held");
            hands.compare_and_swap(&KEY, &held, NEW).expect("it is still held");
        }),
        both("compare_and_swap of another", Nothing, |hands| {
            assert_eq!(hands.compare_and_swap(&KEY, &Arc::new(OLD), NEW), Err(NEW));
        }),
        both("invalidate_if", Removes, |hands| ignore(hands.invalidate_if(|_, _| true))),
        both("invalidate_if of none", Spares, |hands| assert_eq!(hands.invalidate_if(|_, _| false), 0)),
        both("retain", Removes, |hands| hands.retain(|_, _| false)),
        both("retain of all", Spares, |hands| hands.retain(|_, _| true)),
        Row { when: When::Landing, ..both("invalidate_tag", Removes, |hands| hands.invalidate_tag(TAG)) },
        Row { when: When::Landing, ..both("expire_tag", Expires, |hands| hands.expire_tag(TAG)) },
        both("invalidate_tag of another", Nothing, |hands| hands.invalidate_tag("another")),
        both("expire_tag of another", Nothing, |hands| hands.expire_tag("another")),
        both("invalidate_for", Bars, |hands| ignore(hands.invalidate_for(&KEY, LONG))),
        Row::new("an occupied entry's replace", Writes(NEW), Senseless, |hands| match hands.entry(KEY) {
            Entry::Occupied(mut entry) => drop(entry.replace(NEW).expect("it is still held")),
            Entry::Vacant(_) => panic!("it is held"),
        }),
        Row::new("an occupied entry's remove", Removes, Senseless, |hands| match hands.entry(KEY) {
            Entry::Occupied(entry) => assert!(entry.remove().is_some()),
            Entry::Vacant(_) => panic!("it is held"),
        }),
        both("set_ttl", Nothing, |hands| ignore(hands.sync().set_ttl(&KEY, LONG))),
        both("persist", Nothing, |hands| ignore(hands.sync().persist(&KEY))),
        both("run_maintenance", Nothing, |hands| hands.sync().run_maintenance()),
        both("a write to another key", Nothing, |hands| hands.sync().insert(KEY + 1_000, NEW)),
    ];
    rows.extend(many());
    rows
}

#[cfg(not(feature = "bulk"))]
fn many() -> [Row; 0] {
    []
}

#[cfg(feature = "bulk")]
fn many() -> [Row; 3] {
    [
        Row::new("multi_insert", Effect::Writes(NEW), Effect::Writes(NEW), |hands| hands.multi_insert([(KEY, NEW), (KEY + 1_000, NEW)])),
        Row::new("multi_invalidate", Effect::Removes, Effect::Removes, |hands| hands.multi_invalidate(&[KEY, KEY + 1_000])),
        Row::new("multi_remove", Effect::Removes, Effect::Removes, |hands| hands.multi_remove(&[KEY, KEY + 1_000])),
    ]
}
