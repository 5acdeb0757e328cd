//! Settings at their edges: an error that names setting, value and remedy, or defined behaviour.

use crate::faces::{Face, Kind};
use crate::rest::at_rest;
use bellwether::{BoxError, BuildError, CacheBuilder, LoadErrorKind, Loaded, MockClock};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;
type Builder = CacheBuilder<u32, u32>;

const TICK: Duration = Duration::from_nanos(1);

/// The errors that both faces give.
fn errors(set: impl Fn(Builder) -> Builder) -> [String; 2] {
    let text = |error: BuildError| error.to_string();
    let blocking = set(CacheBuilder::new()).build().map(drop).expect_err("it makes no sense");
    let tasks = set(CacheBuilder::new()).build_async().map(drop).expect_err("it makes no sense");
    [text(blocking), text(tasks)]
}

#[test]
fn g18_impossible_settings_are_errors_that_name_setting_value_and_remedy() {
    type Case = (&'static [&'static str], fn(Builder) -> Builder);
    let cases: [Case; 5] = [
        (&["load_timeout", "0", "Duration::MAX"], |builder| builder.load_timeout(Duration::ZERO)),
        (&["shards", "is 0", "between 1 and 65536"], |builder| builder.shards(0)),
        (&["shards", "65537", "between 1 and 65536"], |builder| builder.shards(65_537)),
        (&["shards", "18446744073709551615", "between 1 and 65536"], |builder| builder.shards(usize::MAX)),
        (&["async_reload_fn", "async_loader_fn"], |builder| builder.async_reload_fn(|_, _| async { Loaded::ok(Loaded::unchanged()) })),
    ];
    for (named, set) in cases {
        for error in errors(set) {
            assert!(named.iter().all(|part| error.contains(part)), "{named:?} in {error:?}");
        }
    }
}

fn loading() -> Builder {
    CacheBuilder::new().loader_fn(|key: &u32| Ok::<_, BoxError>(*key))
}

fn g18_the_most_and_the_fewest_shards_work<F: Kind>() {
    for shards in [1, 65_536] {
        let cache: Of<F> = F::Of::build(loading().shards(shards).capacity(10));
        for key in 0..20 {
            assert_eq!(*cache.fetch_with(&key).expect("the loader brings it"), key);
        }
        assert_eq!((cache.len(), cache.entries().len()), (10, 10));
        cache.clear();
        at_rest(&cache.sync());
    }
}

fn g18_sizes_at_their_edges_are_taken<F: Kind>() {
    for expected in [0, 1, u64::MAX] {
        for capacity in [0, 1, u64::MAX] {
            let cache: Of<F> = F::Of::build(loading().expected_entries(expected).capacity(capacity).name(""));
            (0..5).for_each(|key| cache.insert(key, key));
            assert_eq!(cache.len(), capacity.min(5));
            at_rest(&cache.sync());
        }
    }
}

fn g18_a_capacity_of_zero_holds_nothing_whatever_is_done<F: Kind>() {
    let cache: Of<F> = F::Of::build(loading().capacity(0));
    cache.insert(1, 1);
    cache.insert_with(1, Loaded::value(1).weight(0));
    cache.insert_with_ttl(1, 1, Duration::MAX);
    assert_eq!(*cache.fetch_with(&1).expect("it is delivered all the same"), 1);
    assert_eq!(*cache.fetch_or_load(&1, || Loaded::ok(5)).expect("it is delivered all the same"), 5);
    assert_eq!(*cache.refresh(&1).expect("it is delivered all the same"), 1);
    assert!(cache.fetch(&1).is_none() && cache.get(&1, |_| ()).is_none() && cache.peek(&1).is_none());
    assert!(cache.remove(&1).is_none() && !cache.invalidate(&1) && !cache.contains_key(&1));
    cache.clear();
    assert_eq!((cache.len(), cache.weight(), cache.entries().len()), (0, 0, 0));
    at_rest(&cache.sync());
}

/// By a clock that stands still no time-out is too short; by one that goes, one of a nanosecond has always run out.
fn g18_time_outs_at_their_edges<F: Kind>() {
    for limit in [TICK, Duration::MAX - TICK, Duration::MAX] {
        for end in [Duration::ZERO, Duration::MAX] {
            let clock = MockClock::new();
            clock.set(end);
            let cache: Of<F> = F::Of::build(loading().load_timeout(limit).clock(clock));
            assert_eq!(*cache.fetch_with(&1).expect("no time passes"), 1);
            at_rest(&cache.sync());
        }
        let cache: Of<F> = F::Of::build(loading().load_timeout(limit));
        for key in 0..20 {
            let result = cache.fetch_with(&key).map_err(|error| error.kind());
            let expected = if limit == TICK { Err(LoadErrorKind::TimedOut) } else { Ok(key) };
            assert_eq!(result.map(|value| *value), expected, "within {limit:?}");
        }
        at_rest(&cache.sync());
    }
}

fn g18_times_to_live_at_their_edges<F: Kind>() {
    for (ttl, is_held) in [(Duration::ZERO, false), (TICK, false), (Duration::MAX - TICK, true), (Duration::MAX, true)] {
        let cache: Of<F> = F::Of::build(loading().time_to_live(ttl));
        for key in 0..50 {
            cache.insert(key, 7);
            cache.insert_with_ttl(key + 100, 7, ttl);
            assert_eq!(*cache.fetch_with(&(key + 200)).expect("it is delivered all the same"), key + 200);
            std::hint::black_box(std::time::Instant::now());
            for key in [key, key + 100, key + 200] {
                assert_eq!(cache.contains_key(&key), is_held, "for {ttl:?}");
            }
            let again = *cache.fetch_with(&key).expect("held or loaded");
            assert_eq!(again, if is_held { 7 } else { key });
        }
        at_rest(&cache.sync());
    }
}

crate::on_every_face_in_time!(
    g18_the_most_and_the_fewest_shards_work,
    g18_sizes_at_their_edges_are_taken,
    g18_a_capacity_of_zero_holds_nothing_whatever_is_done,
    g18_time_outs_at_their_edges,
    g18_times_to_live_at_their_edges,
);
