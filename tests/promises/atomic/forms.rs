//! What each method sees and leaves of a key in every state that it can be in, and what it counts.

use super::rows::{KEY, NEW, OLD, Outcome, Row, rows};
use super::scene::Hands;
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{Rules, is_shown, secs};
use bellwether::{BoxError, CacheBuilder, ComputeResult, Expiry, Freshness, Loaded, MockClock};
use std::sync::Arc;
use std::time::Duration;

const FULL: Rules = Rules { live: secs(100), refresh: secs(60), while_revalidating: secs(20), if_error: secs(50), idle: Duration::MAX };

/// Rules by which an entry comes into each state, or is over at once.
fn some_rules() -> [Rules; 3] {
    [FULL, Rules { live: secs(100), ..Rules::FOR_EVER }, Rules { idle: secs(70), ..FULL }]
}

/// A cache whose loader must not be asked, on a clock of its own.
fn scene<F: Kind>(rules: &Rules, builder: CacheBuilder<u32, u32>) -> (F::Of<u32, u32>, MockClock) {
    let clock = MockClock::new();
    clock.advance(secs(5));
    (F::Of::build(rules.apply(builder).clock(clock.clone())), clock)
}

/// Calls, and checks what is given, left and counted; `before` is the state of the old value.
fn check<F: Kind>(row: &Row, cache: &F::Of<u32, u32>, before: Freshness, what: &str) {
    let Outcome { gives, writes } = if is_shown(before) { row.held } else { row.none };
    assert_eq!((row.call)(&Hands::of::<F>(cache)), gives, "{what}");
    let metrics = at_rest(&cache.sync());
    // What is expected of a swap is looked for by a call that counts.
    if !row.name.starts_with("compare_and_swap") {
        assert_eq!((metrics.hits, metrics.stale_hits, metrics.misses, metrics.loads_started), (0, 0, 0, 0), "{what}");
    }
    let state = cache.entry_info(&KEY);
    match writes {
        Some(value) => {
            assert_eq!(cache.peek(&KEY).as_deref(), Some(&value), "{what}");
            let info = state.expect("it is held");
            assert_eq!(
                (info.state, info.age, info.time_left),
                (Freshness::Fresh, Duration::ZERO, Some(secs(100))),
                "{what}: it lives anew"
            );
        }
        None => {
            let held = (before != Freshness::Expired).then_some(OLD);
            assert_eq!(state.map_or(Freshness::Expired, |info| info.state), before, "{what}: it leaves what is held");
            assert_eq!(cache.fetch_stale(&KEY).map(|fetched| *fetched.value), held, "{what}: it leaves what is held");
        }
    }
    at_rest(&cache.sync());
}

fn g9_each_method_sees_and_leaves_what_the_table_says<F: Kind>() {
    for rules in some_rules() {
        for age in rules.moments() {
            for row in rows() {
                let (cache, clock) = scene::<F>(&rules, CacheBuilder::new());
                cache.insert(KEY, OLD);
                clock.advance(age);
                let before = rules.state(age, age);
                check::<F>(&row, &cache, before, &format!("{} after {age:?} ({before:?}) by {rules:?}", row.name));
            }
        }
    }
}

fn g9_of_a_key_that_never_was_each_method_sees_none<F: Kind>() {
    for row in rows() {
        let (cache, _clock) = scene::<F>(&FULL, CacheBuilder::new());
        check::<F>(&row, &cache, Freshness::Expired, row.name);
    }
}

/// That there is no such key is no value, and forgotten by a write alone.
fn g13_a_remembered_absence_is_no_value_and_a_write_clears_it<F: Kind>() {
    for row in rows() {
        let builder = CacheBuilder::new().negative_ttl(secs(50)).loader_fn(|_: &u32| Ok::<_, BoxError>(Loaded::absent()));
        let (cache, _clock) = scene::<F>(&Rules { live: secs(100), ..Rules::FOR_EVER }, builder);
        assert_eq!(cache.fetch_optional(&KEY).ok().flatten(), None);
        assert_eq!(cache.metrics().negatives, 1);
        assert_eq!((row.call)(&Hands::of::<F>(&cache)), row.none.gives, "{}", row.name);
        assert_eq!(cache.peek(&KEY).as_deref().copied(), row.none.writes, "{}", row.name);
        assert_eq!(at_rest(&cache.sync()).negatives, u64::from(row.none.writes.is_none()), "{}", row.name);
    }
}

/// In a cache that holds nothing, each method goes through as a write of which nothing stays.
fn g18_with_no_capacity_nothing_is_held_and_nothing_breaks<F: Kind>() {
    for row in rows() {
        let (cache, _clock) = scene::<F>(&FULL, CacheBuilder::new().capacity(0));
        assert_eq!((row.call)(&Hands::of::<F>(&cache)), row.none.gives, "{}", row.name);
        assert_eq!((cache.len(), cache.weight()), (0, 0), "{}", row.name);
        at_rest(&cache.sync());
    }
}

/// Nobody is handed what is written later: a value that somebody has in hand stays as it is.
fn g8_who_has_the_value_in_hand_sees_no_change<F: Kind>() {
    for row in rows() {
        let (cache, _clock) = scene::<F>(&FULL, CacheBuilder::new());
        cache.insert(KEY, OLD);
        let in_hand = cache.peek(&KEY).expect("it is held");
        let given = (row.call)(&Hands::of::<F>(&cache));
        assert_eq!(*in_hand, OLD, "{}", row.name);
        if row.is_in_place {
            assert_eq!((given.as_str(), cache.peek(&KEY).as_deref()), ("Busy", Some(&OLD)), "{}", row.name);
        } else {
            assert_eq!(
                (given.as_str(), cache.peek(&KEY).as_deref().copied()),
                (row.held.gives, row.held.writes.or(Some(OLD))),
                "{}",
                row.name
            );
        }
        at_rest(&cache.sync());
    }
}

fn g8_a_value_is_busy_for_a_weak_reference_too_and_no_longer_than_that<F: Kind>() {
    let (cache, _clock) = scene::<F>(&FULL, CacheBuilder::new());
    cache.insert(KEY, OLD);
    let hands = Hands::of::<F>(&cache);
    let weak = Arc::downgrade(&cache.peek(&KEY).expect("it is held"));
    assert_eq!(hands.try_compute(&KEY, |_| panic!("it is busy")), ComputeResult::Busy);
    drop(weak);
    assert_eq!(hands.try_compute_val(&KEY, |value| std::mem::replace(value, NEW)), ComputeResult::Done(OLD));
    assert_eq!(cache.peek(&KEY).as_deref(), Some(&NEW));
    at_rest(&cache.sync());
}

/// Says how long a value lives by what it is.
struct ByValue;

impl Expiry<u32, u32> for ByValue {
    fn on_create(&self, _: &u32, value: &u32) -> Option<Duration> {
        Some(secs((*value).into()))
    }

    fn on_update(&self, _: &u32, value: &u32, left: Option<Duration>) -> Option<Duration> {
        Some(secs(u64::from(*value) * 1_000) + left.unwrap_or_default())
    }
}

/// The hook is asked of a changed value as of one that is inserted over another.
fn g9_a_changed_value_lives_as_the_hook_says<F: Kind>() {
    for row in rows() {
        let (cache, clock) = scene::<F>(&Rules::FOR_EVER, CacheBuilder::new().expiry(ByValue));
        let Some(value) = row.held.writes else { continue };
        cache.insert_with_ttl(KEY, OLD, secs(90));
        clock.advance(secs(30));
        (row.call)(&Hands::of::<F>(&cache));
        let left = cache.entry_info(&KEY).and_then(|info| info.time_left);
        assert_eq!(left, Some(secs(u64::from(value) * 1_000 + 60)), "{}", row.name);
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g9_each_method_sees_and_leaves_what_the_table_says,
    g9_of_a_key_that_never_was_each_method_sees_none,
    g13_a_remembered_absence_is_no_value_and_a_write_clears_it,
    g18_with_no_capacity_nothing_is_held_and_nothing_breaks,
    g8_who_has_the_value_in_hand_sees_no_change,
    g8_a_value_is_busy_for_a_weak_reference_too_and_no_longer_than_that,
    g9_a_changed_value_lives_as_the_hook_says,
);
