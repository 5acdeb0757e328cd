//! A loader of many keys behind a window, that does what a test tells it to, as a task or as a thread; and callers that stand in the window.

use crate::faces::{Face, Kind};
use crate::runway::Style;
use bellwether::{
    AsyncCache, BlockingLoader, BoxError, BoxFuture, Cache, CacheBuilder, CacheLoader, LoadError, LoadErrorKind, LoadSink, Loaded,
    MockClock, async_trait,
};
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// How long the window is open by the mock clock.
pub(super) const WAIT: Duration = Duration::from_millis(5);
/// No test lasts as long.
pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const TICK: Duration = Duration::from_nanos(1);

pub(super) type Of<F> = <F as Kind>::Of<u32, u32>;
pub(super) type Out = LoadSink<u32, u32>;
pub(super) type Outcome = Result<u32, LoadErrorKind>;
type Script = dyn Fn(Vec<u32>, Out) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync;

/// What the loader brings for a key unless a test says otherwise.
pub(super) const fn of(key: u32) -> u32 {
    key * 10
}

/// A loader whose calls for many keys follow a script. It notes all keys that it is asked for, by calls. A single key is simply loaded.
#[derive(Clone)]
pub(super) struct Source {
    script: Arc<Script>,
    calls: Arc<Mutex<Vec<Vec<u32>>>>,
    singles: Arc<Mutex<Vec<u32>>>,
}

impl Source {
    pub(super) fn new<F>(script: impl Fn(Vec<u32>, Out) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self { script: Arc::new(move |keys, out| Box::pin(script(keys, out))), calls: Arc::default(), singles: Arc::default() }
    }

    /// Puts every key at once.
    pub(super) fn plain() -> Self {
        Self::new(|keys, out| async move {
            put_all(&keys, &out);
            Ok(())
        })
    }

    /// Gives `builder` this loader, of either style.
    pub(super) fn given(&self, builder: CacheBuilder<u32, u32>, style: Style) -> CacheBuilder<u32, u32> {
        match style {
            Style::Blocking => builder.blocking_loader(OnThreads(self.clone())),
            Style::Async => builder.loader(self.clone()),
        }
    }

    /// All calls for many keys so far, each with its keys in order.
    pub(super) fn calls(&self) -> Vec<Vec<u32>> {
        let mut calls = self.calls.lock().expect("no holder panics").clone();
        calls.iter_mut().for_each(|keys| keys.sort_unstable());
        calls
    }

    /// All keys that were loaded one by one so far.
    pub(super) fn singles(&self) -> Vec<u32> {
        self.singles.lock().expect("no holder panics").clone()
    }

    fn single(&self, key: u32) -> Result<Loaded<u32>, BoxError> {
        self.singles.lock().expect("no holder panics").push(key);
        Loaded::ok(of(key))
    }

    fn note(&self, keys: &[u32]) {
        self.calls.lock().expect("no holder panics").push(keys.to_vec());
    }
}

#[async_trait]
impl CacheLoader<u32, u32> for Source {
    type Error = BoxError;

    async fn load(&self, key: &u32) -> Result<Loaded<u32>, BoxError> {
        self.single(*key)
    }

    async fn load_many(&self, keys: &[u32], out: Out) -> Result<(), BoxError> {
        self.note(keys);
        (self.script)(keys.to_vec(), out).await
    }
}

/// The same, by calls that block.
struct OnThreads(Source);

impl BlockingLoader<u32, u32> for OnThreads {
    type Error = BoxError;

    fn load(&self, key: &u32) -> Result<Loaded<u32>, BoxError> {
        self.0.single(*key)
    }

    fn load_many(&self, keys: &[u32], out: Out) -> Result<(), BoxError> {
        self.0.note(keys);
        futures::executor::block_on((self.0.script)(keys.to_vec(), out))
    }
}

pub(super) fn put_all(keys: &[u32], out: &Out) {
    for key in keys {
        assert!(out.put(key, of(*key)), "{key} is asked for once, and answered once");
    }
}

/// A cache of a face whose window is [`WAIT`] long by the mock clock.
pub(super) struct Scene<F: Kind> {
    pub(super) cache: Of<F>,
    /// The same cache for callers that stand in the window.
    pub(super) tasks: AsyncCache<u32, u32>,
    pub(super) source: Source,
    pub(super) clock: MockClock,
}

impl<F: Kind> Scene<F> {
    pub(super) fn new(source: &Source, style: Style) -> Self {
        Self::set(source, style, |builder| builder)
    }

    /// As [`new`](Self::new), with more settings.
    pub(super) fn set(source: &Source, style: Style, set: impl FnOnce(CacheBuilder<u32, u32>) -> CacheBuilder<u32, u32>) -> Self {
        let clock = MockClock::new();
        let builder = CacheBuilder::new().batch_window(WAIT).clock(clock.clone());
        let cache: Of<F> = F::Of::build(source.given(set(builder), style));
        Self { tasks: cache.sync().to_async(), cache, source: source.clone(), clock }
    }

    pub(super) fn sync(&self) -> Cache<u32, u32> {
        self.cache.sync()
    }

    /// The window's time is over.
    pub(super) fn close(&self) {
        self.clock.advance(WAIT);
    }
}

/// What came of a fetch.
pub(super) fn outcome(result: Result<Arc<u32>, LoadError>) -> Outcome {
    result.map(|value| *value).map_err(|error| error.kind())
}

/// What comes of a fetch that stood in the window.
pub(super) fn wait(fetch: impl Future<Output = Result<Arc<u32>, LoadError>>) -> Outcome {
    outcome(futures::executor::block_on(fetch))
}

/// Where a script finds the cache that it loads for.
#[derive(Clone, Default)]
pub(super) struct Home(Arc<OnceLock<Cache<u32, u32>>>);

impl Home {
    pub(super) fn is(&self, cache: &Cache<u32, u32>) {
        assert!(self.0.set(cache.clone()).is_ok(), "a home has one cache");
    }

    pub(super) fn cache(&self) -> &Cache<u32, u32> {
        self.0.get().expect("no load begins before the cache is there")
    }
}
