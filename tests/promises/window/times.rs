//! Time-outs of loads that stand in the window, or stood in it together.

use super::scene::{HOUR, Out, Scene, Source, TICK, WAIT, of, wait};
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Style};
use bellwether::{BoxFuture, CacheBuilder, LoadErrorKind, Loaded, SpawnError, Spawner};
use futures::FutureExt;
use std::time::Duration;

/// Calls that wait at a gate.
fn held_at(gate: &Gate) -> Source {
    let gate = gate.clone();
    Source::new(move |keys: Vec<u32>, out: Out| {
        let gate = gate.clone();
        async move {
            gate.pass().await;
            // Some may have timed out.
            keys.iter().map(|key| (key, of(*key))).for_each(|(key, value)| {
                out.put(key, value);
            });
            Ok(())
        }
    })
}

fn g5_window_a_load_may_time_out_before_it_closes<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.batch_window(WAIT * 10).load_timeout(WAIT));
        let (mut one, joined) = (scene.tasks.fetch_with(&1), scene.tasks.fetch_with(&1));
        scene.clock.advance(WAIT - TICK);
        let two = scene.tasks.fetch_with(&2);
        assert!((&mut one).now_or_never().is_none(), "{style:?}");
        scene.clock.advance(TICK);
        let timed_out = Err(LoadErrorKind::TimedOut);
        assert_eq!((wait(one), wait(joined)), (timed_out, timed_out), "{style:?}");
        scene.clock.advance(WAIT);
        assert_eq!(wait(two), timed_out, "{style:?}");
        assert!(scene.source.calls().is_empty(), "{style:?}");
        at_rest(&scene.sync());
        // It is asked for by who comes in time.
        scene.clock.advance(WAIT * 10);
        let again = scene.tasks.fetch_with(&1);
        scene.clock.advance(WAIT * 10);
        assert_eq!(wait(again), timed_out, "{style:?}: the window is longer than any load may take");
        at_rest(&scene.sync());
    }
}

/// Nobody waits for it, and yet it ends.
fn g5_window_a_load_that_was_left_times_out_in_it<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.batch_window(HOUR).load_timeout(WAIT));
        drop(scene.tasks.fetch_with(&1));
        assert_eq!(scene.cache.metrics().flights, 1, "{style:?}");
        scene.clock.advance(WAIT);
        assert_eq!(scene.cache.metrics().flights, 0, "{style:?}");
        assert_eq!(at_rest(&scene.sync()).loads_failed_by(LoadErrorKind::TimedOut), 1, "{style:?}");
    }
}

fn g5_window_each_load_has_its_time_from_its_own_miss_on<F: Kind>() {
    for style in BOTH {
        for polled in [true, false] {
            let gate = Gate::new();
            let scene = Scene::<F>::set(&held_at(&gate), style, |builder| builder.load_timeout(WAIT * 4));
            let mut one = scene.tasks.fetch_with(&1);
            scene.clock.advance(WAIT - TICK);
            let mut two = scene.tasks.fetch_with(&2);
            if polled {
                assert!((&mut one).now_or_never().is_none() && (&mut two).now_or_never().is_none());
            }
            scene.clock.advance(TICK);
            gate.until_arrived(1);
            scene.clock.advance(WAIT * 3 - TICK);
            assert_eq!(scene.cache.metrics().flights, 2, "{style:?}");
            scene.clock.advance(TICK);
            assert_eq!(scene.cache.metrics().flights, 1, "{style:?}: four windows after its miss, however late the call began");
            assert_eq!(wait(one), Err(LoadErrorKind::TimedOut), "{style:?}");
            assert!((&mut two).now_or_never().is_none(), "{style:?}");
            scene.clock.advance(WAIT - TICK - TICK);
            assert_eq!(scene.cache.metrics().flights, 1, "{style:?}");
            gate.open();
            assert_eq!(wait(two), Ok(20), "{style:?}: in time");
            at_rest(&scene.sync());
            assert_eq!(scene.cache.len(), 1, "{style:?}");
        }
    }
}

/// A spawner with timers, which a test has ring.
#[derive(Clone, Default)]
struct Timers {
    ring: Gate,
    asked: std::sync::Arc<std::sync::Mutex<Vec<Duration>>>,
}

impl Spawner for Timers {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        std::thread::spawn(move || futures::executor::block_on(future));
        Ok(())
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        std::thread::spawn(job);
        Ok(())
    }

    fn sleep(&self, wait: Duration) -> Option<BoxFuture<'static, ()>> {
        self.asked.lock().expect("no holder panics").push(wait);
        let ring = self.ring.clone();
        Some(Box::pin(async move { ring.pass().await }))
    }
}

/// The timer of those that go out together is that of the last: it ends no load before its time.
fn g5_window_a_timer_of_the_spawner_ends_no_load_before_its_time<F: Kind>() {
    const LIMIT: Duration = Duration::from_secs(50);
    const APART: Duration = Duration::from_millis(30);
    let (gate, timers) = (Gate::new(), Timers::default());
    let source = held_at(&gate);
    let builder = CacheBuilder::new().batch_window(HOUR).max_batch(2).load_timeout(LIMIT).spawner(timers.clone());
    let cache: super::scene::Of<F> = F::Of::build(source.given(builder, Style::Async));
    let tasks = cache.sync().to_async();
    let begun = std::time::Instant::now();
    let one = tasks.fetch_with(&1);
    until("some time has passed", || begun.elapsed() > APART);
    let missed = std::time::Instant::now();
    let two = tasks.fetch_with(&2);
    gate.until_arrived(1);
    let asked = timers.asked.lock().expect("no holder panics").clone();
    let least = LIMIT.saturating_sub(missed.elapsed());
    assert!(asked.iter().all(|wait| *wait >= least.saturating_sub(APART / 3)), "{asked:?}, where the last has {least:?} left");
    gate.open();
    assert_eq!((wait(one), wait(two)), (Ok(10), Ok(20)));
    timers.ring.open();
    at_rest(&cache.sync());
}

fn g12_window_a_soft_time_out_has_the_stale_value_served_while_it_is_open<F: Kind>() {
    for style in BOTH {
        let set = |builder: CacheBuilder<u32, u32>| builder.stale_if_error(HOUR).time_to_live(HOUR).soft_timeout(WAIT / 2);
        let scene = Scene::<F>::set(&Source::plain(), style, set);
        scene.cache.insert_with(1, Loaded::value(1).time_to_live(Duration::ZERO));
        let (mut patient, two) = (scene.tasks.fetch_with(&1), scene.tasks.fetch_with(&2));
        assert!((&mut patient).now_or_never().is_none(), "{style:?}");
        scene.clock.advance(WAIT / 2 - TICK);
        assert!((&mut patient).now_or_never().is_none(), "{style:?}");
        scene.clock.advance(TICK);
        assert_eq!(wait(patient), Ok(1), "{style:?}: the window is still open");
        assert!(scene.source.calls().is_empty(), "{style:?}");
        scene.clock.advance(WAIT / 2);
        assert_eq!(wait(two), Ok(20), "{style:?}");
        scene.sync().wait_idle();
        assert_eq!(scene.source.calls(), [[1, 2]], "{style:?}: who has settled for an older value wants the load to go on");
        assert_eq!(scene.cache.peek(&1).as_deref(), Some(&10), "{style:?}");
        at_rest(&scene.sync());
    }
}

fn g9_window_what_is_stale_is_shown_if_the_load_fails<F: Kind>() {
    for style in BOTH {
        let source = Source::new(|_, out: Out| async move {
            assert!(out.fail(&1, "one"));
            Ok(())
        });
        let set = |builder: CacheBuilder<u32, u32>| builder.stale_if_error(HOUR).time_to_live(HOUR);
        let scene = Scene::<F>::set(&source, style, set);
        scene.cache.insert_with(1, Loaded::value(1).time_to_live(Duration::ZERO));
        let fetch = scene.tasks.fetch_with(&1);
        scene.close();
        assert_eq!(wait(fetch), Ok(1), "{style:?}");
        assert_eq!(source.calls(), [[1]], "{style:?}");
        at_rest(&scene.sync());
    }
}

on_every_face_in_time!(
    g5_window_a_load_may_time_out_before_it_closes,
    g5_window_a_load_that_was_left_times_out_in_it,
    g5_window_each_load_has_its_time_from_its_own_miss_on,
    g5_window_a_timer_of_the_spawner_ends_no_load_before_its_time,
    g12_window_a_soft_time_out_has_the_stale_value_served_while_it_is_open,
    g9_window_what_is_stale_is_shown_if_the_load_fails,
);
