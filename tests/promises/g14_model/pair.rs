//! A cache and its model, side by side.

use crate::faces::Face;
use crate::g14_model::model::{Got, Model, weigh};
use crate::g14_model::script::{LoaderKind, Script, loaded, ticks};
use crate::g14_model::steps::{Answer, KEYS, Outcome, Own, Step, TTL};
use crate::hush::hush;
use crate::rest::at_rest;
use crate::tally::tally;
use bellwether::{CacheBuilder, EvictionPolicy, LoadError, LoadErrorKind, MetricsSnapshot, MockClock, RemovalCause, Source};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

type Checked = Result<(), TestCaseError>;
type Loaded = Result<Option<Arc<u64>>, LoadError>;

/// What a cache is built with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) capacity: u64,
    pub(crate) shards: usize,
    pub(crate) policy: EvictionPolicy,
    pub(crate) loader: LoaderKind,
}

pub(crate) fn settings(capacity: impl Strategy<Value = u64>) -> impl Strategy<Value = Setting> {
    let policy = prop_oneof![Just(EvictionPolicy::Lru), Just(EvictionPolicy::Sieve)];
    let loader = prop_oneof![Just(LoaderKind::Blocking), Just(LoaderKind::Async)];
    (capacity, 1..9_usize, policy, loader).prop_map(|(capacity, shards, policy, loader)| Setting { capacity, shards, policy, loader })
}

pub(crate) struct Pair<C> {
    pub(crate) cache: C,
    pub(crate) model: Model,
    clock: MockClock,
    script: Script,
    /// Each value is a new number.
    values: u64,
    /// Calls that count as lookups.
    lookups: u64,
}

impl<C: Face<u64, u64>> Pair<C> {
    pub(crate) fn new(setting: Setting, build: fn(CacheBuilder<u64, u64>) -> C) -> Self {
        hush();
        let (clock, script) = (MockClock::new(), Script::default());
        let builder = CacheBuilder::new().capacity(setting.capacity).shards(setting.shards).eviction(setting.policy);
        // Loads take no time by the mock clock, however far it is moved between them.
        let builder = builder.time_to_live(ticks(TTL)).clock(clock.clone()).weigher(|_, &value| weigh(value));
        let cache = build(script.loader(builder, setting.loader));
        Self { cache, model: Model::new(setting.capacity), clock, script, values: 0, lookups: 0 }
    }

    fn value(&mut self) -> u64 {
        self.values += 1;
        self.values
    }

    /// Makes the call, and fails if what it returns isn't what the model says.
    pub(crate) fn make(&mut self, step: Step) -> Checked {
        match step {
            Step::Insert(key) => {
                let value = self.value();
                self.cache.insert(key, value);
                self.model.insert(key, Answer::Value(Own::default()), value);
            }
            Step::InsertWith(key, answer) => {
                let value = self.value();
                self.cache.insert_with(key, loaded(answer, value));
                self.model.insert(key, answer, value);
            }
            Step::InsertWithTtl(key, ttl) => {
                let value = self.value();
                self.cache.insert_with_ttl(key, value, ticks(ttl));
                self.model.insert(key, Answer::Value(Own { weight: None, ttl: Some(ttl) }), value);
            }
            Step::Remove(key) => prop_assert_eq!(self.cache.remove(&key).map(|value| *value), self.model.remove(key)),
            Step::Invalidate(key) => prop_assert_eq!(self.cache.invalidate(&key), self.model.remove(key).is_some()),
            Step::Clear => {
                self.cache.clear();
                self.model.clear();
                prop_assert_eq!((self.cache.len(), self.cache.weight()), (0, 0));
            }
            Step::Advance(by) => {
                self.clock.advance(ticks(by));
                self.model.now += by;
            }
            Step::Set(to) => {
                self.clock.set(ticks(to));
                self.model.now = to;
            }
            Step::Walk => {} // The check after each step walks.
            Step::Peek(key) => prop_assert_eq!(self.cache.peek(&key).map(|value| *value), self.model.value(key)),
            Step::Contains(key) => prop_assert_eq!(self.cache.contains_key(&key), self.model.value(key).is_some()),
            Step::Fetch(key) => {
                self.lookups += 1;
                prop_assert_eq!(self.cache.fetch(&key).map(|value| *value), self.model.value(key));
            }
            Step::Get(key) => {
                self.lookups += 1;
                prop_assert_eq!(self.cache.get(&key, |&value| value), self.model.value(key));
            }
            Step::FetchWith(key, outcome) => self.load(key, outcome, false, |cache, _| cache.fetch_with(&key).map(Some))?,
            Step::FetchOptional(key, outcome) => self.load(key, outcome, false, |cache, _| cache.fetch_optional(&key))?,
            Step::FetchOrLoad(key, outcome) => {
                self.load(key, outcome, false, |cache, script| cache.fetch_or_load(&key, move || script.play()).map(Some))?;
            }
            Step::Refresh(key, outcome) => self.load(key, outcome, true, |cache, _| cache.refresh(&key).map(Some))?,
            Step::FetchDetailed(key, outcome) => {
                let source = if self.model.value(key).is_some() { Source::Hit } else { Source::Loaded };
                self.load(key, outcome, false, |cache, _| {
                    let fetched = cache.fetch_detailed(&key)?;
                    assert_eq!(fetched.source, source);
                    Ok(Some(fetched.value))
                })?;
            }
        }
        self.model.reclaim();
        Ok(())
    }

    /// A call that loads if nothing fresh is held, or `anyway`.
    fn load(&mut self, key: u64, outcome: Outcome, anyway: bool, call: impl FnOnce(&C, Script) -> Loaded) -> Checked {
        let (value, before) = (self.value(), self.script.played());
        self.lookups += 1;
        self.script.set(outcome, value);
        let result = call(&self.cache, self.script.clone());
        let loads = self.script.played() - before;
        match self.model.value(key) {
            Some(held) if !anyway => {
                prop_assert_eq!(loads, 0, "what is held and fresh isn't loaded");
                prop_assert_eq!(got(&result), Got::Value(held));
            }
            Some(_) | None => {
                prop_assert_eq!(loads, 1, "one load for one call");
                prop_assert_eq!(got(&result), self.model.load(key, outcome, value));
            }
        }
        Ok(())
    }

    /// What `iter` gives, each key once.
    pub(crate) fn walk(&self) -> Result<BTreeMap<u64, u64>, TestCaseError> {
        let entries = self.cache.entries();
        let number = entries.len();
        let entries: BTreeMap<u64, u64> = entries.into_iter().map(|(key, value)| (key, *value)).collect();
        prop_assert_eq!(entries.len(), number, "no key comes twice");
        Ok(entries)
    }

    /// A small cache may have let go of any key: then the model does too.
    pub(crate) fn forget_what_is_gone(&mut self) {
        for key in 0..KEYS {
            if self.model.value(key).is_some() && self.cache.peek(&key).is_none() {
                self.model.forget(key);
            }
        }
    }

    /// At the end: all accounts agree with what was done.
    pub(crate) fn close(&self) {
        const LEFT: [RemovalCause; 6] = [
            RemovalCause::Evicted,
            RemovalCause::Expired,
            RemovalCause::Replaced,
            RemovalCause::Invalidated,
            RemovalCause::Cleared,
            RemovalCause::Absent,
        ];
        let metrics = at_rest(&self.cache.sync());
        assert_eq!(metrics.hits + metrics.misses + metrics.joined, self.lookups, "each lookup is counted once: {metrics:?}");
        assert_eq!((metrics.loads_started, metrics.joined), (self.script.played(), 0));
        // What came to be held by inserts and loads is still held or has left; a value that was found unchanged has done neither.
        let balance = |metrics: &MetricsSnapshot| {
            let left: u64 = LEFT.iter().map(|&cause| metrics.removals(cause)).sum();
            (self.model.inserted + metrics.loads_stored).abs_diff(metrics.entries + left)
        };
        tally(&self.cache.sync(), balance, 0);
    }
}

fn got(result: &Loaded) -> Got {
    match result {
        Ok(Some(value)) => Got::Value(**value),
        Ok(None) => Got::Absent,
        Err(error) => match error.kind() {
            LoadErrorKind::Absent => Got::Absent,
            LoadErrorKind::Failed => Got::Failed,
            LoadErrorKind::Panicked => Got::Panicked,
            other => panic!("no load ends with {other:?} here"),
        },
    }
}
