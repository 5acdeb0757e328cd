//! A caller who can't be served any more joins the refresh that runs.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{
    DUE, Given, KEY, OLD, Of, WINDOW, down, due, due_with, kind, settled, sourced, stale, stale_while_revalidate,
};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use bellwether::{AbandonedLoads, CacheBuilder, LoadErrorKind, Loaded, RemovalCause, Source, StaleReason};
use futures::FutureExt;
use futures::executor::block_on;

type Answer = fn(usize) -> Result<Loaded<usize>, bellwether::BoxError>;

/// A refresh is under way, held, and its value has come to its end meanwhile.
fn over<F: Kind>(runway: &Runway, style: Style, builder: CacheBuilder<u32, usize>) -> Of<F> {
    let (cache, clock) = due::<F>(runway, style, stale_while_revalidate(builder));
    assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)));
    runway.until_begun(0);
    clock.advance(WINDOW);
    assert!(cache.entry_info(&KEY).is_none(), "it is over");
    cache
}

fn g12_who_has_to_wait_joins_the_refresh_that_runs<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = over::<F>(&runway, style, CacheBuilder::new());
        let callers: Vec<_> = (0..4).map(|_| apart(&cache, |cache| cache.fetch_detailed(&KEY))).collect();
        let explicit = apart(&cache, |cache| cache.refresh(&KEY));
        let own = apart(&cache, |cache| cache.fetch_or_load(&KEY, || -> Result<Loaded<usize>, _> { panic!("it is loaded already") }));
        until("all have joined", || cache.metrics().joined == 6 && cache.metrics().waiters == 6);
        assert_eq!(cache.metrics().loads_started, 1);
        runway.open(0);
        for caller in callers {
            assert_eq!(sourced(caller.result()), (0, Source::Joined));
        }
        assert_eq!((explicit.result().ok().as_deref(), own.result().ok().as_deref()), (Some(&0), Some(&0)));
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0), "{style:?}: it is stored");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_started, metrics.loads_stored, metrics.misses, metrics.stale_hits), (1, 1, 0, 1), "{style:?}");
    }
}

fn g12_who_has_joined_a_refresh_that_fails_gets_its_error<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (cache, clock) = due_with::<F>(runway.loader(stale_while_revalidate(CacheBuilder::new()), style, |_| Err("down".into())));
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)));
        runway.until_begun(0);
        clock.advance(WINDOW);
        let caller = apart(&cache, |cache| cache.fetch_with(&KEY));
        until("it has joined", || cache.metrics().joined == 1);
        runway.open(0);
        assert_eq!(kind(caller.result()), Some(LoadErrorKind::Failed), "{style:?}");
        settled::<F>(&cache);
        assert_eq!((at_rest(&cache.sync()).loads_failed(), cache.len()), (1, 0));
    }
}

/// The explicit `refresh` loads now; where one in the background does so already, it waits for that, with the value in place.
fn g12_an_explicit_refresh_joins_the_one_in_the_background<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (cache, _) = due::<F>(&runway, style, stale_while_revalidate(CacheBuilder::new()));
        assert!(cache.fetch_with(&KEY).is_ok());
        runway.until_begun(0);
        let explicit = apart(&cache, |cache| cache.refresh(&KEY));
        until("it has joined", || cache.metrics().joined == 1);
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)), "others are served");
        runway.open(0);
        assert_eq!(explicit.result().ok().as_deref(), Some(&0));
        assert_eq!(at_rest(&cache.sync()).loads_started, 1, "{style:?}");
    }
}

/// A refresh of what has gone that nobody waits for brings nothing back.
fn g12_a_refresh_of_what_is_held_no_more_is_not_stored_for_nobody<F: Kind>() {
    for style in BOTH {
        for unchanged in [false, true] {
            let given = Given::default();
            let answer: Answer = if unchanged { |_| Loaded::ok(Loaded::unchanged()) } else { Loaded::ok };
            for evicted in [false, true] {
                let runway = Runway::new(1);
                let builder = stale_while_revalidate(CacheBuilder::new().capacity(1).shards(1));
                let (cache, clock) = due_with::<F>(given.loader(&runway, builder, style, answer));
                assert!(cache.fetch_with(&KEY).is_ok());
                runway.until_begun(0);
                if evicted {
                    cache.insert_with(2, Loaded::value(2).time_to_live(WINDOW * 9));
                } else {
                    clock.advance(WINDOW);
                }
                assert!(cache.fetch_stale(&KEY).is_none(), "it has gone");
                runway.open(0);
                settled::<F>(&cache);
                assert!(cache.fetch_stale(&KEY).is_none(), "{style:?}: nobody has asked for it");
                let metrics = at_rest(&cache.sync());
                let removed = [RemovalCause::Rejected, RemovalCause::Evicted, RemovalCause::Expired].map(|cause| metrics.removals(cause));
                assert_eq!(removed, if evicted { [1, 1, 0] } else { [1, 0, 1] }, "{style:?}, evicted: {evicted}");
                assert_eq!((metrics.loads_refused, metrics.loads_stored, metrics.entries), (1, 0, u64::from(evicted)));
            }
        }
    }
}

/// One who waited and has left doesn't count.
fn g12_a_refresh_that_the_last_waiter_has_left_is_not_stored_either<F: Kind>() {
    for style in BOTH {
        for fate in [AbandonedLoads::Finish, AbandonedLoads::Cancel] {
            let runway = Runway::new(1);
            let cache = over::<F>(&runway, style, CacheBuilder::new().abandoned_loads(fate));
            let tasks = cache.sync().to_async();
            let mut waiter = tasks.fetch_with(&KEY);
            assert!((&mut waiter).now_or_never().is_none());
            drop(waiter);
            runway.open(0);
            settled::<F>(&cache);
            assert_eq!((cache.len(), at_rest(&cache.sync()).loads_refused), (0, 1), "{style:?}, {fate:?}");
        }
    }
}

/// The value that the loader confirmed is brought back for those who wait: it was evicted, not found wanting.
fn g12_an_unchanged_value_that_was_evicted_is_stored_again_for_those_who_wait<F: Kind>() {
    for style in BOTH {
        let (runway, given) = (Runway::new(1), Given::default());
        let builder = stale_while_revalidate(CacheBuilder::new().capacity(1).shards(1));
        let (cache, clock) = due_with::<F>(given.loader(&runway, builder, style, |_| Loaded::ok(Loaded::unchanged())));
        let old = cache.fetch_with(&KEY).expect("it is held");
        runway.until_begun(0);
        cache.insert(2, 2);
        let tasks = cache.sync().to_async();
        let waiter = tasks.fetch_with(&KEY);
        runway.open(0);
        let brought = block_on(waiter).expect("the loader confirmed it");
        assert!(std::sync::Arc::ptr_eq(&old, &brought), "{style:?}: it is the very same");
        settled::<F>(&cache);
        clock.advance(DUE / 2);
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&OLD), "{style:?}: it is stored, and fresh");
        assert_eq!(given.values(), [Some(OLD)]);
        assert_eq!(at_rest(&cache.sync()).loads_started, 1);
    }
}

/// With nothing but an error to come, who can be served is.
fn g12_nobody_who_can_be_served_hears_of_a_refresh_that_fails<F: Kind>() {
    for style in BOTH {
        let (builder, runway) = down(stale_while_revalidate(CacheBuilder::new()), style);
        let (cache, _) = due_with::<F>(builder);
        for _ in 0..100 {
            assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
        }
        settled::<F>(&cache);
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::BackingOff)));
        let metrics = at_rest(&cache.sync());
        assert_eq!((runway.begun(), metrics.stale_hits, metrics.misses, metrics.joined), (1, 101, 0, 0), "{style:?}");
    }
}

on_every_face_in_time!(
    g12_who_has_to_wait_joins_the_refresh_that_runs,
    g12_who_has_joined_a_refresh_that_fails_gets_its_error,
    g12_an_explicit_refresh_joins_the_one_in_the_background,
    g12_a_refresh_of_what_is_held_no_more_is_not_stored_for_nobody,
    g12_a_refresh_that_the_last_waiter_has_left_is_not_stored_either,
    g12_an_unchanged_value_that_was_evicted_is_stored_again_for_those_who_wait,
    g12_nobody_who_can_be_served_hears_of_a_refresh_that_fails,
);
