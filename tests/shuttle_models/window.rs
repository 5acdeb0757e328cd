//! The batching window: misses that come as it closes, fills or is opened, writes to keys that stand in it, callers that leave it, and loads that wait
//! for what stands in it.

use crate::window_scene::{Noting, Origin, Scene, WAIT, fetch, look_and_leave, pass_time_until_joined};
use crate::world::{OnShuttle, Pause, below, explore, join, spawn};
use bellwether::{AbandonedLoads, AsyncCache, BoxError, BoxFuture, Cache, CacheBuilder, MockClock, SpawnError, Spawner};
use shuttle::sync::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const TICK: Duration = Duration::from_nanos(1);

/// Misses of the same and of other keys as the window closes: each key is loaded once, and nobody is forgotten.
#[test]
fn g1_window_who_misses_as_it_closes_is_loaded_once() {
    explore(|| {
        let noting = Noting::default();
        let scene = noting.scene(|builder| builder);
        let callers = [1, 2, 2, 3].map(|key| scene.fetch(key));
        scene.end(callers.into());
        assert_eq!(noting.asked(), [1, 2, 3]);
    });
}

/// As many as may go, while the time is over, too.
#[test]
fn g1_window_that_fills_as_it_closes_takes_no_more_than_may_go() {
    explore(|| {
        let noting = Noting::default();
        let permits = 1 + below(2) as u64;
        let limits = below(2) == 0;
        let scene = noting.scene(|builder| {
            let builder = builder.max_batch(2);
            if limits { builder.max_concurrent_loads(permits) } else { builder }
        });
        let cache = scene.cache.clone();
        let callers = [1, 2, 3, 4, 4].map(|key| scene.fetch(key));
        scene.end(callers.into());
        assert!(noting.calls().iter().all(|keys| keys.len() <= 2), "{:?}", noting.calls());
        assert_eq!(noting.asked(), [1, 2, 3, 4]);
        let peak = cache.metrics().permits_peak;
        assert!(peak <= permits, "{peak} of {permits} permits");
    });
}

/// Without a move of the clock as many as may go do go.
#[test]
fn g1_window_that_is_full_needs_no_time() {
    explore(|| {
        let noting = Noting::default();
        let scene = noting.scene(|builder| builder.max_batch(3));
        join([1, 2, 3].map(|key| scene.fetch(key)));
        assert_eq!(noting.calls(), [[1, 2, 3]]);
        scene.end(Vec::new());
    });
}

/// Counts what it is given at once, whenever that runs.
#[derive(Clone, Default)]
struct Counting(OnShuttle, Arc<AtomicUsize>);

impl Spawner for Counting {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.spawn(future)
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.spawn_blocking(job)
    }
}

/// A window that is opened while the clock moves: either its time began before that and is over, or it has all of it.
#[test]
fn g4_window_that_opens_as_the_clock_moves_closes_at_its_time() {
    explore(|| {
        let (noting, counting) = (Noting::default(), Counting::default());
        let scene = noting.scene(|builder| builder.spawner(counting.clone()));
        let tasks = scene.cache.to_async();
        let mover = {
            let clock = scene.clock.clone();
            spawn(move || clock.advance(WAIT))
        };
        let fetch = tasks.fetch_with(&1);
        join([mover]);
        let gone = counting.1.load(Ordering::Relaxed);
        scene.clock.advance(TICK);
        assert_eq!(counting.1.load(Ordering::Relaxed), gone, "it was due before, or is later");
        scene.clock.advance(WAIT);
        assert!(shuttle::future::block_on(fetch).is_ok());
        counting.0.rest();
        assert_eq!(noting.asked(), [1]);
        drop(tasks);
        scene.end(Vec::new());
    });
}

/// A write to a key that stands in the window, or has just gone out of it: nothing that was loaded before it is seen after it, and nobody is told that
/// there is no such key.
#[test]
fn g2_window_no_fetch_after_a_write_sees_what_was_loaded_before_it() {
    explore(|| {
        let noting = Noting::default();
        let scene = noting.scene(|builder| if below(2) == 0 { builder } else { builder.max_batch(2) });
        let readers = [1, 2].map(|key| scene.fetch(key));
        let writers = (0..2).map(|_| {
            let (cache, noting) = (scene.cache.clone(), noting.clone());
            spawn(move || {
                for _ in 0..2 {
                    let before = noting.moments.fetch_add(1, Ordering::Relaxed);
                    write(&cache);
                    let found = fetch(&cache, 1);
                    assert!(found.moment > before, "{found:?} was loaded before the write that began at {before}");
                }
            })
        });
        let callers = readers.into_iter().chain(writers.collect::<Vec<_>>()).collect();
        scene.end(callers);
    });
}

/// Writes key 1 in one way or another that leaves nothing.
fn write(cache: &Cache<u8, Origin>) {
    match below(6) {
        0 => {
            cache.invalidate(&1);
        }
        1 => drop(cache.remove(&1)),
        2 => cache.clear(),
        3 => cache.invalidate_tag("all"),
        4 => {
            cache.invalidate_if(|key, _| *key == 1);
        }
        _ => drop(cache.multi_remove(&[1])),
    }
}

/// Callers that leave, with permits and loads that are cancelled then, while the window closes: who stays is served, and nothing is left.
#[test]
fn g4_window_who_stays_is_served_whoever_leaves() {
    explore(|| {
        let noting = Noting::default();
        let abandoned = [AbandonedLoads::Finish, AbandonedLoads::Cancel][below(2)];
        let (permits, most) = (1 + below(2) as u64, [2, usize::MAX][below(2)]);
        let scene = noting.scene(|builder| builder.abandoned_loads(abandoned).max_concurrent_loads(permits).max_batch(most));
        let leavers = [1, 2, 3].map(|key| {
            let cache = scene.cache.to_async();
            spawn(move || look_and_leave(&cache, key))
        });
        let stays = [2, 4].map(|key| scene.fetch(key));
        scene.end(leavers.into_iter().chain(stays).collect());
        assert!(noting.asked().contains(&4));
    });
}

/// The last handle goes while callers have left loads in the window, and the clock moves.
#[test]
fn g17_window_that_is_open_goes_with_the_last_handle() {
    explore(|| {
        let noting = Noting::default();
        let witness = Arc::downgrade(&noting.calls);
        let Scene { cache, running, clock } = noting.scene(|builder| builder.max_concurrent_loads(1));
        let leavers = [1, 2].map(|key| {
            let cache = cache.to_async();
            spawn(move || look_and_leave(&cache, key))
        });
        drop((cache, noting));
        clock.advance(WAIT);
        join(leavers);
        running.rest();
        assert_eq!(witness.strong_count(), 0, "all of it is gone");
    });
}

/// Where nested calls find their cache.
type Home = Arc<Mutex<Option<AsyncCache<u8, u8>>>>;

/// A load that has the only permit waits for a key that stands in the window, which waits for nothing then.
#[test]
fn g7_window_what_a_load_on_the_permit_waits_for_goes_at_once() {
    explore(|| {
        let (running, clock, home) = (OnShuttle::default(), MockClock::new(), Home::default());
        let inner = Arc::clone(&home);
        let load = move |key: u8| {
            let inner = Arc::clone(&inner);
            async move {
                Pause(below(3)).await;
                if key < 100 {
                    return Ok::<_, BoxError>(key);
                }
                let cache = inner.lock().expect("nobody panics under it").clone().expect("the cache is there before any load");
                Ok(*cache.fetch_with(&(key - 100)).await?)
            }
        };
        let builder = CacheBuilder::new().async_loader_fn(load).shards(1).spawner(running.clone()).load_timeout(Duration::MAX);
        let builder = builder.batch_window(WAIT).clock(clock.clone()).max_concurrent_loads(1);
        let cache: Cache<u8, u8> = builder.build().expect("the settings make sense");
        *home.lock().expect("nobody panics under it") = Some(cache.to_async());
        let callers = [101, 1, 2].map(|key| {
            let cache = cache.clone();
            spawn(move || match cache.fetch_with(&key) {
                Ok(value) => assert_eq!(*value, key % 100),
                // It went out in one call with what it waits for.
                Err(error) => assert!(key == 101 && format!("{error:?}").contains("Cycle"), "{key}: {error:?}"),
            })
        });
        pass_time_until_joined(&clock, callers.into());
        running.rest();
        cache.validate();
        drop(home.lock().expect("nobody panics under it").take());
    });
}
