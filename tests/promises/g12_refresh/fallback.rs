//! `stale_if_error`: a call waits for the load, and gets the stale value if that fails; and while the key backs off, at once.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{
    DUE, Given, KEY, OLD, Of, TICK, WINDOW, down, due, due_with, info, kind, settled, sourced, stale, stale_if_error,
    stale_while_revalidate,
};
use crate::gate::until;
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::tally::tally;
use bellwether::{BoxError, CacheBuilder, Freshness, LoadErrorKind, Loaded, RemovalCause, Source, StaleReason};
use std::time::Duration;

const FAILED: Option<(usize, StaleReason)> = Some((OLD, StaleReason::LoadFailed));
const BACKING_OFF: Option<(usize, StaleReason)> = Some((OLD, StaleReason::BackingOff));

fn g12_all_wait_for_one_load_and_get_what_it_brings<F: Kind>() {
    for style in BOTH {
        let (runway, given) = (Runway::new(1), Given::default());
        let (cache, _) = due_with::<F>(given.loader(&runway, stale_if_error(CacheBuilder::new()), style, Loaded::ok));
        assert_eq!(info::<F>(&cache).state, Freshness::ErrorFallback);
        let callers: Vec<_> = (0..6).map(|_| apart(&cache, |cache| cache.fetch_detailed(&KEY))).collect();
        until("all wait", || {
            let metrics = cache.metrics();
            (metrics.waiters, metrics.misses, metrics.joined) == (6, 1, 5)
        });
        runway.until_begun(0);
        runway.open(0);
        let mut sources: Vec<_> = callers.into_iter().map(|caller| sourced(caller.result())).collect();
        sources.sort_by_key(|(_, source)| *source == Source::Joined);
        assert_eq!(sources[0], (0, Source::Loaded), "{style:?}");
        assert!(sources[1..].iter().all(|&sourced| sourced == (0, Source::Joined)));
        assert_eq!((given.values(), cache.fetch(&KEY).as_deref()), (vec![Some(OLD)], Some(&0)));
        tally(&cache.sync(), |metrics| (metrics.stale_hits, metrics.refreshes_started, metrics.loads_stored), (0, 0, 1));
    }
}

fn g12_all_who_waited_get_the_stale_value_when_the_load_fails<F: Kind>() {
    hush();
    for style in BOTH {
        for panics in [false, true] {
            let runway = Runway::new(1);
            let answer = move |_| if panics { panic!("{ON_PURPOSE}") } else { Err::<Loaded<usize>, BoxError>("down".into()) };
            let (cache, _) = due_with::<F>(runway.loader(stale_if_error(CacheBuilder::new()), style, answer));
            let callers: Vec<_> = (0..6).map(|_| apart(&cache, |cache| cache.fetch_detailed(&KEY))).collect();
            let threads: Vec<_> = (0..2).map(|_| apart(&cache.sync(), |cache| cache.fetch_optional(&KEY))).collect();
            until("all wait", || {
                let metrics = cache.metrics();
                (metrics.waiters, metrics.misses, metrics.joined) == (8, 1, 7)
            });
            runway.open(0);
            for caller in callers {
                assert_eq!(sourced(caller.result()), (OLD, Source::Stale { age: DUE, why: StaleReason::LoadFailed }), "{style:?}");
            }
            for thread in threads {
                assert_eq!(thread.result().expect("a value can be had").as_deref(), Some(&OLD));
            }
            let metrics = at_rest(&cache.sync());
            assert_eq!((metrics.misses, metrics.joined, metrics.stale_hits, metrics.loads_started), (1, 7, 0, 1), "{style:?}");
            assert_eq!((metrics.loads_failed(), metrics.refreshes_failed), (1, 0));
        }
    }
}

/// After a failure nobody waits and nothing is loaded until the time of the next try, when one waits again.
fn g12_after_a_failure_the_stale_value_is_served_at_once_until_the_next_try<F: Kind>() {
    for style in BOTH {
        let (builder, runway) = down(stale_if_error(CacheBuilder::new()), style);
        let (cache, clock) = due_with::<F>(builder);
        for tries in 1..=4 {
            assert_eq!(stale(cache.fetch_detailed(&KEY)), FAILED, "{style:?}");
            settled::<F>(&cache);
            assert_eq!(info::<F>(&cache).failures, tries);
            let wait = info::<F>(&cache).next_try.expect("it failed");
            clock.advance(wait - TICK);
            (0..25).for_each(|_| assert_eq!(stale(cache.fetch_detailed(&KEY)), BACKING_OFF, "{style:?}"));
            assert_eq!(runway.begun(), tries as usize);
            clock.advance(TICK);
        }
        assert!(cache.get(&KEY, |_| ()).is_none() && cache.fetch(&KEY).is_none() && !cache.contains_key(&KEY), "others never see it");
        tally(&cache.sync(), |metrics| (metrics.loads_started, metrics.loads_failed(), metrics.stale_hits), (4, 4, 100));
    }
}

/// Past its last deadline it is nobody's, whatever happens.
fn g12_past_the_window_callers_get_the_error<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (cache, clock) = due_with::<F>(runway.loader(stale_if_error(CacheBuilder::new()), style, |_| Err("down".into())));
        clock.advance(WINDOW - TICK);
        let waits = apart(&cache, |cache| cache.fetch_detailed(&KEY));
        runway.until_begun(0);
        until("it waits", || cache.metrics().waiters == 1);
        clock.advance(TICK);
        runway.open(0);
        assert_eq!(kind(waits.result()), Some(LoadErrorKind::Failed), "{style:?}: it was over when the load failed");
        assert_eq!(kind(cache.fetch_with(&KEY)), Some(LoadErrorKind::Failed));
        assert_eq!((at_rest(&cache.sync()).removals(RemovalCause::Expired), cache.len()), (1, 0));
    }
}

fn g12_absence_never_brings_the_stale_value_back<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(0);
        let (cache, _) = due_with::<F>(runway.loader(stale_if_error(CacheBuilder::new()), style, |_| Loaded::ok(Loaded::absent())));
        assert_eq!(kind(cache.fetch_detailed(&KEY)), Some(LoadErrorKind::Absent), "{style:?}");
        assert!(cache.fetch_stale(&KEY).is_none());
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.removals(RemovalCause::Absent), metrics.loads_failed()), (1, 0));
    }
}

/// First stale, served while it is loaded anew; then shown where the load fails; then over.
fn g12_both_windows_follow_one_another<F: Kind>() {
    for style in BOTH {
        let (builder, _) = down(stale_while_revalidate(CacheBuilder::new()).stale_if_error(WINDOW * 2), style);
        let (cache, clock) = due_with::<F>(builder);
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)));
        settled::<F>(&cache);
        clock.advance(WINDOW - TICK);
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)), "{style:?}");
        settled::<F>(&cache);
        clock.advance(TICK);
        assert_eq!(
            (info::<F>(&cache).state, stale(cache.fetch_detailed(&KEY))),
            (Freshness::ErrorFallback, BACKING_OFF),
            "it failed a tick ago"
        );
        clock.advance(Duration::from_secs(30));
        assert_eq!(stale(cache.fetch_detailed(&KEY)), FAILED, "{style:?}");
        clock.advance(WINDOW);
        assert_eq!(kind(cache.fetch_detailed(&KEY)), Some(LoadErrorKind::Failed), "{style:?}");
        tally(&cache.sync(), |metrics| (metrics.refreshes_failed, metrics.loads_failed()), (2, 4));
    }
}

/// A refresh that began while its value was served is joined by those who come when it isn't any more, and they have that value in hand.
fn g12_who_joins_a_refresh_in_the_error_window_gets_the_stale_value_if_it_fails<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let builder = stale_while_revalidate(CacheBuilder::new()).stale_if_error(WINDOW * 2);
        let (cache, clock) = due_with::<F>(runway.loader(builder, style, |_| Err("down".into())));
        assert_eq!(stale(cache.fetch_detailed(&KEY)), Some((OLD, StaleReason::Revalidating)));
        runway.until_begun(0);
        clock.advance(WINDOW);
        let joins = apart(&cache, |cache| cache.fetch_detailed(&KEY));
        until("it has joined", || cache.metrics().joined == 1);
        runway.open(0);
        assert_eq!(stale(joins.result()), FAILED, "{style:?}");
        tally(&cache.sync(), |metrics| (metrics.loads_started, metrics.refreshes_failed, metrics.misses), (1, 1, 0));
    }
}

/// A write came in between: what it took away isn't shown, whatever becomes of the load.
fn g12_a_caller_whose_load_was_overtaken_and_failed_looks_again<F: Kind>() {
    let writes: [fn(&Of<F>); 3] = [|cache| assert!(!cache.invalidate(&KEY)), Face::clear, |cache| cache.insert(KEY, 77)];
    for style in BOTH {
        for (n, write) in writes.into_iter().enumerate() {
            let runway = Runway::new(1);
            let answer = |number| if number == 0 { Err("down".into()) } else { Loaded::ok(number) };
            let (cache, _) = due_with::<F>(runway.loader(stale_if_error(CacheBuilder::new()), style, answer));
            let waits: Vec<_> = (0..3).map(|_| apart(&cache, |cache| cache.fetch_detailed(&KEY))).collect();
            until("all wait", || cache.metrics().waiters == 3);
            runway.until_begun(0);
            write(&cache);
            runway.open(0);
            let expected = if n == 2 { 77 } else { 1 };
            for waits in waits {
                assert_eq!(sourced(waits.result()).0, expected, "{style:?}, {n}: not the old value");
            }
            assert_eq!(at_rest(&cache.sync()).loads_failed(), 1);
        }
    }
}

/// The explicit `refresh` wants to know.
fn g12_an_explicit_refresh_that_fails_gives_its_error<F: Kind>() {
    for style in BOTH {
        let (builder, _) = down(stale_if_error(CacheBuilder::new()), style);
        let (cache, _) = due_with::<F>(builder);
        assert_eq!(kind(cache.refresh(&KEY)), Some(LoadErrorKind::Failed), "{style:?}");
        assert_eq!(stale(cache.fetch_detailed(&KEY)), BACKING_OFF, "others have the value still");
        at_rest(&cache.sync());
    }
}

/// Those who are turned away, by a full queue or a closed cache, get the stale value, too.
fn g12_who_may_not_load_gets_the_stale_value<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (cache, _) = due::<F>(&runway, style, stale_if_error(CacheBuilder::new()).max_concurrent_loads(1).max_queued_loads(0));
        let holder = apart(&cache, |cache| cache.fetch_with(&2));
        runway.until_begun(0);
        assert_eq!(stale(cache.fetch_detailed(&KEY)), FAILED, "{style:?}");
        assert_eq!(cache.metrics().turned_away, 1);
        runway.open(0);
        assert!(holder.result().is_ok() && cache.sync().close());
        assert_eq!(stale(cache.fetch_detailed(&KEY)), FAILED, "{style:?}");
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g12_all_wait_for_one_load_and_get_what_it_brings,
    g12_all_who_waited_get_the_stale_value_when_the_load_fails,
    g12_after_a_failure_the_stale_value_is_served_at_once_until_the_next_try,
    g12_past_the_window_callers_get_the_error,
    g12_absence_never_brings_the_stale_value_back,
    g12_both_windows_follow_one_another,
    g12_who_joins_a_refresh_in_the_error_window_gets_the_stale_value_if_it_fails,
    g12_a_caller_whose_load_was_overtaken_and_failed_looks_again,
    g12_an_explicit_refresh_that_fails_gives_its_error,
    g12_who_may_not_load_gets_the_stale_value,
);
