//! Random calls of one key through a batching window, judged by the oracle.

use crate::driver::{Hands, LoaderKind, World};
use crate::oracle::{Options, check};
use crate::window_scene::{WAIT, pass_time_until_joined};
use crate::world::{OnShuttle, below, explore_share, spawn};
use bellwether::MockClock;
use std::sync::Arc;
use std::time::Duration;

const HANDS: Hands = Hands { pause: shuttle::thread::yield_now, below, block_on: |wanted| shuttle::future::block_on(wanted) };

/// Random calls of one key through a window, judged by the oracle.
fn histories(stale: bool, kind: LoaderKind, loads_may_fail: bool) {
    explore_share(2, move || {
        let (world, running, clock) = (Arc::new(World { stale, ..World::default() }), OnShuttle::default(), MockClock::new());
        let builder = world.builder(kind, HANDS).shards(1).spawner(running.clone()).clock(clock.clone()).load_timeout(Duration::MAX);
        let builder = if below(2) == 0 { builder } else { builder.max_concurrent_loads(1) };
        let cache = builder.batch_window(WAIT).build().expect("the settings make sense");
        let players = (0..3).map(|thread| {
            let (world, cache) = (Arc::clone(&world), cache.clone());
            spawn(move || world.play(thread, 4, &cache, HANDS))
        });
        pass_time_until_joined(&clock, players.collect());
        clock.advance(WAIT);
        running.rest();
        cache.validate();
        if let Err(violation) = check(&world.recorder.history(), Options { may_forget: false, loads_may_fail, queued_flights: true }) {
            panic!("{violation}");
        }
    });
}

#[test]
fn g2_window_every_history_is_linearizable() {
    histories(false, LoaderKind::Async, false);
}

#[test]
fn g2_window_every_history_with_stale_values_is_linearizable() {
    histories(true, LoaderKind::Blocking, false);
}

#[test]
fn g2_window_every_history_with_a_loader_that_fails_is_linearizable() {
    histories(true, LoaderKind::Failing, true);
}
