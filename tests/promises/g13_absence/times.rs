//! For how long an absence is remembered: to the tick, by its own time or the cache's.

use crate::faces::{Face, Kind};
use crate::g13_absence::backend::Backend;
use crate::g13_absence::{SECOND, TICK};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{BoxError, CacheBuilder, Loaded, MockClock};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

const KEY: u32 = 7;

fn g13_an_absence_holds_until_its_deadline<F: Kind>() {
    for style in BOTH {
        for ttl in [TICK, 10 * TICK, SECOND, 86_400 * 365 * SECOND] {
            let (clock, backend) = (MockClock::new(), Backend::new());
            clock.advance(5 * SECOND);
            // Whatever values may do, an absence holds for its own time.
            let builder = CacheBuilder::new().negative_ttl(ttl).time_to_live(3 * SECOND).time_to_idle(SECOND / 2);
            let cache: Of<F> = F::Of::build(backend.behind(builder.clock(clock.clone()), style));
            for round in 1..=3 {
                assert!(cache.fetch_with(&KEY).is_err());
                assert_eq!(backend.asked(), round, "{style:?}, {ttl:?}");
                clock.advance(ttl - TICK);
                assert!(cache.fetch_with(&KEY).is_err());
                assert_eq!((backend.asked(), cache.metrics().negatives), (round, 1), "{style:?}, {ttl:?}");
                clock.advance(TICK);
                assert_eq!(cache.metrics().negatives, 0, "{style:?}, {ttl:?}, {round}");
            }
            backend.add(KEY);
            assert_eq!(*cache.fetch_with(&KEY).expect("it is there now"), KEY);
            assert_eq!(at_rest(&cache.sync()).negative_hits, 3, "{style:?}, {ttl:?}");
        }
    }
}

fn g13_without_a_janitor_no_absence_is_told_past_its_time<F: Kind>() {
    let (clock, backend) = (MockClock::new(), Backend::new());
    let builder = CacheBuilder::new().negative_ttl(SECOND).no_janitor().clock(clock.clone());
    let cache: Of<F> = F::Of::build(backend.behind(builder, BOTH[0]));
    assert!(cache.fetch_with(&KEY).is_err());
    clock.advance(SECOND);
    backend.add(KEY);
    assert_eq!((cache.metrics().negatives, cache.weight()), (1, 1), "not yet reclaimed");
    assert_eq!(*cache.fetch_with(&KEY).expect("it is there now"), KEY);
    let metrics = at_rest(&cache.sync());
    assert_eq!((metrics.negatives, metrics.negative_hits, metrics.misses, cache.weight()), (0, 0, 2, 1));
}

fn g13_an_absence_may_have_a_time_of_its_own<F: Kind>() {
    for by_cache in [None, Some(10 * SECOND), Some(Duration::ZERO)] {
        for own in [SECOND, 100 * SECOND] {
            let clock = MockClock::new();
            let load = move |_: &u32| Ok::<_, BoxError>(Loaded::absent().time_to_live(own));
            let builder = CacheBuilder::new().clock(clock.clone()).loader_fn(load);
            let cache: Of<F> = F::Of::build(match by_cache {
                Some(by_cache) => builder.negative_ttl(by_cache),
                None => builder,
            });
            assert!(cache.fetch_with(&KEY).is_err());
            clock.advance(own - TICK);
            assert!(cache.fetch_with(&KEY).is_err());
            assert_eq!(cache.metrics().negative_hits, 1);
            clock.advance(TICK);
            assert!(cache.fetch_with(&KEY).is_err());
            assert_eq!((cache.metrics().negative_hits, cache.metrics().loads_absent), (1, 2));
            at_rest(&cache.sync());
        }
    }
}

/// No time at all, by the cache's setting or its own: nothing is remembered.
fn g13_an_absence_without_any_time_is_not_remembered<F: Kind>() {
    for (by_cache, own) in [(Duration::ZERO, None), (SECOND, Some(Duration::ZERO))] {
        let load = move |_: &u32| {
            let absent = Loaded::absent();
            Ok::<_, BoxError>(match own {
                Some(own) => absent.time_to_live(own),
                None => absent,
            })
        };
        let cache: Of<F> = F::Of::build(CacheBuilder::new().negative_ttl(by_cache).clock(MockClock::new()).loader_fn(load));
        (0..5).for_each(|_| assert!(cache.fetch_with(&KEY).is_err()));
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_absent, metrics.negative_hits), (5, 0));
    }
}

fn g13_an_absence_may_hold_for_ever<F: Kind>() {
    let (clock, backend) = (MockClock::new(), Backend::new());
    let cache: Of<F> = F::Of::build(backend.behind(CacheBuilder::new().negative_ttl(Duration::MAX).clock(clock.clone()), BOTH[1]));
    assert!(cache.fetch_with(&KEY).is_err());
    clock.set(Duration::MAX);
    assert!(cache.fetch_with(&KEY).is_err());
    assert_eq!((backend.asked(), at_rest(&cache.sync()).negatives), (1, 1));
}

on_every_face_in_time!(
    g13_an_absence_holds_until_its_deadline,
    g13_without_a_janitor_no_absence_is_told_past_its_time,
    g13_an_absence_may_have_a_time_of_its_own,
    g13_an_absence_without_any_time_is_not_remembered,
    g13_an_absence_may_hold_for_ever,
);
