//! Spawners that refuse, drop, run inline, panic or forget what they are given.

use crate::apart::apart;
use crate::gate::until;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxFuture, LoadError, LoadErrorKind, MockClock, SpawnError, Spawner};
use futures::FutureExt;
use futures::executor::block_on;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a spawner does with what it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manner {
    /// Runs it to its end before it returns.
    Inline,
    /// Runs it on a thread of its own.
    Elsewhere,
    /// Polls it once at most, and drops it.
    Touches,
    Refuses,
    Drops,
    Panics,
    Forgets,
}

/// Changes its manner when it is told to. Before it acts it lets the test look on, as callers may join the load by then.
#[derive(Clone)]
struct Moody(Arc<Mutex<(Manner, Option<Watch>)>>);
type Watch = Box<dyn FnOnce() + Send>;

impl Moody {
    fn new(manner: Manner) -> Self {
        Self(Arc::new(Mutex::new((manner, None))))
    }

    fn set(&self, manner: Manner) {
        self.0.lock().expect("no holder panics").0 = manner;
    }

    fn watch(&self, watch: impl FnOnce() + Send + 'static) {
        self.0.lock().expect("no holder panics").1 = Some(Box::new(watch));
    }

    fn manner(&self) -> Manner {
        let (manner, watch) = {
            let mut state = self.0.lock().expect("no holder panics");
            (state.0, state.1.take())
        };
        if let Some(watch) = watch {
            watch();
        }
        manner
    }

    fn deal<T: Send + 'static>(&self, given: T, run: fn(T), touch: fn(T)) -> Result<(), SpawnError> {
        match self.manner() {
            Manner::Inline => run(given),
            Manner::Elsewhere => drop(std::thread::spawn(move || run(given))),
            Manner::Touches => touch(given),
            Manner::Refuses => return Err(SpawnError::new("not today")),
            Manner::Drops => drop(given),
            Manner::Panics => panic!("the spawner blew up"),
            Manner::Forgets => std::mem::forget(given),
        }
        Ok(())
    }
}

impl Spawner for Moody {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.deal(future, block_on, |future| assert!(future.now_or_never().is_none(), "the load is held"))
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        self.deal(job, |job| job(), drop)
    }
}

fn cache(runway: &Runway, style: Style, spawner: &Moody) -> AsyncCache<u32, usize> {
    runway.numbers(AsyncCache::builder().spawner(spawner.clone()), style).build_async().expect("the settings make sense")
}

/// The error of a load that the spawner didn't take.
fn not_taken(style: Style) -> LoadErrorKind {
    match style {
        Style::Async => LoadErrorKind::Cancelled,
        Style::Blocking => LoadErrorKind::Overloaded,
    }
}

/// Misses key 1, has a thread join the load before the spawner acts, and gives what both get.
fn lead_and_join(cache: &AsyncCache<u32, usize>, spawner: &Moody) -> [Result<Arc<usize>, LoadError>; 2] {
    let (joined, caller) = (Arc::new(Mutex::new(None)), cache.to_sync());
    let joiner = Arc::clone(&joined);
    spawner.watch(move || {
        *joiner.lock().expect("no holder panics") = Some(apart(&caller, |cache| cache.fetch_with(&1)));
        until("the thread joins", || caller.metrics().joined == 1);
    });
    let leader = catch_unwind(AssertUnwindSafe(|| block_on(cache.fetch_with(&1))));
    let leader = leader.unwrap_or_else(|_| panic!("the panic of the spawner came out of the call"));
    let joined = joined.lock().expect("no holder panics").take().expect("the spawner was asked");
    [leader, joined.result()]
}

/// Fails by `manner`, for the leader and for who comes along; then works again.
fn fails_at_once(manner: Manner) {
    for style in BOTH {
        let (spawner, runway) = (Moody::new(manner), Runway::new(0));
        let cache = cache(&runway, style, &spawner);
        for result in lead_and_join(&cache, &spawner) {
            assert_eq!(result.expect_err("the load was not taken").kind(), not_taken(style), "{manner:?}, {style:?}");
        }
        assert_eq!(runway.begun(), 0, "{manner:?}, {style:?}");
        spawner.set(Manner::Inline);
        assert_eq!(*block_on(cache.fetch_with(&1)).expect("the load is taken"), 0, "{manner:?}, {style:?}");
        let metrics = at_rest(&cache.to_sync());
        assert_eq!((metrics.loads_failed_by(not_taken(style)), metrics.loads_stored), (metrics.misses - 1, 1));
    }
}

#[test]
fn g5_a_spawner_that_refuses_fails_the_load_with_an_error() {
    in_time(|| fails_at_once(Manner::Refuses));
}

#[test]
fn g5_a_spawner_that_drops_its_load_fails_it_with_an_error() {
    in_time(|| fails_at_once(Manner::Drops));
}

#[test]
fn g5_a_spawner_that_panics_fails_the_load_with_an_error() {
    in_time(|| fails_at_once(Manner::Panics));
}

#[test]
fn g5_a_spawner_that_runs_its_load_inline_is_as_good_as_any() {
    in_time(|| {
        for style in BOTH {
            let (spawner, runway) = (Moody::new(Manner::Inline), Runway::new(0));
            let cache = cache(&runway, style, &spawner);
            assert_eq!(*block_on(cache.fetch_with(&1)).expect("the load is taken"), 0);
            assert_eq!(*cache.to_sync().fetch_with(&2).expect("the load is taken"), 1);
            assert_eq!(*block_on(cache.refresh(&1)).expect("the load is taken"), 2, "{style:?}");
            at_rest(&cache.to_sync());
        }
    });
}

#[test]
fn g5_a_spawner_that_drops_its_load_half_way_cancels_it() {
    in_time(|| {
        let (spawner, runway) = (Moody::new(Manner::Touches), Runway::new(1));
        let cache = cache(&runway, Style::Async, &spawner);
        for result in lead_and_join(&cache, &spawner) {
            assert_eq!(result.expect_err("the load was dropped").kind(), LoadErrorKind::Cancelled);
        }
        spawner.set(Manner::Inline);
        assert_eq!(*block_on(cache.fetch_with(&1)).expect("the load is taken"), runway.begun() - 1);
        at_rest(&cache.to_sync());
    });
}

/// Threads need no spawner for a blocking load; for an async one they depend on it as tasks do.
#[test]
fn g5_a_thread_runs_its_blocking_load_itself_whatever_the_spawner_does() {
    in_time(|| {
        for manner in [Manner::Refuses, Manner::Drops, Manner::Panics, Manner::Forgets] {
            let runway = Runway::new(0);
            let threads = cache(&runway, Style::Blocking, &Moody::new(manner)).to_sync();
            assert_eq!(*threads.fetch_with(&1).expect("it runs on this thread"), 0, "{manner:?}");
            at_rest(&threads);
        }
        for manner in [Manner::Refuses, Manner::Drops, Manner::Panics] {
            let threads = cache(&Runway::new(0), Style::Async, &Moody::new(manner)).to_sync();
            let result = catch_unwind(AssertUnwindSafe(|| threads.fetch_with(&1)));
            let result = result.unwrap_or_else(|_| panic!("the panic of the spawner came out of the call"));
            assert_eq!(result.expect_err("the load was not taken").kind(), LoadErrorKind::Cancelled, "{manner:?}");
            at_rest(&threads);
        }
    });
}

/// Neither run nor dropped: the time-out ends it for those who wait, and the next call asks the spawner anew.
#[test]
fn g5_a_load_that_its_spawner_forgets_times_out() {
    in_time(|| {
        for style in BOTH {
            let (clock, limit) = (MockClock::new(), Duration::from_secs(10));
            let (spawner, runway) = (Moody::new(Manner::Forgets), Runway::new(0));
            let builder = AsyncCache::<u32, usize>::builder().clock(clock.clone()).load_timeout(limit).spawner(spawner.clone());
            let cache = runway.numbers(builder, style).build_async().expect("the settings make sense");
            let (leader, joined) = (cache.fetch_with(&1), cache.fetch_with(&1));
            clock.advance(limit);
            for fetch in [leader, joined] {
                assert_eq!(block_on(fetch).expect_err("nothing came").kind(), LoadErrorKind::TimedOut, "{style:?}");
            }
            spawner.set(Manner::Inline);
            assert_eq!(*block_on(cache.fetch_with(&1)).expect("the load is taken"), 0, "{style:?}");
            let metrics = cache.metrics();
            assert_eq!((metrics.loads_started, metrics.loads_failed(), metrics.loads_stored), (2, 1, 1), "{style:?}");
        }
    });
}

/// A load that had to wait for its turn, as four of its key were in the air, and whose spawner is in another mood by then.
#[test]
fn g5_a_load_that_was_put_off_and_is_not_taken_then_fails_with_an_error() {
    in_time(|| {
        for manner in [Manner::Refuses, Manner::Drops, Manner::Panics] {
            for style in BOTH {
                let (spawner, runway) = (Moody::new(Manner::Elsewhere), Runway::new(4));
                let cache = cache(&runway, style, &spawner);
                let overtaken: Vec<_> = (0..4)
                    .map(|number| {
                        let fetch = cache.fetch_with(&1);
                        runway.until_begun(number);
                        cache.invalidate(&1);
                        fetch
                    })
                    .collect();
                let (leader, joined) = (cache.fetch_with(&1), cache.fetch_with(&1));
                spawner.set(manner);
                runway.open(0);
                for fetch in [leader, joined] {
                    assert_eq!(block_on(fetch).expect_err("the load was not taken").kind(), not_taken(style), "{manner:?}, {style:?}");
                }
                (1..4).for_each(|number| runway.open(number));
                for (number, fetch) in overtaken.into_iter().enumerate() {
                    assert_eq!(*block_on(fetch).expect("it is delivered"), number, "{manner:?}, {style:?}");
                }
                spawner.set(Manner::Inline);
                assert_eq!(*block_on(cache.fetch_with(&1)).expect("the load is taken"), 4, "{manner:?}, {style:?}");
                let metrics = at_rest(&cache.to_sync());
                assert_eq!((metrics.loads_started, metrics.loads_failed_by(not_taken(style))), (6, 1));
            }
        }
    });
}
