//! Loaders: what a cache asks for the values that it doesn't hold.

use super::error::BoxError;
use super::keys::{Key, Value};
use super::loaded::Loaded;
use async_trait::async_trait;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

/// Loads values asynchronously. Given to a cache by [`CacheBuilder::loader`](crate::CacheBuilder::loader).
///
/// A load runs as a task of its own, not inside the future of a caller: a caller that is dropped or not polled stops nobody. It runs under no
/// lock. An error, a panic or a time-out ends it for all who wait, with one [`LoadError`](crate::LoadError).
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
}

/// The work of one load, by whichever loader.
pub(crate) trait BlockingWork<K, V>: Send + Sync + 'static {
    fn work(&self, key: &K, current: Option<Arc<V>>) -> Result<Loaded<V>, BoxError>;
}

impl<K: Key, V: Value, L: BlockingLoader<K, V>> BlockingWork<K, V> for L {
    fn work(&self, key: &K, current: Option<Arc<V>>) -> Result<Loaded<V>, BoxError> {
        match current {
            Some(current) => self.reload(key, current),
            None => self.load(key),
        }
        .map_err(Into::into)
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

/// Async closures as a loader: one to load by, and perhaps one to reload by.
pub(crate) struct AsyncFn<K, V> {
    pub(crate) load: Arc<LoadFn<K, V>>,
    pub(crate) reload: Option<Arc<ReloadFn<K, V>>>,
}

type Pending<V> = std::pin::Pin<Box<dyn Future<Output = Result<Loaded<V>, BoxError>> + Send>>;
pub(crate) type LoadFn<K, V> = dyn Fn(K) -> Pending<V> + Send + Sync;
pub(crate) type ReloadFn<K, V> = dyn Fn(K, Arc<V>) -> Pending<V> + Send + Sync;

/// Boxes the future of a loading closure with its answer converted.
pub(crate) fn pending<V, T, E>(future: impl Future<Output = Result<T, E>> + Send + 'static) -> Pending<V>
where
    T: Into<Loaded<V>>,
    E: Into<BoxError>,
{
    Box::pin(async move { future.await.map(Into::into).map_err(Into::into) })
}

#[async_trait]
impl<K: Key, V: Value> CacheLoader<K, V> for AsyncFn<K, V> {
    type Error = BoxError;

    async fn load(&self, key: &K) -> Result<Loaded<V>, BoxError> {
        (self.load)(key.clone()).await
    }

    async fn reload(&self, key: &K, current: Arc<V>) -> Result<Loaded<V>, BoxError> {
        match &self.reload {
            Some(reload) => reload(key.clone(), current).await,
            None => self.load(key).await,
        }
    }
}
