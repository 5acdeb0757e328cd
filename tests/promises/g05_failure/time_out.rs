//! Loads that never return: `load_timeout` ends them for everyone, on the mock clock and on the real one.

use crate::apart::apart;
use crate::gate::{Gate, until};
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, Cache, CacheBuilder, LoadError, LoadErrorKind, Loaded, MockClock};
use futures::FutureExt;
use futures::executor::block_on;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_nanos(1);

/// Held by a load; tells when it is dropped.
struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// A loader whose first load never returns, or as many as are to, and whose others bring their number. What it waits for keeps its waker, as a
/// connection does.
struct Stuck {
    never: Gate,
    begun: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
    /// So many loads never return.
    hung: Arc<AtomicUsize>,
}

impl Stuck {
    fn new() -> Self {
        Self { never: Gate::new(), begun: Arc::default(), dropped: Arc::default(), hung: Arc::new(AtomicUsize::new(1)) }
    }

    fn cache(&self, builder: CacheBuilder<u32, usize>) -> AsyncCache<u32, usize> {
        let (never, begun, dropped) = (self.never.clone(), Arc::clone(&self.begun), Arc::clone(&self.dropped));
        let hung = Arc::clone(&self.hung);
        let builder = builder.async_loader_fn(move |_: u32| {
            let (number, held, never) = (begun.fetch_add(1, Ordering::Relaxed), Held(Arc::clone(&dropped)), never.clone());
            let is_hung = number < hung.load(Ordering::Relaxed);
            async move {
                if is_hung {
                    never.pass().await;
                }
                drop(held);
                bellwether::ok(number)
            }
        });
        builder.build_async().expect("the settings make sense")
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    fn dropped(&self) -> usize {
        self.dropped.load(Ordering::Acquire)
    }
}

fn is_a_time_out(error: LoadError, limit: Duration) -> bool {
    matches!(error, LoadError::TimedOut { after, .. } if after == limit)
}

#[test]
fn g5_a_load_that_never_returns_times_out_for_threads_and_tasks_at_its_deadline() {
    in_time(|| {
        let (clock, stuck) = (MockClock::new(), Stuck::new());
        let cache = stuck.cache(AsyncCache::builder().clock(clock.clone()).load_timeout(LIMIT));
        let mut tasks: Vec<_> = (0..5).map(|_| cache.fetch_with(&1)).collect();
        let threads: Vec<_> = (0..5).map(|_| apart(&cache.to_sync(), |cache| cache.fetch_with(&1))).collect();
        // A load whose time is over before it begins is never asked of the loader.
        until("all have asked, and the load has begun", || cache.metrics().joined == 9 && stuck.begun() == 1);
        assert!(tasks.iter_mut().all(|task| task.now_or_never().is_none()));
        clock.advance(LIMIT - TICK);
        assert!(tasks.iter_mut().all(|task| task.now_or_never().is_none()), "just before the deadline all wait");
        assert!(threads.iter().all(|thread| !thread.is_over()));
        clock.advance(TICK);
        for task in tasks {
            let error = task.now_or_never().expect("at the deadline nobody waits").expect_err("it took too long");
            assert!(is_a_time_out(error, LIMIT));
        }
        for thread in threads {
            assert!(is_a_time_out(thread.result().expect_err("it took too long"), LIMIT));
        }
        until("the loader is dropped", || stuck.dropped() == 1);
        assert_eq!((*block_on(cache.fetch_with(&1)).expect("the next load brings it"), stuck.begun()), (1, 2));
        let metrics = at_rest(&cache.to_sync());
        assert_eq!((metrics.loads_failed_by(LoadErrorKind::TimedOut), metrics.loads_stored), (1, 1));
    });
}

/// The cache for threads alone: nobody but the parked threads keeps the time.
#[test]
fn g5_a_load_that_never_returns_times_out_by_the_real_clock() {
    in_time(|| {
        let limit = Duration::from_millis(30);
        for with_tasks in [false, true] {
            let stuck = Stuck::new();
            // Who comes when the time of the first load is over has one of its own.
            stuck.hung.store(usize::MAX, Ordering::Relaxed);
            let cache = stuck.cache(AsyncCache::builder().load_timeout(limit));
            let begun = Instant::now();
            let threads: Vec<_> = (0..5).map(|_| apart(&cache.to_sync(), |cache| cache.fetch_with(&1))).collect();
            if with_tasks {
                let tasks = (0..5).map(|_| cache.fetch_with(&1));
                for result in block_on(futures::future::join_all(tasks)) {
                    assert!(is_a_time_out(result.expect_err("it took too long"), limit));
                }
            }
            for thread in threads {
                assert!(is_a_time_out(thread.result().expect_err("it took too long"), limit));
            }
            assert!(begun.elapsed() >= limit, "not before the deadline");
            at_rest(&cache.to_sync());
            let begun = stuck.begun();
            assert_eq!(stuck.dropped(), begun, "each loader is dropped");
            stuck.hung.store(0, Ordering::Relaxed);
            // It has as little time as they had.
            until("the next load brings it", || cache.to_sync().fetch_with(&1).is_ok());
            assert!(stuck.begun() > begun);
            at_rest(&cache.to_sync());
        }
    });
}

#[test]
fn g5_the_time_out_of_a_load_that_all_callers_have_left_drops_its_loader() {
    in_time(|| {
        let (clock, stuck) = (MockClock::new(), Stuck::new());
        let cache = stuck.cache(AsyncCache::builder().clock(clock.clone()).load_timeout(LIMIT));
        drop(cache.fetch_with(&1));
        until("the load has begun", || stuck.begun() == 1);
        clock.advance(LIMIT);
        until("the loader is dropped", || stuck.dropped() == 1);
        assert_eq!(at_rest(&cache.to_sync()).loads_failed_by(LoadErrorKind::TimedOut), 1);
    });
}

/// A loader's future that panics when the time-out drops it: what was told is told.
#[test]
fn g5_a_loader_that_panics_when_its_time_out_drops_it_takes_nothing_along() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a drop blew up");
        }
    }
    in_time(|| {
        let clock = MockClock::new();
        let builder = AsyncCache::<u32, u32>::builder().clock(clock.clone()).load_timeout(LIMIT);
        let cache = builder.build_async().expect("the settings make sense");
        let bomb = Bomb;
        let leader = cache.fetch_or_load(&1, || async move {
            let _bomb = bomb;
            pending::<Result<u32, BoxError>>().await
        });
        let joined = apart(&cache.to_sync(), |cache| cache.fetch_with(&1));
        until("the thread joins", || cache.metrics().joined == 1);
        clock.advance(LIMIT);
        assert!(is_a_time_out(block_on(leader).expect_err("it took too long"), LIMIT));
        assert!(is_a_time_out(joined.result().expect_err("it took too long"), LIMIT));
        let next = cache.fetch_or_load(&1, || async { bellwether::ok(5) });
        assert_eq!(*block_on(next).expect("the next one brings it"), 5);
        at_rest(&cache.to_sync());
    });
}

/// A blocking loader can't be stopped: its waiters get on, its thread when it returns.
#[test]
fn g5_a_blocking_load_that_overruns_frees_its_waiters_at_the_deadline_and_its_leader_when_it_returns() {
    in_time(|| {
        let (clock, runway) = (MockClock::new(), Runway::new(1));
        let builder = runway.numbers::<u32>(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), Style::Blocking);
        let cache = builder.build().expect("the settings make sense");
        let leader = apart(&cache, |cache| cache.fetch_with(&1));
        runway.until_begun(0);
        let waiting = apart(&cache, |cache| cache.fetch_with(&1));
        let awaiting = cache.to_async();
        let mut task = awaiting.fetch_with(&1);
        until("both have joined", || cache.metrics().joined == 2);
        assert!((&mut task).now_or_never().is_none());
        clock.advance(LIMIT);
        assert!(is_a_time_out(block_on(task).expect_err("it took too long"), LIMIT));
        assert!(is_a_time_out(waiting.result().expect_err("it took too long"), LIMIT));
        assert!(!leader.is_over(), "its own thread is in the loader");
        runway.open(0);
        assert!(is_a_time_out(leader.result().expect_err("it took too long"), LIMIT));
        assert!(!cache.contains_key(&1), "what comes too late isn't stored");
        assert_eq!((*cache.fetch_with(&1).expect("the next load brings it"), runway.begun()), (1, 2));
        let metrics = at_rest(&cache);
        assert_eq!((metrics.loads_failed_by(LoadErrorKind::TimedOut), metrics.loads_stored), (1, 1));
    });
}

/// Nobody is there to notice that the deadline passes: the loader's answer comes too late all the same.
#[test]
fn g5_a_blocking_load_that_overruns_with_nobody_waiting_is_too_late_all_the_same() {
    in_time(|| {
        let clock = MockClock::new();
        let cache: Cache<u32, u32> = Cache::builder().clock(clock.clone()).load_timeout(LIMIT).build().expect("the settings make sense");
        let at_the_deadline = cache.fetch_or_load(&1, || {
            clock.advance(LIMIT);
            bellwether::ok(50)
        });
        assert!(is_a_time_out(at_the_deadline.expect_err("it took too long"), LIMIT));
        assert!(!cache.contains_key(&1), "what comes too late isn't stored");
        let just_before = cache.fetch_or_load(&1, || {
            clock.advance(LIMIT - TICK);
            bellwether::ok(51)
        });
        assert_eq!(*just_before.expect("it came in time"), 51);
        let metrics = at_rest(&cache);
        assert_eq!((metrics.loads_failed_by(LoadErrorKind::TimedOut), metrics.loads_stored), (1, 1));
    });
}

/// On a thread of the cache's own the blocking load overruns alone.
#[test]
fn g5_a_blocking_load_of_tasks_that_overruns_frees_all_of_them_at_the_deadline() {
    in_time(|| {
        let (clock, runway) = (MockClock::new(), Runway::new(1));
        let builder = runway.numbers::<u32>(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), Style::Blocking);
        let cache = builder.build_async().expect("the settings make sense");
        let tasks: Vec<_> = (0..5).map(|_| cache.fetch_with(&1)).collect();
        runway.until_begun(0);
        clock.advance(LIMIT);
        for task in tasks {
            assert!(is_a_time_out(block_on(task).expect_err("it took too long"), LIMIT));
        }
        assert_eq!((*block_on(cache.fetch_with(&1)).expect("the next load brings it"), runway.begun()), (1, 2));
        runway.open(0);
        let metrics = at_rest(&cache.to_sync());
        assert_eq!(cache.fetch(&1).as_deref(), Some(&1), "what comes too late replaces nothing");
        assert_eq!((metrics.loads_failed_by(LoadErrorKind::TimedOut), metrics.loads_stored), (1, 1));
    });
}

#[test]
fn g5_without_a_limit_a_load_may_take_as_long_as_it_likes() {
    in_time(|| {
        for style in BOTH {
            let (clock, runway) = (MockClock::new(), Runway::new(1));
            let builder = CacheBuilder::new().clock(clock.clone()).load_timeout(Duration::MAX);
            let answer = |number| if number == 0 { Loaded::ok(0) } else { Err("there was a second load".into()) };
            let cache = runway.loader::<u32, usize>(builder, style, answer).build_async().expect("the settings make sense");
            let mut fetch = cache.fetch_with(&1);
            runway.until_begun(0);
            clock.advance(Duration::MAX);
            assert!((&mut fetch).now_or_never().is_none(), "{style:?}: five hundred years are not too long");
            runway.open(0);
            assert_eq!(*block_on(fetch).expect("the load brings it"), 0, "{style:?}");
            at_rest(&cache.to_sync());
        }
    });
}

#[test]
fn g5_by_default_a_load_has_sixty_seconds() {
    in_time(|| {
        let (clock, stuck) = (MockClock::new(), Stuck::new());
        let cache = stuck.cache(AsyncCache::builder().clock(clock.clone()));
        let mut fetch = cache.fetch_with(&1);
        until("the load has begun", || stuck.begun() == 1);
        clock.advance(Duration::from_secs(60) - TICK);
        assert!((&mut fetch).now_or_never().is_none());
        clock.advance(TICK);
        assert!(is_a_time_out(block_on(fetch).expect_err("it took too long"), Duration::from_secs(60)));
        at_rest(&cache.to_sync());
    });
}
