//! Loaders: what a cache asks for the values that it doesn't hold.

use super::error::{BoxError, LoadError};
use super::keys::{Key, Value};
use super::loaded::Loaded;
use super::sink::LoadSink;
use crate::ground::contain::{Panic, contain};
use async_trait::async_trait;
use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use std::future::Future;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// Loads values asynchronously. Given to a cache by [`CacheBuilder::loader`](crate::CacheBuilder::loader).
///
/// A load runs as a task of its own, not inside the future of a caller: a caller that is dropped or not polled stops nobody. It runs under no
/// lock. An error, a panic or a time-out ends it for all who wait, with one [`LoadError`].
///
/// # Examples
/// ```
/// use bellwether::{AsyncCache, CacheLoader, Loaded, async_trait};
///
/// struct Squares;
///
/// #[async_trait]
/// impl CacheLoader<u32, u64> for Squares {
///     type Error = std::io::Error;
///     async fn load(&self, key: &u32) -> Result<Loaded<u64>, Self::Error> {
///         Ok(Loaded::value(u64::from(*key) * u64::from(*key)))
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let cache = AsyncCache::builder().loader(Squares).build_async()?;
/// assert_eq!(*cache.fetch_with(&12).await?, 144);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[async_trait]
pub trait CacheLoader<K: Key, V: Value>: Send + Sync + 'static {
    /// What goes wrong in a load.
    type Error: Into<BoxError>;

    /// Loads the value of `key`.
    ///
    /// # Errors
    /// Whatever kept it from being loaded; all who wait for the load get it. "There is no such key" isn't an error: answer [`Loaded::absent`].
    async fn load(&self, key: &K) -> Result<Loaded<V>, Self::Error>;

    /// Loads the value of `key` while `current` is held. May answer [`Loaded::unchanged`]. By default the same as [`load`](Self::load).
    ///
    /// # Errors
    /// As [`load`](Self::load); the value that is held stays.
    async fn reload(&self, key: &K, current: Arc<V>) -> Result<Loaded<V>, Self::Error> {
        let _ = current;
        self.load(key).await
    }

    /// Loads many keys, in one request where the source can do that, and puts each into `out` as soon as it is known. Called by bulk fetches, by
    /// [`warm`](crate::Cache::warm), and where a [batching window](crate::CacheBuilder::batch_window) is set by all fetches.
    ///
    /// Keys that nothing was put for are absent if it returns `Ok`. If it returns an error, or panics, that is what they get; what was put stands. No key
    /// is given twice. By default each key is loaded by [`load`](Self::load), eight at a time.
    ///
    /// # Errors
    /// Whatever kept the keys that nothing was put for from being loaded.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{CacheLoader, LoadSink, Loaded, async_trait};
    /// # struct Database;
    /// # impl Database { async fn select(&self, _ids: &[u64]) -> Result<Vec<(u64, String)>, std::io::Error> { Ok(Vec::new()) } }
    ///
    /// #[async_trait]
    /// impl CacheLoader<u64, String> for Database {
    ///     type Error = std::io::Error;
    ///     async fn load(&self, id: &u64) -> Result<Loaded<String>, Self::Error> {
    ///         Ok(self.select(&[*id]).await?.pop().map(|(_, name)| name).into())
    ///     }
    ///     async fn load_many(&self, ids: &[u64], out: LoadSink<u64, String>) -> Result<(), Self::Error> {
    ///         for (id, name) in self.select(ids).await? {
    ///             out.put(&id, name);
    ///         }
    ///         Ok(()) // Who isn't among the rows is absent.
    ///     }
    /// }
    /// ```
    async fn load_many(&self, keys: &[K], out: LoadSink<K, V>) -> Result<(), Self::Error> {
        one_by_one(self, keys, &out).await;
        Ok(())
    }

    /// This loader with its type erased, to keep loaders of several types in one place.
    ///
    /// # Examples
    /// ```
    /// # use bellwether::{AsyncCache, CacheLoader, DynLoader, Loaded, async_trait};
    /// # use std::sync::Arc;
    /// # struct Squares;
    /// # #[async_trait]
    /// # impl CacheLoader<u32, u64> for Squares {
    /// #     type Error = std::io::Error;
    /// #     async fn load(&self, key: &u32) -> Result<Loaded<u64>, Self::Error> { Ok(Loaded::value(u64::from(*key))) }
    /// # }
    /// let loader: Arc<DynLoader<u32, u64>> = Squares.erased();
    /// let cache = AsyncCache::builder().loader(loader).build_async()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    fn erased(self) -> Arc<DynLoader<K, V>>
    where
        Self: Sized,
    {
        Arc::new(Erased(self))
    }
}

/// Keys that are loaded at a time where a loader doesn't load many in one request.
const AT_A_TIME: usize = 8;

/// Loads many keys by as many loads.
async fn one_by_one<K: Key, V: Value, L: CacheLoader<K, V> + ?Sized>(loader: &L, keys: &[K], out: &LoadSink<K, V>) {
    let mut rest = keys.iter();
    let mut under_way = FuturesUnordered::new();
    loop {
        under_way.extend(rest.by_ref().take(AT_A_TIME - under_way.len()).map(|key| load_into(loader, key, out)));
        if under_way.next().await.is_none() {
            return;
        }
    }
}

/// Loads one key of many. A panic is that key's alone.
async fn load_into<K: Key, V: Value, L: CacheLoader<K, V> + ?Sized>(loader: &L, key: &K, out: &LoadSink<K, V>) {
    match AssertUnwindSafe(loader.load(key)).catch_unwind().await {
        Ok(result) => out.put_result(key, result),
        Err(payload) => {
            let panic = Panic(payload);
            let message = panic.message();
            panic.forget();
            out.fail(key, LoadError::panicked(message))
        }
    };
}

/// A [`CacheLoader`] of any type.
pub type DynLoader<K, V> = dyn CacheLoader<K, V, Error = BoxError>;

#[async_trait]
impl<K: Key, V: Value, L: CacheLoader<K, V> + ?Sized> CacheLoader<K, V> for Arc<L> {
    type Error = L::Error;

    async fn load(&self, key: &K) -> Result<Loaded<V>, Self::Error> {
        (**self).load(key).await
    }

    async fn reload(&self, key: &K, current: Arc<V>) -> Result<Loaded<V>, Self::Error> {
        (**self).reload(key, current).await
    }

    async fn load_many(&self, keys: &[K], out: LoadSink<K, V>) -> Result<(), Self::Error> {
        (**self).load_many(keys, out).await
    }
}

struct Erased<L>(L);

#[async_trait]
impl<K: Key, V: Value, L: CacheLoader<K, V>> CacheLoader<K, V> for Erased<L> {
    type Error = BoxError;

    async fn load(&self, key: &K) -> Result<Loaded<V>, BoxError> {
        self.0.load(key).await.map_err(Into::into)
    }

    async fn reload(&self, key: &K, current: Arc<V>) -> Result<Loaded<V>, BoxError> {
        self.0.reload(key, current).await.map_err(Into::into)
    }

    async fn load_many(&self, keys: &[K], out: LoadSink<K, V>) -> Result<(), BoxError> {
        self.0.load_many(keys, out).await.map_err(Into::into)
    }
}

/// Loads values by calls that block. Given to a cache by [`CacheBuilder::blocking_loader`](crate::CacheBuilder::blocking_loader).
///
/// From a blocking [`Cache`](crate::Cache) it runs on the thread of the caller whose miss started the load, from an
/// [`AsyncCache`](crate::AsyncCache) on a thread that may block: it never holds up an async worker.
///
/// # Examples
/// ```
/// use bellwether::{BlockingLoader, Cache, Loaded};
///
/// struct Files;
///
/// impl BlockingLoader<String, String> for Files {
///     type Error = std::io::Error;
///     fn load(&self, path: &String) -> Result<Loaded<String>, Self::Error> {
///         Ok(std::fs::read_to_string(path)?.into())
///     }
/// }
///
/// let cache = Cache::builder().blocking_loader(Files).build()?;
/// assert!(cache.fetch_with("/no/such/file").is_err());
/// # Ok::<(), bellwether::BuildError>(())
/// ```
pub trait BlockingLoader<K: Key, V: Value>: Send + Sync + 'static {
    /// What goes wrong in a load.
    type Error: Into<BoxError>;

    /// Loads the value of `key`.
    ///
    /// # Errors
    /// As [`CacheLoader::load`].
    fn load(&self, key: &K) -> Result<Loaded<V>, Self::Error>;

    /// Loads the value of `key` while `current` is held. By default the same as [`load`](Self::load).
    ///
    /// # Errors
    /// As [`CacheLoader::reload`].
    fn reload(&self, key: &K, current: Arc<V>) -> Result<Loaded<V>, Self::Error> {
        let _ = current;
        self.load(key)
    }

    /// Loads many keys, as [`CacheLoader::load_many`] does. By default each key is loaded by [`load`](Self::load), one after the other.
    ///
    /// # Errors
    /// As [`CacheLoader::load_many`].
    fn load_many(&self, keys: &[K], out: LoadSink<K, V>) -> Result<(), Self::Error> {
        for key in keys {
            match contain(|| self.load(key)) {
                Ok(result) => out.put_result(key, result),
                Err(panic) => {
                    let message = panic.message();
                    panic.forget();
                    out.fail(key, LoadError::panicked(message))
                }
            };
        }
        Ok(())
    }
}

/// The work of one load, by whichever loader.
pub(crate) trait BlockingWork<K, V>: Send + Sync + 'static {
    fn work(&self, key: &K, current: Option<Arc<V>>) -> Result<Loaded<V>, BoxError>;
    fn work_many(&self, keys: &[K], out: LoadSink<K, V>) -> Result<(), BoxError>;
}

impl<K: Key, V: Value, L: BlockingLoader<K, V>> BlockingWork<K, V> for L {
    fn work(&self, key: &K, current: Option<Arc<V>>) -> Result<Loaded<V>, BoxError> {
        match current {
            Some(current) => self.reload(key, current),
            None => self.load(key),
        }
        .map_err(Into::into)
    }

    fn work_many(&self, keys: &[K], out: LoadSink<K, V>) -> Result<(), BoxError> {
        self.load_many(keys, out).map_err(Into::into)
    }
}

/// A cache's loader, erased.
pub(crate) enum AnyLoader<K, V> {
    Async(Arc<DynLoader<K, V>>),
    Blocking(Arc<dyn BlockingWork<K, V>>),
}

impl<K, V> Clone for AnyLoader<K, V> {
    fn clone(&self) -> Self {
        match self {
            Self::Async(loader) => Self::Async(Arc::clone(loader)),
            Self::Blocking(loader) => Self::Blocking(Arc::clone(loader)),
        }
    }
}

/// A blocking closure that loads many keys as a loader.
pub(crate) struct BlockingManyFn<F, I, T, E>(F, Brings<I, T, E>);

/// The types that such a closure brings.
type Brings<I, T, E> = PhantomData<fn() -> (I, T, E)>;

impl<F, I, T, E> BlockingManyFn<F, I, T, E> {
    pub(crate) fn new(load: F) -> Self {
        Self(load, PhantomData)
    }
}

impl<K, V, F, I, T, E> BlockingLoader<K, V> for BlockingManyFn<F, I, T, E>
where
    K: Key,
    V: Value,
    F: Fn(&[K]) -> Result<I, E> + Send + Sync + 'static,
    I: IntoIterator<Item = (K, T)> + 'static,
    T: Into<Loaded<V>> + 'static,
    E: Into<BoxError> + 'static,
{
    type Error = E;

    fn load(&self, key: &K) -> Result<Loaded<V>, E> {
        let brought = (self.0)(std::slice::from_ref(key))?;
        Ok(brought.into_iter().find(|(other, _)| other == key).map_or_else(Loaded::absent, |(_, value)| value.into()))
    }

    fn load_many(&self, keys: &[K], out: LoadSink<K, V>) -> Result<(), E> {
        (self.0)(keys)?.into_iter().for_each(|(key, value)| {
            out.put(&key, value);
        });
        Ok(())
    }
}

/// A blocking closure as a loader.
pub(crate) struct BlockingFn<F, T, E>(F, PhantomData<fn() -> (T, E)>);

impl<F, T, E> BlockingFn<F, T, E> {
    pub(crate) fn new(load: F) -> Self {
        Self(load, PhantomData)
    }
}

impl<K, V, F, T, E> BlockingLoader<K, V> for BlockingFn<F, T, E>
where
    K: Key,
    V: Value,
    F: Fn(&K) -> Result<T, E> + Send + Sync + 'static,
    T: Into<Loaded<V>> + 'static,
    E: Into<BoxError> + 'static,
{
    type Error = E;

    fn load(&self, key: &K) -> Result<Loaded<V>, E> {
        (self.0)(key).map(Into::into)
    }
}

/// Async closures as a loader: one to load one key or many by, and perhaps one to reload by.
pub(crate) struct AsyncFn<K, V> {
    pub(crate) load: AsyncLoad<K, V>,
    pub(crate) reload: Option<Arc<ReloadFn<K, V>>>,
}

/// What an async closure loads.
pub(crate) enum AsyncLoad<K, V> {
    One(Arc<LoadFn<K, V>>),
    Many(Arc<LoadManyFn<K, V>>),
    /// The first one key, the second many.
    Either(Arc<LoadFn<K, V>>, Arc<LoadManyFn<K, V>>),
}

type Pending<V> = std::pin::Pin<Box<dyn Future<Output = Result<Loaded<V>, BoxError>> + Send>>;
pub(crate) type LoadFn<K, V> = dyn Fn(K) -> Pending<V> + Send + Sync;
pub(crate) type ReloadFn<K, V> = dyn Fn(K, Arc<V>) -> Pending<V> + Send + Sync;
pub(crate) type LoadManyFn<K, V> = dyn Fn(Vec<K>) -> PendingMany<K, V> + Send + Sync;
type PendingMany<K, V> = std::pin::Pin<Box<dyn Future<Output = Result<Vec<(K, Loaded<V>)>, BoxError>> + Send>>;

/// Boxes the future of a loading closure with its answer converted.
pub(crate) fn pending<V, T, E>(future: impl Future<Output = Result<T, E>> + Send + 'static) -> Pending<V>
where
    T: Into<Loaded<V>>,
    E: Into<BoxError>,
{
    Box::pin(async move { future.await.map(Into::into).map_err(Into::into) })
}

/// Boxes the future of a closure that loads many keys, with its answers converted.
pub(crate) fn pending_many<K, V, I, T, E>(future: impl Future<Output = Result<I, E>> + Send + 'static) -> PendingMany<K, V>
where
    I: IntoIterator<Item = (K, T)>,
    T: Into<Loaded<V>>,
    E: Into<BoxError>,
{
    Box::pin(async move {
        let brought = future.await.map_err(Into::into)?;
        Ok(brought.into_iter().map(|(key, value)| (key, value.into())).collect())
    })
}

#[async_trait]
impl<K: Key, V: Value> CacheLoader<K, V> for AsyncFn<K, V> {
    type Error = BoxError;

    async fn load(&self, key: &K) -> Result<Loaded<V>, BoxError> {
        match &self.load {
            AsyncLoad::One(load) | AsyncLoad::Either(load, _) => load(key.clone()).await,
            AsyncLoad::Many(load) => {
                let brought = load(vec![key.clone()]).await?;
                Ok(brought.into_iter().find(|(other, _)| other == key).map_or_else(Loaded::absent, |(_, loaded)| loaded))
            }
        }
    }

    async fn load_many(&self, keys: &[K], out: LoadSink<K, V>) -> Result<(), BoxError> {
        match &self.load {
            AsyncLoad::One(_) => one_by_one(self, keys, &out).await,
            AsyncLoad::Many(load) | AsyncLoad::Either(_, load) => {
                for (key, loaded) in load(keys.to_vec()).await? {
                    out.put(&key, loaded);
                }
            }
        }
        Ok(())
    }

    async fn reload(&self, key: &K, current: Arc<V>) -> Result<Loaded<V>, BoxError> {
        match &self.reload {
            Some(reload) => reload(key.clone(), current).await,
            None => self.load(key).await,
        }
    }
}
