//! Closing has a limit: loads that are under way beyond it are given up, for all who wait.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g17_ends::close::{EITHER, until_closed};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, CacheBuilder, LoadErrorKind, MockClock};
use futures::FutureExt;
use futures::executor::block_on;
use std::time::{Duration, Instant};

type Of<F> = <F as Kind>::Of<u32, usize>;

const LIMIT: Duration = Duration::from_secs(10);
const MOMENT: Duration = Duration::from_nanos(1);

/// `close` waits for ten seconds, `close_within` for as long as it is told, by the cache's clock.
fn g17_loads_beyond_the_limit_are_given_up_for_all_who_wait<F: Kind>() {
    for style in BOTH {
        for by in EITHER {
            for own_limit in [false, true] {
                let (runway, clock) = (Runway::new(1), MockClock::new());
                let builder = CacheBuilder::new().clock(clock.clone()).load_timeout(Duration::MAX);
                let cache: Of<F> = F::Of::build(runway.numbers(builder, style));
                let leader = apart(&cache, |cache| cache.fetch_with(&1));
                runway.until_begun(0);
                let joiner = apart(&cache, |cache| cache.fetch_with(&1));
                until("it has joined", || cache.metrics().joined == 1);
                let limit = if own_limit { 2 * LIMIT } else { LIMIT };
                let close = apart(&cache.sync(), move |cache| if own_limit { by.close_within(&cache, limit) } else { by.close(&cache) });
                until_closed(&cache.sync());
                clock.advance(limit - MOMENT);
                assert!(!close.is_over() && cache.metrics().flights == 1, "the limit isn't reached");
                // The limit counts from a moment of the call that may have come after the first of this.
                until("closing has ended", || {
                    clock.advance(LIMIT / 100);
                    close.is_over()
                });
                assert!(!close.result(), "a load was under way");
                assert_eq!(joiner.result().map_err(|error| error.kind()), Err(LoadErrorKind::Closed));
                // The blocking face's leader runs a blocking load itself and comes back when that does.
                if F::IS_BLOCKING && style == Style::Blocking {
                    runway.open(0);
                }
                assert_eq!(leader.result().map_err(|error| error.kind()), Err(LoadErrorKind::Closed));
                runway.open(0);
                let metrics = at_rest(&cache.sync());
                // A call that claimed a load at the very moment of closing has failed one, too.
                assert!(metrics.loads_failed_by(LoadErrorKind::Closed) >= 1);
                assert_eq!(metrics.entries, 0, "what it brings isn't stored");
                assert!(by.close(&cache.sync()), "nothing is left");
            }
        }
    }
}

fn g17_without_any_patience_closing_gives_up_all_at_once<F: Kind>() {
    for style in BOTH {
        for by in EITHER {
            let runway = Runway::new(1);
            let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new().max_concurrent_loads(1), style));
            let tasks = cache.sync().to_async();
            let fetches: Vec<_> = (0..5).map(|key| tasks.fetch_with(&key)).collect();
            runway.until_begun(0);
            assert!(!by.close_within(&cache.sync(), Duration::ZERO));
            let begun = runway.begun();
            for fetch in fetches {
                let fetched = fetch.now_or_never().expect("it was given up before `close_within` returned");
                assert_eq!(fetched.map_err(|error| error.kind()), Err(LoadErrorKind::Closed), "{style:?}");
            }
            runway.open(0);
            let metrics = at_rest(&cache.sync());
            assert_eq!((metrics.loads_failed_by(LoadErrorKind::Closed), metrics.loads_started, metrics.entries), (5, 5, 0));
            assert_eq!(runway.begun(), begun, "none begins afterwards");
        }
    }
}

/// By the real clock.
fn g17_closing_returns_soon_after_its_limit<F: Kind>() {
    const SHORT: Duration = Duration::from_millis(50);
    for by in EITHER {
        let runway = Runway::new(1);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), Style::Async));
        let leader = apart(&cache, |cache| cache.fetch_with(&1));
        runway.until_begun(0);
        let start = Instant::now();
        assert!(!by.close_within(&cache.sync(), SHORT));
        assert!(start.elapsed() >= SHORT, "it waited for {:?}", start.elapsed());
        assert_eq!(leader.result().map_err(|error| error.kind()), Err(LoadErrorKind::Closed));
        at_rest(&cache.sync());
    }
}

/// Loads that a write overtook and those that wait behind them are loads, too.
fn g17_overtaken_loads_are_given_up_too<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(4);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
        let tasks = cache.sync().to_async();
        let overtaken: Vec<_> = (0..4)
            .map(|number| {
                let fetch = tasks.fetch_with(&1);
                runway.until_begun(number);
                cache.invalidate(&1);
                fetch
            })
            .collect();
        let last = tasks.fetch_with(&1);
        assert!(!cache.sync().close_within(Duration::ZERO));
        for fetch in overtaken.into_iter().chain([last]) {
            assert_eq!(block_on(fetch).map_err(|error| error.kind()), Err(LoadErrorKind::Closed), "{style:?}");
        }
        (0..4).for_each(|number| runway.open(number));
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_started, metrics.loads_failed_by(LoadErrorKind::Closed)), (5, 5));
    }
}

on_every_face_in_time!(
    g17_loads_beyond_the_limit_are_given_up_for_all_who_wait,
    g17_without_any_patience_closing_gives_up_all_at_once,
    g17_closing_returns_soon_after_its_limit,
    g17_overtaken_loads_are_given_up_too,
);

/// Whoever began to close and went away has closed the cache, and given up no load.
#[test]
fn g17_a_close_that_is_dropped_leaves_the_loads_alone() {
    in_time(|| {
        for style in BOTH {
            let (runway, clock) = (Runway::new(1), MockClock::new());
            let builder = CacheBuilder::new().clock(clock.clone()).load_timeout(Duration::MAX);
            let cache: AsyncCache<u32, usize> = runway.numbers(builder, style).build_async().expect("the settings make sense");
            let fetch = cache.fetch_with(&1);
            runway.until_begun(0);
            assert!(cache.close().now_or_never().is_none(), "a load is under way");
            clock.advance(10 * LIMIT);
            assert_eq!(block_on(cache.fetch_with(&2)).map_err(|error| error.kind()), Err(LoadErrorKind::Closed));
            runway.open(0);
            assert_eq!(*block_on(fetch).expect("nobody gave it up"), 0);
            assert!(block_on(cache.close()));
            at_rest(&cache.to_sync());
        }
    });
}

#[test]
fn g17_the_limit_of_closing_is_exact() {
    in_time(|| {
        for style in BOTH {
            let (runway, clock) = (Runway::new(1), MockClock::new());
            let builder = CacheBuilder::new().clock(clock.clone()).load_timeout(Duration::MAX);
            let cache: AsyncCache<u32, usize> = runway.numbers(builder, style).build_async().expect("the settings make sense");
            let fetch = cache.fetch_with(&1);
            runway.until_begun(0);
            let (mut shorter, mut longer) = (Box::pin(cache.close()), Box::pin(cache.close_within(LIMIT + MOMENT)));
            assert!((&mut shorter).now_or_never().is_none() && (&mut longer).now_or_never().is_none());
            clock.advance(LIMIT - MOMENT);
            assert!((&mut shorter).now_or_never().is_none() && (&mut longer).now_or_never().is_none());
            clock.advance(MOMENT);
            assert_eq!((&mut longer).now_or_never(), None, "it has more patience");
            assert_eq!(shorter.now_or_never(), Some(false));
            assert_eq!(longer.now_or_never(), Some(true), "all have ended, as the other has given them up");
            assert_eq!(block_on(fetch).map_err(|error| error.kind()), Err(LoadErrorKind::Closed));
            runway.open(0);
            at_rest(&cache.to_sync());
        }
    });
}
