//! G2: loads under way, and loads in the place of others, under an embargo.

use super::scene::{Hands, mocked, with_runway};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::secs;
use crate::runway::{BOTH, Style};
use bellwether::Loaded;
use std::time::Duration;

const KEY: u32 = 1;
const TIME: Duration = secs(10);

/// The holder of an entry gives it up: the load in its place is one like any other.
fn g2_the_load_in_the_place_of_an_entry_is_not_stored<F: Kind>() {
    let (_clock, builder) = mocked();
    let (cache, hands) = Hands::<u32, u32>::build::<F>(builder.loader_fn(|_: &u32| Loaded::ok(100)));
    hands.invalidate_for(&KEY, TIME);
    let entry = hands.entry(KEY);
    let waiting = apart(&cache, |cache| cache.fetch_with(&KEY));
    until("it joins", || cache.metrics().joined == 1);
    drop(entry);
    assert_eq!(waiting.result().ok().as_deref(), Some(&100));
    assert_eq!(cache.fetch(&KEY), None);
    at_rest(&cache.sync());
}

fn g2_a_load_in_the_air_is_superseded<F: Kind>() {
    for style in BOTH {
        let (_clock, builder) = mocked();
        let (cache, hands, runway) = with_runway::<F>(1, style, builder, Loaded::value);
        let leader = apart(&cache, |cache| cache.fetch_with(&KEY));
        runway.until_begun(0);
        assert!(!hands.invalidate_for(&KEY, TIME));
        assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&1), "it doesn't join");
        runway.open(0);
        assert_eq!(leader.result().ok().as_deref(), Some(&0));
        assert_eq!(cache.fetch(&KEY), None);
        at_rest(&cache.sync());
    }
}

/// What began before the end isn't stored after it.
fn g2_what_has_begun_before_the_end_is_not_stored_after_it<F: Kind>() {
    for style in BOTH {
        let (clock, builder) = mocked();
        let (cache, hands, runway) = with_runway::<F>(1, style, builder, Loaded::value);
        hands.invalidate_for(&KEY, TIME);
        let leader = apart(&cache, |cache| cache.fetch_with(&KEY));
        runway.until_begun(0);
        clock.advance(TIME);
        cache.run_maintenance();
        runway.open(0);
        assert_eq!(leader.result().ok().as_deref(), Some(&0));
        assert_eq!(cache.fetch(&KEY), None);
        assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&1));
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&1));
        at_rest(&cache.sync());
    }
}

/// A load that waits for its turn, from before the call or since, begins under it.
fn g2_a_load_that_begins_later_is_not_stored<F: Kind>() {
    for is_before in [true, false] {
        let (_clock, builder) = mocked();
        let (cache, hands, runway) = with_runway::<F>(1, Style::Async, builder.max_concurrent_loads(1), Loaded::value);
        let other = apart(&cache, |cache| cache.fetch_with(&2));
        runway.until_begun(0);
        let fetch = || {
            let queued = apart(&cache, |cache| cache.fetch_with(&KEY));
            until("it waits", || cache.metrics().flights == 2);
            queued
        };
        let queued = is_before.then(fetch);
        hands.invalidate_for(&KEY, TIME);
        let queued = queued.unwrap_or_else(fetch);
        runway.open(0);
        assert_eq!((other.result().ok().as_deref(), queued.result().ok().as_deref()), (Some(&0), Some(&1)));
        assert_eq!((cache.fetch(&2).as_deref(), cache.fetch(&KEY)), (Some(&0), None));
        at_rest(&cache.sync());
    }
}

/// Who waits gets what is loaded, one load at a time.
fn g1_those_who_ask_under_an_embargo_share_a_load<F: Kind>() {
    for style in BOTH {
        let (_clock, builder) = mocked();
        let (cache, hands, runway) = with_runway::<F>(1, style, builder, Loaded::value);
        hands.invalidate_for(&KEY, TIME);
        let callers: Vec<_> = (0..5).map(|_| apart(&cache, |cache| cache.fetch_with(&KEY))).collect();
        runway.until_begun(0);
        until("they join", || cache.metrics().joined == 4);
        runway.open(0);
        assert!(callers.into_iter().all(|caller| caller.result().ok().as_deref() == Some(&0)));
        assert_eq!((runway.begun(), cache.len()), (1, 0));
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g2_the_load_in_the_place_of_an_entry_is_not_stored,
    g2_a_load_in_the_air_is_superseded,
    g2_what_has_begun_before_the_end_is_not_stored_after_it,
    g2_a_load_that_begins_later_is_not_stored,
    g1_those_who_ask_under_an_embargo_share_a_load,
);
