//! Calls for many keys: crossing ones, single fetches, writes and callers that go away among them, and calls inside loads.

use crate::world::{OnShuttle, Pause, below, explore, explore_share, join, spawn};
use bellwether::{
    AbandonedLoads, AsyncCache, BlockingLoader, BoxError, Cache, CacheBuilder, CacheLoader, LoadErrorKind, LoadSink, Loaded, async_trait,
};
use shuttle::sync::Mutex;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

const KEYS: usize = 4;

/// Counts the loads of each key, and answers them one by one while others have their turn. As a task or as a thread.
#[derive(Clone, Default)]
struct Counting(Arc<[AtomicUsize; KEYS]>);

impl Counting {
    fn count(&self, key: u8) {
        self.0[usize::from(key)].fetch_add(1, Ordering::Relaxed);
    }

    fn loads(&self) -> Vec<usize> {
        self.0.iter().map(|loads| loads.load(Ordering::Relaxed)).collect()
    }

    fn cache(&self, running: &OnShuttle, set: impl FnOnce(CacheBuilder<u8, u8>) -> CacheBuilder<u8, u8>) -> Cache<u8, u8> {
        let builder = CacheBuilder::new().shards(2).spawner(running.clone());
        let builder = if below(2) == 0 { builder.loader(self.clone()) } else { builder.blocking_loader(OnThreads(self.clone())) };
        set(builder).build().expect("the settings make sense")
    }
}

#[async_trait]
impl CacheLoader<u8, u8> for Counting {
    type Error = BoxError;

    async fn load(&self, key: &u8) -> Result<Loaded<u8>, BoxError> {
        self.count(*key);
        Pause(below(3)).await;
        Loaded::ok(*key)
    }

    async fn load_many(&self, keys: &[u8], out: LoadSink<u8, u8>) -> Result<(), BoxError> {
        keys.iter().for_each(|key| self.count(*key));
        for key in keys {
            Pause(below(3)).await;
            out.put(key, *key);
        }
        Ok(())
    }
}

struct OnThreads(Counting);

impl BlockingLoader<u8, u8> for OnThreads {
    type Error = BoxError;

    fn load(&self, key: &u8) -> Result<Loaded<u8>, BoxError> {
        self.0.count(*key);
        shuttle::thread::yield_now();
        Loaded::ok(*key)
    }

    fn load_many(&self, keys: &[u8], out: LoadSink<u8, u8>) -> Result<(), BoxError> {
        keys.iter().for_each(|key| self.0.count(*key));
        for key in keys {
            shuttle::thread::yield_now();
            out.put(key, *key);
        }
        Ok(())
    }
}

/// Asks for many keys, as a thread or as a task.
fn ask(cache: &Cache<u8, u8>, keys: &[u8]) -> Vec<Result<u8, LoadErrorKind>> {
    let found = match below(2) {
        0 => cache.multi_fetch_with(keys),
        _ => shuttle::future::block_on(cache.to_async().multi_fetch_with(keys)),
    };
    found.into_iter().map(|(_, result)| result.map(|value| *value).map_err(|error| error.kind())).collect()
}

/// Polls up to twice and goes away.
fn look_and_leave(cache: &AsyncCache<u8, u8>, keys: &[u8]) {
    let mut fetch = pin!(cache.multi_fetch_with(keys));
    for _ in 0..below(3) {
        if fetch.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return;
        }
        shuttle::thread::yield_now();
    }
}

/// Two calls for the same keys in opposite orders, and a single fetch.
fn crossing(set: fn(CacheBuilder<u8, u8>) -> CacheBuilder<u8, u8>) {
    explore_share(2, move || {
        let (running, counting) = (OnShuttle::default(), Counting::default());
        let cache = counting.cache(&running, set);
        let asks = [vec![1, 2, 3], vec![3, 2, 1], vec![2, 1]].map(|keys| {
            let cache = cache.clone();
            spawn(move || assert_eq!(ask(&cache, &keys), keys.iter().map(|key| Ok(*key)).collect::<Vec<_>>()))
        });
        let single = cache.clone();
        let single = spawn(move || assert_eq!(single.fetch_with(&2).ok().as_deref(), Some(&2)));
        join(asks.into_iter().chain([single]));
        running.rest();
        assert_eq!(counting.loads(), [0, 1, 1, 1]);
        let metrics = cache.metrics();
        assert_eq!((metrics.misses, metrics.hits + metrics.joined), (3, 6));
        cache.validate();
    });
}

#[test]
fn g1_bulk_crossing_calls_load_each_key_once() {
    crossing(|builder| builder);
}

#[test]
fn g1_bulk_crossing_calls_with_one_permit_load_each_key_once() {
    crossing(|builder| builder.max_concurrent_loads(1));
}

#[test]
fn g1_bulk_crossing_calls_by_chunks_load_each_key_once() {
    crossing(|builder| builder.max_concurrent_loads(2).max_batch(2));
}

/// Callers that go away, with one permit and loads that are cancelled then: who stays is served, and nothing is left.
#[test]
fn g4_bulk_who_stays_is_served_whoever_leaves() {
    explore(|| {
        let (running, counting) = (OnShuttle::default(), Counting::default());
        let abandoned = [AbandonedLoads::Finish, AbandonedLoads::Cancel][below(2)];
        let permits = 1 + below(2) as u64;
        let cache = counting.cache(&running, |builder| builder.abandoned_loads(abandoned).max_concurrent_loads(permits));
        let leavers = [vec![1, 2, 3], vec![3, 2]].map(|keys| {
            let cache = cache.to_async();
            spawn(move || look_and_leave(&cache, &keys))
        });
        (0..below(4)).for_each(|_| shuttle::thread::yield_now());
        assert_eq!(shuttle::future::block_on(cache.to_async().multi_fetch_with(&[2, 1])).found().map(|found| found.len()).ok(), Some(2));
        join(leavers);
        running.rest();
        let metrics = cache.metrics();
        assert_eq!((metrics.flights, metrics.permits, metrics.queued), (0, 0, 0));
        cache.validate();
    });
}

/// Calls that wait for the one permit, while their keys are written, invalidated and left: whatever becomes of the first of them, all end.
#[test]
fn g7_bulk_calls_that_wait_for_a_permit_end_whoever_is_answered() {
    explore(|| {
        let (running, counting) = (OnShuttle::default(), Counting::default());
        let cache = counting.cache(&running, |builder| builder.max_concurrent_loads(1));
        let asks = [vec![0], vec![1, 2, 3], vec![2, 3, 1]].map(|keys| {
            let cache = cache.clone();
            spawn(move || assert_eq!(ask(&cache, &keys), keys.iter().map(|key| Ok(*key)).collect::<Vec<_>>()))
        });
        let writer = {
            let cache = cache.clone();
            spawn(move || {
                for _ in 0..3 {
                    let key = 1 + below(3) as u8;
                    match below(3) {
                        0 => cache.multi_insert([(key, key), (key % 3 + 1, key % 3 + 1)]),
                        1 => cache.insert(key, key),
                        _ => assert!(cache.multi_invalidate(&[key]) <= 1),
                    }
                    shuttle::thread::yield_now();
                }
            })
        };
        join(asks.into_iter().chain([writer]));
        running.rest();
        cache.validate();
    });
}

/// Where nested calls find their cache.
type Home = Arc<Mutex<Option<Cache<u8, u8>>>>;

/// Keys from 100 on ask for two others each, inside their own load.
fn nesting(
    home: &Home,
    needs: fn(u8) -> Option<[u8; 2]>,
) -> impl Fn(u8) -> bellwether::BoxFuture<'static, Result<u8, BoxError>> + Clone + use<> {
    let home = Arc::clone(home);
    move |key| {
        let home = Arc::clone(&home);
        Box::pin(async move {
            let Some(needs) = needs(key) else {
                Pause(below(3)).await;
                return Ok(key);
            };
            let cache =
                home.lock().expect("nobody panics under it").as_ref().map(Cache::to_async).expect("the cache is there before any load");
            Ok(cache.multi_fetch_with(&needs).await.found()?.values().map(|value| **value).sum())
        })
    }
}

fn nested(needs: fn(u8) -> Option<[u8; 2]>, judge: fn(u8, Result<u8, LoadErrorKind>)) {
    explore_share(2, move || {
        let (running, home) = (OnShuttle::default(), Home::default());
        let load = nesting(&home, needs);
        let permits = 1 + below(2) as u64;
        let builder = CacheBuilder::new().async_loader_fn(move |key: u8| load(key)).shards(1).spawner(running.clone());
        let cache = builder.max_concurrent_loads(permits).build().expect("the settings make sense");
        *home.lock().expect("nobody panics under it") = Some(cache.clone());
        let asks = [100, 101].map(|key| {
            let cache = cache.clone();
            spawn(move || match below(2) {
                0 => judge(key, cache.fetch_with(&key).map(|value| *value).map_err(|error| error.kind())),
                _ => judge(key, ask(&cache, &[key]).remove(0)),
            })
        });
        join(asks);
        running.rest();
        cache.validate();
        drop(home.lock().expect("nobody panics under it").take());
    });
}

#[test]
fn g7_bulk_crossing_calls_inside_loads_end_with_one_permit() {
    nested(
        |key| match key {
            100 => Some([1, 2]),
            101 => Some([2, 1]),
            _ => None,
        },
        |_, result| assert_eq!(result, Ok(3)),
    );
}

/// 100 needs 1 and 101, 101 needs 2 and 100: each of them ends, by the ring's error if it waited.
#[test]
fn g7_bulk_a_ring_of_calls_inside_loads_is_an_error_for_all() {
    nested(
        |key| match key {
            100 => Some([1, 101]),
            101 => Some([2, 100]),
            _ => None,
        },
        |key, result| assert_eq!(result, Err(LoadErrorKind::Cycle), "{key}"),
    );
}
