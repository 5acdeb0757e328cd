//! G2: writes win over flights. What a write overtook is delivered to those who waited, and never stored nor joined again.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use bellwether::{CacheBuilder, Loaded, Source};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type Of<F> = <F as Kind>::Of<u32, usize>;

/// A write to key 1 and what it leaves held.
type Write<C> = (&'static str, fn(&C), Option<usize>);

fn writes<C: Face<u32, usize>>() -> [Write<C>; 6] {
    [
        ("insert", |cache| cache.insert(1, 500), Some(500)),
        ("insert_with", |cache| cache.insert_with(1, Loaded::value(501).weight(2)), Some(501)),
        ("insert of absence", |cache| cache.insert_with(1, Loaded::absent()), None),
        ("remove", |cache| drop(cache.remove(&1)), None),
        ("invalidate", |cache| assert!(!cache.invalidate(&1)), None),
        ("clear", |cache| cache.clear(), None),
    ]
}

fn g2_a_load_that_a_write_overtook_is_delivered_and_not_stored<F: Kind>() {
    for style in BOTH {
        for (name, write, left) in writes::<Of<F>>() {
            let runway = Runway::new(1);
            let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
            let leader = apart(&cache, |cache| cache.fetch_with(&1));
            runway.until_begun(0);
            let waiter = apart(&cache, |cache| cache.fetch_with(&1));
            until("the waiter joins", || cache.metrics().joined == 1);
            write(&cache);
            runway.open(0);
            for caller in [leader, waiter] {
                assert_eq!(*caller.result().expect("it is delivered"), 0, "{style:?}, {name}");
            }
            assert_eq!(cache.peek(&1).as_deref().copied(), left, "{style:?}, {name}");
            assert_eq!(at_rest(&cache.sync()).loads_superseded, 1, "{style:?}, {name}");
        }
    }
}

fn g2_a_fetch_after_the_write_does_not_join_what_it_overtook<F: Kind>() {
    for style in BOTH {
        for (name, write, left) in writes::<Of<F>>() {
            let runway = Runway::new(1);
            let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
            let leader = apart(&cache, |cache| cache.fetch_with(&1));
            runway.until_begun(0);
            write(&cache);
            let after = cache.fetch_detailed(&1).expect("it is held, or loaded anew");
            let expected = left.map_or((1, Source::Loaded), |value| (value, Source::Hit));
            assert_eq!((*after.value, after.source), expected, "{style:?}, {name}");
            runway.open(0);
            assert_eq!(*leader.result().expect("it is delivered"), 0, "{style:?}, {name}");
            assert_eq!(cache.peek(&1).as_deref(), Some(&expected.0), "{style:?}, {name}: the newer one stays");
            at_rest(&cache.sync());
        }
    }
}

fn g2_a_refresh_that_a_write_overtook_is_not_stored<F: Kind>() {
    for style in BOTH {
        for (name, write, left) in writes::<Of<F>>().into_iter().filter(|(name, ..)| *name != "invalidate") {
            let runway = Runway::new(1);
            let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
            cache.insert(1, 400);
            let refresher = apart(&cache, |cache| cache.refresh(&1));
            runway.until_begun(0);
            assert_eq!(cache.fetch(&1).as_deref(), Some(&400), "the old value is served meanwhile");
            write(&cache);
            runway.open(0);
            assert_eq!(*refresher.result().expect("it is delivered"), 0, "{style:?}, {name}");
            assert_eq!(cache.peek(&1).as_deref().copied(), left, "{style:?}, {name}");
            at_rest(&cache.sync());
        }
    }
}

fn g2_a_load_that_was_put_off_is_answered_by_an_insert_and_never_runs<F: Kind>() {
    let runway = Runway::new(4);
    let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), Style::Async));
    let mut callers = Vec::new();
    for load in 0..4 {
        callers.push(apart(&cache, |cache| cache.fetch_with(&1)));
        runway.until_begun(load);
        cache.invalidate(&1);
    }
    let fifth = apart(&cache, |cache| cache.fetch_with(&1));
    until("the fifth has claimed", || cache.metrics().loads_started == 5);
    cache.insert(1, 500);
    assert_eq!(*fifth.result().expect("the insert answers"), 500);
    assert_eq!(runway.begun(), 4, "its load has never begun");
    (0..4).for_each(|load| runway.open(load));
    for (load, caller) in callers.into_iter().enumerate() {
        assert_eq!(*caller.result().expect("it is delivered"), load);
    }
    assert_eq!(cache.fetch(&1).as_deref(), Some(&500));
    assert_eq!(at_rest(&cache.sync()).loads_answered, 1);
}

fn g2_at_most_four_loads_of_a_key_run_and_the_fifth_begins_when_one_ends<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(5);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
        let mut callers = Vec::new();
        for load in 0..4 {
            callers.push(apart(&cache, |cache| cache.fetch_with(&1)));
            runway.until_begun(load);
            cache.invalidate(&1);
        }
        callers.push(apart(&cache, |cache| cache.fetch_with(&1)));
        until("the fifth has claimed", || cache.metrics().loads_started == 5);
        // It has yet to begin, so that writes needn't overtake it, and others join it.
        cache.invalidate(&1);
        callers.push(apart(&cache, |cache| cache.fetch_with(&1)));
        until("the sixth joins", || cache.metrics().joined == 1);
        assert_eq!(runway.begun(), 4, "{style:?}");
        runway.open(2);
        runway.until_begun(4);
        (0..5).for_each(|load| runway.open(load));
        let brought: Vec<usize> = callers.into_iter().map(|caller| *caller.result().expect("it is delivered")).collect();
        assert_eq!(brought, [0, 1, 2, 3, 4, 4], "{style:?}");
        assert_eq!(cache.fetch(&1).as_deref(), Some(&4), "{style:?}");
        at_rest(&cache.sync());
    }
}

/// A write to one key leaves the flights of all others alone.
fn g2_a_write_supersedes_the_flight_of_its_own_key_only<F: Kind>() {
    let loads = Arc::new(AtomicUsize::new(0));
    for style in BOTH {
        let (runway, count) = (Runway::new(1), Arc::clone(&loads));
        let answer = move |number| {
            count.fetch_add(1, Ordering::Relaxed);
            Loaded::ok(number)
        };
        let cache: Of<F> = F::Of::build(runway.loader(CacheBuilder::new().shards(1), style, answer));
        let caller = apart(&cache, |cache| cache.fetch_with(&1));
        runway.until_begun(0);
        (2..50).for_each(|key| cache.insert(key, 7));
        (2..50).for_each(|key| assert!(cache.invalidate(&key)));
        runway.open(0);
        assert_eq!(*caller.result().expect("the load brings it"), 0);
        assert_eq!(cache.fetch(&1).as_deref(), Some(&0), "{style:?}: nothing has overtaken it");
        at_rest(&cache.sync());
    }
    assert_eq!(loads.load(Ordering::Relaxed), 2);
}

crate::on_every_face_in_time!(
    g2_a_load_that_a_write_overtook_is_delivered_and_not_stored,
    g2_a_fetch_after_the_write_does_not_join_what_it_overtook,
    g2_a_refresh_that_a_write_overtook_is_not_stored,
    g2_a_load_that_was_put_off_is_answered_by_an_insert_and_never_runs,
    g2_at_most_four_loads_of_a_key_run_and_the_fifth_begins_when_one_ends,
    g2_a_write_supersedes_the_flight_of_its_own_key_only,
);
