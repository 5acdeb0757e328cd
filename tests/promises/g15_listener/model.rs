//! Any sequence of calls: what is told of each key is just the sequence of its departures, by a naive model of one key each.

use crate::cases::cases;
use crate::faces::{Face, Kind};
use crate::g15_listener::ear::Ear;
use crate::on_every_face_in_time;
use bellwether::{CacheBuilder, Loaded, MockClock, RemovalCause};
use proptest::prelude::*;
use std::collections::HashMap;
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

const KEYS: u32 = 6;

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(u32),
    InsertFor(u32, u64),
    TooHeavy(u32),
    Load(u32),
    /// A load that a write of its own overtakes.
    Overtaken(u32),
    Remove(u32),
    Expire(u32),
    SetTtl(u32, u64),
    Advance(u64),
    Clear,
    Maintain,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0..KEYS;
    let step = prop_oneof![
        5 => key().prop_map(Step::Insert),
        4 => (key(), 0..30_u64).prop_map(|(key, time)| Step::InsertFor(key, time)),
        2 => key().prop_map(Step::TooHeavy),
        4 => key().prop_map(Step::Load),
        2 => key().prop_map(Step::Overtaken),
        3 => key().prop_map(Step::Remove),
        2 => key().prop_map(Step::Expire),
        2 => (key(), 0..30_u64).prop_map(|(key, time)| Step::SetTtl(key, time)),
        4 => (0..20_u64).prop_map(Step::Advance),
        1 => Just(Step::Clear),
        1 => Just(Step::Maintain),
    ];
    prop::collection::vec(step, 1..120)
}

/// What is held of each key, until when; and what must have been told of it.
#[derive(Default)]
struct Model {
    now: u64,
    held: HashMap<u32, (u32, u64)>,
    told: HashMap<u32, Vec<(u32, RemovalCause)>>,
}

impl Model {
    fn tell(&mut self, key: u32, value: u32, cause: RemovalCause) {
        self.told.entry(key).or_default().push((value, cause));
    }

    fn leaves(&mut self, key: u32, cause: RemovalCause) {
        if let Some((value, end)) = self.held.remove(&key) {
            self.tell(key, value, if end <= self.now { RemovalCause::Expired } else { cause });
        }
    }

    fn is_shown(&self, key: u32) -> bool {
        self.held.get(&key).is_some_and(|(_, end)| *end > self.now)
    }

    fn store(&mut self, key: u32, value: u32, end: u64) {
        self.leaves(key, RemovalCause::Replaced);
        self.held.insert(key, (value, end));
    }

    fn reclaim(&mut self) {
        for key in 0..KEYS {
            if !self.is_shown(key) {
                self.leaves(key, RemovalCause::Expired);
            }
        }
    }
}

fn take<F: Kind>(step: Step, value: u32, cache: &Of<F>, clock: &MockClock, model: &mut Model) {
    let life = Duration::from_secs;
    match step {
        Step::Insert(key) => {
            cache.insert(key, value);
            model.store(key, value, u64::MAX);
        }
        Step::InsertFor(key, time) => {
            cache.insert_with_ttl(key, value, life(time));
            model.store(key, value, model.now + time);
        }
        Step::TooHeavy(key) => {
            cache.insert_with(key, Loaded::value(value).weight(1_000));
            model.leaves(key, RemovalCause::Replaced);
            model.tell(key, value, RemovalCause::Rejected);
        }
        Step::Load(key) => {
            cache.fetch_or_load(&key, move || Loaded::ok(value)).expect("the closure brings it");
            if !model.is_shown(key) {
                model.store(key, value, u64::MAX);
            }
        }
        Step::Overtaken(key) => {
            let inside = cache.sync();
            let load = move || {
                inside.insert(key, value + 1);
                Loaded::ok(value)
            };
            cache.fetch_or_load(&key, load).expect("it is delivered");
            if !model.is_shown(key) {
                model.store(key, value + 1, u64::MAX);
                model.tell(key, value, RemovalCause::Superseded);
            }
        }
        Step::Remove(key) => {
            assert_eq!(cache.remove(&key).is_some(), model.is_shown(key));
            model.leaves(key, RemovalCause::Invalidated);
        }
        Step::Expire(key) => {
            assert_eq!(cache.expire(&key), model.is_shown(key));
            model.leaves(key, RemovalCause::Invalidated);
        }
        Step::SetTtl(key, time) => {
            assert_eq!(cache.set_ttl(&key, life(time)), model.is_shown(key));
            if let Some((_, end)) = model.held.get_mut(&key).filter(|(_, end)| *end > model.now) {
                *end = model.now + time;
            }
        }
        Step::Advance(time) => {
            clock.advance(life(time));
            model.now += time;
            model.reclaim();
        }
        Step::Clear => {
            cache.clear();
            // What is over by then may be told as cleared, or have been reclaimed before.
            (0..KEYS).for_each(|key| model.leaves(key, RemovalCause::Cleared));
        }
        Step::Maintain => {
            cache.run_maintenance();
            model.reclaim();
        }
    }
}

/// A cause that both sides call the same: what is over by the time may leave as that or as what takes it out.
fn alike(told: &[(u32, RemovalCause)], expected: &[(u32, RemovalCause)]) -> bool {
    let same = |(told, expected): (&(u32, RemovalCause), &(u32, RemovalCause))| {
        told.0 == expected.0 && (told.1 == expected.1 || (told.1, expected.1) == (RemovalCause::Cleared, RemovalCause::Expired))
    };
    told.len() == expected.len() && told.iter().zip(expected).all(same)
}

fn g15_what_is_told_of_each_key_is_the_sequence_of_its_departures<F: Kind>() {
    cases(80, &steps(), |steps| {
        let (ear, clock) = (Ear::new(), MockClock::new());
        let cache: Of<F> = F::Of::build(CacheBuilder::new().capacity(100).shards(2).clock(clock.clone()).listener(ear.clone()));
        let mut model = Model::default();
        for (&step, value) in steps.iter().zip((0..).step_by(2)) {
            take::<F>(step, value, &cache, &clock, &mut model);
        }
        crate::rest::at_rest(&cache.sync());
        cache.run_maintenance();
        model.reclaim();
        let mut told: HashMap<u32, Vec<(u32, RemovalCause)>> = HashMap::new();
        ear.take().into_iter().for_each(|(key, value, cause)| told.entry(key).or_default().push((*value, cause)));
        for key in 0..KEYS {
            let (told, expected) = (told.remove(&key).unwrap_or_default(), model.told.remove(&key).unwrap_or_default());
            prop_assert!(alike(&told, &expected), "key {key}: {told:?} was told, and {expected:?} has left");
        }
        Ok(())
    });
}

on_every_face_in_time!(g15_what_is_told_of_each_key_is_the_sequence_of_its_departures);
