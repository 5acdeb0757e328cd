//! When a value is due: by settings of its own, and by chance, the likelier the longer its load took.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{DUE, KEY, OLD, Of, TICK, WINDOW, info, settled};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use bellwether::{CacheBuilder, Freshness, Loaded, MockClock, XFetch};
use std::time::Duration;

/// How long the load takes whose value is refreshed by chance.
const LOAD: Duration = Duration::from_secs(10);
const LIVE: Duration = Duration::from_secs(10_000);

/// An entry's own times come before the cache's: here the cache has none.
fn g12_a_value_can_bring_its_own_time_for_a_refresh<F: Kind>() {
    for style in BOTH {
        let (runway, clock) = (Runway::new(0), MockClock::new());
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new().clock(clock.clone()), style));
        cache.insert_with(1, Loaded::value(OLD).refresh_after(DUE));
        cache.insert_with(2, Loaded::value(OLD).time_to_live(DUE).stale_while_revalidate(WINDOW));
        cache.insert(3, OLD);
        clock.advance(DUE - TICK);
        (1..=3).for_each(|key| assert_eq!(*cache.fetch_with(&key).expect("it is held"), OLD));
        assert_eq!(at_rest(&cache.sync()).refreshes_started, 0);
        clock.advance(TICK);
        (1..=3).for_each(|key| assert_eq!(*cache.fetch_with(&key).expect("it is held"), OLD));
        settled::<F>(&cache);
        assert_eq!((1..=3).map(|key| *cache.fetch_with(&key).expect("it is held")).filter(|&value| value == OLD).count(), 1);
        assert_eq!(at_rest(&cache.sync()).refreshes_started, 2, "{style:?}");
        // The new values have no such times: neither they nor the cache say so.
        clock.advance(LIVE);
        (1..=3).for_each(|key| assert!(cache.fetch_with(&key).is_ok()));
        assert_eq!(at_rest(&cache.sync()).refreshes_started, 2);
    }
}

/// A cache under early refresh, with a value whose load took [`LOAD`].
fn early<F: Kind>(style: crate::runway::Style, beta: f64) -> (Of<F>, MockClock, Runway) {
    let (runway, clock) = (Runway::new(1), MockClock::new());
    let builder = CacheBuilder::new().clock(clock.clone()).time_to_live(LIVE).refresh_early(XFetch::new(beta));
    let cache: Of<F> = F::Of::build(runway.numbers(builder, style));
    let first = apart(&cache, |cache| cache.fetch_with(&KEY));
    runway.until_begun(0);
    clock.advance(LOAD);
    runway.open(0);
    assert_eq!(first.result().ok().as_deref(), Some(&0));
    settled::<F>(&cache);
    (cache, clock, runway)
}

fn g12_early_refresh_comes_the_likelier_the_nearer_the_end_is<F: Kind>() {
    for style in BOTH {
        let (cache, clock, runway) = early::<F>(style, 1.0);
        // Forty times the load before the end the chance is exp(-40), and no throw of the dice is so rare.
        clock.advance(LIVE - LOAD * 40);
        (0..2_000).for_each(|_| assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&0)));
        assert_eq!((at_rest(&cache.sync()).refreshes_started, info::<F>(&cache).state), (0, Freshness::Fresh));
        // Twenty times the load before it is possible, but that one of 200 calls hits on it is less likely than 10^-6.
        clock.advance(LOAD * 20);
        (0..200).for_each(|_| assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&0)));
        assert_eq!(at_rest(&cache.sync()).refreshes_started, 0);
        // Once the load before the end it is exp(-1) at each call: that 200 in a row miss it is less likely than 10^-39.
        clock.advance(LOAD * 19);
        assert!((0..200).any(|_| {
            assert!(cache.fetch_with(&KEY).is_ok_and(|value| *value < 2));
            cache.metrics().refreshes_started > 0
        }));
        settled::<F>(&cache);
        assert_eq!((runway.begun(), cache.fetch(&KEY).as_deref()), (2, Some(&1)), "{style:?}");
        // That load took no time at all, so that its value is refreshed by nobody.
        clock.advance(LIVE - TICK);
        (0..200).for_each(|_| assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&1)));
        assert_eq!(at_rest(&cache.sync()).refreshes_started, 1, "{style:?}");
    }
}

/// Just before the end it is certain, but for one chance in many millions.
fn g12_early_refresh_just_before_the_end_is_certain_and_one<F: Kind>() {
    for style in BOTH {
        let (cache, clock, runway) = early::<F>(style, 1.0);
        clock.advance(LIVE - TICK);
        (0..100).for_each(|_| assert!(cache.fetch_with(&KEY).is_ok()));
        settled::<F>(&cache);
        assert_eq!((runway.begun(), at_rest(&cache.sync()).refreshes_started), (2, 1), "{style:?}");
    }
}

/// The factor stretches the time before the end in which it may come.
fn g12_the_factor_of_early_refresh_stretches_it<F: Kind>() {
    for (beta, refreshes) in [(0.01, 0), (100.0, 1)] {
        let (cache, clock, runway) = early::<F>(crate::runway::Style::Async, beta);
        clock.advance(LIVE - LOAD * 40);
        (0..200).for_each(|_| assert!(cache.fetch_with(&KEY).is_ok()));
        settled::<F>(&cache);
        assert_eq!((runway.begun(), at_rest(&cache.sync()).refreshes_started), (1 + refreshes, refreshes as u64), "{beta}");
    }
}

/// Nobody knows how long it would take to load what a caller brought.
fn g12_a_value_that_a_caller_brought_is_not_refreshed_early<F: Kind>() {
    let (runway, clock) = (Runway::new(0), MockClock::new());
    let builder = CacheBuilder::new().clock(clock.clone()).time_to_live(LIVE).refresh_early(XFetch::new(1_000.0));
    let cache: Of<F> = F::Of::build(runway.numbers(builder, crate::runway::Style::Blocking));
    cache.insert(KEY, OLD);
    clock.advance(LIVE - TICK);
    (0..200).for_each(|_| assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD)));
    assert_eq!((runway.begun(), at_rest(&cache.sync()).refreshes_started), (0, 0));
}

on_every_face_in_time!(
    g12_a_value_can_bring_its_own_time_for_a_refresh,
    g12_early_refresh_comes_the_likelier_the_nearer_the_end_is,
    g12_early_refresh_just_before_the_end_is_certain_and_one,
    g12_the_factor_of_early_refresh_stretches_it,
    g12_a_value_that_a_caller_brought_is_not_refreshed_early,
);
