//! What is counted of misses that stand in the window, and of the calls in which they go out.

use super::scene::{Out, Scene, Source, WAIT, put_all, wait};
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::MockClock;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

fn g16_window_counts_keys_and_not_calls<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::new(&Source::plain(), style);
        scene.cache.insert(9, 9);
        let fetches = [1, 2, 3, 2, 9].map(|key| scene.tasks.fetch_with(&key));
        let open = scene.cache.metrics();
        assert_eq!((open.misses, open.joined, open.hits), (3, 1, 1), "{style:?}: {open:?}");
        assert_eq!((open.flights, open.waiters, open.loads_started, open.loads_ended()), (3, 4, 3, 0), "{style:?}: {open:?}");
        assert_eq!((open.permits, open.queued), (0, 0), "{style:?}: {open:?}");
        scene.close();
        assert_eq!(fetches.map(wait), [Ok(10), Ok(20), Ok(30), Ok(20), Ok(9)], "{style:?}");
        let metrics = at_rest(&scene.sync());
        assert_eq!((metrics.loads_started, metrics.loads_stored, metrics.flights_peak), (3, 3, 3), "{style:?}: {metrics:?}");
        assert_eq!((metrics.waiters_peak, metrics.flights, metrics.waiters), (4, 0, 0), "{style:?}: {metrics:?}");
    }
}

/// A load's time is that of the call; what its callers have waited for the window is their wait.
fn g16_window_time_is_waited_and_not_loaded<F: Kind>() {
    const TAKES: Duration = Duration::from_millis(3);
    for style in BOTH {
        let clock: Arc<OnceLock<MockClock>> = Arc::default();
        let moved = Arc::clone(&clock);
        let source = Source::new(move |keys: Vec<u32>, out: Out| {
            moved.get().expect("it is set before any load").advance(TAKES);
            async move {
                put_all(&keys, &out);
                Ok(())
            }
        });
        let scene = Scene::<F>::new(&source, style);
        assert!(clock.set(scene.clock.clone()).is_ok());
        let fetches = [1, 2, 1].map(|key| scene.tasks.fetch_with(&key));
        scene.close();
        assert_eq!(fetches.map(wait), [Ok(10), Ok(20), Ok(10)], "{style:?}");
        let metrics = at_rest(&scene.sync());
        assert_eq!((metrics.load_time, metrics.wait_time), (TAKES * 2, (WAIT + TAKES) * 3), "{style:?}: {metrics:?}");
    }
}

/// An insert answers those who wait, and their load is no load that failed.
fn g16_window_what_is_answered_by_a_write_is_counted_so<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::new(&Source::plain(), style);
        let both = [1, 2].map(|key| scene.tasks.fetch_with(&key));
        scene.cache.insert(1, 5);
        scene.close();
        assert_eq!(both.map(wait), [Ok(5), Ok(20)], "{style:?}");
        let metrics = at_rest(&scene.sync());
        assert_eq!((metrics.loads_answered, metrics.loads_stored, metrics.loads_failed()), (1, 1, 0), "{style:?}: {metrics:?}");
        assert_eq!(scene.source.calls(), [[2]], "{style:?}");
    }
}

on_every_face_in_time!(
    g16_window_counts_keys_and_not_calls,
    g16_window_time_is_waited_and_not_loaded,
    g16_window_what_is_answered_by_a_write_is_counted_so,
);
