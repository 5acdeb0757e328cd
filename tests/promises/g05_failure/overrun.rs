//! A time-out is no write: those who waited for the load get `TimedOut`, whoever else times it out or loads the key anew meanwhile.

use crate::apart::apart;
use crate::gate::Gate;
use crate::rest::at_rest;
use crate::runway::{Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, Cache, CacheBuilder, LoadErrorKind, MockClock};
use futures::FutureExt;
use futures::executor::block_on;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(10);

/// Spends so many microseconds, so that callers come at all times of a load.
fn spread(micros: u64) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(micros) {
        thread::yield_now();
    }
}

/// A stream of callers on a key whose loads hang: many find out about a deadline at the same time, while others ask anew. Each load has one
/// time-out, and each caller gets that of the load that it waited for.
#[test]
fn g5_callers_of_hung_loads_get_one_time_out_each_and_start_no_other_load() {
    const CALLERS: usize = 16;
    const CALLS: u64 = 300;
    in_time(|| {
        let cache = Cache::<u64, u64>::builder()
            .load_timeout(Duration::from_millis(2))
            .async_loader_fn(|_: u64| pending::<Result<u64, BoxError>>())
            .build()
            .expect("the settings make sense");
        thread::scope(|scope| {
            for caller in 0..CALLERS as u64 {
                let cache = &cache;
                scope.spawn(move || {
                    for call in 0..CALLS {
                        spread((call * 37 + caller * 911) % 2_000);
                        assert_eq!(cache.fetch_with(&1).expect_err("it took too long").kind(), LoadErrorKind::TimedOut);
                    }
                });
            }
        });
        let metrics = at_rest(&cache);
        assert_eq!((metrics.hits + metrics.misses + metrics.joined), CALLS * CALLERS as u64, "each call is counted once");
        // A load that no first look has led was led by a second look, for which there was no reason: nothing was written.
        assert_eq!(metrics.loads_started, metrics.misses, "loads, and misses that may start one");
    });
}

/// The leader's thread is in its loader past the deadline, and another caller has begun to load the key anew. The leader gets `TimedOut`
/// when its loader returns; it doesn't wait for the other load.
#[test]
fn g5_a_leader_that_overran_gets_its_time_out_though_the_key_is_being_loaded_anew() {
    in_time(|| {
        let (clock, runway) = (MockClock::new(), Runway::new(2));
        let builder = runway.numbers::<u32>(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), Style::Blocking);
        let cache = builder.build().expect("the settings make sense");
        let overrun = apart(&cache, |cache| cache.fetch_with(&1));
        runway.until_begun(0);
        clock.advance(LIMIT);
        let anew = apart(&cache, |cache| cache.fetch_with(&1));
        runway.until_begun(1);
        runway.open(0);
        let error = overrun.result().expect_err("it took too long");
        assert_eq!(error.kind(), LoadErrorKind::TimedOut, "it is told of its own load: {error:?}");
        runway.open(1);
        assert_eq!(*anew.result().expect("the second load brings it"), 1);
        at_rest(&cache);
    });
}

/// A waiter that nobody has told yet that the deadline has passed, and a newcomer that has noticed and loads the key anew.
#[test]
fn g5_a_waiter_gets_its_time_out_though_the_key_is_being_loaded_anew() {
    in_time(|| {
        let (clock, runway) = (MockClock::new(), Runway::new(2));
        let builder = runway.numbers::<u32>(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), Style::Blocking);
        let cache: AsyncCache<u32, usize> = builder.build_async().expect("the settings make sense");
        let overrun = apart(&cache.to_sync(), |cache| cache.fetch_with(&1));
        runway.until_begun(0);
        // Not polled yet, so that no alarm is set.
        let waiter = cache.fetch_with(&1);
        clock.advance(LIMIT);
        let anew = cache.fetch_with(&1);
        runway.until_begun(1);
        let heard = waiter.now_or_never();
        runway.open(0);
        runway.open(1);
        let error = heard.expect("its time is over").expect_err("it took too long");
        assert_eq!(error.kind(), LoadErrorKind::TimedOut, "it is told of its own load: {error:?}");
        assert_eq!(*block_on(anew).expect("the second load brings it"), 1);
        let _ = overrun.result();
        at_rest(&cache.to_sync());
    });
}

/// Callers that come together after the deadline, when nobody has noticed yet that it has passed: one of them ends the old flight, and none
/// is told of a time that was over before it came.
#[test]
fn g5_callers_that_come_after_the_deadline_get_a_load_of_their_own() {
    const ROUNDS: usize = 800;
    const CALLERS: usize = 3;
    in_time(|| {
        let clock = MockClock::new();
        let (gates, begun): (Arc<[Gate]>, Arc<[AtomicUsize]>) =
            ((0..ROUNDS).map(|_| Gate::new()).collect(), (0..ROUNDS).map(|_| AtomicUsize::new(0)).collect());
        let (held, counted) = (Arc::clone(&gates), Arc::clone(&begun));
        let load = move |&round: &usize| {
            let number = counted[round].fetch_add(1, Ordering::Relaxed);
            if number == 0 {
                held[round].wait();
            }
            bellwether::ok(number)
        };
        let builder = Cache::<usize, usize>::builder().clock(clock.clone()).load_timeout(LIMIT).loader_fn(load);
        let cache = builder.build().expect("the settings make sense");
        for round in 0..ROUNDS {
            let overrun = apart(&cache, move |cache| cache.fetch_with(&round));
            gates[round].until_arrived(1);
            clock.advance(LIMIT);
            let together = AtomicUsize::new(0);
            thread::scope(|scope| {
                for _ in 0..CALLERS {
                    scope.spawn(|| {
                        together.fetch_add(1, Ordering::AcqRel);
                        while together.load(Ordering::Acquire) < CALLERS {
                            thread::yield_now();
                        }
                        assert_eq!(*cache.fetch_with(&round).expect("there is time enough for its load"), 1, "round {round}");
                    });
                }
            });
            gates[round].open();
            assert_eq!(overrun.result().expect_err("it took too long").kind(), LoadErrorKind::TimedOut);
            assert_eq!(begun[round].load(Ordering::Relaxed), 2);
        }
        at_rest(&cache);
    });
}
