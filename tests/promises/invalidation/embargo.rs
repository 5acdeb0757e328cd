//! G2: `invalidate_for` has nothing stored for a while that is loaded for a key.

use super::scene::{Hands, mocked, with_runway};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{TICK, secs};
use crate::runway::{BOTH, Style};
use bellwether::{CacheBuilder, Entry, Loaded};
use std::time::Duration;

/// A write by its name.
type Write = (&'static str, fn(&Hands<u32, u32>));

const KEY: u32 = 1;
const TIME: Duration = secs(10);

/// Values that callers bring are newer than what they have written over.
fn g2_values_that_callers_bring_are_stored_under_an_embargo<F: Kind>() {
    let writes: [Write; 8] = [
        ("insert", |hands| hands.sync().insert(KEY, 7)),
        ("try_insert", |hands| assert!(hands.try_insert(KEY, 7))),
        ("insert_with", |hands| hands.sync().insert_with(KEY, Loaded::value(7).tags(["a"]))),
        ("insert_if_absent", |hands| assert_eq!(hands.insert_if_absent(KEY, 7), None)),
        ("upsert", |hands| hands.upsert(KEY, || 6, |value| *value += 1)),
        ("entry", |hands| {
            let Entry::Vacant(entry) = hands.entry(KEY) else { panic!("nothing is held") };
            assert_eq!(*entry.insert(7), 7);
        }),
        ("or_insert", |hands| assert_eq!(*hands.entry(KEY).or_insert_with(|| 7), 7)),
        ("an occupied entry's replace", |hands| {
            hands.sync().insert(KEY, 6);
            let Entry::Occupied(mut entry) = hands.entry(KEY) else { panic!("it is held") };
            assert!(entry.replace(7).is_ok());
        }),
    ];
    for (name, write) in writes {
        let (_clock, builder) = mocked();
        let (cache, hands) = Hands::<u32, u32>::build::<F>(builder.loader_fn(|_: &u32| Loaded::ok(100)));
        cache.insert(KEY, 1);
        assert!(hands.invalidate_for(&KEY, TIME));
        assert_eq!(cache.fetch(&KEY), None);
        write(&hands);
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&7), "{name}");
        // It isn't loaded over meanwhile.
        assert_eq!(cache.refresh(&KEY).ok().as_deref(), Some(&100));
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&7), "{name}");
        at_rest(&cache.sync());
    }
}

/// The kinds of load.
const LOADS: &[&str] = &[
    "fetch_with",
    "fetch_optional",
    "fetch_detailed",
    "fetch_or_load",
    "refresh",
    "warm",
    #[cfg(feature = "bulk")]
    "multi_fetch_with",
];

/// Loads by that kind. Gives what the caller gets.
fn load<F: Kind>(kind: &str, cache: &F::Of<u32, u32>, hands: &Hands<u32, u32>) -> Option<u32> {
    match kind {
        "fetch_with" => cache.fetch_with(&KEY).ok().as_deref().copied(),
        "fetch_optional" => cache.fetch_optional(&KEY).ok().flatten().as_deref().copied(),
        "fetch_detailed" => cache.fetch_detailed(&KEY).ok().map(|fetched| *fetched.value),
        "fetch_or_load" => cache.fetch_or_load(&KEY, || Loaded::ok(100)).ok().as_deref().copied(),
        "refresh" => cache.refresh(&KEY).ok().as_deref().copied(),
        "warm" => {
            assert_eq!(hands.warm(&[KEY]), 1);
            until("it is over", || cache.metrics().loads_ended() > 0);
            at_rest(&cache.sync());
            Some(100)
        }
        #[cfg(feature = "bulk")]
        "multi_fetch_with" => hands.multi_fetch_with(&[KEY, 2]).ok().as_deref().copied(),
        _ => panic!("there is no {kind}"),
    }
}

/// From the call on to the very end, and from then on as ever.
fn g2_no_load_of_any_kind_is_stored_until_the_time_is_over<F: Kind>() {
    for style in BOTH {
        for name in LOADS {
            for is_held in [false, true] {
                for moment in [Duration::ZERO, secs(5), TIME - TICK, TIME, TIME + TICK] {
                    let (clock, builder) = mocked();
                    let (cache, hands, _) = with_runway::<F>(0, style, builder, |_| Loaded::value(100));
                    if is_held {
                        cache.insert(KEY, 1);
                    }
                    assert_eq!(hands.invalidate_for(&KEY, TIME), is_held);
                    clock.advance(moment);
                    assert_eq!(load::<F>(name, &cache, &hands), Some(100), "{name}");
                    let held = cache.peek(&KEY).is_some();
                    assert_eq!(held, moment >= TIME, "{name} after {moment:?}");
                    cache.run_maintenance();
                    at_rest(&cache.sync());
                }
            }
        }
    }
}

/// Only its own key.
fn g2_other_keys_are_loaded_and_stored<F: Kind>() {
    let (_clock, builder) = mocked();
    let (cache, hands) = Hands::<u32, u32>::build::<F>(builder.loader_fn(|_: &u32| Loaded::ok(100)));
    hands.invalidate_for(&KEY, Duration::MAX);
    for key in 2..1_000 {
        cache.fetch_with(&key).expect("it is loaded");
        assert!(cache.contains_key(&key));
    }
    at_rest(&cache.sync());
}

fn g13_absence_is_not_remembered_under_an_embargo<F: Kind>() {
    for style in BOTH {
        let (clock, builder) = mocked();
        let (cache, hands, runway) = with_runway::<F>(0, style, builder.negative_ttl(secs(1_000)), |_| Loaded::absent());
        hands.invalidate_for(&KEY, TIME);
        for number in 1..=3 {
            assert!(cache.fetch_with(&KEY).is_err_and(|error| error.is_absent()));
            assert_eq!(runway.begun(), number, "each call asks the source");
        }
        // Nor does it take away what a caller has brought.
        cache.insert(KEY, 7);
        assert!(cache.refresh(&KEY).is_err_and(|error| error.is_absent()));
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&7));
        cache.remove(&KEY);
        clock.advance(TIME);
        (0..3).for_each(|_| assert!(cache.fetch_with(&KEY).is_err_and(|error| error.is_absent())));
        assert_eq!(runway.begun(), 5, "from then on it is remembered");
        at_rest(&cache.sync());
    }
}

/// What is stale or due isn't loaded anew, as that could not be stored.
fn g12_nothing_is_refreshed_under_an_embargo<F: Kind>() {
    let (clock, builder) = mocked();
    let builder = builder.refresh_after(secs(1)).time_to_live(secs(3)).stale_while_revalidate(secs(100));
    let (cache, hands, runway) = with_runway::<F>(0, Style::Blocking, builder, |_| Loaded::value(100));
    hands.invalidate_for(&KEY, TIME);
    cache.insert(KEY, 7);
    for _ in 0..4 {
        clock.advance(secs(1));
        assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&7));
    }
    at_rest(&cache.sync());
    assert_eq!(runway.begun(), 0);
    clock.advance(TIME);
    assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&7));
    until("it is loaded anew", || cache.fetch(&KEY).as_deref() == Some(&100));
    at_rest(&cache.sync());
}

fn g2_of_several_calls_the_longest_counts<F: Kind>() {
    for times in [[10, 3, 5], [3, 10, 5], [5, 3, 10]] {
        let (clock, builder) = mocked();
        let (cache, hands) = Hands::<u32, u32>::build::<F>(builder.loader_fn(|_: &u32| Loaded::ok(100)));
        for time in times {
            hands.invalidate_for(&KEY, secs(time));
        }
        for (step, is_stored) in [(secs(3), false), (secs(2), false), (secs(5) - TICK, false), (TICK, true)] {
            clock.advance(step);
            cache.run_maintenance();
            cache.fetch_with(&KEY).expect("it is loaded");
            assert_eq!(cache.contains_key(&KEY), is_stored, "{times:?}");
        }
        at_rest(&cache.sync());
    }
}

fn g18_times_of_any_length<F: Kind>() {
    let (clock, builder) = mocked();
    let (cache, hands) = Hands::<u32, u32>::build::<F>(builder.loader_fn(|_: &u32| Loaded::ok(100)));
    cache.insert(KEY, 7);
    assert!(hands.invalidate_for(&KEY, Duration::ZERO), "it is invalidated all the same");
    assert_eq!(cache.fetch(&KEY), None);
    assert!(cache.fetch_with(&KEY).is_ok() && cache.contains_key(&KEY));
    assert!(hands.invalidate_for(&KEY, Duration::MAX));
    assert!(!hands.invalidate_for(&KEY, secs(1)));
    clock.advance(Duration::from_secs(100 * 365 * 86_400));
    assert!(cache.fetch_with(&KEY).is_ok() && !cache.contains_key(&KEY));
    hands.invalidate_for(&2, Duration::from_nanos(1));
    cache.run_maintenance();
    at_rest(&cache.sync());
}

/// By a clock that runs.
fn g2_an_embargo_ends_by_the_real_clock<F: Kind>() {
    for has_janitor in [true, false] {
        let time = Duration::from_millis(300);
        let builder = CacheBuilder::new().loader_fn(|_: &u32| Loaded::ok(100));
        let (cache, hands) = Hands::<u32, u32>::build::<F>(if has_janitor { builder } else { builder.no_janitor() });
        let before = std::time::Instant::now();
        hands.invalidate_for(&KEY, time);
        loop {
            let begun = std::time::Instant::now();
            cache.fetch_with(&KEY).expect("it is loaded");
            if cache.contains_key(&KEY) {
                assert!(before.elapsed() >= time, "it was stored after {:?}", before.elapsed());
                break;
            }
            assert!(begun.duration_since(before) < time + Duration::from_secs(10), "it isn't stored any more");
            std::thread::yield_now();
        }
        at_rest(&cache.sync());
    }
}

#[cfg(feature = "bulk")]
mod bulk {
    use super::{Hands, KEY, Kind, TIME, apart, at_rest, mocked, on_every_face_in_time, secs};
    use crate::faces::Face;
    use crate::gate::Gate;
    use bellwether::{BlockingLoader, BoxError, LoadSink, Loaded};

    /// Brings the key unasked with any other, as soon as it may.
    #[derive(Clone, Default)]
    struct Generous(Gate);

    impl BlockingLoader<u32, u32> for Generous {
        type Error = BoxError;

        fn load(&self, _: &u32) -> Result<Loaded<u32>, BoxError> {
            Loaded::ok(100)
        }

        fn load_many(&self, keys: &[u32], out: LoadSink<u32, u32>) -> Result<(), BoxError> {
            self.0.wait();
            // First: who asked goes on as soon as the others are there.
            out.put(&KEY, 100);
            keys.iter().for_each(|key| assert!(out.put(key, 100)));
            Ok(())
        }
    }

    /// Whether it begins before the call or under the embargo, and lands under it or after it.
    fn g2_bulk_what_is_brought_unasked_is_not_stored_under_an_embargo<F: Kind>() {
        for is_before in [true, false] {
            for step in [secs(0), secs(5), TIME, secs(50)] {
                for is_maintained in [false, true] {
                    let (clock, builder) = mocked();
                    let loader = Generous::default();
                    let (cache, hands) = Hands::<u32, u32>::build::<F>(builder.blocking_loader(loader.clone()));
                    if !is_before {
                        hands.invalidate_for(&KEY, TIME);
                    }
                    let bulk = apart(&hands, |hands| hands.multi_fetch_with(&[2]));
                    loader.0.until_arrived(1);
                    if is_before {
                        hands.invalidate_for(&KEY, TIME);
                    }
                    clock.advance(step);
                    if is_maintained {
                        cache.run_maintenance();
                    }
                    loader.0.open();
                    assert_eq!(bulk.result().ok().as_deref(), Some(&100));
                    assert_eq!(cache.peek(&KEY), None, "begun before: {is_before}, {step:?} later");
                    at_rest(&cache.sync());
                }
            }
        }
    }

    on_every_face_in_time!(g2_bulk_what_is_brought_unasked_is_not_stored_under_an_embargo);
}

on_every_face_in_time!(
    g2_values_that_callers_bring_are_stored_under_an_embargo,
    g2_no_load_of_any_kind_is_stored_until_the_time_is_over,
    g2_other_keys_are_loaded_and_stored,
    g13_absence_is_not_remembered_under_an_embargo,
    g12_nothing_is_refreshed_under_an_embargo,
    g2_of_several_calls_the_longest_counts,
    g18_times_of_any_length,
    g2_an_embargo_ends_by_the_real_clock,
);
