//! Herds, leaders and waiters that go away, panics, refused spawns, and the limit of loads for each key.

use crate::world::{OnShuttle, below, explore, join, spawn};
use bellwether::{AsyncCache, BoxError, BoxFuture, Cache, LoadErrorKind, Source, SpawnError, Spawner};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

/// A cache whose loads are counted and take a while.
fn counted(loads: &Arc<AtomicUsize>, running: &OnShuttle) -> Cache<u8, usize> {
    let loads = Arc::clone(loads);
    let load = move |_: &u8| {
        let load = loads.fetch_add(1, Ordering::Relaxed);
        shuttle::thread::yield_now();
        Ok::<_, BoxError>(load)
    };
    Cache::builder().loader_fn(load).shards(1).spawner(running.clone()).build().expect("the settings make sense")
}

#[test]
fn g1_a_herd_of_threads_and_tasks_loads_once() {
    explore(|| {
        let running = OnShuttle::default();
        let loads = Arc::new(AtomicUsize::new(0));
        let cache = counted(&loads, &running);
        let threads = (0..6).map(|n| {
            let cache = cache.clone();
            spawn(move || {
                let fetched =
                    if n % 2 == 0 { cache.fetch_detailed(&1) } else { shuttle::future::block_on(cache.to_async().fetch_detailed(&1)) };
                let fetched = fetched.expect("the load brings it");
                assert_eq!(*fetched.value, 0);
                // A hit may come between the landing and the others' answers.
                if fetched.source != Source::Hit {
                    let metrics = cache.metrics();
                    assert_eq!((metrics.flights, metrics.waiters, metrics.loads_stored), (0, 0, 1), "who has the value finds it counted");
                }
            })
        });
        join(threads.collect::<Vec<_>>());
        assert_eq!(loads.load(Ordering::Relaxed), 1);
        running.rest();
        cache.validate();
    });
}

#[test]
fn g3_a_flight_that_was_overtaken_leaves_its_successor_alone() {
    explore(|| {
        let running = OnShuttle::default();
        let loads = Arc::new(AtomicUsize::new(0));
        let cache = counted(&loads, &running);
        let fetcher = |cache: Cache<u8, usize>| spawn(move || drop(cache.fetch_with(&1)));
        let first = fetcher(cache.clone());
        cache.invalidate(&1);
        let after = [fetcher(cache.clone()), fetcher(cache.clone())];
        let mine = cache.fetch_with(&1);
        join([first].into_iter().chain(after));
        // One load that began before the invalidate, and one after it: whatever the first does when it ends, the second is the key's.
        assert!(loads.load(Ordering::Relaxed) <= 2, "{} loads", loads.load(Ordering::Relaxed));
        assert_eq!(cache.fetch(&1), mine.ok(), "what was fetched after the invalidate is held");
        running.rest();
        cache.validate();
    });
}

#[test]
fn g3_a_flight_that_was_overtaken_and_fails_leaves_its_successor_alone() {
    explore(|| {
        let running = OnShuttle::default();
        let loads = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&loads);
        let load = move |_: &u8| {
            let load = count.fetch_add(1, Ordering::Relaxed);
            (0..2).for_each(|_| shuttle::thread::yield_now());
            if load == 0 { Err(BoxError::from("the first fails")) } else { Ok(load) }
        };
        let cache = Cache::builder().loader_fn(load).shards(1).spawner(running.clone()).build().expect("the settings make sense");
        let fetcher = |cache: Cache<u8, usize>| spawn(move || drop(cache.fetch_with(&1)));
        let first = fetcher(cache.clone());
        cache.invalidate(&1);
        let after = [fetcher(cache.clone()), fetcher(cache.clone())];
        join([first].into_iter().chain(after));
        // After the one that failed there is one more, if anybody came after: the failure of the first takes nobody's flight away.
        assert!(loads.load(Ordering::Relaxed) <= 2, "{} loads", loads.load(Ordering::Relaxed));
        running.rest();
        cache.validate();
    });
}

/// A waker that counts its clones by its `Arc`.
struct Witness;

impl Wake for Witness {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn g4_callers_that_go_away_leave_no_waker_and_the_load_goes_on() {
    explore(|| {
        let running = OnShuttle::default();
        let loads = Arc::new(AtomicUsize::new(0));
        let cache = counted(&loads, &running);
        let witness = Arc::new(Witness);
        let leavers = (0..3).map(|_| {
            let (cache, witness): (AsyncCache<_, _>, _) = (cache.to_async(), Arc::clone(&witness));
            spawn(move || {
                let waker = Waker::from(witness);
                let mut fetch = pin!(cache.fetch_with(&1));
                for _ in 0..below(3) {
                    if fetch.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                        return;
                    }
                    shuttle::thread::yield_now();
                }
            })
        });
        let leavers: Vec<_> = leavers.collect();
        assert_eq!(cache.fetch_with(&1).ok().as_deref(), Some(&0));
        join(leavers);
        // A landing that is waking has the wakers of those who were there in its hands.
        running.rest();
        assert_eq!(Arc::strong_count(&witness), 1, "no waker is left");
        assert_eq!(loads.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn g4_a_caller_that_goes_away_takes_its_waker_along_while_the_load_is_still_in_the_air() {
    explore(|| {
        let running = OnShuttle::default();
        // A load that stays in the air as long as the test likes.
        let (release, held) = shuttle::sync::mpsc::channel::<()>();
        let held = shuttle::sync::Mutex::new(held);
        let load = move |_: &u8| Ok::<_, BoxError>(held.lock().expect("nobody panics under it").recv().is_err());
        let cache = Cache::builder().loader_fn(load).shards(1).spawner(running.clone()).build_async().expect("the settings make sense");
        let witness = Arc::new(Witness);
        let waker = Waker::from(Arc::clone(&witness));
        let leaver = {
            let (cache, waker) = (cache.clone(), waker.clone());
            spawn(move || {
                let mut fetch = pin!(cache.fetch_with(&1));
                assert!(fetch.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            })
        };
        join([leaver]);
        assert_eq!(Arc::strong_count(&witness), 2, "only the test's own waker is left");
        drop(release);
        shuttle::future::block_on(cache.fetch_with(&1)).expect("the load ends");
        running.rest();
    });
}

#[test]
fn g5_an_error_reaches_every_waiter_and_the_key_works_afterwards() {
    explore(|| {
        let running = OnShuttle::default();
        let loads = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&loads);
        let load = move |_: &u8| {
            shuttle::thread::yield_now();
            if count.fetch_add(1, Ordering::Relaxed) == 0 { Err(BoxError::from("first")) } else { Ok(7_usize) }
        };
        let cache = Cache::builder().loader_fn(load).shards(1).spawner(running.clone()).build().expect("the settings make sense");
        let failures = Arc::new(AtomicUsize::new(0));
        let threads = (0..3).map(|_| {
            let (cache, failures) = (cache.clone(), Arc::clone(&failures));
            spawn(move || match cache.fetch_with(&1) {
                Ok(value) => assert_eq!(*value, 7),
                Err(error) => {
                    assert_eq!(error.kind(), LoadErrorKind::Failed);
                    failures.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        join(threads.collect::<Vec<_>>());
        assert!(failures.load(Ordering::Relaxed) >= 1, "the leader of the first load gets its error");
        assert_eq!(cache.fetch_with(&1).ok().as_deref(), Some(&7));
        assert_eq!(loads.load(Ordering::Relaxed), 2, "one that failed, shared by all who waited, and one that didn't");
        running.rest();
        cache.validate();
    });
}

#[test]
fn g2_at_most_four_loads_of_a_key_run_at_a_time() {
    explore(|| {
        let running = OnShuttle::default();
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (current, peak) = (Arc::clone(&now), Arc::clone(&most));
        let load = move |_: &u8| {
            peak.fetch_max(current.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            (0..4).for_each(|_| shuttle::thread::yield_now());
            current.fetch_sub(1, Ordering::Relaxed);
            Ok::<_, BoxError>(0_usize)
        };
        let cache = Cache::builder().loader_fn(load).shards(1).spawner(running.clone()).build().expect("the settings make sense");
        let threads = (0..7).map(|n| {
            let cache = cache.clone();
            spawn(move || {
                let value = if n % 2 == 0 { cache.fetch_with(&1) } else { shuttle::future::block_on(cache.to_async().fetch_with(&1)) };
                assert!(value.is_ok());
                cache.invalidate(&1);
            })
        });
        let threads: Vec<_> = threads.collect();
        (0..6).for_each(|_| {
            cache.invalidate(&1);
            shuttle::thread::yield_now();
        });
        join(threads);
        assert!(most.load(Ordering::Relaxed) <= 4, "{} at a time", most.load(Ordering::Relaxed));
        running.rest();
        cache.validate();
    });
}

/// Refuses, drops or runs what it is given, by the schedule's choice.
pub(crate) struct Fickle(pub(crate) OnShuttle);

impl Spawner for Fickle {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        match below(3) {
            0 => Err(SpawnError::new("not today")),
            1 => Ok(()),
            _ => self.0.spawn(future),
        }
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        match below(3) {
            0 => Err(SpawnError::new("not today")),
            1 => Ok(()),
            _ => self.0.spawn_blocking(job),
        }
    }
}

#[test]
fn g5_a_spawner_that_refuses_or_drops_a_load_leaves_nobody_waiting() {
    explore(|| {
        let running = OnShuttle::default();
        let load = |_: u8| async { Ok::<_, BoxError>(7_usize) };
        let cache =
            Cache::builder().async_loader_fn(load).shards(1).spawner(Fickle(running.clone())).build().expect("the settings make sense");
        let threads = (0..3).map(|_| {
            let cache = cache.clone();
            spawn(move || match cache.fetch_with(&1) {
                Ok(value) => assert_eq!(*value, 7),
                Err(error) => assert_eq!(error.kind(), LoadErrorKind::Cancelled),
            })
        });
        join(threads.collect::<Vec<_>>());
        running.rest();
        cache.validate();
    });
}

#[test]
fn two_clears_at_once_against_fetches_and_inserts_always_progress() {
    explore(|| {
        let running = OnShuttle::default();
        let loads = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&loads);
        let load = move |_: &u8| Ok::<_, BoxError>(count.fetch_add(1, Ordering::Relaxed));
        let cache =
            Cache::builder().loader_fn(load).shards(3).capacity(2).spawner(running.clone()).build().expect("the settings make sense");
        let clearer = |cache: Cache<u8, usize>| spawn(move || cache.clear());
        let writer = |cache: Cache<u8, usize>| {
            spawn(move || {
                (0..4).for_each(|key| cache.insert(key, 100));
                assert!((0..4).all(|key| cache.fetch_with(&key).is_ok()));
            })
        };
        join([clearer(cache.clone()), clearer(cache.clone()), writer(cache.clone()), writer(cache.clone())]);
        assert!(cache.len() <= 2);
        running.rest();
        cache.validate();
    });
}
