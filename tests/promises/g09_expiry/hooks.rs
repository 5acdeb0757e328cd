//! User code that says how long values live: the `Expiry` hook and `expire_with`, and what comes before what.

use crate::faces::{Face, Kind};
use crate::g09_expiry::scene::{Janitor, KEY, NEW, OLD, Of, ages_by, builder, entry};
use crate::hush::{ON_PURPOSE, caught};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{Rules, TICK, secs};
use bellwether::{BoxError, Cache, CacheBuilder, Entry, Expiry, Freshness, Loaded};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// What the hook was asked: which method, with what, and what was left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Asked {
    Create(u32, u32),
    Update(u32, u32, Option<Duration>),
    Read(u32, Option<Duration>),
}

/// Answers the same each time, and notes what it was asked.
#[derive(Clone, Default)]
struct Hook {
    create: Option<Duration>,
    update: Option<Duration>,
    read: Option<Duration>,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// A cache that it uses each time.
    uses: Arc<OnceLock<Cache<u32, u32>>>,
}

impl Hook {
    fn note(&self, asked: Asked) {
        self.asked.lock().expect("nobody panics").push(asked);
        if let Some(cache) = self.uses.get() {
            // A write, for which no lock may be held.
            cache.invalidate(&(KEY + 1));
            assert_eq!(cache.fetch_with(&(KEY + 1)).map_err(|error| error.is_absent()), Err(true));
        }
    }

    /// What was asked since the last time.
    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().expect("nobody panics"))
    }
}

impl Expiry<u32, u32> for Hook {
    fn on_create(&self, key: &u32, value: &u32) -> Option<Duration> {
        self.note(Asked::Create(*key, *value));
        self.create
    }

    fn on_update(&self, key: &u32, value: &u32, left: Option<Duration>) -> Option<Duration> {
        self.note(Asked::Update(*key, *value, left));
        self.update
    }

    fn on_read(&self, value: &u32, left: Option<Duration>) -> Option<Duration> {
        self.note(Asked::Read(*value, left));
        self.read
    }
}

/// Loads bring the new value, and for the other key nothing.
fn loading(builder: CacheBuilder<u32, u32>) -> CacheBuilder<u32, u32> {
    builder.loader_fn(|key: &u32| Ok::<_, BoxError>(if *key == KEY { Loaded::value(NEW) } else { Loaded::absent() }))
}

fn left<F: Kind>(cache: &Of<F>) -> Option<Duration> {
    cache.entry_info(&KEY).expect("it is held").time_left
}

fn g09_the_hook_comes_before_the_cache_s_setting_and_after_the_value_s_own<F: Kind>() {
    let hook = Hook { create: Some(secs(30)), update: Some(secs(40)), ..Hook::default() };
    let (builder, clock) = builder(Janitor::On);
    let cache: Of<F> = F::Of::build(loading(builder).time_to_live(secs(100)).expiry(hook.clone()));
    cache.insert(KEY, OLD);
    assert_eq!((hook.asked(), left::<F>(&cache)), (vec![Asked::Create(KEY, OLD)], Some(secs(30))), "on_create");
    clock.advance(secs(1));
    cache.insert(KEY, NEW);
    assert_eq!((hook.asked(), left::<F>(&cache)), (vec![Asked::Update(KEY, NEW, Some(secs(29)))], Some(secs(40))), "on_update");
    cache.insert_with_ttl(KEY, NEW, secs(7));
    assert_eq!((hook.asked(), left::<F>(&cache)), (vec![], Some(secs(7))), "a value's own");
    assert!(cache.persist(&KEY) && cache.refresh(&KEY).is_ok());
    assert_eq!((hook.asked(), left::<F>(&cache)), (vec![Asked::Update(KEY, NEW, None)], Some(secs(40))), "a refresh");
    assert!(cache.invalidate(&KEY) && cache.fetch_with(&KEY).is_ok());
    assert_eq!((hook.asked(), left::<F>(&cache)), (vec![Asked::Create(KEY, NEW)], Some(secs(30))), "a load");
    clock.advance(secs(30));
    assert!(cache.fetch_or_load(&KEY, || Loaded::ok(OLD)).is_ok());
    assert_eq!((hook.asked(), left::<F>(&cache)), (vec![Asked::Create(KEY, OLD)], Some(secs(30))), "a closure, after the end");
    match entry::<F>(&cache) {
        Entry::Occupied(mut entry) => assert!(entry.replace(NEW).is_ok()),
        Entry::Vacant(_) => panic!("it is held"),
    }
    let asked = hook.asked();
    assert_eq!((asked.last(), left::<F>(&cache)), (Some(&Asked::Update(KEY, NEW, Some(secs(30)))), Some(secs(40))), "replace");
    at_rest(&cache.sync());
}

fn g09_a_hook_that_says_nothing_leaves_the_cache_s_setting<F: Kind>() {
    let (builder, clock) = builder(Janitor::On);
    let rules = Rules { live: secs(100), refresh: secs(60), while_revalidating: secs(20), if_error: secs(50), idle: Duration::MAX };
    let cache: Of<F> = F::Of::build(rules.apply(loading(builder)).expiry(Hook::default()));
    for _ in 0..2 {
        cache.insert(KEY, OLD);
        ages_by::<F>(&cache, &clock, &rules, "an insert");
    }
    assert!(cache.fetch_with(&KEY).is_ok());
    ages_by::<F>(&cache, &clock, &rules, "a load");
    at_rest(&cache.sync());
}

fn g09_windows_follow_the_time_that_the_hook_gives<F: Kind>() {
    let rules = Rules { live: secs(100), while_revalidating: secs(20), if_error: secs(50), refresh: secs(60), idle: Duration::MAX };
    for live in [Duration::ZERO, secs(1), secs(70), secs(300), Duration::MAX] {
        let (builder, clock) = builder(Janitor::Off);
        let hook = Hook { create: Some(live), update: Some(live), ..Hook::default() };
        let cache: Of<F> = F::Of::build(rules.apply(loading(builder)).expiry(hook));
        cache.insert(KEY, OLD);
        ages_by::<F>(&cache, &clock, &Rules { live, ..rules }, "the hook's");
        at_rest(&cache.sync());
    }
}

/// Something that reads, and whether the hook hears of it.
type Read<F> = (&'static str, fn(&Of<F>), bool);

fn reads<F: Kind>() -> [Read<F>; 11] {
    [
        ("get", |cache| assert!(cache.get(&KEY, |_| ()).is_some()), true),
        ("fetch", |cache| assert!(cache.fetch(&KEY).is_some()), true),
        ("fetch_with", |cache| assert!(cache.fetch_with(&KEY).is_ok()), true),
        ("fetch_optional", |cache| assert!(cache.fetch_optional(&KEY).is_ok()), true),
        ("fetch_detailed", |cache| assert!(cache.fetch_detailed(&KEY).is_ok()), true),
        ("fetch_or_load", |cache| assert!(cache.fetch_or_load(&KEY, || Loaded::ok(NEW)).is_ok()), true),
        ("fetch_stale", |cache| assert!(cache.fetch_stale(&KEY).is_some()), true),
        ("entry", |cache| drop(entry::<F>(cache)), true),
        ("peek", |cache| assert!(cache.peek(&KEY).is_some()), false),
        ("contains_key", |cache| assert!(cache.contains_key(&KEY)), false),
        ("iter and entry_info", |cache| assert!(cache.entry_info(&KEY).is_some() && cache.entries().len() == 1), false),
    ]
}

fn g09_a_read_can_begin_the_time_to_live_anew<F: Kind>() {
    for (name, read, heard) in reads::<F>() {
        for given in [None, Some(secs(50)), Some(Duration::MAX), Some(secs(10))] {
            let hook = Hook { read: given, ..Hook::default() };
            let (builder, clock) = builder(Janitor::On);
            let cache: Of<F> = F::Of::build(loading(builder).time_to_live(secs(100)).expiry(hook.clone()));
            cache.insert(KEY, OLD);
            clock.advance(secs(100) - TICK);
            assert_eq!(hook.asked(), [Asked::Create(KEY, OLD)]);
            read(&cache);
            let expected = if heard { vec![Asked::Read(OLD, Some(TICK))] } else { vec![] };
            assert_eq!(hook.asked(), expected, "{name}");
            let now = match given.filter(|_| heard) {
                Some(Duration::MAX) => None,
                Some(time) => Some(time),
                None => Some(TICK),
            };
            assert_eq!((left::<F>(&cache), cache.peek(&KEY).as_deref()), (now, Some(&OLD)), "{name}, {given:?}");
            let Some(now) = now else { continue };
            clock.advance(now);
            assert_eq!((cache.fetch(&KEY), hook.asked()), (None, vec![]), "{name}: what is over is read by nobody");
            at_rest(&cache.sync());
        }
    }
}

fn g09_a_read_that_gives_no_time_at_all_is_the_last<F: Kind>() {
    let (builder, _clock) = builder(Janitor::Off);
    let hook = Hook { read: Some(Duration::ZERO), ..Hook::default() };
    let cache: Of<F> = F::Of::build(loading(builder).time_to_live(secs(100)).stale_if_error(secs(5)).expiry(hook));
    cache.insert(KEY, OLD);
    assert_eq!((cache.fetch(&KEY).as_deref(), cache.fetch(&KEY)), (Some(&OLD), None));
    assert_eq!(cache.entry_info(&KEY).map(|info| info.state), Some(Freshness::ErrorFallback));
    at_rest(&cache.sync());
}

fn g06_no_lock_is_held_while_the_hook_runs<F: Kind>() {
    let hook = Hook { create: Some(secs(30)), update: Some(secs(30)), read: Some(secs(30)), ..Hook::default() };
    let (builder, clock) = builder(Janitor::On);
    let cache: Of<F> = F::Of::build(loading(builder).shards(1).time_to_live(secs(100)).expiry(hook.clone()));
    assert!(hook.uses.set(cache.sync()).is_ok());
    for (_, read, _) in reads::<F>() {
        cache.insert(KEY, OLD);
        read(&cache);
        cache.insert(KEY, NEW);
        assert!(cache.refresh(&KEY).is_ok());
        clock.advance(secs(30));
        assert!(cache.fetch_with(&KEY).is_ok());
    }
    assert!(hook.asked().len() > 40);
    at_rest(&cache.sync());
}

struct Brittle;

impl Expiry<u32, u32> for Brittle {
    fn on_create(&self, _: &u32, value: &u32) -> Option<Duration> {
        assert_ne!(*value, NEW, "the hook fails {ON_PURPOSE}");
        None
    }

    fn on_read(&self, _: &u32, _: Option<Duration>) -> Option<Duration> {
        panic!("the hook fails {ON_PURPOSE}")
    }
}

fn g18_a_panic_of_the_hook_is_the_call_s_and_changes_nothing<F: Kind>() {
    let (builder, _clock) = builder(Janitor::On);
    let cache: Of<F> = F::Of::build(loading(builder).time_to_live(secs(100)).expiry(Brittle));
    cache.insert(KEY, OLD);
    assert!(caught(|| cache.insert(KEY, NEW)).is_err());
    assert!(caught(|| cache.fetch(&KEY)).is_err());
    let loaded = caught(|| cache.refresh(&KEY)).expect("it fails the load");
    assert_eq!(loaded.map_err(|error| error.kind()).err(), Some(bellwether::LoadErrorKind::Panicked));
    assert_eq!((cache.peek(&KEY).as_deref(), left::<F>(&cache)), (Some(&OLD), Some(secs(100))));
    at_rest(&cache.sync());
}

fn g09_a_closure_gives_each_value_its_time_and_the_last_hook_given_counts<F: Kind>() {
    let (builder, clock) = builder(Janitor::On);
    let live = |key: &u32, value: &u32| match (*key, *value) {
        (KEY, OLD) => Some(secs(30)),
        (KEY, NEW) => Some(Duration::ZERO),
        _ => None,
    };
    let hook = Hook { create: Some(secs(1)), ..Hook::default() };
    let cache: Of<F> = F::Of::build(loading(builder).time_to_live(secs(100)).expiry(hook.clone()).expire_with(live));
    let base = Rules { live: secs(30), ..Rules::FOR_EVER };
    for value in [OLD, NEW, 3, OLD] {
        cache.insert(KEY, value);
        let live = live(&KEY, &value).unwrap_or(secs(100));
        ages_by::<F>(&cache, &clock, &Rules { live, ..base }, "expire_with");
        cache.insert(KEY, 3);
    }
    cache.insert_with_ttl(KEY, OLD, secs(5));
    assert_eq!((left::<F>(&cache), hook.asked()), (Some(secs(5)), vec![]));
    assert!(cache.refresh(&KEY).is_ok_and(|value| *value == NEW), "it is delivered all the same");
    assert_eq!(cache.peek(&KEY), None);
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g09_the_hook_comes_before_the_cache_s_setting_and_after_the_value_s_own,
    g09_a_hook_that_says_nothing_leaves_the_cache_s_setting,
    g09_windows_follow_the_time_that_the_hook_gives,
    g09_a_read_can_begin_the_time_to_live_anew,
    g09_a_read_that_gives_no_time_at_all_is_the_last,
    g06_no_lock_is_held_while_the_hook_runs,
    g18_a_panic_of_the_hook_is_the_call_s_and_changes_nothing,
    g09_a_closure_gives_each_value_its_time_and_the_last_hook_given_counts,
);
