//! Any sequence of writes, changes and moves of the clock: what is held is always just what a naive model says.

use crate::cases::cases;
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use bellwether::{CacheBuilder, MockClock};
use proptest::prelude::*;
use std::collections::HashMap;
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

const KEYS: u32 = 12;
const WINDOW: u64 = 40;

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(u32, u64),
    Limit(u32, u64),
    Persist(u32),
    Expire(u32),
    Remove(u32),
    Advance(u64),
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Times of all magnitudes, up to some centuries.
    let time = || prop_oneof![0..100_u64, (0..63_u32).prop_map(|bit| 1 << bit), 0..10_000_000_u64];
    let step = prop_oneof![
        6 => (0..KEYS, time()).prop_map(|(key, time)| Step::Insert(key, time)),
        3 => (0..KEYS, time()).prop_map(|(key, time)| Step::Limit(key, time)),
        1 => (0..KEYS).prop_map(Step::Persist),
        1 => (0..KEYS).prop_map(Step::Expire),
        2 => (0..KEYS).prop_map(Step::Remove),
        8 => time().prop_map(Step::Advance),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 1..80)
}

/// Until when each key's value is fresh; `u64::MAX` is for ever. It is stale for as long as [`WINDOW`] after that.
#[derive(Default)]
struct Model {
    now: u64,
    ends: HashMap<u32, u64>,
}

impl Model {
    fn is_fresh(&self, key: u32) -> bool {
        self.ends.get(&key).is_some_and(|&end| self.now < end || end == u64::MAX)
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Insert(key, time) => drop(self.ends.insert(key, self.now.saturating_add(time))),
            Step::Limit(key, time) if self.is_fresh(key) => drop(self.ends.insert(key, self.now.saturating_add(time))),
            Step::Persist(key) if self.is_fresh(key) => drop(self.ends.insert(key, u64::MAX)),
            Step::Expire(key) if self.is_fresh(key) => drop(self.ends.insert(key, self.now)),
            Step::Remove(key) => drop(self.ends.remove(&key)),
            Step::Advance(by) => self.now = self.now.saturating_add(by),
            Step::Clear => self.ends.clear(),
            Step::Limit(..) | Step::Persist(_) | Step::Expire(_) => {}
        }
        // What ends beyond the end of the clock never does.
        let last = |end: &u64| Some(end.saturating_add(WINDOW)).filter(|&last| last < u64::MAX);
        self.ends.retain(|_, end| last(end).is_none_or(|last| self.now < last));
    }
}

fn g11_what_is_held_is_what_a_naive_model_says<F: Kind>() {
    cases(150, &steps(), |steps| {
        let clock = MockClock::new();
        let builder = CacheBuilder::new().stale_while_revalidate(Duration::from_nanos(WINDOW)).clock(clock.clone());
        let cache: Of<F> = F::Of::build(builder);
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Insert(key, time) => cache.insert_with_ttl(key, key, Duration::from_nanos(time)),
                Step::Limit(key, time) => {
                    prop_assert_eq!(cache.set_ttl(&key, Duration::from_nanos(time)), model.is_fresh(key), "{:?}", step);
                }
                Step::Persist(key) => prop_assert_eq!(cache.persist(&key), model.is_fresh(key), "{:?}", step),
                Step::Expire(key) => prop_assert_eq!(cache.expire(&key), model.is_fresh(key), "{:?}", step),
                Step::Remove(key) => prop_assert_eq!(cache.invalidate(&key), model.is_fresh(key), "{:?}", step),
                Step::Advance(by) => clock.advance(Duration::from_nanos(by)),
                Step::Clear => cache.clear(),
            }
            model.apply(step);
            prop_assert_eq!(cache.len(), model.ends.len() as u64, "after {:?} at {}", step, model.now);
            for key in 0..KEYS {
                prop_assert_eq!(cache.contains_key(&key), model.is_fresh(key), "key {} after {:?}", key, step);
            }
            cache.validate();
        }
        Ok(())
    });
}

on_every_face_in_time!(g11_what_is_held_is_what_a_naive_model_says);
