//! A refresh: started by an access alone, once for a key, away from its caller, who has the value that is held at once.

use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{DUE, Given, KEY, OLD, Of, SETTINGS, TICK, due, due_with, settled, sourced, stale_while_revalidate};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::tally::tally;
use crate::together::together;
use bellwether::{CacheBuilder, Loaded, MockClock, Source, StaleReason};
use std::time::Duration;

fn g12_thousands_of_accesses_to_a_value_that_is_due_cost_one_load_and_nobody_waits<F: Kind>() {
    for (setting, is_stale) in SETTINGS {
        for style in BOTH {
            let runway = Runway::new(1);
            let (cache, _) = due::<F>(&runway, style, setting(CacheBuilder::new()));
            together(8, |thread| {
                (0..250).for_each(|n| match (thread + n) % 3 {
                    0 => assert_eq!(*cache.fetch_with(&KEY).expect("it is held"), OLD),
                    1 => assert_eq!(cache.fetch_optional(&KEY).expect("it is held").as_deref(), Some(&OLD)),
                    _ => {
                        let (value, source) = sourced(cache.fetch_detailed(&KEY));
                        let expected = Source::Stale { age: DUE, why: StaleReason::Revalidating };
                        assert_eq!((value, source), (OLD, if is_stale { expected } else { Source::Hit }));
                    }
                });
            });
            // All of it while the one load is held.
            runway.until_begun(0);
            let metrics = cache.metrics();
            assert_eq!(
                (metrics.refreshes, metrics.refreshes_started, metrics.loads_started, metrics.waiters_peak),
                (1, 1, 1, 0),
                "{style:?}"
            );
            assert_eq!((metrics.hits, metrics.stale_hits), if is_stale { (0, 2_000) } else { (2_000, 0) });
            assert_eq!((metrics.misses, metrics.joined), (0, 0));
            runway.open(0);
            settled::<F>(&cache);
            assert_eq!(sourced(cache.fetch_detailed(&KEY)), (0, Source::Hit), "the new value is there");
            let metrics = at_rest(&cache.sync());
            assert_eq!((runway.begun(), metrics.loads_stored, metrics.refreshes_started, metrics.refreshes), (1, 1, 1, 0), "{style:?}");
        }
    }
}

/// Once more after each renewal, and always with the value that is held.
fn g12_each_refresh_is_given_the_value_that_is_held<F: Kind>() {
    for (setting, _) in SETTINGS {
        for style in BOTH {
            let (runway, given) = (Runway::new(0), Given::default());
            let (cache, clock) = due_with::<F>(given.loader(&runway, setting(CacheBuilder::new()), style, Loaded::ok));
            let held = [OLD, 0, 1, 2];
            for expected in held {
                assert_eq!(*cache.fetch_with(&KEY).expect("it is held"), expected);
                settled::<F>(&cache);
                assert_ne!(*cache.fetch_with(&KEY).expect("it is held"), expected, "it is new");
                clock.advance(DUE);
            }
            assert_eq!(given.values(), held.map(Some), "{style:?}");
            tally(&cache.sync(), |metrics| (metrics.refreshes_started, metrics.loads_stored, metrics.misses), (4, 4, 0));
        }
    }
}

/// Time alone starts nothing, and neither do calls that never load.
fn g12_nothing_but_a_read_through_access_starts_a_refresh<F: Kind>() {
    for (setting, is_stale) in SETTINGS {
        for style in BOTH {
            let runway = Runway::new(0);
            let (cache, clock) = due::<F>(&runway, style, setting(CacheBuilder::new()));
            clock.advance(DUE);
            cache.run_maintenance();
            let shown = (!is_stale).then_some(OLD);
            assert_eq!(cache.get(&KEY, |value| *value), shown);
            assert_eq!(cache.fetch(&KEY).as_deref().copied(), shown);
            assert_eq!(cache.peek(&KEY).as_deref().copied(), shown);
            assert_eq!(cache.contains_key(&KEY), shown.is_some());
            assert_eq!(cache.entries().len(), usize::from(shown.is_some()));
            assert_eq!(cache.fetch_stale(&KEY).map(|fetched| *fetched.value), Some(OLD));
            assert!(cache.entry_info(&KEY).is_some());
            assert_eq!(cache.sync().try_entry(KEY).is_some_and(|entry| matches!(entry, bellwether::Entry::Occupied(_))), shown.is_some());
            let metrics = at_rest(&cache.sync());
            assert_eq!((runway.begun(), metrics.loads_started, metrics.refreshes_started), (0, 0, 0), "{style:?}");
            assert_eq!(*cache.fetch_with(&KEY).expect("it is held"), OLD);
            settled::<F>(&cache);
            assert_eq!((runway.begun(), at_rest(&cache.sync()).refreshes_started), (1, 1), "{style:?}");
        }
    }
}

fn g12_before_a_value_is_due_no_access_starts_a_refresh<F: Kind>() {
    for (setting, _) in SETTINGS {
        for style in BOTH {
            let (runway, clock) = (Runway::new(0), MockClock::new());
            let cache: Of<F> = F::Of::build(runway.numbers(setting(CacheBuilder::new()).clock(clock.clone()), style));
            cache.insert(KEY, OLD);
            clock.advance(DUE - TICK);
            (0..100).for_each(|_| assert_eq!(sourced(cache.fetch_detailed(&KEY)), (OLD, Source::Hit)));
            assert_eq!((runway.begun(), at_rest(&cache.sync()).refreshes_started), (0, 0), "{style:?}");
            clock.advance(TICK);
            assert_eq!(*cache.fetch_with(&KEY).expect("it is held"), OLD);
            settled::<F>(&cache);
            assert_eq!((runway.begun(), at_rest(&cache.sync()).refreshes_started), (1, 1), "{style:?}");
        }
    }
}

/// Each key has its own refresh, and none holds up another.
fn g12_keys_are_refreshed_apart_from_each_other<F: Kind>() {
    const KEYS: u32 = 8;
    for style in BOTH {
        let runway = Runway::new(8);
        let (cache, _) = due::<F>(&runway, style, stale_while_revalidate(CacheBuilder::new().time_to_live(DUE)));
        for key in 2..=KEYS {
            cache.insert_with(key, Loaded::value(OLD).time_to_live(Duration::ZERO));
        }
        (1..=KEYS).for_each(|key| (0..3).for_each(|_| assert_eq!(*cache.fetch_with(&key).expect("it is held"), OLD)));
        until("all are under way", || runway.begun() == 8);
        assert_eq!(cache.metrics().refreshes, 8);
        // In the other direction than they began.
        (0..8).rev().for_each(|number| runway.open(number));
        settled::<F>(&cache);
        assert!((1..=KEYS).all(|key| *cache.fetch_with(&key).expect("it is held") < 8));
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.refreshes_started, metrics.loads_stored, metrics.stale_hits, metrics.hits), (8, 8, 24, 8), "{style:?}");
    }
}

/// A loader that asks for its own key while that is loaded anew is served what is held, like all others.
fn g12_a_refresh_that_asks_for_its_own_key_gets_the_value_held<F: Kind>() {
    use std::sync::OnceLock;
    let cell: std::sync::Arc<OnceLock<bellwether::Cache<u32, usize>>> = std::sync::Arc::default();
    let own = std::sync::Arc::clone(&cell);
    let builder = stale_while_revalidate(CacheBuilder::new()).loader_fn(move |key: &u32| {
        let held = own.get().expect("it was built before the first load").fetch_with(key)?;
        Loaded::ok(*held + 1)
    });
    let (cache, _) = due_with::<F>(builder);
    cell.set(cache.sync()).unwrap_or_else(|_| unreachable!("it is set once"));
    assert_eq!(*cache.fetch_with(&KEY).expect("it is held"), OLD);
    settled::<F>(&cache);
    assert_eq!(cache.fetch(&KEY).as_deref(), Some(&(OLD + 1)));
    let metrics = at_rest(&cache.sync());
    assert_eq!((metrics.refreshes_started, metrics.loads_started, metrics.stale_hits, metrics.refreshes_failed), (1, 1, 2, 0));
}

on_every_face_in_time!(
    g12_thousands_of_accesses_to_a_value_that_is_due_cost_one_load_and_nobody_waits,
    g12_each_refresh_is_given_the_value_that_is_held,
    g12_nothing_but_a_read_through_access_starts_a_refresh,
    g12_before_a_value_is_due_no_access_starts_a_refresh,
    g12_keys_are_refreshed_apart_from_each_other,
    g12_a_refresh_that_asks_for_its_own_key_gets_the_value_held,
);
