//! Who keeps the time of a load: a thread that waits, the timer of a spawner, or the crate's own janitor; and a mock clock.

use crate::apart::apart;
use crate::g04_leaving::{Alive, tracked};
use crate::gate::until;
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::{Runway, Style};
use crate::watchdog::in_time;
use crate::ways::{WAYS, Way};
use bellwether::{AbandonedLoads, AsyncCache, BoxFuture, CacheBuilder, LoadError, LoadErrorKind, MockClock, SpawnError, Spawner};
use futures::FutureExt;
use futures::channel::oneshot;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

in_every_way!(
    g5_a_load_that_hangs_ends_in_time_for_whoever_waits_alone,
    g5_a_load_that_all_have_left_ends_in_time_though_nobody_keeps_it_for_them,
    g5_a_mock_clock_ends_a_load_for_whoever_waits_alone,
);

/// Short enough to wait for, and much more than a load takes that doesn't hang.
const LIMIT: Duration = Duration::from_millis(800);

fn is_a_time_out(result: Result<Arc<usize>, LoadError>, limit: Duration) -> bool {
    matches!(result, Err(LoadError::TimedOut { after, .. }) if after == limit)
}

/// The first load hangs. Gives how many there were.
fn ends_in_time(way: Way, cache: &AsyncCache<u32, usize>, alive: &Alive) -> u64 {
    let start = Instant::now();
    assert!(is_a_time_out(way.fetch_with(&cache.to_sync(), &1), LIMIT));
    assert!(start.elapsed() >= LIMIT, "not before its time");
    alive.until_none();
    // The next one, or one more where threads are slow to come: then a load's time may be over before it begins.
    until("a load brings it", || way.fetch_with(&cache.to_sync(), &1).is_ok());
    let metrics = at_rest(&cache.to_sync());
    assert_eq!((metrics.loads_failed_by(LoadErrorKind::TimedOut) + 1, metrics.loads_stored), (metrics.loads_started, 1));
    metrics.loads_started
}

/// Has a load begin that nobody waits for: where threads are slow to come, its time may be over before it does, and another is tried.
fn begun_for_nobody(way: Way, cache: &AsyncCache<u32, usize>, runway: &Runway) {
    until("it has begun", || {
        let has_begun = runway.begun() > 0;
        if !has_begun && cache.metrics().flights == 0 {
            drop(way.within(|| cache.fetch_with(&1)));
        }
        has_begun
    });
}

fn g5_a_load_that_hangs_ends_in_time_for_whoever_waits_alone(way: Way) {
    let (runway, alive) = (Runway::new(1), Alive::default());
    assert!(ends_in_time(way, &tracked(way, &runway, &alive, CacheBuilder::new().load_timeout(LIMIT)), &alive) >= 2);
}

fn g5_a_load_that_all_have_left_ends_in_time_though_nobody_keeps_it_for_them(way: Way) {
    let (runway, alive) = (Runway::new(1), Alive::default());
    let builder = CacheBuilder::new().abandoned_loads(AbandonedLoads::Finish).load_timeout(LIMIT);
    let cache = tracked(way, &runway, &alive, builder);
    begun_for_nobody(way, &cache, &runway);
    alive.until_none();
    assert!(at_rest(&cache.to_sync()).loads_failed_by(LoadErrorKind::TimedOut) >= 1);
}

fn g5_a_mock_clock_ends_a_load_for_whoever_waits_alone(way: Way) {
    let (clock, runway, alive) = (MockClock::new(), Runway::new(1), Alive::default());
    let limit = Duration::from_secs(3_600);
    let cache = tracked(way, &runway, &alive, CacheBuilder::new().clock(clock.clone()).load_timeout(limit));
    let waiting = apart(&cache.to_sync(), move |cache| way.fetch_with(&cache, &1));
    runway.until_begun(0);
    clock.advance(limit - Duration::from_nanos(1));
    assert!(!waiting.is_over() && alive.number() == 1);
    clock.advance(Duration::from_nanos(1));
    assert!(is_a_time_out(waiting.result(), limit));
    alive.until_none();
    at_rest(&cache.to_sync());
}

/// A thread for each load and each timer.
#[derive(Clone, Default)]
struct Threads {
    timers: Arc<AtomicUsize>,
}

impl Spawner for Threads {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        thread::spawn(move || futures::executor::block_on(future));
        Ok(())
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        thread::spawn(job);
        Ok(())
    }

    fn sleep(&self, wait: Duration) -> Option<BoxFuture<'static, ()>> {
        assert!(wait <= LIMIT, "a load has no more time than that");
        self.timers.fetch_add(1, Ordering::Relaxed);
        let (send, receive) = oneshot::channel();
        thread::spawn(move || {
            thread::sleep(wait);
            // The load may be over.
            let _ = send.send(());
        });
        Some(Box::pin(receive.map(drop)))
    }
}

#[test]
fn g5_the_timer_of_a_spawner_ends_a_load_that_hangs() {
    in_time(|| {
        for way in WAYS {
            let (runway, alive, threads) = (Runway::new(1), Alive::default(), Threads::default());
            let builder = CacheBuilder::new().load_timeout(LIMIT).spawner(threads.clone());
            let loads = ends_in_time(way, &tracked(way, &runway, &alive, builder), &alive);
            assert_eq!(threads.timers.load(Ordering::Relaxed) as u64, loads, "one for each load");
        }
    });
}

#[test]
fn g5_the_timer_of_a_spawner_ends_a_load_that_all_have_left() {
    in_time(|| {
        let (runway, alive, threads) = (Runway::new(1), Alive::default(), Threads::default());
        let cache = tracked(Way::WithoutRuntime, &runway, &alive, CacheBuilder::new().load_timeout(LIMIT).spawner(threads));
        begun_for_nobody(Way::WithoutRuntime, &cache, &runway);
        alive.until_none();
        assert!(at_rest(&cache.to_sync()).loads_failed_by(LoadErrorKind::TimedOut) >= 1);
    });
}

/// With a mock clock real timers aren't asked, and a limit of none asks for none.
#[test]
fn g5_the_timer_of_a_spawner_is_asked_only_where_it_tells_the_time() {
    in_time(|| {
        for builder in [CacheBuilder::new().clock(MockClock::new()), CacheBuilder::new().load_timeout(Duration::MAX)] {
            let (runway, alive, threads) = (Runway::new(0), Alive::default(), Threads::default());
            let cache = tracked(Way::WithoutRuntime, &runway, &alive, builder.spawner(threads.clone()));
            assert_eq!(*futures::executor::block_on(cache.fetch_with(&1)).expect("the load brings it"), 0);
            assert_eq!(threads.timers.load(Ordering::Relaxed), 0);
            at_rest(&cache.to_sync());
        }
    });
}

/// A load that waits for its turn has no time of its own yet: that of the flight runs all the same. The load ahead of it is a blocking one,
/// which keeps its permit beyond its own time.
#[test]
fn g5_a_load_that_waits_for_a_permit_times_out_where_it_waits() {
    in_time(|| {
        for way in WAYS {
            let (clock, runway) = (MockClock::new(), Runway::new(1));
            let limit = Duration::from_secs(10);
            let builder = CacheBuilder::new().clock(clock.clone()).load_timeout(limit).max_concurrent_loads(1);
            let cache = way.build(runway.numbers::<u32>(builder, Style::Blocking)).to_async();
            let first = way.within(|| cache.fetch_with(&1));
            runway.until_begun(0);
            let queued = apart(&cache.to_sync(), move |cache| way.fetch_with(&cache, &2));
            until("it waits for its turn", || cache.metrics().queued == 1);
            clock.advance(limit);
            assert!(is_a_time_out(queued.result(), limit), "{way:?}");
            assert!(is_a_time_out(way.wait(first), limit), "{way:?}");
            runway.open(0);
            let metrics = at_rest(&cache.to_sync());
            assert_eq!((metrics.loads_failed_by(LoadErrorKind::TimedOut), runway.begun()), (2, 1), "{way:?}");
        }
    });
}
