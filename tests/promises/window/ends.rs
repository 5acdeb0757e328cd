//! Caches that end or are closed while the window is open.

use super::scene::{HOUR, Of, Scene, Source, WAIT, wait};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{AbandonedLoads, CacheBuilder, LoadErrorKind, Loaded, MockClock};
use std::sync::Arc;
use std::time::Duration;

/// Nothing holds it on but the loader, which goes with the cache.
fn witnessed() -> (Source, std::sync::Weak<()>) {
    let witness = Arc::new(());
    let weak = Arc::downgrade(&witness);
    let source = Source::new(move |_, _| {
        let witness = Arc::clone(&witness);
        async move {
            drop(witness);
            Ok(())
        }
    });
    (source, weak)
}

fn g17_window_that_is_open_keeps_no_cache_alive<F: Kind>() {
    for style in BOTH {
        for abandoned in [AbandonedLoads::Finish, AbandonedLoads::Cancel] {
            for mock in [None, Some(MockClock::new())] {
                let (source, witness) = witnessed();
                let builder = CacheBuilder::new().batch_window(HOUR).abandoned_loads(abandoned);
                let builder = match &mock {
                    Some(clock) => builder.clock(clock.clone()),
                    None => builder,
                };
                let cache: Of<F> = F::Of::build(source.given(builder, style));
                let tasks = cache.sync().to_async();
                drop([1, 2, 3].map(|key| tasks.fetch_with(&key)));
                let calls = source.clone();
                drop((source, tasks, cache));
                let kept = calls.calls();
                drop(calls);
                until("all of it is gone", || witness.strong_count() == 0);
                assert!(kept.is_empty(), "{style:?}, {abandoned:?}");
            }
        }
    }
}

fn g17_window_a_refresh_in_it_keeps_no_cache_alive<F: Kind>() {
    for style in BOTH {
        let (source, witness) = witnessed();
        let clock = MockClock::new();
        let builder = CacheBuilder::new().batch_window(HOUR).time_to_live(WAIT).stale_while_revalidate(HOUR).clock(clock.clone());
        let cache: Of<F> = F::Of::build(source.given(builder, style));
        cache.insert(1, 1);
        clock.advance(WAIT);
        assert_eq!(cache.fetch_with(&1).as_deref().ok(), Some(&1));
        assert_eq!(cache.metrics().refreshes, 1);
        drop((source, cache));
        until("all of it is gone", || witness.strong_count() == 0);
    }
}

fn g17_window_close_waits_for_those_in_it<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::new(&Source::plain(), style);
        let both = [1, 2].map(|key| scene.tasks.fetch_with(&key));
        let closer = apart(&scene.cache, |cache| cache.sync().close());
        let probe = || Loaded::ok(5).map(Loaded::uncached);
        let is_closed = || scene.cache.fetch_or_load(&5, probe).is_err_and(|error| error.kind() == LoadErrorKind::Closed);
        until("the cache is closed", is_closed);
        assert_eq!(wait(scene.tasks.fetch_with(&3)), Err(LoadErrorKind::Closed), "{style:?}");
        let joins = scene.tasks.fetch_with(&2);
        assert!(!closer.is_over(), "{style:?}");
        scene.close();
        assert_eq!((both.map(wait), wait(joins)), ([Ok(10), Ok(20)], Ok(20)), "{style:?}");
        assert!(closer.result(), "{style:?}: every load has ended");
        assert_eq!(scene.source.calls(), [[1, 2]], "{style:?}");
        at_rest(&scene.sync());
    }
}

fn g17_window_close_gives_up_what_still_stands_in_it<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.max_concurrent_loads(1));
        let both = [1, 2].map(|key| scene.tasks.fetch_with(&key));
        assert!(!scene.sync().close_within(Duration::ZERO), "{style:?}");
        assert_eq!(both.map(wait), [Err(LoadErrorKind::Closed); 2], "{style:?}");
        let metrics = at_rest(&scene.sync());
        assert_eq!(metrics.loads_failed_by(LoadErrorKind::Closed), 2, "{style:?}: {metrics:?}");
        scene.close();
        assert!(scene.source.calls().is_empty(), "{style:?}");
    }
}

/// Those whom a handle has outlived in a window are served: handles are what keeps it, not callers.
fn g17_window_serves_whoever_waits_when_other_handles_go<F: Kind>() {
    for style in BOTH {
        // The clock may be moved very often until the load has a thread.
        let set = |builder: CacheBuilder<u32, u32>| builder.load_timeout(Duration::MAX);
        let Scene { cache, tasks, source, clock } = Scene::<F>::set(&Source::plain(), style, set);
        drop(cache);
        let waits = apart(&tasks, |tasks| wait(tasks.fetch_with(&1)));
        until("it goes out", || {
            clock.advance(WAIT);
            source.calls() == [[1]]
        });
        drop(tasks);
        assert_eq!(waits.result(), Ok(10), "{style:?}");
    }
}

on_every_face_in_time!(
    g17_window_that_is_open_keeps_no_cache_alive,
    g17_window_a_refresh_in_it_keeps_no_cache_alive,
    g17_window_close_waits_for_those_in_it,
    g17_window_close_gives_up_what_still_stands_in_it,
    g17_window_serves_whoever_waits_when_other_handles_go,
);
