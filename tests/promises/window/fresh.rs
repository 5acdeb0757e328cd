//! Refreshes through the window: nobody waits for them.

use super::scene::{HOUR, Out, Scene, Source, WAIT, of, wait};
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{BoxError, CacheBuilder, Loaded};
use std::time::Duration;

const LIFE: Duration = Duration::from_secs(10);

fn with_stale<F: Kind>(source: &Source, style: crate::runway::Style) -> Scene<F> {
    let set = |builder: CacheBuilder<u32, u32>| builder.time_to_live(LIFE).stale_while_revalidate(HOUR);
    let scene = Scene::<F>::set(source, style, set);
    (1..=4).for_each(|key| scene.cache.insert(key, key));
    scene.clock.advance(LIFE);
    scene
}

fn g12_window_refreshes_wait_for_company_and_nobody_for_them<F: Kind>() {
    for style in BOTH {
        let scene = with_stale::<F>(&Source::plain(), style);
        for _ in 0..2 {
            for key in [1, 2, 3] {
                assert_eq!(scene.cache.fetch_with(&key).as_deref().ok(), Some(&key), "{style:?}: the stale value, at once");
            }
        }
        assert_eq!(scene.cache.metrics().refreshes, 3, "{style:?}: one for each key");
        let missed = scene.tasks.fetch_with(&9);
        scene.close();
        assert_eq!(wait(missed), Ok(90), "{style:?}");
        scene.sync().wait_idle();
        assert_eq!(scene.source.calls(), [[1, 2, 3, 9]], "{style:?}: with what was missed");
        assert!(scene.source.singles().is_empty(), "{style:?}");
        let fresh = [1, 2, 3].map(|key| scene.cache.fetch(&key).as_deref().copied());
        assert_eq!(fresh, [Some(10), Some(20), Some(30)], "{style:?}");
        let metrics = at_rest(&scene.sync());
        assert_eq!((metrics.stale_hits, metrics.refreshes_started, metrics.misses), (6, 3, 1), "{style:?}: {metrics:?}");
    }
}

fn g12_window_what_is_due_early_is_refreshed_through_it<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.time_to_live(LIFE).refresh_after(LIFE / 2));
        scene.cache.insert(1, 1);
        scene.clock.advance(LIFE / 2);
        assert_eq!(scene.cache.fetch_with(&1).as_deref().ok(), Some(&1), "{style:?}");
        assert!(scene.source.calls().is_empty(), "{style:?}");
        scene.close();
        scene.sync().wait_idle();
        assert_eq!(scene.source.calls(), [[1]], "{style:?}: by `load_many`, not by `reload`");
        assert_eq!(scene.cache.fetch(&1).as_deref(), Some(&10), "{style:?}");
        at_rest(&scene.sync());
    }
}

fn g12_window_what_a_refresh_brings_is_that_of_its_key<F: Kind>() {
    for style in BOTH {
        let source = Source::new(|_, out: Out| async move {
            assert!(out.fail(&1, "one"));
            assert!(out.put(&2, Loaded::unchanged()));
            assert!(out.put(&3, Loaded::absent()));
            Err::<(), BoxError>("the rest".into())
        });
        let scene = with_stale::<F>(&source, style);
        (1..=4).for_each(|key| assert_eq!(scene.cache.fetch_with(&key).as_deref().ok(), Some(&key), "{style:?}"));
        scene.close();
        scene.sync().wait_idle();
        assert_eq!(source.calls(), [[1, 2, 3, 4]], "{style:?}");
        let shown = [1, 2, 3, 4].map(|key| scene.cache.fetch(&key).as_deref().copied());
        assert_eq!(shown, [None, Some(2), None, None], "{style:?}: one is found unchanged, and fresh again");
        let held = [1, 2, 3, 4].map(|key| scene.cache.fetch_stale(&key).map(|fetched| *fetched.value));
        assert_eq!(held, [Some(1), Some(2), None, Some(4)], "{style:?}: failures leave what is held");
        let metrics = at_rest(&scene.sync());
        assert_eq!((metrics.loads_unchanged, metrics.loads_absent, metrics.refreshes_failed), (1, 1, 2), "{style:?}: {metrics:?}");
    }
}

/// Who comes after an invalidation waits for the refresh that stands in the window: it has yet to begin.
fn g2_window_a_refresh_that_waits_serves_who_misses_after_a_write<F: Kind>() {
    for style in BOTH {
        let scene = with_stale::<F>(&Source::plain(), style);
        for key in [1, 2] {
            assert_eq!(scene.cache.fetch_with(&key).as_deref().ok(), Some(&key), "{style:?}");
        }
        assert!(!scene.cache.invalidate(&1), "{style:?}: what is stale isn't shown");
        scene.cache.insert(2, 7);
        let missed = [1, 1].map(|key| scene.tasks.fetch_with(&key));
        scene.close();
        assert_eq!(missed.map(wait), [Ok(10), Ok(10)], "{style:?}");
        scene.sync().wait_idle();
        let asked = scene.source.calls().concat();
        assert!(asked.iter().filter(|key| **key == 1).count() == 1, "{style:?}: {asked:?}");
        assert_eq!((scene.cache.fetch(&1).as_deref(), scene.cache.fetch(&2).as_deref()), (Some(&10), Some(&7)), "{style:?}");
        at_rest(&scene.sync());
    }
}

/// What was held when the refresh was claimed may have gone by the time it goes out.
fn g12_window_unchanged_is_said_of_what_is_held_when_it_closes<F: Kind>() {
    for style in BOTH {
        let source = Source::new(|keys: Vec<u32>, out: Out| async move {
            keys.iter().for_each(|key| assert!(out.put(key, Loaded::unchanged())));
            Ok(())
        });
        let scene = with_stale::<F>(&source, style);
        for key in [1, 2] {
            assert_eq!(scene.cache.fetch_with(&key).as_deref().ok(), Some(&key), "{style:?}");
        }
        scene.cache.invalidate(&1);
        scene.close();
        scene.sync().wait_idle();
        assert_eq!(scene.cache.fetch_stale(&1).map(|fetched| *fetched.value), None, "{style:?}: an invalidated value isn't brought back");
        assert_eq!(scene.cache.fetch(&2).as_deref(), Some(&2), "{style:?}");
        at_rest(&scene.sync());
    }
}

/// `refresh` is a miss like another one: it waits for the window, and gets the new value.
fn g12_window_an_explicit_refresh_goes_through_it<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::new(&Source::plain(), style);
        scene.cache.insert(1, 1);
        let (anew, other) = (scene.tasks.refresh(&1), scene.tasks.fetch_with(&2));
        assert_eq!(scene.cache.fetch_with(&1).as_deref().ok(), Some(&1), "{style:?}: what is held is served meanwhile");
        scene.clock.advance(WAIT);
        assert_eq!((wait(anew), wait(other)), (Ok(of(1)), Ok(of(2))), "{style:?}");
        assert_eq!(scene.source.calls(), [[1, 2]], "{style:?}");
        at_rest(&scene.sync());
    }
}

/// Refreshes that stand in the window are under way: no more are begun than may be.
fn g12_window_holds_no_more_refreshes_than_may_be_under_way<F: Kind>() {
    for style in BOTH {
        let set = |builder: CacheBuilder<u32, u32>| builder.time_to_live(LIFE).stale_while_revalidate(HOUR).max_concurrent_refreshes(2);
        let scene = Scene::<F>::set(&Source::plain(), style, set);
        (1..=4).for_each(|key| scene.cache.insert(key, key));
        scene.clock.advance(LIFE);
        (1..=4).for_each(|key| assert_eq!(scene.cache.fetch_with(&key).as_deref().ok(), Some(&key), "{style:?}"));
        assert_eq!((scene.cache.metrics().refreshes, scene.cache.metrics().refreshes_dropped), (2, 2), "{style:?}");
        scene.close();
        scene.sync().wait_idle();
        assert_eq!(scene.source.calls(), [[1, 2]], "{style:?}");
        at_rest(&scene.sync());
    }
}

on_every_face_in_time!(
    g12_window_refreshes_wait_for_company_and_nobody_for_them,
    g12_window_what_is_due_early_is_refreshed_through_it,
    g12_window_what_a_refresh_brings_is_that_of_its_key,
    g2_window_a_refresh_that_waits_serves_who_misses_after_a_write,
    g12_window_unchanged_is_said_of_what_is_held_when_it_closes,
    g12_window_an_explicit_refresh_goes_through_it,
    g12_window_holds_no_more_refreshes_than_may_be_under_way,
);
