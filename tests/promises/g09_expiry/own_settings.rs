//! Settings that a value brings of its own: each comes before the cache's, whichever way the value came.

use crate::faces::{Face, Kind};
use crate::g09_expiry::scene::{JANITORS, Janitor, KEY, NEW, OLD, Of, ages_by, builder, entry, state};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{Rules, secs};
use bellwether::{BoxError, CacheBuilder, Freshness, Loaded};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

const BASE: Rules = Rules { live: secs(100), refresh: secs(60), while_revalidating: secs(20), if_error: secs(50), idle: secs(500) };

/// What a value brings, and what comes of it.
type Own = (fn(Loaded<u32>) -> Loaded<u32>, Rules);

fn owns() -> [Own; 19] {
    [
        (|loaded| loaded, BASE),
        (|loaded| loaded.time_to_live(Duration::ZERO), Rules { live: Duration::ZERO, ..BASE }),
        (|loaded| loaded.time_to_live(secs(40)), Rules { live: secs(40), ..BASE }),
        (|loaded| loaded.time_to_live(secs(300)), Rules { live: secs(300), ..BASE }),
        (|loaded| loaded.time_to_live(Duration::MAX), Rules { live: Duration::MAX, ..BASE }),
        (|loaded| loaded.refresh_after(Duration::ZERO), Rules { refresh: Duration::ZERO, ..BASE }),
        (|loaded| loaded.refresh_after(secs(10)), Rules { refresh: secs(10), ..BASE }),
        (|loaded| loaded.refresh_after(secs(200)), Rules { refresh: secs(200), ..BASE }),
        (|loaded| loaded.refresh_after(Duration::MAX), Rules { refresh: Duration::MAX, ..BASE }),
        (|loaded| loaded.stale_while_revalidate(Duration::ZERO), Rules { while_revalidating: Duration::ZERO, ..BASE }),
        (|loaded| loaded.stale_while_revalidate(secs(70)), Rules { while_revalidating: secs(70), ..BASE }),
        (|loaded| loaded.stale_if_error(Duration::ZERO), Rules { if_error: Duration::ZERO, ..BASE }),
        (|loaded| loaded.stale_if_error(secs(300)), Rules { if_error: secs(300), ..BASE }),
        (|loaded| loaded.stale_if_error(Duration::MAX), Rules { if_error: Duration::MAX, ..BASE }),
        (|loaded| loaded.time_to_idle(Duration::ZERO), Rules { idle: Duration::ZERO, ..BASE }),
        (|loaded| loaded.time_to_idle(secs(110)), Rules { idle: secs(110), ..BASE }),
        (|loaded| loaded.time_to_idle(Duration::MAX), Rules { idle: Duration::MAX, ..BASE }),
        (|loaded| SMALL.own(loaded), SMALL),
        (|loaded| Rules::FOR_EVER.own(loaded), Rules::FOR_EVER),
    ]
}

const SMALL: Rules = Rules { live: secs(10), refresh: secs(6), while_revalidating: secs(2), if_error: secs(5), idle: secs(14) };

/// Gives `builder` a loader whose values bring what `own` says.
fn bringing(builder: CacheBuilder<u32, u32>, own: fn(Loaded<u32>) -> Loaded<u32>) -> CacheBuilder<u32, u32> {
    builder.loader_fn(move |_| Ok::<_, BoxError>(own(Loaded::value(NEW))))
}

/// A way for a value to come.
type Arrival<F> = (&'static str, fn(&Of<F>, fn(Loaded<u32>) -> Loaded<u32>));

fn arrivals<F: Kind>() -> [Arrival<F>; 8] {
    [
        ("insert_with", |cache, own| cache.insert_with(KEY, own(Loaded::value(OLD)))),
        ("insert_with over another", |cache, own| {
            cache.insert_with(KEY, Loaded::value(OLD).time_to_live(secs(7)).time_to_idle(secs(3)));
            cache.insert_with(KEY, own(Loaded::value(OLD)));
        }),
        ("a load", |cache, _| drop(cache.fetch_with(&KEY).expect("the loader brings it"))),
        ("a load whose caller may be told of absence", |cache, _| {
            assert!(cache.fetch_optional(&KEY).expect("the loader brings it").is_some());
        }),
        ("a refresh", |cache, _| {
            cache.insert(KEY, OLD);
            assert_eq!(*cache.refresh(&KEY).expect("the loader brings it"), NEW);
        }),
        ("a closure", |cache, own| {
            let load = move || Ok(own(Loaded::value(NEW)));
            assert!(cache.fetch_or_load(&KEY, load).is_ok());
        }),
        ("a vacant entry", |cache, own| assert_eq!(*entry::<F>(cache).or_insert(own(Loaded::value(OLD))), OLD)),
        ("a closure of an entry's", |cache, own| assert_eq!(*entry::<F>(cache).or_insert_with(|| own(Loaded::value(OLD))), OLD)),
    ]
}

fn g09_what_a_value_brings_of_its_own_comes_before_the_cache_s_setting<F: Kind>() {
    for (own, rules) in owns() {
        for (name, arrive) in arrivals::<F>() {
            for janitor in JANITORS {
                let (builder, clock) = builder(janitor);
                let cache: Of<F> = F::Of::build(bringing(BASE.apply(builder), own));
                arrive(&cache, own);
                ages_by::<F>(&cache, &clock, &rules, name);
                at_rest(&cache.sync());
            }
        }
    }
}

fn g09_a_cache_without_rules_takes_those_that_values_bring<F: Kind>() {
    let rules = [
        SMALL,
        Rules { live: secs(10), ..Rules::FOR_EVER },
        Rules { refresh: secs(10), ..Rules::FOR_EVER },
        Rules { idle: secs(10), ..Rules::FOR_EVER },
        Rules { live: secs(10), if_error: secs(5), ..Rules::FOR_EVER },
    ];
    for rules in rules {
        for janitor in JANITORS {
            let (builder, clock) = builder(janitor);
            let cache: Of<F> = F::Of::build(builder);
            cache.insert_with(KEY, rules.own(Loaded::value(OLD)));
            ages_by::<F>(&cache, &clock, &rules, "insert_with");
            // What the next one brings is its own affair.
            cache.insert(KEY, NEW);
            ages_by::<F>(&cache, &clock, &Rules::FOR_EVER, "insert");
            at_rest(&cache.sync());
        }
    }
}

/// An instant of the wall clock, taken as what is left until then.
fn g09_an_end_by_the_wall_clock_is_a_time_to_live<F: Kind>() {
    let hour = secs(3_600);
    for (name, arrive) in arrivals::<F>() {
        let (builder, clock) = builder(Janitor::On);
        let own: fn(Loaded<u32>) -> Loaded<u32> = |loaded| loaded.expires_at(SystemTime::now() + secs(3_600));
        let cache: Of<F> = F::Of::build(bringing(BASE.apply(builder), own));
        arrive(&cache, own);
        let left = cache.entry_info(&KEY).and_then(|info| info.time_left).expect("it ends");
        // Some real time has passed since the end was told.
        assert!(left <= hour && left > hour - secs(300), "{name}: {left:?}");
        clock.advance(left);
        assert_eq!(state::<F>(&cache), Freshness::Expired, "its idle time has ended it by then");

        let (builder, clock) = self::builder(Janitor::On);
        let own: fn(Loaded<u32>) -> Loaded<u32> = |loaded| loaded.expires_at(SystemTime::UNIX_EPOCH);
        let cache: Of<F> = F::Of::build(bringing(BASE.apply(builder), own));
        arrive(&cache, own);
        ages_by::<F>(&cache, &clock, &Rules { live: Duration::ZERO, ..BASE }, name);
        at_rest(&cache.sync());
    }
    // The last one given counts.
    let (builder, clock) = builder(Janitor::On);
    let cache: Of<F> = F::Of::build(builder);
    cache.insert_with(KEY, Loaded::value(OLD).expires_at(SystemTime::UNIX_EPOCH).time_to_live(secs(10)));
    ages_by::<F>(&cache, &clock, &Rules { live: secs(10), ..Rules::FOR_EVER }, "the last one given");
    cache.insert_with(KEY, Loaded::value(OLD).time_to_live(secs(10)).expires_at(SystemTime::UNIX_EPOCH));
    assert_eq!(cache.peek(&KEY), None);
}

/// Loads in the background bring settings, too.
fn g09_a_refresh_in_the_background_brings_its_own_times<F: Kind>() {
    let brought = Arc::new(Mutex::new(SMALL));
    let (builder, clock) = builder(Janitor::Off);
    let rules = Arc::clone(&brought);
    let load = move |_: &u32| Ok::<_, BoxError>(rules.lock().expect("nobody panics").own(Loaded::value(NEW)));
    let cache: Of<F> = F::Of::build(BASE.apply(builder).loader_fn(load));
    for rules in [SMALL, BASE, Rules::FOR_EVER] {
        *brought.lock().expect("nobody panics") = rules;
        cache.insert(KEY, OLD);
        clock.advance(secs(100));
        assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
        at_rest(&cache.sync());
        assert_eq!(cache.peek(&KEY).as_deref(), Some(&NEW));
        ages_by::<F>(&cache, &clock, &rules, "a refresh");
    }
}

on_every_face_in_time!(
    g09_what_a_value_brings_of_its_own_comes_before_the_cache_s_setting,
    g09_a_cache_without_rules_takes_those_that_values_bring,
    g09_an_end_by_the_wall_clock_is_a_time_to_live,
    g09_a_refresh_in_the_background_brings_its_own_times,
);
