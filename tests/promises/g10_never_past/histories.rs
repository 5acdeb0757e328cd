//! Random histories of writes, changes of times and reads, held to a model: what is held, what it is worth, and who sees it, at each step.

use crate::cases::cases;
use crate::faces::{Face, Kind};
use crate::g10_never_past::model::{Entry, Model};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{Rules, secs};
use crate::runway::{Runway, Style};
use bellwether::{CacheBuilder, Loaded, MockClock};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, usize>;

const KEYS: u32 = 3;
/// Values that callers bring are greater than those of loads.
const BROUGHT: usize = 1_000;

#[derive(Clone, Copy, Debug)]
enum Read {
    Get,
    Fetch,
    Entry,
    FetchStale,
    FetchWith,
    FetchDetailed,
    FetchOptional,
    Refresh,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Advance(u64),
    Insert(u32),
    InsertWith(u32, Rules),
    SetTtl(u32, Duration),
    Expire(u32),
    Persist(u32),
    Remove(u32),
    Read(u32, Read),
    Maintain,
    Clear,
}

/// Times that are short beside the steps of the clock, with those that are nothing and for ever.
fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![6 => (1..40_u64).prop_map(secs), 1 => Just(Duration::ZERO), 1 => Just(Duration::MAX)]
}

fn rules() -> impl Strategy<Value = Rules> {
    let window = || prop_oneof![2 => Just(Duration::ZERO), 3 => (1..20_u64).prop_map(secs), 1 => Just(Duration::MAX)];
    let idle = prop_oneof![2 => Just(Duration::MAX), 2 => (1..40_u64).prop_map(secs)];
    (time(), time(), window(), window(), idle).prop_map(|(live, refresh, while_revalidating, if_error, idle)| Rules {
        live,
        refresh,
        while_revalidating,
        if_error,
        idle,
    })
}

/// Rules that a builder takes.
fn settings() -> impl Strategy<Value = Rules> {
    rules().prop_map(|rules| {
        let while_revalidating =
            if rules.if_error.is_zero() { rules.while_revalidating } else { rules.while_revalidating.min(rules.if_error) };
        let refresh = if rules.refresh > rules.live { Duration::MAX } else { rules.refresh };
        Rules { while_revalidating, refresh, ..rules }
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let read = prop_oneof![
        Just(Read::Get),
        Just(Read::Fetch),
        Just(Read::Entry),
        Just(Read::FetchStale),
        Just(Read::FetchWith),
        Just(Read::FetchDetailed),
        Just(Read::FetchOptional),
        Just(Read::Refresh),
    ];
    let key = || 0..KEYS;
    let step = prop_oneof![
        10 => (0..15_u64).prop_map(Step::Advance),
        3 => key().prop_map(Step::Insert),
        4 => (key(), rules()).prop_map(|(key, rules)| Step::InsertWith(key, rules)),
        4 => (key(), time()).prop_map(|(key, time)| Step::SetTtl(key, time)),
        3 => key().prop_map(Step::Expire),
        1 => key().prop_map(Step::Persist),
        1 => key().prop_map(Step::Remove),
        10 => (key(), read).prop_map(|(key, read)| Step::Read(key, read)),
        1 => Just(Step::Maintain),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 1..60)
}

/// One read of the cache, and of the model.
fn read<F: Kind>(cache: &Of<F>, model: &mut Model, key: u32, read: Read) -> (Option<usize>, Option<usize>) {
    let shown = |model: &mut Model| model.look(key, model.shown(key));
    match read {
        Read::Get => (cache.get(&key, |value| *value), shown(model)),
        Read::Fetch => (cache.fetch(&key).map(|value| *value), shown(model)),
        Read::Entry => {
            let seen = match cache.sync().try_entry(key).expect("nothing is under way") {
                bellwether::Entry::Occupied(entry) => Some(**entry.get()),
                bellwether::Entry::Vacant(_) => None,
            };
            (seen, shown(model))
        }
        Read::FetchStale => (cache.fetch_stale(&key).map(|fetched| *fetched.value), model.look(key, model.held(key))),
        Read::FetchWith => (cache.fetch_with(&key).ok().map(|value| *value), Some(model.fetch(key))),
        Read::FetchDetailed => (cache.fetch_detailed(&key).ok().map(|fetched| *fetched.value), Some(model.fetch(key))),
        Read::FetchOptional => (cache.fetch_optional(&key).ok().flatten().map(|value| *value), Some(model.fetch(key))),
        Read::Refresh => (cache.refresh(&key).ok().map(|value| *value), Some(model.load(key))),
    }
}

/// The same in the cache and in the model. `number` makes values that are told apart.
fn take<F: Kind>(cache: &Of<F>, clock: &MockClock, model: &mut Model, number: usize, step: Step) -> Result<(), TestCaseError> {
    let value = BROUGHT + number;
    match step {
        Step::Advance(seconds) => {
            clock.advance(secs(seconds));
            model.now += secs(seconds);
        }
        Step::Insert(key) => {
            cache.insert(key, value);
            model.put(key, value, model.rules);
        }
        Step::InsertWith(key, rules) => {
            cache.insert_with(key, rules.own(Loaded::value(value)));
            model.put(key, value, rules);
        }
        Step::SetTtl(key, time) => prop_assert_eq!(cache.set_ttl(&key, time), model.end_in(key, time)),
        Step::Expire(key) => prop_assert_eq!(cache.expire(&key), model.expire(key)),
        Step::Persist(key) => prop_assert_eq!(cache.persist(&key), model.end_in(key, Duration::MAX)),
        Step::Remove(key) => {
            prop_assert_eq!(cache.remove(&key).map(|value| *value), model.shown(key).map(|entry| entry.value));
            model.take(key);
        }
        Step::Read(key, how) => {
            let (seen, expected) = read::<F>(cache, model, key, how);
            prop_assert_eq!(seen, expected);
            // What it started in the background ends before the next step.
            at_rest(&cache.sync());
        }
        Step::Maintain => {
            cache.run_maintenance();
            let held = (0..KEYS).filter(|&key| model.held(key).is_some()).count();
            prop_assert_eq!(cache.len(), held as u64, "what is over is gone, and nothing else");
        }
        Step::Clear => {
            cache.clear();
            model.entries.clear();
        }
    }
    Ok(())
}

/// Looks at every key and leaves no trace.
fn compare<F: Kind>(cache: &Of<F>, model: &Model) -> Result<(), TestCaseError> {
    for key in 0..KEYS {
        let (held, shown) = (model.held(key), model.shown(key).map(|entry| entry.value));
        let info = cache.entry_info(&key).map(|info| (info.state, (info.time_left, info.usable_for), info.age));
        let of = |entry: &Entry| (entry.state(model.now), entry.left(model.now), model.now - entry.stored);
        prop_assert_eq!(info, held.as_ref().map(of), "key {} at {:?}", key, model.now);
        prop_assert_eq!(cache.peek(&key).map(|value| *value), shown, "key {} at {:?}", key, model.now);
        prop_assert_eq!(cache.contains_key(&key), shown.is_some());
        let iterated = cache.entries().into_iter().find(|&(other, _)| other == key).map(|(_, value)| *value);
        prop_assert_eq!(iterated, shown, "key {} at {:?}", key, model.now);
    }
    Ok(())
}

fn g10_random_histories_go_as_the_model_says<F: Kind>() {
    let strategy = (settings(), any::<bool>(), any::<bool>(), steps());
    cases(250, &strategy, |(rules, janitor, blocking, steps)| {
        let clock = MockClock::new();
        clock.advance(secs(5));
        let style = if blocking { Style::Blocking } else { Style::Async };
        let builder = Runway::new(0).numbers(rules.apply(CacheBuilder::new().clock(clock.clone())), style);
        let cache: Of<F> = F::Of::build(if janitor { builder } else { builder.no_janitor() });
        let mut model = Model::new(rules, clock.elapsed());
        for (number, step) in steps.into_iter().enumerate() {
            take::<F>(&cache, &clock, &mut model, number, step)?;
            compare::<F>(&cache, &model)?;
        }
        let metrics = at_rest(&cache.sync());
        prop_assert_eq!((metrics.loads_started, metrics.loads_stored), (model.loads as u64, model.loads as u64));
        Ok(())
    });
}

on_every_face_in_time!(g10_random_histories_go_as_the_model_says);
