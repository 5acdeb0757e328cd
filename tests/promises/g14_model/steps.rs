//! What a case is made of: calls, answers of the loader, moves of the clock.

use proptest::prelude::*;

pub(crate) const KEYS: u64 = 7;
/// The time to live of values that have none of their own, in ticks of the mock clock.
pub(crate) const TTL: u64 = 100;

/// What an entry says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Own {
    pub(crate) weight: Option<u64>,
    /// In ticks; `u64::MAX` is for ever.
    pub(crate) ttl: Option<u64>,
}

/// What a load or an insert brings.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Value(Own),
    Uncached(Own),
    Absent,
    Unchanged(Own),
}

/// How a load ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Answer(Answer),
    Error,
    Panic,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Insert(u64),
    InsertWith(u64, Answer),
    InsertWithTtl(u64, u64),
    Remove(u64),
    Invalidate(u64),
    Clear,
    Fetch(u64),
    Get(u64),
    Peek(u64),
    Contains(u64),
    Walk,
    FetchWith(u64, Outcome),
    FetchOptional(u64, Outcome),
    FetchDetailed(u64, Outcome),
    FetchOrLoad(u64, Outcome),
    Refresh(u64, Outcome),
    Advance(u64),
    /// The clock jumps, perhaps back.
    Set(u64),
}

fn own() -> BoxedStrategy<Own> {
    let weight = prop::option::of(prop_oneof![4 => 0..12_u64, 1 => 12..45_u64, 1 => Just(u64::MAX)]);
    let ttl = prop::option::of(prop_oneof![4 => 0..250_u64, 1 => Just(u64::MAX)]);
    (weight, ttl).prop_map(|(weight, ttl)| Own { weight, ttl }).boxed()
}

fn answer() -> BoxedStrategy<Answer> {
    prop_oneof![
        6 => own().prop_map(Answer::Value),
        1 => own().prop_map(Answer::Uncached),
        1 => Just(Answer::Absent),
        1 => own().prop_map(Answer::Unchanged),
    ]
    .boxed()
}

fn outcome() -> BoxedStrategy<Outcome> {
    prop_oneof![8 => answer().prop_map(Outcome::Answer), 1 => Just(Outcome::Error), 1 => Just(Outcome::Panic)].boxed()
}

fn step() -> BoxedStrategy<Step> {
    let key = || 0..KEYS;
    let writes = prop_oneof![
        3 => key().prop_map(Step::Insert),
        3 => (key(), answer()).prop_map(|(key, answer)| Step::InsertWith(key, answer)),
        2 => (key(), 0..250_u64).prop_map(|(key, ttl)| Step::InsertWithTtl(key, ttl)),
        2 => key().prop_map(Step::Remove),
        1 => key().prop_map(Step::Invalidate),
    ]
    .boxed();
    let reads = prop_oneof![
        key().prop_map(Step::Fetch),
        key().prop_map(Step::Get),
        key().prop_map(Step::Peek),
        key().prop_map(Step::Contains),
        Just(Step::Walk),
    ]
    .boxed();
    let loads = prop_oneof![
        4 => (key(), outcome()).prop_map(|(key, outcome)| Step::FetchWith(key, outcome)),
        1 => (key(), outcome()).prop_map(|(key, outcome)| Step::FetchOptional(key, outcome)),
        1 => (key(), outcome()).prop_map(|(key, outcome)| Step::FetchDetailed(key, outcome)),
        2 => (key(), outcome()).prop_map(|(key, outcome)| Step::FetchOrLoad(key, outcome)),
        3 => (key(), outcome()).prop_map(|(key, outcome)| Step::Refresh(key, outcome)),
    ]
    .boxed();
    let time = prop_oneof![4 => (0..120_u64).prop_map(Step::Advance), 1 => (0..400_u64).prop_map(Step::Set)];
    prop_oneof![8 => writes, 6 => reads, 8 => loads, 3 => time, 1 => Just(Step::Clear)].boxed()
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..70)
}
