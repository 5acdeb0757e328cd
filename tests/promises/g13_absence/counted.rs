//! A remembered absence answers every read-through call at once, and is counted apart.

use crate::faces::{Face, Kind};
use crate::g13_absence::SECOND;
use crate::g13_absence::backend::Backend;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{CacheBuilder, LoadError, LoadErrorKind, Loaded, MetricsSnapshot, MockClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

type Of<F> = <F as Kind>::Of<u32, u32>;

const KEY: u32 = 7;

fn counts(metrics: &MetricsSnapshot) -> [u64; 5] {
    [metrics.negative_hits, metrics.hits, metrics.misses, metrics.joined, metrics.loads_absent]
}

fn g13_an_absent_key_is_asked_for_once<F: Kind>() {
    for style in BOTH {
        let backend = Backend::new();
        let cache: Of<F> = F::Of::build(backend.behind(CacheBuilder::new().negative_ttl(SECOND).clock(MockClock::new()), style));
        assert!(matches!(cache.fetch_with(&KEY), Err(LoadError::Absent)));
        assert_eq!(counts(&cache.metrics()), [0, 0, 1, 0, 1], "{style:?}");
        let called = Arc::new(AtomicBool::new(false));
        let by_closure = Arc::clone(&called);
        let load = move || {
            by_closure.store(true, Ordering::SeqCst);
            Loaded::ok(1)
        };
        assert!(matches!(cache.fetch_with(&KEY), Err(LoadError::Absent)));
        assert_eq!(cache.fetch_optional(&KEY).expect("absence is an answer"), None);
        assert!(matches!(cache.fetch_detailed(&KEY), Err(LoadError::Absent)));
        assert!(matches!(cache.fetch_or_load(&KEY, load), Err(LoadError::Absent)));
        let metrics = at_rest(&cache.sync());
        assert_eq!(counts(&metrics), [4, 0, 1, 0, 1], "{style:?}");
        assert_eq!((metrics.loads_started, metrics.loads_failed_by(LoadErrorKind::Absent), backend.asked()), (1, 0, 1), "{style:?}");
        assert!(!called.load(Ordering::SeqCst), "the closure isn't called");
        assert!((metrics.hit_ratio() - 0.8).abs() < 1e-9);
    }
}

fn g13_without_a_negative_time_to_live_each_call_asks<F: Kind>() {
    for style in BOTH {
        let backend = Backend::new();
        let cache: Of<F> = F::Of::build(backend.behind(CacheBuilder::new(), style));
        for asked in 1..=5 {
            assert_eq!(cache.fetch_optional(&KEY).expect("absence is an answer"), None);
            assert_eq!(backend.asked(), asked);
        }
        let metrics = at_rest(&cache.sync());
        assert_eq!((counts(&metrics), metrics.negatives, metrics.weight), ([0, 0, 5, 0, 5], 0, 0), "{style:?}");
    }
}

/// An absent answer of a closure is remembered like one of a loader.
fn g13_what_a_closure_says_is_remembered_too<F: Kind>() {
    let cache: Of<F> = F::Of::build(CacheBuilder::new().negative_ttl(SECOND).clock(MockClock::new()));
    assert!(matches!(cache.fetch_or_load(&KEY, || Loaded::ok(Loaded::absent())), Err(LoadError::Absent)));
    assert!(matches!(cache.fetch_or_load(&KEY, || Loaded::ok(1)), Err(LoadError::Absent)));
    assert_eq!(counts(&at_rest(&cache.sync())), [1, 0, 1, 0, 1]);
}

/// The explicit refresh asks, whatever is remembered; what it hears takes the place of that.
fn g13_a_refresh_asks_all_the_same<F: Kind>() {
    for style in BOTH {
        let backend = Backend::new();
        let cache: Of<F> = F::Of::build(backend.behind(CacheBuilder::new().negative_ttl(SECOND).clock(MockClock::new()), style));
        assert!(cache.fetch_with(&KEY).is_err());
        assert!(matches!(cache.refresh(&KEY), Err(LoadError::Absent)));
        assert_eq!((backend.asked(), cache.metrics().negatives, cache.metrics().negative_hits), (2, 1, 0), "{style:?}");
        backend.add(KEY);
        assert_eq!(*cache.refresh(&KEY).expect("it is there now"), KEY);
        assert_eq!((backend.asked(), cache.metrics().negatives, cache.len(), cache.weight()), (3, 0, 1, 1), "{style:?}");
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g13_an_absent_key_is_asked_for_once,
    g13_without_a_negative_time_to_live_each_call_asks,
    g13_what_a_closure_says_is_remembered_too,
    g13_a_refresh_asks_all_the_same,
);
