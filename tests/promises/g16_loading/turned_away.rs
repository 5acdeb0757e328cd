//! Lookups that are turned away, as too many loads wait for a permit, are counted as misses and as turned away, and as no load.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g16_loading::lookups;
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use bellwether::{CacheBuilder, LoadErrorKind, Loaded};

type Of<F> = <F as Kind>::Of<u32, usize>;

fn g16_who_is_turned_away_is_counted_once_and_costs_no_load<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new().max_concurrent_loads(1).max_queued_loads(1), style));
        cache.insert(9, 90);
        let first = apart(&cache, |cache| cache.fetch_with(&1));
        runway.until_begun(0);
        let second = apart(&cache, |cache| cache.fetch_with(&2));
        until("it waits for the permit, and is counted", || {
            let metrics = cache.metrics();
            (metrics.queued, metrics.misses, metrics.loads_started) == (1, 2, 2)
        });
        let away = [cache.fetch_with(&3), cache.refresh(&3), cache.refresh(&9), cache.fetch_or_load(&3, || Loaded::ok(3))];
        for result in away {
            assert_eq!(result.map_err(|error| error.kind()), Err(LoadErrorKind::Overloaded), "{style:?}");
        }
        let metrics = cache.metrics();
        assert_eq!((lookups(&metrics), metrics.turned_away, metrics.loads_started), ((0, 6, 0), 4, 2), "{style:?}");
        // Whose value is held, or whose load is under way or waiting, is not turned away.
        assert_eq!(*cache.fetch_with(&9).expect("it is held"), 90);
        let joined = [1, 2].map(|key| apart(&cache, move |cache| cache.fetch_with(&key)));
        until("both have joined", || cache.metrics().joined == 2);
        runway.open(0);
        assert!(first.result().is_ok() && second.result().is_ok() && joined.into_iter().all(|joined| joined.result().is_ok()));
        assert!(cache.fetch_with(&3).is_ok(), "there is room again");
        let metrics = at_rest(&cache.sync());
        assert_eq!((lookups(&metrics), metrics.turned_away), ((1, 7, 2), 4), "{style:?}");
        assert_eq!((metrics.loads_started, metrics.loads_stored, metrics.loads_failed()), (3, 3, 0));
        assert_eq!((metrics.permits_peak, metrics.queued_peak, metrics.flights_peak), (1, 1, 2));
    }
}

/// A closed cache refuses, too, but turns nobody away for want of room.
fn g16_who_comes_to_a_closed_cache_is_a_miss<F: Kind>() {
    for style in BOTH {
        let cache: Of<F> = F::Of::build(Runway::new(0).numbers(CacheBuilder::new().max_concurrent_loads(1), style));
        cache.insert(9, 90);
        assert!(cache.sync().close());
        assert!(cache.fetch_with(&1).is_err() && cache.refresh(&9).is_err() && cache.fetch_with(&9).is_ok());
        let metrics = at_rest(&cache.sync());
        assert_eq!((lookups(&metrics), metrics.turned_away, metrics.loads_started), ((1, 2, 0), 0, 0), "{style:?}");
    }
}

/// The holder of an entry gives up while the queue is full: the fetch that waited for it is turned away, and told so.
fn g16_who_waited_for_an_entry_and_finds_the_queue_full_is_told_so<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new().max_concurrent_loads(1).max_queued_loads(0), style));
        let first = apart(&cache, |cache| cache.fetch_with(&1));
        runway.until_begun(0);
        let entry = cache.sync().entry(2);
        let waiter = apart(&cache, |cache| cache.fetch_with(&2));
        until("it waits for the entry", || cache.metrics().joined == 1);
        drop(entry);
        let result = waiter.result().map_err(|error| error.kind());
        runway.open(0);
        assert!(first.result().is_ok());
        let metrics = at_rest(&cache.sync());
        assert_eq!((lookups(&metrics), metrics.turned_away, metrics.loads_started), ((0, 2, 1), 1, 1), "{style:?}");
        assert_eq!(result, Err(LoadErrorKind::Overloaded), "{style:?}");
    }
}

on_every_face_in_time!(
    g16_who_is_turned_away_is_counted_once_and_costs_no_load,
    g16_who_comes_to_a_closed_cache_is_a_miss,
    g16_who_waited_for_an_entry_and_finds_the_queue_full_is_told_so,
);
