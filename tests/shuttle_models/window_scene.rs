//! A loader behind a batching window that notes its calls, its callers, and a clock that goes on until they have ended.

use crate::world::{OnShuttle, Pause, below, join, spawn};
use bellwether::{AsyncCache, BlockingLoader, BoxError, Cache, CacheBuilder, CacheLoader, LoadSink, Loaded, MockClock, async_trait};
use shuttle::sync::Mutex;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

/// How long the window is open.
pub(crate) const WAIT: Duration = Duration::from_millis(1);

/// What a load brought, or a writer: a load knows the moment of its beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Origin {
    pub(crate) is_loaded: bool,
    pub(crate) moment: usize,
}

/// Notes each call for many keys, in which no key may come twice. As a task or as a thread.
#[derive(Clone, Default)]
pub(crate) struct Noting {
    pub(crate) moments: Arc<AtomicUsize>,
    pub(crate) calls: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Noting {
    fn origin(&self, is_loaded: bool) -> Origin {
        Origin { is_loaded, moment: self.moments.fetch_add(1, Ordering::Relaxed) }
    }

    fn begin(&self, keys: &[u8]) -> Origin {
        let mut sorted = keys.to_vec();
        sorted.sort_unstable();
        assert!(sorted.windows(2).all(|two| two[0] != two[1]), "a key is asked for twice in one call: {sorted:?}");
        self.calls.lock().expect("nobody panics under it").push(sorted);
        self.origin(true)
    }

    pub(crate) fn calls(&self) -> Vec<Vec<u8>> {
        self.calls.lock().expect("nobody panics under it").clone()
    }

    /// All keys that were loaded, in order.
    pub(crate) fn asked(&self) -> Vec<u8> {
        let mut asked = self.calls().concat();
        asked.sort_unstable();
        asked
    }

    pub(crate) fn scene(&self, set: impl FnOnce(CacheBuilder<u8, Origin>) -> CacheBuilder<u8, Origin>) -> Scene {
        let (running, clock) = (OnShuttle::default(), MockClock::new());
        let builder = CacheBuilder::new().shards(2).batch_window(WAIT).load_timeout(Duration::MAX).clock(clock.clone());
        let builder = builder.spawner(running.clone());
        let builder = if below(2) == 0 { builder.loader(self.clone()) } else { builder.blocking_loader(OnThreads(self.clone())) };
        Scene { cache: set(builder).build().expect("the settings make sense"), running, clock }
    }
}

#[async_trait]
impl CacheLoader<u8, Origin> for Noting {
    type Error = BoxError;

    async fn load(&self, key: &u8) -> Result<Loaded<Origin>, BoxError> {
        panic!("{key} is loaded alone");
    }

    async fn load_many(&self, keys: &[u8], out: LoadSink<u8, Origin>) -> Result<(), BoxError> {
        let origin = self.begin(keys);
        for key in keys {
            Pause(below(3)).await;
            out.put(key, Loaded::value(origin).tags(["all"]));
        }
        Ok(())
    }
}

struct OnThreads(Noting);

impl BlockingLoader<u8, Origin> for OnThreads {
    type Error = BoxError;

    fn load(&self, key: &u8) -> Result<Loaded<Origin>, BoxError> {
        panic!("{key} is loaded alone");
    }

    fn load_many(&self, keys: &[u8], out: LoadSink<u8, Origin>) -> Result<(), BoxError> {
        let origin = self.0.begin(keys);
        for key in keys {
            shuttle::thread::yield_now();
            out.put(key, Loaded::value(origin).tags(["all"]));
        }
        Ok(())
    }
}

pub(crate) struct Scene {
    pub(crate) cache: Cache<u8, Origin>,
    pub(crate) running: OnShuttle,
    pub(crate) clock: MockClock,
}

impl Scene {
    /// Starts a caller who fetches a key, as a thread or as a task.
    pub(crate) fn fetch(&self, key: u8) -> shuttle::thread::JoinHandle<()> {
        let cache = self.cache.clone();
        spawn(move || assert!(fetch(&cache, key).is_loaded))
    }

    /// Waits for `callers` while the clock goes on, and then for all that they have left behind.
    pub(crate) fn end(self, callers: Vec<shuttle::thread::JoinHandle<()>>) {
        pass_time_until_joined(&self.clock, callers);
        self.clock.advance(WAIT);
        self.running.rest();
        let metrics = self.cache.metrics();
        assert_eq!((metrics.flights, metrics.permits, metrics.queued), (0, 0, 0));
        self.cache.run_maintenance();
        self.cache.validate();
    }
}

/// Moves the clock on, window by window, until all have ended.
pub(crate) fn pass_time_until_joined(clock: &MockClock, callers: Vec<shuttle::thread::JoinHandle<()>>) {
    let left = Arc::new(AtomicUsize::new(1));
    let ticker = {
        let (clock, left) = (clock.clone(), Arc::clone(&left));
        spawn(move || {
            while left.load(Ordering::Relaxed) > 0 {
                shuttle::thread::yield_now();
                clock.advance(WAIT);
            }
        })
    };
    join(callers);
    left.store(0, Ordering::Relaxed);
    join([ticker]);
}

pub(crate) fn fetch(cache: &Cache<u8, Origin>, key: u8) -> Origin {
    let found = match below(2) {
        0 => cache.fetch_with(&key),
        _ => shuttle::future::block_on(cache.to_async().fetch_with(&key)),
    };
    *found.expect("each key has a value")
}

/// Polls up to twice and goes away.
pub(crate) fn look_and_leave(cache: &AsyncCache<u8, Origin>, key: u8) {
    let mut fetch = pin!(cache.fetch_with(&key));
    for _ in 0..below(3) {
        if fetch.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return;
        }
        shuttle::thread::yield_now();
    }
}
