//! G9: `expire_tag` ends times to live at the strike, whenever that is carried out.

use super::scene::{Hands, mocked};
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{TICK, secs};
use bellwether::{CacheBuilder, Freshness, Loaded, MockClock, RemovalCause};
use std::thread;
use std::time::{Duration, Instant};

/// What came before, by its name.
type Before<F> = (&'static str, fn(&<F as Kind>::Of<u32, u32>, &Hands<u32, u32>));

const KEY: u32 = 1;

fn tagged(value: u32) -> Loaded<u32> {
    Loaded::value(value).tags(["a"])
}

fn with_windows() -> (MockClock, CacheBuilder<u32, u32>) {
    let (clock, builder) = mocked();
    (clock, builder.no_janitor().stale_while_revalidate(secs(10)).stale_if_error(secs(20)))
}

/// What is to be seen of an entry whose time to live has ended just now, at each of its deadlines.
fn ages<F: Kind>(cache: &F::Of<u32, u32>, clock: &MockClock, what: &str) {
    let state = || cache.entry_info(&KEY).map(|info| info.state);
    let stale = || cache.fetch_stale(&KEY).map(|fetched| *fetched.value);
    assert_eq!((cache.fetch(&KEY), state(), stale()), (None, Some(Freshness::Stale), Some(7)), "{what}");
    clock.advance(secs(10) - TICK);
    assert_eq!(state(), Some(Freshness::Stale), "{what}");
    clock.advance(TICK);
    assert_eq!(state(), Some(Freshness::ErrorFallback), "{what}");
    clock.advance(secs(10) - TICK);
    assert_eq!((state(), stale()), (Some(Freshness::ErrorFallback), Some(7)), "{what}");
    clock.advance(TICK);
    assert_eq!((state(), stale()), (None, None), "{what}");
}

/// Whatever was struck before: this name, when somebody carried it or nobody did, or another.
fn g9_the_windows_count_from_the_strike<F: Kind>() {
    let before: [Before<F>; 5] = [
        ("nothing", |_, _| {}),
        ("the same name, which nobody carried", |_, hands| hands.expire_tag("a")),
        ("the same name, invalidated", |_, hands| hands.invalidate_tag("a")),
        ("the same name, on an entry that has left", |cache, hands| {
            cache.insert_with(KEY, tagged(1));
            hands.expire_tag("a");
            cache.invalidate(&KEY);
        }),
        ("so many names that each bucket was struck", |_, hands| (0..20_000).for_each(|name| hands.expire_tag(&name.to_string()))),
    ];
    for (name, strike) in before {
        for is_swept in [false, true] {
            for ttl in [secs(1_000), Duration::MAX] {
                let (clock, builder) = with_windows();
                let (cache, hands) = Hands::build::<F>(builder.time_to_live(ttl));
                strike(&cache, &hands);
                cache.insert_with(KEY, tagged(7));
                assert_eq!(cache.fetch(&KEY).as_deref(), Some(&7), "{name}");
                clock.advance(secs(100));
                hands.expire_tag("a");
                if is_swept {
                    cache.run_maintenance();
                }
                ages::<F>(&cache, &clock, &format!("swept: {is_swept}, struck before: {name}"));
                cache.run_maintenance();
                assert_eq!(cache.len(), 0);
                let metrics = at_rest(&cache.sync());
                assert_eq!(metrics.removals(RemovalCause::Expired), 1, "{name}");
            }
        }
    }
}

/// However often it is struck.
fn g10_further_strikes_never_lengthen_a_life<F: Kind>() {
    for is_swept in [false, true] {
        let (clock, builder) = with_windows();
        let (cache, hands) = Hands::build::<F>(builder.time_to_live(secs(100)));
        cache.insert_with(KEY, tagged(7));
        clock.advance(secs(50));
        for _ in 0..19 {
            hands.expire_tag("a");
            if is_swept {
                cache.run_maintenance();
            }
            assert!(cache.fetch_stale(&KEY).is_some());
            clock.advance(secs(1));
        }
        clock.advance(secs(1) - TICK);
        assert!(cache.fetch_stale(&KEY).is_some());
        hands.expire_tag("a");
        clock.advance(TICK);
        assert!(cache.fetch_stale(&KEY).is_none(), "it was struck twenty seconds ago, swept: {is_swept}");
        cache.run_maintenance();
        at_rest(&cache.sync());
    }
}

/// A strike that comes after the end of the time to live moves nothing.
fn g10_a_strike_of_what_is_stale_moves_nothing<F: Kind>() {
    for is_swept in [false, true] {
        let (clock, builder) = with_windows();
        let (cache, hands) = Hands::build::<F>(builder.time_to_live(secs(100)));
        cache.insert_with(KEY, tagged(7));
        clock.advance(secs(105));
        hands.expire_tag("a");
        if is_swept {
            cache.run_maintenance();
        }
        assert_eq!(cache.entry_info(&KEY).map(|info| info.state), Some(Freshness::Stale));
        clock.advance(secs(5));
        assert_eq!(cache.entry_info(&KEY).map(|info| info.state), Some(Freshness::ErrorFallback));
        clock.advance(secs(10));
        assert!(cache.fetch_stale(&KEY).is_none(), "swept: {is_swept}");
        cache.run_maintenance();
        at_rest(&cache.sync());
    }
}

/// Of several tags the first strike counts.
fn g9_of_several_tags_the_first_strike_counts<F: Kind>() {
    for order in [["a", "b"], ["b", "a"]] {
        let (clock, builder) = with_windows();
        let (cache, hands) = Hands::build::<F>(builder);
        cache.insert_with(KEY, Loaded::value(7).tags(["a", "b"]));
        hands.expire_tag(order[0]);
        clock.advance(secs(6));
        hands.expire_tag(order[1]);
        clock.advance(secs(4));
        assert_eq!(cache.entry_info(&KEY).map(|info| info.state), Some(Freshness::ErrorFallback));
        cache.run_maintenance();
        assert_eq!(cache.entry_info(&KEY).map(|info| info.state), Some(Freshness::ErrorFallback));
        clock.advance(secs(10));
        assert!(cache.fetch_stale(&KEY).is_none());
        cache.run_maintenance();
        at_rest(&cache.sync());
    }
}

/// An entry's own windows are what counts, and times of use cut all short.
fn g9_each_entry_ages_by_its_own_rules<F: Kind>() {
    for is_swept in [false, true] {
        let (clock, builder) = mocked();
        let (cache, hands) = Hands::build::<F>(builder.no_janitor());
        cache.insert_with(1, tagged(1));
        cache.insert_with(2, tagged(2).stale_while_revalidate(secs(5)));
        cache.insert_with(3, tagged(3).stale_while_revalidate(secs(50)).time_to_idle(secs(5)));
        cache.insert_with(4, tagged(4).stale_if_error(secs(5)));
        hands.expire_tag("a");
        if is_swept {
            cache.run_maintenance();
        }
        let held = || (1..=4).filter(|key| cache.entry_info(key).is_some()).collect::<Vec<_>>();
        assert_eq!(held(), [2, 3, 4]);
        clock.advance(secs(5) - TICK);
        assert_eq!(held(), [2, 3, 4]);
        clock.advance(TICK);
        assert!(held().is_empty());
        cache.run_maintenance();
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.removals(RemovalCause::Invalidated), metrics.removals(RemovalCause::Expired), cache.len()), (1, 3, 0));
    }
}

/// By a clock that runs.
fn g9_the_windows_count_by_the_real_clock<F: Kind>() {
    let window = Duration::from_millis(400);
    for has_janitor in [true, false] {
        let builder = CacheBuilder::new().stale_while_revalidate(window);
        let (cache, hands) = Hands::build::<F>(if has_janitor { builder } else { builder.no_janitor() });
        cache.insert_with(KEY, tagged(7));
        let before = Instant::now();
        hands.expire_tag("a");
        let after = Instant::now();
        assert!(cache.fetch(&KEY).is_none());
        loop {
            let begun = after.elapsed();
            if cache.fetch_stale(&KEY).is_none() {
                assert!(before.elapsed() >= window, "it was stale for {:?} at most", before.elapsed());
                break;
            }
            assert!(begun < window, "it is still stale after {begun:?}");
            thread::yield_now();
        }
        cache.run_maintenance();
        assert_eq!(cache.len(), 0);
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g9_the_windows_count_from_the_strike,
    g10_further_strikes_never_lengthen_a_life,
    g10_a_strike_of_what_is_stale_moves_nothing,
    g9_of_several_tags_the_first_strike_counts,
    g9_each_entry_ages_by_its_own_rules,
    g9_the_windows_count_by_the_real_clock,
);
