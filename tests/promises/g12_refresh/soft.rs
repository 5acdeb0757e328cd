//! `soft_timeout`: who has a stale value in hand waits for the load no longer than that. The load goes on, and what it brings is stored.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{
    DUE, KEY, OLD, Of, TICK, WINDOW, due, due_with, kind, settled, sourced, stale, stale_if_error, stale_while_revalidate,
};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::tally::tally;
use bellwether::{AbandonedLoads, CacheBuilder, LoadErrorKind, Loaded, Source, StaleReason};
use futures::FutureExt;
use futures::executor::block_on;
use std::time::{Duration, Instant};

const SOFT: Duration = Duration::from_secs(2);
const SLOW: Option<(usize, StaleReason)> = Some((OLD, StaleReason::LoadSlow));

fn g12_threads_and_tasks_get_the_stale_value_at_the_soft_timeout_and_not_before<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (cache, clock) = due::<F>(&runway, style, stale_if_error(CacheBuilder::new()).soft_timeout(SOFT));
        let tasks = cache.sync().to_async();
        let mut fetches: Vec<_> = (0..3).map(|_| tasks.fetch_detailed(&KEY)).collect();
        let callers: Vec<_> = (0..3).map(|_| apart(&cache, |cache| cache.fetch_detailed(&KEY))).collect();
        let threads: Vec<_> = (0..3).map(|_| apart(&cache.sync(), |cache| cache.fetch_detailed(&KEY))).collect();
        until("all wait", || cache.metrics().waiters == 9 && cache.metrics().joined == 8);
        runway.until_begun(0);
        clock.advance(SOFT - TICK);
        assert!(fetches.iter_mut().all(|fetch| fetch.now_or_never().is_none()), "just before it all wait");
        assert!(callers.iter().chain(&threads).all(|caller| !caller.is_over()));
        clock.advance(TICK);
        for fetch in fetches {
            let fetched = fetch.now_or_never().expect("at the soft timeout nobody waits");
            assert_eq!(sourced(fetched), (OLD, Source::Stale { age: DUE + SOFT, why: StaleReason::LoadSlow }), "{style:?}");
        }
        for caller in callers.into_iter().chain(threads) {
            assert_eq!(stale(caller.result()), SLOW, "{style:?}");
        }
        assert_eq!((cache.metrics().flights, cache.metrics().loads_started), (1, 1), "the load goes on");
        runway.open(0);
        settled::<F>(&cache);
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0), "{style:?}: and is stored");
        tally(&cache.sync(), |metrics| (metrics.misses, metrics.joined, metrics.stale_hits, metrics.loads_stored), (1, 8, 0, 1));
    }
}

/// A key that nobody holds is waited for as long as it takes, and so is a load that was asked for by name.
fn g12_the_soft_timeout_is_for_those_alone_who_have_a_value_in_hand<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(2);
        let (cache, clock) = due::<F>(&runway, style, stale_if_error(CacheBuilder::new()).soft_timeout(SOFT));
        let bare = apart(&cache, |cache| cache.fetch_detailed(&2));
        runway.until_begun(0);
        let explicit = apart(&cache, |cache| cache.refresh(&KEY));
        runway.until_begun(1);
        until("both wait", || cache.metrics().waiters == 2);
        clock.advance(SOFT * 10);
        assert_eq!(cache.metrics().waiters, 2);
        (0..2).for_each(|number| runway.open(number));
        assert_eq!((sourced(bare.result()).1, explicit.result().is_ok()), (Source::Loaded, true), "{style:?}");
        at_rest(&cache.sync());
    }
}

/// Each caller's patience is its own.
fn g12_the_soft_timeout_counts_from_each_callers_own_call<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (cache, clock) = due::<F>(&runway, style, stale_if_error(CacheBuilder::new()).soft_timeout(SOFT));
        let tasks = cache.sync().to_async();
        let first = tasks.fetch_detailed(&KEY);
        runway.until_begun(0);
        clock.advance(SOFT / 2);
        let mut second = tasks.fetch_detailed(&KEY);
        assert!((&mut second).now_or_never().is_none());
        clock.advance(SOFT / 2);
        assert_eq!(stale(block_on(first)), SLOW);
        assert!((&mut second).now_or_never().is_none(), "{style:?}: it waits as long as the first did");
        runway.open(0);
        assert_eq!(sourced(block_on(second)), (0, Source::Joined), "{style:?}: and gets the new value in time");
        at_rest(&cache.sync());
    }
}

/// Whoever settles for an older value hasn't gone away: the load isn't abandoned, or a slow backend's values would never be renewed.
fn g12_a_load_that_all_have_lost_patience_with_goes_on<F: Kind>() {
    for style in BOTH {
        for fate in [AbandonedLoads::Finish, AbandonedLoads::Cancel] {
            let runway = Runway::new(1);
            let (cache, clock) = due::<F>(&runway, style, stale_if_error(CacheBuilder::new()).soft_timeout(SOFT).abandoned_loads(fate));
            let waits = apart(&cache, |cache| cache.fetch_detailed(&KEY));
            runway.until_begun(0);
            until("it waits", || cache.metrics().waiters == 1);
            clock.advance(SOFT);
            assert_eq!(stale(waits.result()), SLOW, "{style:?}");
            runway.open(0);
            settled::<F>(&cache);
            assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0), "{style:?}, {fate:?}");
            at_rest(&cache.sync());
        }
    }
}

/// A refresh that is joined in the error window is waited for no longer either.
fn g12_who_joins_a_refresh_is_as_impatient<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let builder = stale_while_revalidate(CacheBuilder::new()).stale_if_error(WINDOW * 2).soft_timeout(SOFT);
        let (cache, clock) = due::<F>(&runway, style, builder);
        assert!(cache.fetch_with(&KEY).is_ok());
        runway.until_begun(0);
        clock.advance(WINDOW);
        let joins = apart(&cache, |cache| cache.fetch_detailed(&KEY));
        until("it has joined", || cache.metrics().joined == 1 && cache.metrics().waiters == 1);
        clock.advance(SOFT);
        assert_eq!(stale(joins.result()), SLOW, "{style:?}");
        runway.open(0);
        settled::<F>(&cache);
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0));
        at_rest(&cache.sync());
    }
}

/// The value in hand may come to its end before the patience does: then there is nothing to be had but what the load brings.
fn g12_who_has_no_value_in_hand_any_more_at_the_soft_timeout_waits_on<F: Kind>() {
    for style in BOTH {
        for fails in [false, true] {
            let runway = Runway::new(1);
            let answer = move |number| if fails { Err("down".into()) } else { Loaded::ok(number) };
            let (cache, clock) = due_with::<F>(runway.loader(stale_if_error(CacheBuilder::new()).soft_timeout(SOFT), style, answer));
            clock.advance(WINDOW - SOFT / 2);
            let tasks = cache.sync().to_async();
            let mut task = tasks.fetch_detailed(&KEY);
            let thread = apart(&cache.sync(), |cache| cache.fetch_detailed(&KEY));
            runway.until_begun(0);
            until("both wait", || cache.metrics().waiters == 2 && cache.metrics().joined == 1);
            assert!((&mut task).now_or_never().is_none());
            clock.advance(SOFT * 2);
            let early = (&mut task).now_or_never().map(kind);
            runway.open(0);
            assert_eq!(early, None, "{style:?}: there is nothing that it could get");
            let expected = fails.then_some(LoadErrorKind::Failed);
            assert_eq!((kind(block_on(task)), kind(thread.result())), (expected, expected), "{style:?}, fails: {fails}");
            settled::<F>(&cache);
            at_rest(&cache.sync());
        }
    }
}

/// By the real clock, with wide margins: long before the load times out, and not before the patience is over.
fn g12_the_soft_timeout_holds_by_the_real_clock<F: Kind>() {
    let soft = Duration::from_millis(50);
    for style in BOTH {
        let runway = Runway::new(1);
        let builder = CacheBuilder::new().stale_if_error(Duration::MAX).soft_timeout(soft);
        let cache: Of<F> = F::Of::build(runway.numbers(builder, style));
        cache.insert_with_ttl(KEY, OLD, Duration::ZERO);
        let began = Instant::now();
        let callers: Vec<_> = (0..2).map(|_| apart(&cache, |cache| cache.fetch_detailed(&KEY))).collect();
        let thread = apart(&cache.sync(), |cache| cache.fetch_detailed(&KEY));
        let task = block_on(cache.sync().to_async().fetch_detailed(&KEY));
        assert_eq!(stale(task), SLOW, "{style:?}");
        for caller in callers.into_iter().chain([thread]) {
            assert_eq!(stale(caller.result()), SLOW, "{style:?}");
        }
        assert!(began.elapsed() >= soft && began.elapsed() < Duration::from_secs(20), "{style:?}: {:?}", began.elapsed());
        runway.open(0);
        settled::<F>(&cache);
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0));
        assert_eq!(at_rest(&cache.sync()).loads_stored, 1);
    }
}

on_every_face_in_time!(
    g12_threads_and_tasks_get_the_stale_value_at_the_soft_timeout_and_not_before,
    g12_the_soft_timeout_is_for_those_alone_who_have_a_value_in_hand,
    g12_the_soft_timeout_counts_from_each_callers_own_call,
    g12_a_load_that_all_have_lost_patience_with_goes_on,
    g12_who_joins_a_refresh_is_as_impatient,
    g12_who_has_no_value_in_hand_any_more_at_the_soft_timeout_waits_on,
    g12_the_soft_timeout_holds_by_the_real_clock,
);
