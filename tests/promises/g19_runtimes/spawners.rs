//! The builder's spawner is all that an async cache needs, whatever it does with what it is given.

use crate::apart::apart;
use crate::gate::until;
use crate::hush::{ON_PURPOSE, hush};
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxFuture, CacheBuilder, LoadErrorKind, MockClock, SpawnError, Spawner};
use futures::executor::block_on;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(10);

/// What a spawner does with what it is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manner {
    Refuses,
    Panics,
    Drops,
    Inline,
    /// Keeps it until the test runs it.
    Later,
}

type Job = Box<dyn FnOnce() + Send>;

/// A spawner with a manner.
#[derive(Clone)]
struct Own {
    manner: Manner,
    kept: Arc<Mutex<Vec<Job>>>,
}

impl Own {
    fn new(manner: Manner) -> Self {
        Self { manner, kept: Arc::default() }
    }

    fn kept(&self) -> usize {
        self.kept.lock().expect("no holder panics").len()
    }

    /// Runs what was kept, the last first.
    fn run(&self) {
        let kept = std::mem::take(&mut *self.kept.lock().expect("no holder panics"));
        kept.into_iter().rev().for_each(|job| job());
    }
}

impl Spawner for Own {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.spawn_blocking(Box::new(move || block_on(future)))
    }

    fn spawn_blocking(&self, job: Job) -> Result<(), SpawnError> {
        match self.manner {
            Manner::Refuses => return Err(SpawnError::new("not today")),
            Manner::Panics => panic!("the spawner blew up {ON_PURPOSE}"),
            Manner::Drops => drop(job),
            Manner::Inline => job(),
            Manner::Later => self.kept.lock().expect("no holder panics").push(job),
        }
        Ok(())
    }
}

fn cache(settings: CacheBuilder<u32, usize>, runway: &Runway, style: Style, spawner: &Own) -> AsyncCache<u32, usize> {
    runway.numbers(settings, style).spawner(spawner.clone()).build_async().expect("the settings make sense")
}

/// With permits, so that a load that fails to run has to give one back.
fn limited() -> CacheBuilder<u32, usize> {
    CacheBuilder::new().max_concurrent_loads(1)
}

#[test]
fn g19_a_spawner_that_runs_nothing_fails_each_load_and_keeps_no_permit() {
    hush();
    in_time(|| {
        for manner in [Manner::Refuses, Manner::Panics, Manner::Drops] {
            for style in BOTH {
                let runway = Runway::new(0);
                let cache = cache(limited(), &runway, style, &Own::new(manner));
                for key in 0..5 {
                    let error = block_on(cache.fetch_with(&key)).expect_err("nothing runs it");
                    let expected = if style == Style::Async { LoadErrorKind::Cancelled } else { LoadErrorKind::Overloaded };
                    assert_eq!(error.kind(), expected, "{manner:?}, {style:?}");
                }
                assert_eq!((runway.begun(), at_rest(&cache.to_sync()).loads_failed()), (0, 5));
            }
        }
    });
}

#[test]
fn g19_a_spawner_that_runs_inline_serves_tasks_and_threads() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(0);
            let cache = cache(limited(), &runway, style, &Own::new(Manner::Inline));
            for key in 0..3 {
                assert!(block_on(cache.fetch_with(&key)).is_ok() && block_on(cache.refresh(&key)).is_ok());
                assert!(cache.to_sync().refresh(&key).is_ok());
                assert!(block_on(cache.fetch_or_load(&(key + 10), || async { bellwether::ok(1) })).is_ok());
            }
            block_on(cache.wait_idle());
            assert!(block_on(cache.close()));
            assert_eq!(at_rest(&cache.to_sync()).loads_stored, 12, "{style:?}");
        }
    });
}

#[test]
fn g19_a_spawner_that_runs_later_serves_all_who_wait_until_then() {
    in_time(|| {
        for style in BOTH {
            let (runway, spawner) = (Runway::new(0), Own::new(Manner::Later));
            let cache = cache(CacheBuilder::new(), &runway, style, &spawner);
            let fetches: Vec<_> = (0..6).map(|n| cache.fetch_with(&(n % 3))).collect();
            let thread = apart(&cache.to_sync(), |cache| cache.fetch_with(&0));
            until("it has joined", || cache.metrics().joined == 4);
            assert_eq!((spawner.kept(), runway.begun()), (3, 0));
            spawner.run();
            assert!(fetches.into_iter().all(|fetch| block_on(fetch).is_ok()) && thread.result().is_ok());
            assert_eq!((runway.begun(), at_rest(&cache.to_sync()).loads_stored), (3, 3), "{style:?}");
        }
    });
}

/// The time-out ends it for those who wait; run after that it begins no load.
#[test]
fn g19_a_load_that_is_run_after_its_time_is_not_begun() {
    in_time(|| {
        for style in BOTH {
            let (runway, spawner, clock) = (Runway::new(0), Own::new(Manner::Later), MockClock::new());
            let settings = limited().clock(clock.clone()).load_timeout(LIMIT);
            let cache = cache(settings, &runway, style, &spawner);
            let fetches = [cache.fetch_with(&1), cache.fetch_with(&1), cache.fetch_with(&2)];
            clock.advance(LIMIT);
            for fetch in fetches {
                assert_eq!(block_on(fetch).map_err(|error| error.kind()), Err(LoadErrorKind::TimedOut), "{style:?}");
            }
            assert_eq!(spawner.kept(), 1, "the other waited for the permit that this one keeps until it ends");
            spawner.run();
            assert_eq!(runway.begun(), 0);
            let fetch = cache.fetch_with(&1);
            spawner.run();
            assert_eq!(*block_on(fetch).expect("the next is run in time"), 0);
            assert_eq!(at_rest(&cache.to_sync()).loads_failed_by(LoadErrorKind::TimedOut), 2);
        }
    });
}

/// What the spawner keeps doesn't keep the values of a cache that has gone; when it lets go, all is well.
#[test]
fn g19_what_a_spawner_keeps_of_a_cache_that_has_gone_does_nothing_any_more() {
    in_time(|| {
        for style in BOTH {
            for runs in [false, true] {
                let (runway, spawner) = (Runway::new(0), Own::new(Manner::Later));
                let cache = cache(CacheBuilder::new(), &runway, style, &spawner);
                let held = Arc::downgrade(&{
                    cache.insert(9, 90);
                    cache.fetch(&9).expect("it is held")
                });
                drop(cache.fetch_with(&1));
                drop(cache);
                assert!(held.upgrade().is_none(), "its values have gone");
                if runs {
                    spawner.run();
                } else {
                    spawner.kept.lock().expect("no holder panics").clear();
                }
                assert_eq!(runway.begun(), 0, "{style:?}");
            }
        }
    });
}
