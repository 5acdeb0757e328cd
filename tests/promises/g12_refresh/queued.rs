//! Refreshes that wait for a permit of `max_concurrent_loads`, as any load does; and those for which there is no room even to wait.

use crate::apart::{Apart, apart};
use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{Given, KEY, OLD, Of, WINDOW, due, due_with, settled, stale, stale_while_revalidate};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::tally::tally;
use bellwether::{AbandonedLoads, CacheBuilder, LoadError, Loaded, MockClock, StaleReason};
use futures::executor::block_on;
use std::sync::Arc;

type Holder = Apart<Result<Arc<usize>, LoadError>>;

/// The one permit is in the hands of a load of another key until the gate is opened, and a refresh has been asked for.
fn behind<F: Kind>(runway: &Runway, style: Style, builder: CacheBuilder<u32, usize>) -> (Of<F>, MockClock, Holder, Gate) {
    let gate = Gate::new();
    let (cache, clock) = due::<F>(runway, style, stale_while_revalidate(builder).max_concurrent_loads(1));
    let held = gate.clone();
    let holder = apart(&cache.sync(), move |cache| {
        cache.fetch_or_load(&2, || {
            held.wait();
            Loaded::ok(2)
        })
    });
    gate.until_arrived(1);
    assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)));
    (cache, clock, holder, gate)
}

fn g12_a_refresh_waits_for_a_permit_while_callers_are_served<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(0);
        let (cache, _, holder, gate) = behind::<F>(&runway, style, CacheBuilder::new());
        (0..20).for_each(|_| assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating))));
        let metrics = cache.metrics();
        assert_eq!((metrics.queued, metrics.refreshes, metrics.permits, runway.begun()), (1, 1, 1, 0), "{style:?}");
        gate.open();
        assert!(holder.result().is_ok());
        settled::<F>(&cache);
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0), "{style:?}");
        tally(&cache.sync(), |metrics| (metrics.refreshes_started, metrics.loads_stored, metrics.permits_peak), (1, 2, 1));
    }
}

/// Once its value is over, whoever waits for the refresh gets what it brings.
fn g12_who_has_to_wait_joins_a_refresh_that_waits_itself<F: Kind>() {
    for style in BOTH {
        for fate in [AbandonedLoads::Finish, AbandonedLoads::Cancel] {
            let runway = Runway::new(0);
            let (cache, clock, holder, gate) = behind::<F>(&runway, style, CacheBuilder::new().abandoned_loads(fate));
            clock.advance(WINDOW);
            let tasks = cache.sync().to_async();
            let (stays, leaves) = (tasks.fetch_with(&KEY), tasks.fetch_with(&KEY));
            drop(leaves);
            assert_eq!((cache.metrics().joined, cache.metrics().loads_started), (2, 2));
            gate.open();
            assert!(holder.result().is_ok());
            assert_eq!(block_on(stays).ok().as_deref(), Some(&0), "{style:?}, {fate:?}");
            settled::<F>(&cache);
            assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0));
            at_rest(&cache.sync());
        }
    }
}

/// A write answers a refresh that has yet to begin: it is needed no more.
fn g12_an_insert_answers_a_refresh_that_has_not_begun<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(0);
        let (cache, _, holder, gate) = behind::<F>(&runway, style, CacheBuilder::new());
        cache.insert(KEY, 7);
        until("it waits no more", || cache.metrics().refreshes == 0 && cache.metrics().queued == 0);
        assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&7));
        gate.open();
        assert!(holder.result().is_ok());
        settled::<F>(&cache);
        assert_eq!((cache.fetch(&KEY).as_deref(), runway.begun()), (Some(&7), 0), "{style:?}");
        tally(&cache.sync(), |metrics| (metrics.loads_answered, metrics.refreshes_failed, metrics.refreshes_started), (1, 0, 1));
    }
}

/// It hasn't begun, so that what it will bring is newer than the write; but nobody wants it any more.
fn g12_a_refresh_that_has_not_begun_when_its_value_is_invalidated_brings_nothing_back<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(0);
        let (cache, _, holder, gate) = behind::<F>(&runway, style, CacheBuilder::new());
        cache.invalidate(&KEY);
        gate.open();
        assert!(holder.result().is_ok());
        settled::<F>(&cache);
        assert!(cache.fetch_stale(&KEY).is_none(), "{style:?}");
        tally(&cache.sync(), |metrics| metrics.refreshes, 0);
    }
}

/// What was taken away is held no more, so that no loader is asked to confirm it: who comes after the write would get it back.
fn g12_a_refresh_that_has_not_begun_is_given_nothing_that_was_taken_away<F: Kind>() {
    let writes: [fn(&Of<F>); 3] = [|cache| assert!(!cache.invalidate(&KEY)), |cache| assert!(cache.remove(&KEY).is_none()), Face::clear];
    for style in BOTH {
        for write in writes {
            let (gate, given) = (Gate::new(), Given::default());
            let builder = stale_while_revalidate(CacheBuilder::new()).max_concurrent_loads(1);
            let (cache, _) = due_with::<F>(given.loader(&Runway::new(0), builder, style, Loaded::ok));
            let held = gate.clone();
            let holder = apart(&cache.sync(), move |cache| {
                cache.fetch_or_load(&2, || {
                    held.wait();
                    Loaded::ok(2)
                })
            });
            gate.until_arrived(1);
            assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
            write(&cache);
            let tasks = cache.sync().to_async();
            let after = tasks.fetch_with(&KEY);
            gate.open();
            assert!(holder.result().is_ok());
            assert_eq!(block_on(after).ok().as_deref(), Some(&0));
            settled::<F>(&cache);
            at_rest(&cache.sync());
            assert_eq!(given.values(), [None], "{style:?}: it is loaded, not confirmed");
        }
    }
}

/// One too many to wait is dropped, its caller has the value all the same, and the next access tries again.
fn g12_where_no_more_may_wait_a_refresh_is_dropped<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(0);
        let builder = CacheBuilder::new().max_queued_loads(0);
        let (cache, _, holder, gate) = behind::<F>(&runway, style, builder);
        let metrics = cache.metrics();
        assert_eq!((metrics.refreshes, metrics.refreshes_dropped, metrics.refreshes_started, metrics.queued), (0, 1, 0, 0), "{style:?}");
        assert_eq!((metrics.turned_away, metrics.loads_failed()), (0, 0));
        gate.open();
        assert!(holder.result().is_ok());
        settled::<F>(&cache);
        until("the permit is back", || cache.metrics().permits == 0);
        assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
        settled::<F>(&cache);
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0), "{style:?}");
        tally(&cache.sync(), |metrics| (metrics.refreshes_started, metrics.refreshes_dropped), (1, 1));
    }
}

/// One that waits for a permit is under way as far as the limit of refreshes goes.
fn g12_a_refresh_that_waits_has_its_place_among_the_refreshes<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(0);
        let (cache, _, holder, gate) = behind::<F>(&runway, style, CacheBuilder::new().max_concurrent_refreshes(1));
        cache.insert_with(3, Loaded::value(OLD).time_to_live(std::time::Duration::ZERO));
        assert_eq!(cache.fetch_with(&3).ok().as_deref(), Some(&OLD));
        assert_eq!((cache.metrics().refreshes, cache.metrics().refreshes_dropped, cache.metrics().queued), (1, 1, 1), "{style:?}");
        gate.open();
        assert!(holder.result().is_ok());
        settled::<F>(&cache);
        assert_eq!(at_rest(&cache.sync()).refreshes_started, 1);
    }
}

on_every_face_in_time!(
    g12_a_refresh_waits_for_a_permit_while_callers_are_served,
    g12_who_has_to_wait_joins_a_refresh_that_waits_itself,
    g12_an_insert_answers_a_refresh_that_has_not_begun,
    g12_a_refresh_that_has_not_begun_when_its_value_is_invalidated_brings_nothing_back,
    g12_a_refresh_that_has_not_begun_is_given_nothing_that_was_taken_away,
    g12_where_no_more_may_wait_a_refresh_is_dropped,
    g12_a_refresh_that_waits_has_its_place_among_the_refreshes,
);
