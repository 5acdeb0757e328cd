//! A loader of many keys that does what a test tells it to, as a task or as a thread.

use crate::runway::Style;
use bellwether::{
    BlockingLoader, BoxError, BoxFuture, Cache, CacheBuilder, CacheLoader, LoadError, LoadErrorKind, LoadSink, Loaded, MultiFetch,
    async_trait,
};
use std::future::Future;
use std::sync::{Arc, Mutex};

/// What the loader brings for a key unless a test says otherwise.
pub(super) const fn of(key: u32) -> u32 {
    key * 10
}

pub(super) type Out = LoadSink<u32, u32>;
type Script = dyn Fn(Vec<u32>, Out) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync;

/// A loader whose calls for many keys follow a script. It notes all keys that it is asked for, by calls. A single key is simply loaded.
#[derive(Clone)]
pub(super) struct Source {
    script: Arc<Script>,
    calls: Arc<Mutex<Vec<Vec<u32>>>>,
}

impl Source {
    pub(super) fn new<F>(script: impl Fn(Vec<u32>, Out) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self { script: Arc::new(move |keys, out| Box::pin(script(keys, out))), calls: Arc::default() }
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

    /// All calls so far, each with its keys in order.
    pub(super) fn calls(&self) -> Vec<Vec<u32>> {
        let mut calls = self.calls.lock().expect("no holder panics").clone();
        calls.iter_mut().for_each(|keys| keys.sort_unstable());
        calls
    }

    /// All keys that were asked for, as often as they were, in order.
    pub(super) fn asked(&self) -> Vec<u32> {
        let mut asked = self.calls().concat();
        asked.sort_unstable();
        asked
    }

    fn note(&self, keys: &[u32]) {
        self.calls.lock().expect("no holder panics").push(keys.to_vec());
    }
}

#[async_trait]
impl CacheLoader<u32, u32> for Source {
    type Error = BoxError;

    async fn load(&self, key: &u32) -> Result<Loaded<u32>, BoxError> {
        self.note(&[*key]);
        Loaded::ok(of(*key))
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
        self.0.note(&[*key]);
        Loaded::ok(of(*key))
    }

    fn load_many(&self, keys: &[u32], out: Out) -> Result<(), BoxError> {
        self.0.note(keys);
        futures::executor::block_on((self.0.script)(keys.to_vec(), out))
    }
}

pub(super) fn put_all(keys: &[u32], out: &Out) {
    for key in keys {
        assert!(out.put(key, of(*key)), "{key} is answered once");
    }
}

/// What came of each key, in order: its value, or the kind of its error.
pub(super) fn outcomes(found: &MultiFetch<u32, u32>) -> Vec<(u32, Result<u32, LoadErrorKind>)> {
    found.iter().map(|(key, result)| (*key, result.as_ref().map(|value| **value).map_err(LoadError::kind))).collect()
}

/// What comes of these keys if each is loaded as it should.
pub(super) fn all(keys: &[u32]) -> Vec<(u32, Result<u32, LoadErrorKind>)> {
    keys.iter().map(|&key| (key, Ok(of(key)))).collect()
}

/// Where a script finds the cache that it loads for.
#[derive(Clone, Default)]
pub(super) struct Home(Arc<std::sync::OnceLock<Cache<u32, u32>>>);

impl Home {
    pub(super) fn is(&self, cache: &Cache<u32, u32>) {
        assert!(self.0.set(cache.clone()).is_ok(), "a home has one cache");
    }

    pub(super) fn cache(&self) -> &Cache<u32, u32> {
        self.0.get().expect("no load begins before the cache is there")
    }
}
