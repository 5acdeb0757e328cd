//! What becomes of each key of those that went out together: what goes wrong with one is that key's alone.

use super::scene::{Of, Out, Scene, Source, WAIT, of, wait};
use crate::faces::{Face, Kind};
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{BoxError, CacheBuilder, ErrorBackoff, LoadErrorKind, Loaded, RemovalCause};
use std::time::Duration;

/// 2 fails, 3 is said to be absent, 4 is forgotten, 6 comes unasked.
fn mixed() -> Source {
    Source::new(|_, out: Out| async move {
        assert!(out.put(&1, of(1)));
        assert!(out.fail(&2, "two"));
        assert!(out.put_result(&3, Ok::<_, BoxError>(Loaded::absent())));
        assert!(out.put(&5, of(5)) && !out.put(&5, 0));
        out.put(&6, of(6));
        Ok(())
    })
}

fn all_five<F: Kind>(scene: &Scene<F>) -> [Result<u32, LoadErrorKind>; 5] {
    let fetches = [1, 2, 3, 4, 5].map(|key| scene.tasks.fetch_with(&key));
    scene.close();
    fetches.map(wait)
}

const KINDS: [Result<u32, LoadErrorKind>; 5] =
    [Ok(10), Err(LoadErrorKind::Failed), Err(LoadErrorKind::Absent), Err(LoadErrorKind::Absent), Ok(50)];

fn g5_window_what_fails_with_one_key_is_that_key_s_alone<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::new(&mixed(), style);
        assert_eq!(all_five(&scene), KINDS, "{style:?}");
        assert_eq!(scene.source.calls(), [[1, 2, 3, 4, 5]], "{style:?}");
        let metrics = at_rest(&scene.sync());
        assert_eq!((metrics.loads_stored, metrics.loads_failed(), metrics.loads_absent), (2, 1, 2), "{style:?}: {metrics:?}");
        assert_eq!(scene.cache.peek(&6).as_deref(), Some(&60), "{style:?}: what came unasked is held");
        // Nothing is remembered of the others: they stand in the next window.
        assert!(scene.source.singles().is_empty());
        let again = [2, 3, 4].map(|key| scene.tasks.fetch_with(&key));
        assert_eq!(scene.cache.metrics().flights, 3, "{style:?}");
        drop(again);
        scene.close();
        scene.sync().wait_idle();
        at_rest(&scene.sync());
    }
}

fn g5_window_the_error_of_the_whole_call_is_that_of_all_that_nothing_was_put_for<F: Kind>() {
    hush();
    for style in BOTH {
        for panics in [false, true] {
            let source = Source::new(move |_, out: Out| async move {
                assert!(out.put(&1, of(1)));
                assert!(!panics, "{ON_PURPOSE}");
                Err::<(), BoxError>("the whole".into())
            });
            let scene = Scene::<F>::new(&source, style);
            let (one, two, three) = (scene.tasks.fetch_with(&1), scene.tasks.fetch_with(&2), scene.tasks.fetch_with(&3));
            let joined = scene.tasks.fetch_with(&3);
            scene.close();
            assert_eq!(wait(one), Ok(10), "{style:?}");
            for error in [two, three, joined].map(|fetch| futures::executor::block_on(fetch).expect_err("nothing was put")) {
                let (kind, text) = if panics { (LoadErrorKind::Panicked, ON_PURPOSE) } else { (LoadErrorKind::Failed, "the whole") };
                let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                assert_eq!(error.kind(), kind, "{style:?}: {error:?}");
                assert!(error.to_string().contains(text) || source.contains(text), "{style:?}: {error:?}");
            }
            assert_eq!(source.calls(), [[1, 2, 3]], "{style:?}: nobody tries again");
            let metrics = at_rest(&scene.sync());
            assert_eq!((metrics.loads_stored, metrics.loads_failed()), (1, 2), "{style:?}: {metrics:?}");
        }
    }
}

fn g13_window_absence_is_remembered_and_waits_for_no_window<F: Kind>() {
    for style in BOTH {
        let set = |builder: CacheBuilder<u32, u32>| builder.negative_ttl(Duration::from_secs(60)).capacity(1_000);
        let scene = Scene::<F>::set(&mixed(), style, set);
        assert_eq!(all_five(&scene), KINDS, "{style:?}");
        at_rest(&scene.sync());
        for key in [3, 4] {
            assert_eq!(wait(scene.tasks.fetch_with(&key)), Err(LoadErrorKind::Absent), "{style:?}: the clock stands still");
        }
        assert_eq!(scene.source.calls().len(), 1, "{style:?}");
        assert_eq!(scene.cache.metrics().negative_hits, 2, "{style:?}");
        scene.cache.insert(3, 3);
        assert_eq!(wait(scene.tasks.fetch_with(&3)), Ok(3), "{style:?}");
        at_rest(&scene.sync());
    }
}

fn g12_window_failures_are_remembered_where_that_is_asked_for<F: Kind>() {
    for style in BOTH {
        let backoff = ErrorBackoff::new(Duration::from_secs(10)).jitter(false);
        let source = Source::new(|_, out: Out| async move {
            assert!(out.fail(&2, "two"));
            Ok(())
        });
        let scene = Scene::<F>::set(&source, style, |builder| builder.error_backoff(backoff).capacity(1_000));
        let first = scene.tasks.fetch_with(&2);
        scene.close();
        assert_eq!(wait(first), Err(LoadErrorKind::Failed), "{style:?}");
        at_rest(&scene.sync());
        assert_eq!(wait(scene.tasks.fetch_with(&2)), Err(LoadErrorKind::Failed), "{style:?}: the clock stands still");
        assert_eq!(scene.source.calls().len(), 1, "{style:?}");
        scene.clock.advance(Duration::from_secs(10));
        let again = scene.tasks.fetch_with(&2);
        assert_eq!(scene.cache.metrics().flights, 1, "{style:?}: it stands in the window again");
        scene.close();
        assert_eq!(wait(again), Err(LoadErrorKind::Failed), "{style:?}");
        assert_eq!(scene.source.calls().len(), 2, "{style:?}");
        at_rest(&scene.sync());
    }
}

fn g8_window_what_is_not_stored_is_delivered_all_the_same<F: Kind>() {
    for style in BOTH {
        let source = Source::new(|keys: Vec<u32>, out: Out| async move {
            for key in keys {
                let loaded = Loaded::value(of(key));
                assert!(out.put(&key, if key == 1 { loaded.uncached() } else { loaded }));
            }
            Ok(())
        });
        for capacity in [0, 10] {
            // 2 is too heavy.
            let set = |builder: CacheBuilder<u32, u32>| builder.capacity(capacity).weigher(|key, _| if *key == 2 { 11 } else { 1 });
            let scene = Scene::<F>::set(&source, style, set);
            let fetches = [1, 2, 3].map(|key| scene.tasks.fetch_with(&key));
            scene.close();
            assert_eq!(fetches.map(wait), [Ok(10), Ok(20), Ok(30)], "{style:?}, {capacity}");
            let metrics = at_rest(&scene.sync());
            let stored = u64::from(capacity > 0);
            let counted = (metrics.loads_stored, metrics.loads_uncached, metrics.loads_refused);
            assert_eq!(counted, (stored, 1, 2 - stored), "{style:?}: {metrics:?}");
            assert_eq!((scene.cache.len(), metrics.removals(RemovalCause::Evicted)), (stored, 0), "{style:?}");
        }
    }
}

/// A key that comes unasked while it stands in the window is loaded with it all the same: whoever asked for it gets what was read after he did.
fn g2_window_what_comes_unasked_does_not_answer_who_stands_in_it<F: Kind>() {
    for style in BOTH {
        let gate = crate::gate::Gate::new();
        let held = gate.clone();
        let source = Source::new(move |keys: Vec<u32>, out: Out| {
            let held = held.clone();
            async move {
                if keys.contains(&1) {
                    held.pass().await;
                    assert!(!out.put(&7, 0), "its flight is waiting");
                }
                keys.iter().for_each(|key| assert!(out.put(key, of(*key))));
                Ok(())
            }
        });
        let scene = Scene::<F>::new(&source, style);
        let one = scene.tasks.fetch_with(&1);
        scene.close();
        gate.until_arrived(1);
        let seven = scene.tasks.fetch_with(&7);
        gate.open();
        assert_eq!(wait(one), Ok(10), "{style:?}");
        scene.clock.advance(WAIT);
        assert_eq!(wait(seven), Ok(70), "{style:?}");
        at_rest(&scene.sync());
        assert_eq!(scene.cache.peek(&7).as_deref(), Some(&70), "{style:?}");
    }
}

/// Without a `load_many` of its own a loader is asked for each key by `load`, and one key's panic is that key's.
fn g5_window_a_loader_of_single_keys_serves_it_too<F: Kind>() {
    hush();
    let clock = bellwether::MockClock::new();
    let builder = || CacheBuilder::new().batch_window(WAIT).clock(clock.clone());
    let load = |key: &u32| {
        assert!(*key != 2, "{ON_PURPOSE}");
        Loaded::ok(of(*key))
    };
    for builder in [builder().loader_fn(load), builder().async_loader_fn(move |key: u32| async move { load(&key) })] {
        let cache: Of<F> = F::Of::build(builder);
        let tasks = cache.sync().to_async();
        let fetches = [1, 2, 3].map(|key| tasks.fetch_with(&key));
        clock.advance(WAIT);
        assert_eq!(fetches.map(wait), [Ok(10), Err(LoadErrorKind::Panicked), Ok(30)]);
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g5_window_what_fails_with_one_key_is_that_key_s_alone,
    g5_window_the_error_of_the_whole_call_is_that_of_all_that_nothing_was_put_for,
    g13_window_absence_is_remembered_and_waits_for_no_window,
    g12_window_failures_are_remembered_where_that_is_asked_for,
    g8_window_what_is_not_stored_is_delivered_all_the_same,
    g2_window_what_comes_unasked_does_not_answer_who_stands_in_it,
    g5_window_a_loader_of_single_keys_serves_it_too,
);
