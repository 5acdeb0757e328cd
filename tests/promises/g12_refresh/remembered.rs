//! `error_backoff`: the error of a key without a value is remembered, and given at once until the time of the next try.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{KEY, Of, TICK, kind};
use crate::gate::until;
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::tally::tally;
use bellwether::{BoxError, CacheBuilder, Entry, ErrorBackoff, LoadError, LoadErrorKind, Loaded, MockClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const EXACT: ErrorBackoff = ErrorBackoff::new(FIRST).jitter(false);

/// A cache that holds nothing, whose loader fails until it is told to bring its numbers.
fn failing<F: Kind>(style: Style, backoff: ErrorBackoff) -> (Of<F>, MockClock, Runway, Arc<AtomicBool>) {
    let (clock, runway, up) = (MockClock::new(), Runway::new(0), Arc::new(AtomicBool::new(false)));
    let works = Arc::clone(&up);
    let answer = move |number| if works.load(Ordering::Relaxed) { Loaded::ok(number) } else { Err(format!("down {number}").into()) };
    let builder = runway.loader(CacheBuilder::new().clock(clock.clone()).error_backoff(backoff), style, answer);
    (F::Of::build(builder), clock, runway, up)
}

fn source(result: Result<Arc<usize>, LoadError>) -> Arc<dyn std::error::Error + Send + Sync> {
    match result {
        Err(LoadError::Failed { source, .. }) => source,
        other => panic!("it failed: {other:?}"),
    }
}

fn g12_all_callers_get_the_very_same_error_until_the_next_try<F: Kind>() {
    for style in BOTH {
        let (cache, clock, runway, _) = failing::<F>(style, EXACT);
        let first = source(cache.fetch_with(&KEY));
        clock.advance(FIRST - TICK);
        for _ in 0..20 {
            assert!(Arc::ptr_eq(&first, &source(cache.fetch_with(&KEY))), "{style:?}");
            assert!(Arc::ptr_eq(&first, &source(cache.fetch_or_load(&KEY, || panic!("it is remembered")))));
            assert!(Arc::ptr_eq(&first, &source(cache.fetch_detailed(&KEY).map(|fetched| fetched.value))));
            assert_eq!(kind(cache.fetch_optional(&KEY)), Some(LoadErrorKind::Failed), "a failure is no absence");
        }
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.negative_hits, metrics.misses, metrics.loads_started, runway.begun()), (80, 1, 1, 1), "{style:?}");
        clock.advance(TICK);
        let second = source(cache.fetch_with(&KEY));
        assert!(!Arc::ptr_eq(&first, &second) && second.to_string() == "down 1", "{style:?}: at the instant itself it is tried");
        assert_eq!(at_rest(&cache.sync()).loads_started, 2);
    }
}

fn g12_failures_in_a_row_double_the_wait_and_a_success_ends_them<F: Kind>() {
    for style in BOTH {
        let (cache, clock, runway, up) = failing::<F>(style, EXACT.max(FIRST * 10));
        for (tries, wait) in [1, 2, 4, 8, 10, 10].map(|times| FIRST * times).into_iter().enumerate() {
            assert!(cache.fetch_with(&KEY).is_err());
            assert_eq!(runway.begun(), tries + 1, "{style:?}");
            clock.advance(wait - TICK);
            (0..10).for_each(|_| assert!(cache.fetch_with(&KEY).is_err()));
            assert_eq!(runway.begun(), tries + 1, "{style:?}: {wait:?} aren't over");
            clock.advance(TICK);
        }
        up.store(true, Ordering::Relaxed);
        assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&6));
        assert_eq!((cache.metrics().negatives, cache.weight()), (0, 1));
        up.store(false, Ordering::Relaxed);
        cache.invalidate(&KEY);
        assert!(cache.fetch_with(&KEY).is_err());
        clock.advance(FIRST);
        assert!(cache.fetch_with(&KEY).is_err());
        assert_eq!((runway.begun(), at_rest(&cache.sync()).loads_failed()), (9, 8), "{style:?}: it began anew");
    }
}

fn g12_the_jitter_shortens_each_wait_by_half_at_most<F: Kind>() {
    let (cache, clock, runway, _) = failing::<F>(Style::Blocking, ErrorBackoff::new(FIRST));
    for key in 0..20 {
        assert!(cache.fetch_with(&key).is_err());
    }
    clock.advance(FIRST / 2 - TICK);
    (0..20).for_each(|key| assert!(cache.fetch_with(&key).is_err()));
    assert_eq!(runway.begun(), 20, "no wait is shorter than half");
    clock.advance(FIRST / 2 + TICK);
    (0..20).for_each(|key| assert!(cache.fetch_with(&key).is_err()));
    assert_eq!(runway.begun(), 40, "none is longer than the whole");
    at_rest(&cache.sync());
}

fn g12_a_remembered_failure_is_no_entry<F: Kind>() {
    for style in BOTH {
        let (cache, clock, ..) = failing::<F>(style, EXACT);
        assert!(cache.fetch_with(&KEY).is_err());
        assert_eq!((cache.len(), cache.weight(), cache.metrics().negatives, cache.metrics().entries), (0, 1, 1, 0), "{style:?}");
        assert!(cache.fetch(&KEY).is_none() && cache.get(&KEY, |_| ()).is_none() && cache.fetch_stale(&KEY).is_none());
        assert!(!cache.contains_key(&KEY) && cache.entry_info(&KEY).is_none() && cache.entries().is_empty());
        assert!(matches!(cache.sync().entry(KEY), Entry::Vacant(_)));
        // It is kept somewhat longer than it is given, to know how many failures went before, and then goes by itself.
        clock.advance(FIRST * 10);
        assert_eq!((cache.metrics().negatives, cache.weight()), (0, 0), "{style:?}");
        at_rest(&cache.sync());
    }
}

fn g12_any_write_ends_the_wait<F: Kind>() {
    type Write<F> = (&'static str, fn(&Of<F>));
    let writes: [Write<F>; 8] = [
        ("insert", |cache| cache.insert(KEY, 7)),
        ("insert_with", |cache| cache.insert_with(KEY, Loaded::value(7))),
        ("insert of nothing", |cache| cache.insert_with(KEY, Loaded::absent())),
        ("invalidate", |cache| assert!(!cache.invalidate(&KEY), "nothing was held")),
        ("remove", |cache| assert!(cache.remove(&KEY).is_none(), "nothing was held")),
        ("expire", |cache| assert!(!cache.expire(&KEY), "nothing was held")),
        ("clear", Face::clear),
        ("entry", |cache| assert_eq!(*cache.sync().entry(KEY).or_insert(7), 7)),
    ];
    for style in BOTH {
        for (name, write) in writes {
            let (cache, clock, runway, _) = failing::<F>(style, EXACT);
            for _ in 0..3 {
                assert!(cache.fetch_with(&KEY).is_err());
                clock.advance(FIRST * 4 - TICK);
            }
            let begun = runway.begun();
            assert!(cache.fetch_with(&KEY).is_err(), "it waits, or has just been tried");
            write(&cache);
            assert_eq!(cache.metrics().negatives, 0, "{name}");
            cache.invalidate(&KEY);
            assert!(cache.fetch_with(&KEY).is_err());
            assert!(runway.begun() > begun, "{name}: it is tried at once");
            let begun = runway.begun();
            clock.advance(FIRST);
            assert!(cache.fetch_with(&KEY).is_err());
            assert_eq!(runway.begun(), begun + 1, "{name}, {style:?}: and the waits begin anew");
            at_rest(&cache.sync());
        }
    }
}

fn g12_an_explicit_refresh_neither_waits_nor_asks_what_is_remembered<F: Kind>() {
    for style in BOTH {
        let (cache, clock, runway, up) = failing::<F>(style, EXACT);
        assert!(cache.fetch_with(&KEY).is_err());
        assert_eq!(source(cache.refresh(&KEY)).to_string(), "down 1", "{style:?}");
        assert_eq!(source(cache.fetch_with(&KEY)).to_string(), "down 1", "the newer error is the one");
        clock.advance(FIRST);
        assert!(cache.fetch_with(&KEY).is_err());
        assert_eq!(runway.begun(), 2, "{style:?}: it counts as a try, so that the wait is longer");
        up.store(true, Ordering::Relaxed);
        assert_eq!(cache.refresh(&KEY).ok().as_deref(), Some(&2));
        assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&2), "{style:?}");
        tally(&cache.sync(), |metrics| (metrics.negatives, metrics.loads_started), (0, 3));
    }
}

fn g12_panics_and_time_outs_are_remembered_and_what_is_no_fault_of_the_loader_is_not<F: Kind>() {
    hush();
    let limit = Duration::from_millis(100);
    for style in BOTH {
        let (clock, runway) = (MockClock::new(), Runway::new(1));
        let answer = |number| match number {
            0 => Loaded::ok(0),
            1 => panic!("{ON_PURPOSE}"),
            _ => Loaded::ok(Loaded::absent()),
        };
        let builder = CacheBuilder::new().clock(clock.clone()).error_backoff(EXACT).load_timeout(limit);
        let cache: Of<F> = F::Of::build(runway.loader(builder, style, answer));
        let slow = apart(&cache.sync().to_async(), |cache| futures::executor::block_on(cache.fetch_with(&1)));
        runway.until_begun(0);
        until("it waits", || cache.metrics().waiters == 1);
        clock.advance(limit);
        assert_eq!(kind(slow.result()), Some(LoadErrorKind::TimedOut));
        assert_eq!(kind(cache.fetch_with(&1)), Some(LoadErrorKind::TimedOut));
        runway.open(0);
        assert_eq!([kind(cache.fetch_with(&2)), kind(cache.fetch_with(&2))], [Some(LoadErrorKind::Panicked); 2], "{style:?}");
        assert_eq!(runway.begun(), 2);
        assert_eq!([kind(cache.fetch_with(&3)), kind(cache.fetch_with(&3))], [Some(LoadErrorKind::Absent); 2], "{style:?}");
        assert_eq!(runway.begun(), 4, "absence is an answer, with a setting of its own");
        assert!(cache.sync().close());
        assert_eq!(kind(cache.fetch_with(&4)), Some(LoadErrorKind::Closed));
        assert_eq!(at_rest(&cache.sync()).negatives, 2);
    }
}

/// Without the setting each call tries.
fn g12_without_the_setting_no_failure_is_remembered<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(0);
        let fails = |_| Err::<Loaded<usize>, BoxError>("down".into());
        let cache: Of<F> = F::Of::build(runway.loader(CacheBuilder::new(), style, fails));
        (0..10).for_each(|_| assert!(cache.fetch_with(&KEY).is_err()));
        assert_eq!((runway.begun(), at_rest(&cache.sync()).negatives), (10, 0), "{style:?}");
    }
}

on_every_face_in_time!(
    g12_all_callers_get_the_very_same_error_until_the_next_try,
    g12_failures_in_a_row_double_the_wait_and_a_success_ends_them,
    g12_the_jitter_shortens_each_wait_by_half_at_most,
    g12_a_remembered_failure_is_no_entry,
    g12_any_write_ends_the_wait,
    g12_an_explicit_refresh_neither_waits_nor_asks_what_is_remembered,
    g12_panics_and_time_outs_are_remembered_and_what_is_no_fault_of_the_loader_is_not,
    g12_without_the_setting_no_failure_is_remembered,
);
