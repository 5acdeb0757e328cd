//! How a builder is told what to load by.

use super::CacheBuilder;
use crate::vocabulary::error::BoxError;
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loaded::Loaded;
use crate::vocabulary::loader::{AnyLoader, BlockingFn, BlockingLoader, BlockingManyFn, CacheLoader, pending, pending_many};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

impl<K: Key, V: Value, S> CacheBuilder<K, V, S> {
    /// Sets the loader. The last loader given is the one.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{AsyncCache, CacheLoader, Loaded, async_trait};
    ///
    /// struct Doubles;
    /// #[async_trait]
    /// impl CacheLoader<u32, u32> for Doubles {
    ///     type Error = std::io::Error;
    ///     async fn load(&self, key: &u32) -> Result<Loaded<u32>, Self::Error> {
    ///         Ok(Loaded::value(key * 2))
    ///     }
    /// }
    /// let cache = AsyncCache::builder().loader(Doubles).build_async()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn loader(mut self, loader: impl CacheLoader<K, V>) -> Self {
        (self.load_fn, self.load_many_fn) = (None, None);
        self.loader = Some(AnyLoader::Async(loader.erased()));
        self
    }

    /// Sets a loader whose calls block. The last loader given is the one.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{BlockingLoader, Cache, Loaded};
    ///
    /// struct Doubles;
    /// impl BlockingLoader<u32, u32> for Doubles {
    ///     type Error = std::io::Error;
    ///     fn load(&self, key: &u32) -> Result<Loaded<u32>, Self::Error> {
    ///         Ok(Loaded::value(key * 2))
    ///     }
    /// }
    /// let cache = Cache::builder().blocking_loader(Doubles).build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn blocking_loader(mut self, loader: impl BlockingLoader<K, V>) -> Self {
        (self.load_fn, self.load_many_fn) = (None, None);
        self.loader = Some(AnyLoader::Blocking(Arc::new(loader)));
        self
    }

    /// Sets a blocking closure as the loader. The last loader given is the one.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<String, Vec<u8>>::builder().loader_fn(|path: &String| std::fs::read(path)).build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn loader_fn<T, E>(self, load: impl Fn(&K) -> Result<T, E> + Send + Sync + 'static) -> Self
    where
        T: Into<Loaded<V>> + 'static,
        E: Into<BoxError> + 'static,
    {
        self.blocking_loader(BlockingFn::new(load))
    }

    /// Sets an async closure as the loader. It gets a clone of the key. The last loader given is the one.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::AsyncCache::<u32, String>::builder()
    ///     .async_loader_fn(|n: u32| async move { Ok::<_, std::io::Error>(n.to_string()) })
    ///     .build_async()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn async_loader_fn<F, T, E>(mut self, load: impl Fn(K) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Loaded<V>>,
        E: Into<BoxError>,
    {
        self.loader = None;
        self.load_fn = Some(Arc::new(move |key| pending(load(key))));
        self
    }

    /// Sets a blocking closure that loads many keys in one go as the loader: it gives pairs of keys and values, in any order; keys that are missing are
    /// absent, and an error is that of all keys it was asked for. A single miss asks it for one key. The last loader given is the one.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder()
    ///     .bulk_loader_fn(|keys: &[u32]| bellwether::ok(keys.iter().map(|&key| (key, key * 2)).collect::<Vec<_>>()))
    ///     .build()?;
    /// assert_eq!(*cache.fetch_with(&21)?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn bulk_loader_fn<I, T, E>(self, load: impl Fn(&[K]) -> Result<I, E> + Send + Sync + 'static) -> Self
    where
        I: IntoIterator<Item = (K, T)> + 'static,
        T: Into<Loaded<V>> + 'static,
        E: Into<BoxError> + 'static,
    {
        self.blocking_loader(BlockingManyFn::new(load))
    }

    /// Sets an async closure that loads many keys in one go, as [`bulk_loader_fn`](Self::bulk_loader_fn) does. Beside
    /// [`async_loader_fn`](Self::async_loader_fn) it loads many, and that one single keys.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder()
    ///     .async_bulk_loader_fn(|keys: Vec<u32>| async move { bellwether::ok(keys.into_iter().map(|key| (key, key * 2)).collect::<Vec<_>>()) })
    ///     .build_async()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn async_bulk_loader_fn<F, I, T, E>(mut self, load: impl Fn(Vec<K>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<I, E>> + Send + 'static,
        I: IntoIterator<Item = (K, T)>,
        T: Into<Loaded<V>>,
        E: Into<BoxError>,
    {
        self.loader = None;
        self.load_many_fn = Some(Arc::new(move |keys| pending_many(load(keys))));
        self
    }

    /// Has single misses wait for others, for so long after the first of them, and sends them out as one call of
    /// [`load_many`](crate::CacheLoader::load_many). Off by default: a miss is loaded at once.
    ///
    /// It trades time for requests: each miss takes up to so much longer, and a source that is asked for ten keys at a time is asked a tenth as often.
    /// Refreshes in the background wait for company, too, which nobody feels; they come by `load_many` then, not by `reload`. As soon as
    /// [`max_batch`](Self::max_batch) keys wait they go. Calls for many keys don't wait, nor do loads by closures that are given to a call, nor fetches made
    /// inside a load. What waits has not begun: it takes none of the [`max_concurrent_loads`](Self::max_concurrent_loads), an insert answers it, and no other
    /// write to its key overtakes it. What goes out together is one load to the search for cycles: a `load_many` that fetches a key which it was asked for
    /// waits for itself. A blocking loader runs on a thread of its own. The janitor, or a mock clock, ends the wait:
    /// [without a janitor](Self::no_janitor) there is none.
    ///
    /// # Errors
    /// Of `build`, if it is zero.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder()
    ///     .async_bulk_loader_fn(|keys: Vec<u32>| async move {
    ///         assert_eq!(keys.len(), 2); // one request for both
    ///         bellwether::ok(keys.into_iter().map(|key| (key, key * 10)))
    ///     })
    ///     .batch_window(Duration::from_millis(2))
    ///     .build_async()?;
    /// let (one, two) = futures::future::join(cache.fetch_with(&1), cache.fetch_with(&2)).await;
    /// assert_eq!((*one?, *two?), (10, 20));
    /// # Ok(())
    /// # }
    /// ```
    pub fn batch_window(mut self, wait: Duration) -> Self {
        self.batch_window = Some(wait);
        self
    }

    /// Sets how many keys one call of [`load_many`](crate::CacheLoader::load_many) is given at most; what is more goes out in further calls at the same
    /// time. No limit by default.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder()
    ///     .bulk_loader_fn(|keys: &[u32]| {
    ///         assert!(keys.len() <= 100);
    ///         bellwether::ok(keys.iter().map(|&key| (key, key)).collect::<Vec<_>>())
    ///     })
    ///     .max_batch(100)
    ///     .build()?;
    /// cache.warm(&(0..1_000).collect::<Vec<_>>());
    /// cache.wait_idle();
    /// assert_eq!(cache.len(), 1_000);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn max_batch(mut self, keys: usize) -> Self {
        self.max_batch = keys;
        self
    }

    /// Sets an async closure that loads a key anew while a value is held, beside [`async_loader_fn`](Self::async_loader_fn). It gets clones of the
    /// key and of the value's `Arc`, and may answer [`Loaded::unchanged`].
    ///
    /// # Examples
    /// ```
    /// use bellwether::{AsyncCache, Loaded};
    ///
    /// let cache = AsyncCache::<u32, String>::builder()
    ///     .async_loader_fn(|n: u32| async move { Ok::<_, std::io::Error>(n.to_string()) })
    ///     .async_reload_fn(|_, _current| async move { Loaded::ok(Loaded::unchanged()) })
    ///     .build_async()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn async_reload_fn<F, T, E>(mut self, reload: impl Fn(K, Arc<V>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Loaded<V>>,
        E: Into<BoxError>,
    {
        self.reload_fn = Some(Arc::new(move |key, current| pending(reload(key, current))));
        self
    }
}
