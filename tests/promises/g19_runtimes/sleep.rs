//! `Spawner::sleep`: a load's time-out by the spawner's own timer, if it has one.

use crate::g19_runtimes::many;
use crate::gate::until;
use crate::hush::{ON_PURPOSE, hush};
use crate::rest::at_rest;
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, BoxFuture, LoadErrorKind, Loaded, MockClock, SpawnError, Spawner};
use futures::executor::block_on;
use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// Longer than a test may take: only the spawner's timer comes sooner.
const LIMIT: Duration = Duration::from_secs(600);

/// What becomes of a load that is spawned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Runs,
    /// It is kept and never polled.
    Kept,
}

/// What `sleep` does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Timer {
    /// Rings when the test says so.
    ByHand,
    PanicsAtOnce,
    PanicsWhenPolled,
}

/// A spawner with a timer of its own.
#[derive(Clone)]
struct Timed {
    runtime: Handle,
    fate: Fate,
    timer: Timer,
    books: Arc<Mutex<Books>>,
}

#[derive(Default)]
struct Books {
    asked: Vec<Duration>,
    alive: usize,
    rung: bool,
    asleep: Vec<Waker>,
    kept: Vec<BoxFuture<'static, ()>>,
}

impl Timed {
    fn new(runtime: &tokio::runtime::Runtime, fate: Fate, timer: Timer) -> Self {
        Self { runtime: runtime.handle().clone(), fate, timer, books: Arc::default() }
    }

    fn asked(&self) -> Vec<Duration> {
        self.books.lock().expect("no holder panics").asked.clone()
    }

    fn alive(&self) -> usize {
        self.books.lock().expect("no holder panics").alive
    }

    fn ring(&self) {
        let asleep = {
            let mut books = self.books.lock().expect("no holder panics");
            books.rung = true;
            std::mem::take(&mut books.asleep)
        };
        asleep.into_iter().for_each(Waker::wake);
    }
}

/// Is counted while a timer is there.
struct Alive(Arc<Mutex<Books>>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.lock().expect("no holder panics").alive -= 1;
    }
}

impl Spawner for Timed {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        match self.fate {
            Fate::Runs => drop(self.runtime.spawn(future)),
            Fate::Kept => self.books.lock().expect("no holder panics").kept.push(future),
        }
        Ok(())
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        drop(self.runtime.spawn_blocking(job));
        Ok(())
    }

    fn sleep(&self, wait: Duration) -> Option<BoxFuture<'static, ()>> {
        {
            let mut books = self.books.lock().expect("no holder panics");
            books.asked.push(wait);
            books.alive += 1;
        }
        let (books, alive, timer) = (Arc::clone(&self.books), Alive(Arc::clone(&self.books)), self.timer);
        assert!(timer != Timer::PanicsAtOnce, "no timer today, {ON_PURPOSE}");
        Some(Box::pin(poll_fn(move |cx| {
            let _alive = &alive;
            assert!(timer != Timer::PanicsWhenPolled, "the timer broke, {ON_PURPOSE}");
            let mut books = books.lock().expect("no holder panics");
            if books.rung {
                return Poll::Ready(());
            }
            books.asleep.push(cx.waker().clone());
            Poll::Pending
        })))
    }
}

/// A cache whose load of key 1 never ends.
fn cache(spawner: &Timed, limit: Duration) -> AsyncCache<u32, u32> {
    let load = |key: u32| async move {
        if key == 1 {
            std::future::pending::<()>().await;
        }
        Loaded::ok(key)
    };
    let builder = AsyncCache::builder().spawner(spawner.clone()).load_timeout(limit).async_loader_fn(load);
    builder.build_async().expect("the settings make sense")
}

#[test]
fn g19_the_spawners_timer_keeps_the_time_of_a_load() {
    in_time(|| {
        let runtime = many("given");
        let spawner = Timed::new(&runtime, Fate::Runs, Timer::ByHand);
        let cache = cache(&spawner, LIMIT);
        let (fetch, joined) = (cache.fetch_with(&1), cache.fetch_with(&1));
        until("the timer is asked for", || spawner.alive() == 1);
        let [asked] = spawner.asked()[..] else { panic!("one timer, not {:?}", spawner.asked()) };
        assert!(asked <= LIMIT && asked > LIMIT - Duration::from_secs(60), "it is asked for what is left: {asked:?}");
        spawner.ring();
        for fetch in [fetch, joined] {
            assert_eq!(block_on(fetch).map_err(|error| error.kind()), Err(LoadErrorKind::TimedOut));
        }
        until("the timer goes with the load", || spawner.alive() == 0);
        at_rest(&cache.to_sync());
    });
}

#[test]
fn g19_the_spawners_timer_is_dropped_when_the_load_ends() {
    in_time(|| {
        let runtime = many("given");
        let spawner = Timed::new(&runtime, Fate::Runs, Timer::ByHand);
        let cache = cache(&spawner, LIMIT);
        assert_eq!(*block_on(cache.fetch_with(&2)).expect("the load brings it"), 2);
        assert_eq!(spawner.asked().len(), 1);
        until("the timer goes with the load", || spawner.alive() == 0);
        // A load that the end of its cache cancels takes it along, too.
        drop(cache.fetch_with(&1));
        until("the timer is asked for", || spawner.asked().len() == 2);
        drop(cache);
        until("the timer goes with the load", || spawner.alive() == 0);
    });
}

/// Without a time-out there is nothing to keep, and a mock clock keeps its own time.
#[test]
fn g19_the_spawners_timer_is_not_asked_for_where_it_is_not_needed() {
    in_time(|| {
        let runtime = many("given");
        let spawner = Timed::new(&runtime, Fate::Runs, Timer::ByHand);
        let endless = cache(&spawner, Duration::MAX);
        assert_eq!(*block_on(endless.fetch_with(&2)).expect("the load brings it"), 2);
        let blocking = AsyncCache::<u32, u32>::builder().spawner(spawner.clone()).loader_fn(|key: &u32| Loaded::ok(*key));
        let blocking = blocking.build_async().expect("the settings make sense");
        assert_eq!(*block_on(blocking.fetch_with(&2)).expect("the load brings it"), 2);
        let mocked = AsyncCache::<u32, u32>::builder().spawner(spawner.clone()).clock(MockClock::new());
        let mocked =
            mocked.async_loader_fn(|key: u32| async move { Ok::<_, BoxError>(key) }).build_async().expect("the settings make sense");
        assert_eq!(*block_on(mocked.fetch_with(&2)).expect("the load brings it"), 2);
        assert_eq!(spawner.asked(), []);
    });
}

#[test]
fn g19_a_timer_that_panics_hangs_nobody() {
    hush();
    in_time(|| {
        const SHORT: Duration = Duration::from_millis(50);
        let runtime = many("given");
        // Without the timer the crate keeps the time itself.
        let spawner = Timed::new(&runtime, Fate::Runs, Timer::PanicsAtOnce);
        let patient = cache(&spawner, LIMIT);
        assert_eq!(*block_on(patient.fetch_with(&2)).expect("the load brings it"), 2);
        at_rest(&patient.to_sync());
        let cache_without = cache(&spawner, SHORT);
        let start = Instant::now();
        assert_eq!(block_on(cache_without.fetch_with(&1)).map_err(|error| error.kind()), Err(LoadErrorKind::TimedOut));
        assert!(start.elapsed() >= SHORT);
        at_rest(&cache_without.to_sync());
        // A timer that breaks breaks its load, and the next call starts another.
        let spawner = Timed::new(&runtime, Fate::Runs, Timer::PanicsWhenPolled);
        let cache_broken = cache(&spawner, LIMIT);
        for key in [1, 2] {
            let error = block_on(cache_broken.fetch_with(&key)).expect_err("the load was lost");
            assert!([LoadErrorKind::Panicked, LoadErrorKind::Cancelled].contains(&error.kind()), "{error}");
        }
        assert_eq!(at_rest(&cache_broken.to_sync()).loads_started, 2);
    });
}

/// The spawner has a timer, and neither it nor the load is ever polled: still the load has an end.
#[test]
fn g19_a_load_that_is_never_polled_times_out_though_its_spawner_has_timers() {
    in_time(|| {
        let runtime = many("given");
        let spawner = Timed::new(&runtime, Fate::Kept, Timer::ByHand);
        let cache = cache(&spawner, Duration::from_millis(50));
        let waiter = cache.clone();
        let waiter = std::thread::spawn(move || block_on(waiter.fetch_with(&2)).map_err(|error| error.kind()));
        until("the task hears that its load has timed out", || waiter.is_finished());
        assert_eq!(waiter.join().expect("no thread panics"), Err(LoadErrorKind::TimedOut));
        // The load has its place until the spawner lets it go.
        let kept = std::mem::take(&mut spawner.books.lock().expect("no holder panics").kept);
        drop(kept);
        at_rest(&cache.to_sync());
    });
}
