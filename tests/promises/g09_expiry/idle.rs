//! `time_to_idle`: what counts as a use, what doesn't, and what it cuts short.

use crate::faces::{Face, Kind};
use crate::g09_expiry::scene::{BRINGS, JANITORS, KEY, NEW, OLD, Of, aged, entry, state};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{Rules, TICK, secs};
use crate::runway::BOTH;
use bellwether::{BoxError, Entry, Freshness, Loaded};
use std::time::Duration;

const IDLE: Duration = secs(30);
const RULES: Rules = Rules { live: secs(100), idle: IDLE, ..Rules::FOR_EVER };

/// Something that is done with the entry, by name.
type Act<F> = (&'static str, fn(&Of<F>));

fn uses<F: Kind>() -> [Act<F>; 10] {
    [
        ("get", |cache| assert_eq!(cache.get(&KEY, |value| *value), Some(OLD))),
        ("fetch", |cache| assert!(cache.fetch(&KEY).is_some())),
        ("fetch_with", |cache| assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD))),
        ("fetch_optional", |cache| assert_eq!(cache.fetch_optional(&KEY).ok().flatten().as_deref(), Some(&OLD))),
        ("fetch_detailed", |cache| assert_eq!(cache.fetch_detailed(&KEY).map(|fetched| *fetched.value).ok(), Some(OLD))),
        ("fetch_or_load", |cache| assert_eq!(cache.fetch_or_load(&KEY, || Loaded::ok(NEW)).ok().as_deref(), Some(&OLD))),
        ("fetch_stale", |cache| assert!(cache.fetch_stale(&KEY).is_some())),
        ("entry", |cache| assert!(matches!(entry::<F>(cache), Entry::Occupied(_)))),
        ("try_entry", |cache| assert!(matches!(cache.sync().try_entry(KEY), Some(Entry::Occupied(_))))),
        ("and_modify", |cache| drop(entry::<F>(cache).and_modify(|value| *value = OLD))),
    ]
}

fn non_uses<F: Kind>() -> [Act<F>; 9] {
    [
        ("peek", |cache| assert!(cache.peek(&KEY).is_some())),
        ("contains_key", |cache| assert!(cache.contains_key(&KEY))),
        ("iter", |cache| assert_eq!(cache.entries().len(), 1)),
        ("entry_info", |cache| assert!(cache.entry_info(&KEY).is_some())),
        ("set_ttl", |cache| assert!(cache.set_ttl(&KEY, secs(1_000)))),
        ("persist", |cache| assert!(cache.persist(&KEY))),
        ("run_maintenance", |cache| cache.run_maintenance()),
        ("a load of another key", |cache| {
            assert!(cache.fetch_or_load(&(KEY + 1), || Err::<Loaded<u32>, BoxError>("down".into())).is_err())
        }),
        ("nothing", |_| ()),
    ]
}

fn g09_each_use_keeps_an_entry_for_another_idle_time<F: Kind>() {
    for (name, touch) in uses::<F>() {
        for janitor in JANITORS {
            let (cache, clock) = aged::<F>(&Rules { live: Duration::MAX, ..RULES }, Duration::ZERO, janitor, BOTH[0], BRINGS);
            for _ in 0..5 {
                clock.advance(IDLE - TICK);
                touch(&cache);
                assert_eq!(cache.entry_info(&KEY).and_then(|info| info.usable_for), Some(IDLE), "{name}");
            }
            clock.advance(IDLE - TICK);
            assert!(cache.contains_key(&KEY), "{name}");
            clock.advance(TICK);
            assert_eq!((state::<F>(&cache), cache.fetch(&KEY)), (Freshness::Expired, None), "{name}");
            assert_eq!(at_rest(&cache.sync()).loads_started, 0);
        }
    }
}

fn g09_what_only_looks_is_no_use<F: Kind>() {
    for (name, look) in non_uses::<F>() {
        for janitor in JANITORS {
            let (cache, clock) = aged::<F>(&RULES, IDLE - TICK, janitor, BOTH[0], BRINGS);
            look(&cache);
            assert_eq!(cache.entry_info(&KEY).and_then(|info| info.usable_for), Some(TICK), "{name}");
            clock.advance(TICK);
            assert_eq!((state::<F>(&cache), cache.fetch(&KEY)), (Freshness::Expired, None), "{name}");
            at_rest(&cache.sync());
        }
    }
}

fn g09_uses_never_keep_an_entry_beyond_its_other_times<F: Kind>() {
    let windows = [(Duration::ZERO, secs(100)), (secs(20), secs(120)), (secs(100), secs(200))];
    for (window, last) in windows {
        for janitor in JANITORS {
            let rules = Rules { while_revalidating: window, ..RULES };
            let (cache, clock) = aged::<F>(&rules, Duration::ZERO, janitor, BOTH[0], BRINGS);
            let start = clock.elapsed();
            while clock.elapsed() - start < last {
                assert!(cache.fetch_stale(&KEY).is_some(), "{:?}", clock.elapsed());
                let left = cache.entry_info(&KEY).and_then(|info| info.usable_for);
                assert_eq!(left, Some(IDLE.min(start + last - clock.elapsed())));
                clock.advance(secs(20).min(start + last - clock.elapsed()));
            }
            assert!(cache.fetch_stale(&KEY).is_none());
            at_rest(&cache.sync());
        }
    }
}

/// Being stored, or found to be as it was, is a use; so is being served while stale.
fn g09_a_value_that_is_stored_or_confirmed_begins_its_idle_time_anew<F: Kind>() {
    let renew: [Act<F>; 4] = [
        ("insert", |cache| cache.insert(KEY, NEW)),
        ("insert_with", |cache| cache.insert_with(KEY, Loaded::value(NEW))),
        ("a refresh that changes nothing", |cache| assert!(cache.refresh(&KEY).is_ok())),
        ("replace", |cache| match entry::<F>(cache) {
            Entry::Occupied(mut entry) => assert!(entry.replace(NEW).is_ok()),
            Entry::Vacant(_) => panic!("it is held"),
        }),
    ];
    for (name, renew) in renew {
        let (cache, clock) = aged::<F>(&RULES, IDLE - TICK, JANITORS[0], BOTH[0], |_| Ok(Loaded::unchanged()));
        renew(&cache);
        at_rest(&cache.sync());
        clock.advance(IDLE - TICK);
        assert_eq!(cache.entry_info(&KEY).and_then(|info| info.usable_for), Some(TICK), "{name}");
        clock.advance(TICK);
        assert_eq!(state::<F>(&cache), Freshness::Expired, "{name}");
    }
    let rules = Rules { live: secs(10), while_revalidating: secs(500), ..RULES };
    for (name, served) in [("fetch_stale", false), ("fetch_with", true)] {
        let (cache, clock) = aged::<F>(&rules, IDLE - TICK, JANITORS[1], BOTH[1], |_| Err("down".into()));
        let fetched = if served { cache.fetch_with(&KEY).ok() } else { cache.fetch_stale(&KEY).map(|fetched| fetched.value) };
        assert_eq!(fetched.as_deref(), Some(&OLD), "{name}");
        at_rest(&cache.sync());
        clock.advance(IDLE - TICK);
        assert_eq!(state::<F>(&cache), Freshness::Stale, "{name}");
        clock.advance(TICK);
        assert_eq!(state::<F>(&cache), Freshness::Expired, "{name}");
    }
}

on_every_face_in_time!(
    g09_each_use_keeps_an_entry_for_another_idle_time,
    g09_what_only_looks_is_no_use,
    g09_uses_never_keep_an_entry_beyond_its_other_times,
    g09_a_value_that_is_stored_or_confirmed_begins_its_idle_time_anew,
);
