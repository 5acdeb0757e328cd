//! What goes out together, and when: at the window's end by the clock, or as soon as as many keys wait as may go.

use super::scene::{HOUR, Of, Scene, Source, TICK, WAIT, of, wait};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{CacheBuilder, MockClock};
use futures::FutureExt;
use std::time::Duration;

fn g1_window_single_misses_go_out_in_one_call_each_key_once<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::new(&Source::plain(), style);
        let keys = [3, 1, 2, 3, 1, 3];
        let fetches = keys.map(|key| scene.tasks.fetch_with(&key));
        assert_eq!((scene.cache.metrics().flights, scene.cache.metrics().waiters), (3, 6), "{style:?}: who asks for the same joins");
        assert!(scene.source.calls().is_empty(), "{style:?}");
        scene.close();
        assert_eq!(fetches.map(wait), keys.map(|key| Ok(of(key))), "{style:?}");
        assert_eq!(scene.source.calls(), [[1, 2, 3]], "{style:?}");
        assert!(scene.source.singles().is_empty(), "{style:?}");
        let metrics = at_rest(&scene.sync());
        assert_eq!((metrics.misses, metrics.joined, metrics.loads_stored), (3, 3, 3), "{style:?}: {metrics:?}");
        assert_eq!(wait(scene.tasks.fetch_with(&2)), Ok(20), "{style:?}");
        assert_eq!(scene.source.calls().len(), 1, "{style:?}: a hit waits for nothing");
    }
}

fn g4_window_ends_at_its_time_and_no_moment_before<F: Kind>() {
    for style in BOTH {
        for late in [Duration::ZERO, TICK, Duration::from_secs(9)] {
            let scene = Scene::<F>::new(&Source::plain(), style);
            let mut first = scene.tasks.fetch_with(&1);
            scene.clock.advance(WAIT - TICK - TICK);
            // One who comes late doesn't keep it open.
            let second = scene.tasks.fetch_with(&2);
            scene.clock.advance(TICK);
            assert!((&mut first).now_or_never().is_none(), "{style:?}");
            assert!(scene.source.calls().is_empty(), "{style:?}: a nanosecond before its end");
            scene.clock.advance(TICK + late);
            assert_eq!((wait(first), wait(second)), (Ok(10), Ok(20)), "{style:?}, {late:?}");
            assert_eq!(scene.source.calls(), [[1, 2]], "{style:?}, {late:?}");
            at_rest(&scene.sync());
        }
    }
}

fn g4_window_holds_a_lone_miss_for_its_time_only<F: Kind>() {
    for style in BOTH {
        // The clock may be moved very often until a load has a thread.
        let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.load_timeout(Duration::MAX));
        // As its callers do it: whether or not it has come to the window when the clock moves, it goes out at a later move.
        for key in [1, 2, 3] {
            let lone = apart(&scene.cache, move |cache| cache.fetch_with(&key).map(|value| *value).ok());
            until("it goes out", || {
                scene.close();
                scene.source.calls().contains(&vec![key])
            });
            assert_eq!(lone.result(), Some(of(key)), "{style:?}");
        }
        assert_eq!(scene.source.calls(), [[1], [2], [3]], "{style:?}: by `load_many`, though it is one");
        assert!(scene.source.singles().is_empty(), "{style:?}");
        at_rest(&scene.sync());
    }
}

fn g1_window_opens_anew_for_who_comes_after_it<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::new(&Source::plain(), style);
        for round in 0..3 {
            let (first, second) = (scene.tasks.fetch_with(&(2 * round)), scene.tasks.fetch_with(&(2 * round + 1)));
            scene.clock.advance(WAIT - TICK);
            assert_eq!(scene.source.calls().len(), round as usize, "{style:?}: each round has a time of its own");
            scene.clock.advance(TICK);
            assert_eq!((wait(first), wait(second)), (Ok(of(2 * round)), Ok(of(2 * round + 1))), "{style:?}");
        }
        assert_eq!(scene.source.calls(), [[0, 1], [2, 3], [4, 5]], "{style:?}");
        at_rest(&scene.sync());
    }
}

fn g1_window_closes_at_once_when_as_many_wait_as_may_go<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.max_batch(3));
        let fetches = [1, 2, 1, 2, 1].map(|key| scene.tasks.fetch_with(&key));
        assert!(scene.source.calls().is_empty(), "{style:?}: two keys wait, however many callers");
        assert_eq!(wait(scene.tasks.fetch_with(&3)), Ok(30), "{style:?}: with no move of the clock");
        assert_eq!(fetches.map(wait), [10, 20, 10, 20, 10].map(Ok), "{style:?}");
        // The alarm of the window that was closed early closes no other.
        scene.clock.advance(WAIT - TICK);
        let mut next = scene.tasks.fetch_with(&4);
        scene.clock.advance(TICK);
        assert!((&mut next).now_or_never().is_none(), "{style:?}");
        assert_eq!(scene.source.calls(), [[1, 2, 3]], "{style:?}");
        scene.close();
        assert_eq!(wait(next), Ok(40), "{style:?}");
        assert_eq!(scene.source.calls(), [vec![1, 2, 3], vec![4]], "{style:?}");
        at_rest(&scene.sync());
    }
}

fn g1_window_of_one_key_at_a_time_holds_nobody<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.max_batch(1));
        for key in [1, 2] {
            assert_eq!(scene.cache.fetch_with(&key).as_deref().ok(), Some(&of(key)), "{style:?}: the clock stands still");
        }
        assert!(scene.source.calls().iter().all(|keys| keys.len() == 1), "{style:?}");
        at_rest(&scene.sync());
    }
}

/// Callers of the face's own, by the time of the world: as many as may go, before an hour is over.
fn g1_window_gathers_callers_of_every_kind<F: Kind>() {
    for style in BOTH {
        let source = Source::plain();
        let builder = CacheBuilder::new().batch_window(HOUR).load_timeout(Duration::MAX).max_batch(8);
        let cache: Of<F> = F::Of::build(source.given(builder, style));
        let callers: Vec<_> = (0..16).map(|n| apart(&cache, move |cache| cache.fetch_with(&(n % 8)).map(|value| *value).ok())).collect();
        let found: Vec<_> = callers.into_iter().map(crate::apart::Apart::result).collect();
        assert_eq!(found, (0..16).map(|n| Some(of(n % 8))).collect::<Vec<_>>(), "{style:?}");
        assert_eq!(source.calls(), [(0..8).collect::<Vec<_>>()], "{style:?}");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.misses, metrics.hits + metrics.joined), (8, 8), "{style:?}: {metrics:?}");
    }
}

/// By the janitor, to which nobody has to be polled.
fn g4_window_closes_by_the_time_of_the_world<F: Kind>() {
    for style in BOTH {
        let source = Source::plain();
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new().batch_window(Duration::from_millis(1)), style));
        assert_eq!(cache.fetch_with(&1).as_deref().ok(), Some(&10), "{style:?}");
        let tasks = cache.sync().to_async();
        let (unpolled, other) = (tasks.fetch_with(&2), tasks.fetch_with(&3));
        until("both are stored", || cache.len() == 3);
        assert_eq!((wait(unpolled), wait(other)), (Ok(20), Ok(30)), "{style:?}");
        assert!(source.calls().concat().len() == 3 && source.singles().is_empty(), "{style:?}: {:?}", source.calls());
        at_rest(&cache.sync());
    }
}

fn g18_window_without_end_waits_for_as_many_as_may_go<F: Kind>() {
    for style in BOTH {
        for clock in [None, Some(MockClock::new())] {
            let source = Source::plain();
            let builder = CacheBuilder::new().batch_window(Duration::MAX).max_batch(2);
            let builder = match &clock {
                Some(clock) => builder.clock(clock.clone()).load_timeout(Duration::MAX),
                None => builder,
            };
            let cache: Of<F> = F::Of::build(source.given(builder, style));
            let tasks = cache.sync().to_async();
            let mut first = tasks.fetch_with(&1);
            clock.iter().for_each(|clock| clock.advance(HOUR * 24 * 365));
            assert!((&mut first).now_or_never().is_none(), "{style:?}");
            assert_eq!(cache.fetch_with(&2).as_deref().ok(), Some(&20), "{style:?}");
            assert_eq!(wait(first), Ok(10), "{style:?}");
            assert_eq!(source.calls(), [[1, 2]], "{style:?}");
            at_rest(&cache.sync());
        }
    }
}

fn g18_window_of_no_time_is_refused_when_the_cache_is_built<F: Kind>() {
    for style in BOTH {
        let builder = || Source::plain().given(CacheBuilder::new().batch_window(Duration::ZERO), style);
        let error = if F::IS_BLOCKING { builder().build().err() } else { builder().build_async().err() };
        let text = error.expect("it makes no sense").to_string();
        assert!(text.contains("batch_window"), "{text}");
        let shortest = Source::plain().given(CacheBuilder::new().batch_window(TICK), style);
        let cache: Of<F> = F::Of::build(shortest);
        assert_eq!(cache.fetch_with(&1).as_deref().ok(), Some(&10));
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g1_window_single_misses_go_out_in_one_call_each_key_once,
    g4_window_ends_at_its_time_and_no_moment_before,
    g4_window_holds_a_lone_miss_for_its_time_only,
    g1_window_opens_anew_for_who_comes_after_it,
    g1_window_closes_at_once_when_as_many_wait_as_may_go,
    g1_window_of_one_key_at_a_time_holds_nobody,
    g1_window_gathers_callers_of_every_kind,
    g4_window_closes_by_the_time_of_the_world,
    g18_window_without_end_waits_for_as_many_as_may_go,
    g18_window_of_no_time_is_refused_when_the_cache_is_built,
);
