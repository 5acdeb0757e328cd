//! Any write overtakes a refresh: what that brings is not stored, and the next access starts another. A change of times alone does not.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{DUE, KEY, OLD, Of, SETTINGS, WINDOW, due, due_with, info, settled, stale, stale_while_revalidate};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::runway::{BOTH, Runway};
use crate::tally::tally;
use bellwether::{CacheBuilder, Entry, Loaded, StaleReason};
use std::time::Duration;

const NEW: usize = 2_000;

/// A write, and what is held after it.
type Write<F> = (&'static str, fn(&Of<F>), Option<usize>);

/// A change of times; says whether there was a fresh value to change.
type Change<F> = (&'static str, fn(&Of<F>) -> bool);

fn writes<F: Kind>() -> [Write<F>; 8] {
    [
        ("insert", |cache| cache.insert(KEY, NEW), Some(NEW)),
        ("insert_with", |cache| cache.insert_with(KEY, Loaded::value(NEW)), Some(NEW)),
        ("insert_with absent", |cache| cache.insert_with(KEY, Loaded::absent()), None),
        ("insert_with_ttl", |cache| cache.insert_with_ttl(KEY, NEW, DUE), Some(NEW)),
        ("invalidate", |cache| assert!(!cache.invalidate(&KEY), "it wasn't fresh"), None),
        ("remove", |cache| assert!(cache.remove(&KEY).is_none(), "it wasn't fresh"), None),
        ("expire", |cache| assert!(!cache.expire(&KEY), "it wasn't fresh"), Some(OLD)),
        ("clear", |cache| cache.clear(), None),
    ]
}

fn g12_any_write_overtakes_a_refresh<F: Kind>() {
    for style in BOTH {
        for (name, write, held) in writes::<F>() {
            for fails in [false, true] {
                let runway = Runway::new(1);
                let answer = move |number| if fails { Err("down".into()) } else { Loaded::ok(number) };
                let (cache, _) = due_with::<F>(runway.loader(stale_while_revalidate(CacheBuilder::new()), style, answer));
                assert!(cache.fetch_with(&KEY).is_ok());
                runway.until_begun(0);
                write(&cache);
                runway.open(0);
                settled::<F>(&cache);
                assert_eq!(cache.fetch_stale(&KEY).map(|fetched| *fetched.value), held, "{name}, {style:?}, fails: {fails}");
                if held.is_some() {
                    assert_eq!(
                        (info::<F>(&cache).failures, info::<F>(&cache).next_try),
                        (0, None),
                        "{name}: that load is no concern of this value"
                    );
                }
                let counted =
                    |metrics: &bellwether::MetricsSnapshot| (metrics.loads_superseded, metrics.loads_failed(), metrics.refreshes_failed);
                tally(&cache.sync(), counted, if fails { (0, 1, 1) } else { (1, 0, 0) });
            }
        }
    }
}

fn g12_an_occupied_entry_overtakes_a_refresh<F: Kind>() {
    for style in BOTH {
        for removes in [false, true] {
            let runway = Runway::new(1);
            let builder = CacheBuilder::new().time_to_live(DUE + WINDOW).refresh_after(DUE);
            let (cache, _) = due::<F>(&runway, style, builder);
            let Entry::Occupied(mut entry) = cache.sync().entry(KEY) else { panic!("it is fresh") };
            assert!(cache.fetch_with(&KEY).is_ok());
            runway.until_begun(0);
            if removes {
                assert_eq!(entry.remove().as_deref(), Some(&OLD));
            } else {
                assert_eq!(entry.replace(NEW).ok().as_deref(), Some(&OLD));
            }
            runway.open(0);
            settled::<F>(&cache);
            assert_eq!(cache.fetch(&KEY).as_deref().copied(), (!removes).then_some(NEW), "{style:?}");
            tally(&cache.sync(), |metrics| metrics.loads_superseded, 1);
        }
    }
}

/// A fetch that starts after the write never gets what an older load brings: it waits for one of its own.
fn g12_after_a_write_nobody_joins_the_refresh_that_it_overtook<F: Kind>() {
    for style in BOTH {
        for (_, write, _) in writes::<F>().into_iter().filter(|(_, _, held)| held.is_none()) {
            let runway = Runway::new(2);
            let (cache, _) = due::<F>(&runway, style, stale_while_revalidate(CacheBuilder::new()));
            assert!(cache.fetch_with(&KEY).is_ok());
            runway.until_begun(0);
            write(&cache);
            let caller = apart(&cache, |cache| cache.fetch_with(&KEY));
            runway.until_begun(1);
            runway.open(0);
            until("the overtaken one has ended", || cache.metrics().loads_superseded == 1);
            assert!(cache.fetch_stale(&KEY).is_none() && !caller.is_over());
            runway.open(1);
            assert_eq!(caller.result().ok().as_deref(), Some(&1), "{style:?}");
            settled::<F>(&cache);
            tally(&cache.sync(), |metrics| (metrics.refreshes_started, metrics.loads_started, metrics.loads_stored), (1, 2, 1));
        }
    }
}

/// `expire` says that the source has changed: the refresh under way may bring what was there before.
fn g12_after_expire_the_next_access_starts_another_refresh<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(2);
        let (cache, _) = due::<F>(&runway, style, stale_while_revalidate(CacheBuilder::new()));
        assert!(cache.fetch_with(&KEY).is_ok());
        runway.until_begun(0);
        assert!(!cache.expire(&KEY), "it wasn't fresh");
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)));
        runway.until_begun(1);
        assert_eq!(cache.metrics().refreshes, 2);
        runway.open(1);
        until("the second has landed", || cache.metrics().loads_stored == 1);
        runway.open(0);
        settled::<F>(&cache);
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&1), "{style:?}: the older one changes nothing");
        tally(&cache.sync(), |metrics| (metrics.refreshes_started, metrics.loads_superseded), (2, 1));
    }
}

fn g12_a_change_of_times_overtakes_no_refresh<F: Kind>() {
    let changes: [Change<F>; 2] =
        [("set_ttl", |cache| cache.set_ttl(&KEY, Duration::from_secs(1_000))), ("persist", |cache| cache.persist(&KEY))];
    for style in BOTH {
        for (setting, is_stale) in SETTINGS {
            for (name, change) in changes {
                let runway = Runway::new(1);
                let (cache, _) = due::<F>(&runway, style, setting(CacheBuilder::new()));
                assert!(cache.fetch_with(&KEY).is_ok());
                runway.until_begun(0);
                assert_eq!(change(&cache), !is_stale, "{name}");
                assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
                runway.open(0);
                settled::<F>(&cache);
                assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0), "{name}, {style:?}");
                tally(&cache.sync(), |metrics| (metrics.loads_stored, metrics.loads_superseded, metrics.loads_started), (1, 0, 1));
            }
        }
    }
}

on_every_face_in_time!(
    g12_any_write_overtakes_a_refresh,
    g12_an_occupied_entry_overtakes_a_refresh,
    g12_after_a_write_nobody_joins_the_refresh_that_it_overtook,
    g12_after_expire_the_next_access_starts_another_refresh,
    g12_a_change_of_times_overtakes_no_refresh,
);
