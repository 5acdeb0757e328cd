//! Permits: what goes out together takes one, and nobody holds one while the window is open.

use super::scene::{HOUR, Out, Scene, Source, WAIT, of, wait};
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{AbandonedLoads, LoadErrorKind, Loaded};

fn g7_window_takes_one_permit_for_all_that_goes_out<F: Kind>() {
    for style in BOTH {
        for most in 1..=4 {
            let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.max_concurrent_loads(most));
            let keys = [1, 2, 3, 4, 5, 6];
            let fetches = keys.map(|key| scene.tasks.fetch_with(&key));
            scene.close();
            assert_eq!(fetches.map(wait), keys.map(|key| Ok(of(key))), "{style:?}, {most}");
            assert_eq!(scene.source.calls(), [keys], "{style:?}, {most}: {:?}", scene.source.singles());
            assert!(scene.source.singles().is_empty(), "{style:?}, {most}");
            let metrics = at_rest(&scene.sync());
            assert_eq!(metrics.permits_peak, 1, "{style:?}, {most}: {metrics:?}");
        }
    }
}

fn g7_window_that_is_open_keeps_no_permit_from_others<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.max_concurrent_loads(1));
        let held_back = scene.tasks.fetch_with(&1);
        // Loads by closures don't wait for the window.
        assert_eq!(scene.cache.fetch_or_load(&9, || Loaded::ok(9)).as_deref().ok(), Some(&9), "{style:?}");
        scene.close();
        assert_eq!(wait(held_back), Ok(10), "{style:?}");
        at_rest(&scene.sync());
    }
}

fn g7_window_waits_for_a_permit_as_one<F: Kind>() {
    for style in BOTH {
        let gate = Gate::new();
        let held = gate.clone();
        let source = Source::new(move |keys: Vec<u32>, out: Out| {
            let held = held.clone();
            async move {
                if keys.contains(&1) {
                    held.pass().await;
                }
                keys.iter().for_each(|key| assert!(out.put(key, of(*key))));
                Ok(())
            }
        });
        let scene = Scene::<F>::set(&source, style, |builder| builder.max_concurrent_loads(1));
        let first = scene.tasks.fetch_with(&1);
        scene.close();
        gate.until_arrived(1);
        // A whole window waits for the permit, and so does the next.
        let second = [2, 3, 4].map(|key| scene.tasks.fetch_with(&key));
        scene.close();
        let third = [5, 6].map(|key| scene.tasks.fetch_with(&key));
        scene.close();
        assert_eq!(scene.source.calls(), [[1]], "{style:?}");
        gate.open();
        assert_eq!(wait(first), Ok(10), "{style:?}");
        assert_eq!(second.map(wait), [20, 30, 40].map(Ok), "{style:?}");
        assert_eq!(third.map(wait), [50, 60].map(Ok), "{style:?}");
        assert_eq!(scene.source.calls(), [vec![1], vec![2, 3, 4], vec![5, 6]], "{style:?}: {:?}", scene.source.singles());
        let metrics = at_rest(&scene.sync());
        assert_eq!(metrics.permits_peak, 1, "{style:?}: {metrics:?}");
    }
}

/// A caller who has gone leaves no permit behind in the window.
fn g7_window_what_was_cancelled_in_it_keeps_no_permit<F: Kind>() {
    for style in BOTH {
        let set = |builder: bellwether::CacheBuilder<u32, u32>| {
            builder.max_concurrent_loads(1).batch_window(HOUR).abandoned_loads(AbandonedLoads::Cancel)
        };
        let scene = Scene::<F>::set(&Source::plain(), style, set);
        drop(scene.tasks.fetch_with(&1));
        assert_eq!((scene.cache.metrics().flights, scene.cache.metrics().permits), (0, 0), "{style:?}");
        assert_eq!(scene.cache.fetch_or_load(&9, || Loaded::ok(9)).as_deref().ok(), Some(&9), "{style:?}");
        scene.clock.advance(HOUR);
        assert!(scene.source.calls().is_empty() && scene.source.singles().is_empty(), "{style:?}");
        at_rest(&scene.sync());
    }
}

/// With no place in the queue a miss is refused, as without a window.
fn g7_window_a_full_queue_refuses_who_comes<F: Kind>() {
    for style in BOTH {
        let gate = Gate::new();
        let held = gate.clone();
        let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.max_concurrent_loads(1).max_queued_loads(0));
        let busy = crate::apart::apart(&scene.cache, move |cache| {
            cache.fetch_or_load(&9, move || {
                held.wait();
                Loaded::ok(9)
            })
        });
        gate.until_arrived(1);
        assert_eq!(wait(scene.tasks.fetch_with(&1)), Err(LoadErrorKind::Overloaded), "{style:?}");
        assert_eq!(scene.cache.metrics().turned_away, 1, "{style:?}");
        gate.open();
        assert_eq!(busy.result().as_deref().ok(), Some(&9), "{style:?}");
        until("the permit is back", || scene.cache.metrics().permits == 0);
        let later = scene.tasks.fetch_with(&1);
        scene.clock.advance(WAIT);
        assert_eq!(wait(later), Ok(10), "{style:?}");
        at_rest(&scene.sync());
    }
}

on_every_face_in_time!(
    g7_window_takes_one_permit_for_all_that_goes_out,
    g7_window_that_is_open_keeps_no_permit_from_others,
    g7_window_waits_for_a_permit_as_one,
    g7_window_what_was_cancelled_in_it_keeps_no_permit,
    g7_window_a_full_queue_refuses_who_comes,
);
