//! Loads that are cancelled, limited, led by entries, nested, in a ring, or cut off by their runtime.

use crate::world::{OnShuttle, Pause, below, explore, join, spawn};
use bellwether::{
    AbandonedLoads, AsyncCache, BoxError, BoxFuture, Cache, CacheBuilder, Entry, LoadError, LoadErrorKind, MockClock, SpawnError, Spawner,
};
use shuttle::sync::Mutex;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// A builder whose loads are counted, number their values, and take a while.
fn counting(running: &OnShuttle, loads: &Arc<AtomicUsize>) -> CacheBuilder<u8, usize> {
    let loads = Arc::clone(loads);
    let load = move |_: u8| {
        let load = loads.fetch_add(1, Ordering::Relaxed);
        async move {
            Pause(below(12)).await;
            Ok::<_, BoxError>(load)
        }
    };
    CacheBuilder::new().async_loader_fn(load).shards(1).spawner(running.clone())
}

fn builds(builder: CacheBuilder<u8, usize>) -> Cache<u8, usize> {
    builder.build().expect("the settings make sense")
}

/// Polls up to twice and goes away.
fn look_and_leave(cache: &AsyncCache<u8, usize>) {
    let mut fetch = pin!(cache.fetch_with(&1));
    for _ in 0..below(3) {
        if fetch.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return;
        }
        shuttle::thread::yield_now();
    }
}

#[test]
fn g4_who_stays_is_served_whoever_leaves_and_cancels() {
    explore(|| {
        let (running, loads) = (OnShuttle::default(), Arc::default());
        let cache = builds(counting(&running, &loads).abandoned_loads(AbandonedLoads::Cancel));
        let leavers = (0..2).map(|_| {
            let cache = cache.to_async();
            spawn(move || look_and_leave(&cache))
        });
        let leavers: Vec<_> = leavers.collect();
        (0..below(4)).for_each(|_| shuttle::thread::yield_now());
        let value = shuttle::future::block_on(cache.to_async().fetch_with(&1));
        assert!(value.is_ok(), "a flight that nobody is served by can't be joined: {value:?}");
        join(leavers);
        running.rest();
        cache.validate();
    });
}

#[test]
fn g4_a_load_that_all_have_left_is_dropped_and_nothing_is_stored() {
    explore(|| {
        let (running, loads) = (OnShuttle::default(), Arc::default());
        let cache = builds(counting(&running, &loads).abandoned_loads(AbandonedLoads::Cancel).max_concurrent_loads(1));
        let leavers = (0..4).map(|n| {
            let cache = cache.to_async();
            spawn(move || {
                look_and_leave(&cache);
                if n == 0 {
                    cache.invalidate(&1);
                }
            })
        });
        join(leavers.collect::<Vec<_>>());
        running.rest();
        let metrics = cache.metrics();
        assert_eq!(metrics.loads_started, metrics.loads_ended());
        assert_eq!((metrics.flights, metrics.permits, metrics.queued), (0, 0, 0));
        cache.validate();
    });
}

/// What becomes of a vacant entry.
#[derive(Clone, Copy)]
enum Fate {
    Dropped,
    Filled,
    /// Leaked, and then out of time.
    Leaked,
}

fn take_an_entry(cache: &Cache<u8, usize>, clock: &MockClock) {
    let Entry::Vacant(entry) = cache.entry(1) else { return };
    shuttle::thread::yield_now();
    match [Fate::Dropped, Fate::Filled, Fate::Leaked][below(3)] {
        Fate::Dropped => drop(entry),
        Fate::Filled => drop(entry.insert(100)),
        Fate::Leaked => {
            std::mem::forget(entry);
            clock.advance(Duration::from_secs(60));
        }
    }
}

#[test]
fn g4_whatever_becomes_of_a_vacant_entry_its_waiters_get_on() {
    explore(|| {
        let (running, loads) = (OnShuttle::default(), Arc::default());
        let clock = MockClock::new();
        let cache = builds(counting(&running, &loads).clock(clock.clone()));
        let takers = (0..2).map(|_| {
            let (cache, clock) = (cache.clone(), clock.clone());
            spawn(move || take_an_entry(&cache, &clock))
        });
        let waiters = (0..3).map(|n| {
            let cache = cache.clone();
            spawn(move || {
                let value = match n {
                    0 => cache.fetch_with(&1),
                    1 => shuttle::future::block_on(cache.to_async().fetch_with(&1)),
                    _ => cache.fetch_or_load(&1, || bellwether::ok(200)),
                };
                // A load may run out of time, as the clock is moved by a minute.
                let kind = value.as_ref().err().map(LoadError::kind);
                assert!(kind.is_none_or(|kind| kind == LoadErrorKind::TimedOut), "{value:?}");
            })
        });
        join(takers.chain(waiters).collect::<Vec<_>>());
        running.rest();
        // The leaked entries hold the cache, so that only what they can't spoil is checked.
        let metrics = cache.metrics();
        assert_eq!((metrics.flights, metrics.waiters), (0, 0));
        assert_eq!(metrics.loads_started, metrics.loads_ended());
    });
}

#[test]
fn g4_a_dropped_entry_s_fetches_are_served_by_one_load_though_nobody_polls_them() {
    explore(|| {
        let (running, loads) = (OnShuttle::default(), Arc::<AtomicUsize>::default());
        let cache = builds(counting(&running, &loads));
        let Entry::Vacant(entry) = cache.entry(1) else { panic!("nothing is held") };
        let giver = spawn(move || drop(entry));
        // Each waits for the entry, or comes too late for that and leads.
        let tasks = cache.to_async();
        let mut unpolled: Vec<_> = (0..2).map(|_| tasks.fetch_with(&1)).collect();
        join([giver]);
        running.rest();
        assert_eq!(loads.load(Ordering::Relaxed), 1, "the cache's own loader takes over, once");
        for fetch in &mut unpolled {
            let mut cx = Context::from_waker(Waker::noop());
            assert!(matches!(Pin::new(fetch).poll(&mut cx), Poll::Ready(Ok(value)) if *value == 0));
        }
        drop(unpolled);
        cache.validate();
    });
}

#[test]
fn g1_of_all_who_take_an_entry_one_at_a_time_brings_the_value() {
    explore(|| {
        let cache: Cache<u8, usize> = builds(CacheBuilder::new().shards(1));
        let (making, made) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let threads = (0..4).map(|n| {
            let (cache, making, made) = (cache.clone(), Arc::clone(&making), Arc::clone(&made));
            spawn(move || {
                let make = || {
                    assert_eq!(making.fetch_add(1, Ordering::Relaxed), 0, "one at a time");
                    shuttle::thread::yield_now();
                    making.fetch_sub(1, Ordering::Relaxed);
                    if made.fetch_add(1, Ordering::Relaxed) == 0 { Err("the first fails") } else { Ok(n) }
                };
                drop(match n % 2 {
                    0 => cache.entry(1).or_try_insert_with(make),
                    _ => shuttle::future::block_on(async { cache.to_async().entry(1).await.or_try_insert_with(make) }),
                });
            })
        });
        join(threads.collect::<Vec<_>>());
        assert_eq!(made.load(Ordering::Relaxed), 2, "one that failed and one that didn't");
        cache.validate();
    });
}

/// Where the loader of a cache finds that cache.
type Own = Arc<Mutex<Option<AsyncCache<u8, usize>>>>;

fn own_cache(own: &Own) -> AsyncCache<u8, usize> {
    own.lock().expect("nobody panics under it").clone().expect("it was built before the first load")
}

/// Runs `model` with a cache in which the load of `n` first fetches what `needs(n)` says, by a thread or by a task.
fn with_nested(
    by_tasks: bool,
    needs: fn(u8) -> Option<u8>,
    set: impl FnOnce(CacheBuilder<u8, usize>) -> CacheBuilder<u8, usize>,
    model: impl FnOnce(&Cache<u8, usize>),
) {
    let running = OnShuttle::default();
    let own = Own::default();
    let its_own = Arc::clone(&own);
    let builder = CacheBuilder::new().shards(1).spawner(running.clone());
    let builder = if by_tasks {
        builder.async_loader_fn(move |n: u8| {
            let own = Arc::clone(&its_own);
            async move {
                let Some(child) = needs(n) else { return Ok::<_, LoadError>(1) };
                Pause(1).await;
                let cache = own_cache(&own);
                Ok(*cache.fetch_with(&child).await? + 1)
            }
        })
    } else {
        builder.loader_fn(move |n: &u8| {
            let Some(child) = needs(*n) else { return Ok::<_, LoadError>(1) };
            shuttle::thread::yield_now();
            Ok(*own_cache(&its_own).to_sync().fetch_with(&child)? + 1)
        })
    };
    let cache = builds(set(builder));
    *own.lock().expect("nobody panics under it") = Some(cache.to_async());
    model(&cache);
    running.rest();
    cache.validate();
    // The cache's own loader would keep it for ever.
    let kept = own.lock().expect("nobody panics under it").take();
    drop(kept);
}

/// Fetches `keys`, each by a thread or a task of its own, and has `judge` look at what came of it.
fn fetch_all(cache: &Cache<u8, usize>, keys: &[u8], judge: fn(u8, Result<Arc<usize>, LoadError>)) {
    let threads = keys.iter().enumerate().map(|(n, &key)| {
        let cache = cache.clone();
        spawn(move || {
            let value = if n % 2 == 0 { cache.fetch_with(&key) } else { shuttle::future::block_on(cache.to_async().fetch_with(&key)) };
            judge(key, value);
        })
    });
    join(threads.collect::<Vec<_>>());
}

#[test]
fn g7_loads_that_need_each_other_s_children_end_with_one_permit() {
    for by_tasks in [false, true] {
        explore(move || {
            // Parents 10 to 12 and their children 0 and 1, which plain callers ask for, too.
            let needs = |n| (n >= 10).then_some(n % 2);
            with_nested(
                by_tasks,
                needs,
                |builder| builder.max_concurrent_loads(1),
                |cache| {
                    fetch_all(cache, &[10, 0, 11, 1, 12], |key, value| {
                        assert_eq!(value.ok().map(|value| *value), Some(if key >= 10 { 2 } else { 1 }));
                    });
                },
            );
        });
    }
}

#[test]
fn g7_a_ring_that_is_closed_at_the_same_instant_is_an_error_for_all() {
    for by_tasks in [false, true] {
        explore(move || {
            with_nested(
                by_tasks,
                |n| Some((n + 1) % 3),
                |builder| builder,
                |cache| {
                    fetch_all(cache, &[0, 1, 2], |_, value| {
                        assert_eq!(value.err().map(|error| error.kind()), Some(LoadErrorKind::Cycle));
                    });
                },
            );
        });
    }
}

/// A runtime that shuts down at some time: what it runs is dropped between two polls.
#[derive(Clone)]
struct Doomed(OnShuttle);

impl Spawner for Doomed {
    fn spawn(&self, mut future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        let mut polls = below(3);
        self.0.spawn(Box::pin(std::future::poll_fn(move |cx| {
            if polls == 0 {
                return Poll::Ready(());
            }
            polls -= 1;
            future.as_mut().poll(cx)
        })))
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        self.0.spawn_blocking(job)
    }
}

#[test]
fn g19_a_runtime_that_ends_takes_its_own_loads_with_it_and_nobody_waits_for_ever() {
    explore(|| {
        let (running, loads) = (OnShuttle::default(), Arc::default());
        let cache = builds(counting(&running, &loads).max_concurrent_loads(1).spawner(Doomed(running.clone())));
        fetch_all(&cache, &[0, 0, 1, 1], |_, value| {
            let kind = value.as_ref().err().map(LoadError::kind);
            assert!(kind.is_none_or(|kind| kind == LoadErrorKind::Cancelled), "{value:?}");
        });
        running.rest();
        cache.validate();
    });
}

#[test]
fn g5_a_load_that_panics_leaves_nobody_waiting_and_the_key_usable() {
    explore(|| {
        let running = OnShuttle::default();
        let loads = Arc::new(AtomicUsize::new(0));
        let load = move |_: &u8| {
            let load = loads.fetch_add(1, Ordering::Relaxed);
            shuttle::thread::yield_now();
            if load == 0 {
                std::panic::resume_unwind(Box::new("the first panics"));
            }
            Ok::<_, BoxError>(load)
        };
        let cache = builds(CacheBuilder::new().loader_fn(load).shards(1).spawner(running.clone()));
        fetch_all(&cache, &[1, 1, 1], |_, value| {
            let kind = value.as_ref().err().map(LoadError::kind);
            assert!(kind.is_none_or(|kind| kind == LoadErrorKind::Panicked), "{value:?}");
        });
        assert!(cache.fetch_with(&1).is_ok());
        running.rest();
        cache.validate();
    });
}

/// Held by one waiter's waker, owns another fetch of the same flight.
struct Owner(Mutex<Option<Pin<Box<dyn Future<Output = Result<Arc<usize>, LoadError>> + Send>>>>);

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn g4_a_waker_whose_drop_drops_a_waiter_never_blocks_the_landing() {
    for fate in [AbandonedLoads::Finish, AbandonedLoads::Cancel] {
        explore(move || {
            let (running, loads) = (OnShuttle::default(), Arc::default());
            let cache = builds(counting(&running, &loads).abandoned_loads(fate));
            let owning = {
                let tasks = cache.to_async();
                spawn(move || {
                    let owned = tasks.clone();
                    let inner = Box::pin(async move { owned.fetch_with(&1).await });
                    let waker = Waker::from(Arc::new(Owner(Mutex::new(Some(inner)))));
                    let mut outer = pin!(tasks.fetch_with(&1));
                    if outer.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                        return;
                    }
                    drop(waker);
                    // This drops the waker before it, and the other waiter with it.
                    let _ = outer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                })
            };
            assert!(cache.fetch_with(&1).is_ok());
            join([owning]);
            running.rest();
            cache.validate();
        });
    }
}

#[test]
fn g17_no_load_begins_once_close_has_seen_the_last_one_end() {
    explore(|| {
        let (running, loads) = (OnShuttle::default(), Arc::<AtomicUsize>::default());
        let cache = builds(counting(&running, &loads));
        let threads = (0..3).map(|n| {
            let cache = cache.clone();
            spawn(move || {
                let value = if n == 0 { cache.fetch_with(&n) } else { shuttle::future::block_on(cache.to_async().fetch_with(&n)) };
                let kind = value.as_ref().err().map(LoadError::kind);
                assert!(kind.is_none_or(|kind| kind == LoadErrorKind::Closed), "{value:?}");
            })
        });
        let threads: Vec<_> = threads.collect();
        assert!(cache.close_within(Duration::MAX));
        let begun = loads.load(Ordering::Relaxed);
        join(threads);
        running.rest();
        assert_eq!(loads.load(Ordering::Relaxed), begun);
        cache.validate();
    });
}

#[test]
fn g17_the_last_handle_may_go_while_loads_are_in_the_air() {
    explore(|| {
        let (running, loads) = (OnShuttle::default(), Arc::default());
        let cache = builds(counting(&running, &loads).max_concurrent_loads(1));
        let witness = Arc::new(());
        let handles = (0..3).map(|n| {
            let (cache, witness) = (cache.to_async(), Arc::clone(&witness));
            spawn(move || {
                look_and_leave(&cache);
                drop(cache.fetch_with(&(n + 2)));
                drop((cache, witness));
            })
        });
        let handles: Vec<_> = handles.collect();
        drop(cache);
        join(handles);
        running.rest();
        assert_eq!(Arc::strong_count(&witness), 1);
    });
}
