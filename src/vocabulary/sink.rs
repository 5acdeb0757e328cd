//! Where a load of many keys puts what it brings.

use super::error::{BoxError, LoadError};
use super::keys::LoadKey;
use super::loaded::Loaded;
use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;

/// Takes what [`load_many`](crate::CacheLoader::load_many) brings, key by key.
///
/// Each key is handed to those who wait for it as soon as it is put, whatever becomes of the others. Clones are the same sink. Keys that were not
/// asked for may be put as well: such a value is stored if nothing is held for its key, nobody loads it, and no write to it has come since the load
/// began.
///
/// # Examples
/// ```
/// use bellwether::{AsyncCache, CacheLoader, LoadSink, Loaded, async_trait};
///
/// struct Squares;
///
/// #[async_trait]
/// impl CacheLoader<u32, u32> for Squares {
///     type Error = std::io::Error;
///     async fn load(&self, key: &u32) -> Result<Loaded<u32>, Self::Error> {
///         Ok(Loaded::value(key * key))
///     }
///     async fn load_many(&self, keys: &[u32], out: LoadSink<u32, u32>) -> Result<(), Self::Error> {
///         for key in keys {
///             out.put(key, key * key);
///         }
///         Ok(())
///     }
/// }
/// # futures::executor::block_on(async {
/// let cache = AsyncCache::builder().loader(Squares).build_async()?;
/// cache.warm(&[1, 2, 3]);
/// cache.wait_idle().await;
/// assert_eq!(cache.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct LoadSink<K, V>(Arc<dyn Sink<K, V>>);

/// The cache's side of a sink.
pub(crate) trait Sink<K, V>: Send + Sync {
    /// Takes what was brought for a key. `false` if that serves nothing: it was answered before, or is not stored.
    fn take(&self, key: &dyn Form<K>, brought: Result<Loaded<V>, LoadError>) -> bool;
}

/// A form of a key, whatever its type.
pub(crate) trait Form<K> {
    fn hash_into(&self, hasher: &mut dyn Hasher);
    fn is(&self, key: &K) -> bool;
    fn to_key(&self) -> K;
}

/// A caller's form of a key.
struct Given<'a, Q: ?Sized>(&'a Q);

impl<K, Q: LoadKey<K> + ?Sized> Form<K> for Given<'_, Q> {
    fn hash_into(&self, mut hasher: &mut dyn Hasher) {
        self.0.hash(&mut hasher);
    }

    fn is(&self, key: &K) -> bool {
        self.0.equivalent(key)
    }

    fn to_key(&self) -> K {
        self.0.to_key()
    }
}

impl<K, V> LoadSink<K, V> {
    pub(crate) fn new(sink: Arc<dyn Sink<K, V>>) -> Self {
        Self(sink)
    }

    /// Brings the value of a key, or that there is none. Says whether that serves anything: `false` if the key was answered before, or its load was given
    /// up, or it wasn't asked for and isn't stored.
    ///
    /// # Blocking
    /// As every landing it waits for a [listener](crate::CacheBuilder::listener) that is far behind.
    ///
    /// # Examples
    /// ```
    /// # use bellwether::{BlockingLoader, Cache, LoadSink, Loaded};
    /// # struct Lengths;
    /// # impl BlockingLoader<String, usize> for Lengths {
    /// #     type Error = std::io::Error;
    /// #     fn load(&self, key: &String) -> Result<Loaded<usize>, Self::Error> { Ok(Loaded::value(key.len())) }
    /// fn load_many(&self, keys: &[String], out: LoadSink<String, usize>) -> Result<(), std::io::Error> {
    ///     for key in keys {
    ///         assert!(out.put(key, key.len()));
    ///         assert!(!out.put(key.as_str(), 0), "it was answered");
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// # let cache = Cache::builder().blocking_loader(Lengths).build()?;
    /// # cache.warm(["a", "bc"]);
    /// # cache.wait_idle();
    /// # assert_eq!(cache.fetch("bc").as_deref(), Some(&2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put<Q: LoadKey<K> + ?Sized>(&self, key: &Q, value: impl Into<Loaded<V>>) -> bool {
        self.0.take(&Given(key), Ok(value.into()))
    }

    /// Says that a key couldn't be loaded: those who wait for it get the error, all others go on. Says whether anybody could: `false` if the key was answered
    /// before, or wasn't asked for.
    ///
    /// # Examples
    /// ```
    /// # use bellwether::{BlockingLoader, Cache, LoadSink, Loaded};
    /// # struct Numbers;
    /// # impl BlockingLoader<String, u32> for Numbers {
    /// #     type Error = std::num::ParseIntError;
    /// #     fn load(&self, key: &String) -> Result<Loaded<u32>, Self::Error> { Ok(Loaded::value(key.parse()?)) }
    /// fn load_many(&self, keys: &[String], out: LoadSink<String, u32>) -> Result<(), std::num::ParseIntError> {
    ///     for key in keys {
    ///         match key.parse::<u32>() {
    ///             Ok(number) => out.put(key, number),
    ///             Err(error) => out.fail(key, error),
    ///         };
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// # let cache = Cache::builder().blocking_loader(Numbers).build()?;
    /// # cache.warm(["1", "two"]);
    /// # cache.wait_idle();
    /// # assert_eq!(cache.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fail<Q: LoadKey<K> + ?Sized>(&self, key: &Q, error: impl Into<BoxError>) -> bool {
        self.0.take(&Given(key), Err(LoadError::new(error)))
    }

    /// [`put`](Self::put) or [`fail`](Self::fail), as the result says.
    ///
    /// # Examples
    /// ```
    /// # use bellwether::{BlockingLoader, Cache, LoadSink, Loaded};
    /// # struct Files;
    /// # impl BlockingLoader<String, Vec<u8>> for Files {
    /// #     type Error = std::io::Error;
    /// #     fn load(&self, key: &String) -> Result<Loaded<Vec<u8>>, Self::Error> { Ok(std::fs::read(key)?.into()) }
    /// fn load_many(&self, paths: &[String], out: LoadSink<String, Vec<u8>>) -> Result<(), std::io::Error> {
    ///     for path in paths {
    ///         out.put_result(path, std::fs::read(path));
    ///     }
    ///     Ok(())
    /// }
    /// # }
    /// # let cache = Cache::builder().blocking_loader(Files).build()?;
    /// # cache.warm(["/no/such/file"]);
    /// # cache.wait_idle();
    /// # assert!(cache.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn put_result<Q: LoadKey<K> + ?Sized>(&self, key: &Q, result: Result<impl Into<Loaded<V>>, impl Into<BoxError>>) -> bool {
        match result {
            Ok(value) => self.put(key, value),
            Err(error) => self.fail(key, error),
        }
    }
}

impl<K, V> Clone for LoadSink<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> fmt::Debug for LoadSink<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadSink").finish_non_exhaustive()
    }
}
