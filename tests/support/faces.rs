//! Runs one test on every face: the blocking one, the async one on tokio, and the async one with no runtime.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use bellwether::{AsyncCache, Cache, CacheBuilder, EntryInfo, Fetched, Key, LoadError, Loaded, MetricsSnapshot, Value};
use std::future::Future;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// A face as tests use it: every call blocks until it has its result.
pub trait Face<K: Key, V: Value>: Clone + Send + Sync + 'static {
    fn build(builder: CacheBuilder<K, V>) -> Self;
    /// The same cache, for threads.
    fn sync(&self) -> Cache<K, V>;
    fn fetch_with(&self, key: &K) -> Result<Arc<V>, LoadError>;
    fn fetch_optional(&self, key: &K) -> Result<Option<Arc<V>>, LoadError>;
    fn fetch_detailed(&self, key: &K) -> Result<Fetched<V>, LoadError>;
    fn fetch_or_load(
        &self,
        key: &K,
        load: impl FnOnce() -> Result<Loaded<V>, bellwether::BoxError> + Send + 'static,
    ) -> Result<Arc<V>, LoadError>;
    fn refresh(&self, key: &K) -> Result<Arc<V>, LoadError>;
    fn get<R>(&self, key: &K, read: impl FnOnce(&V) -> R) -> Option<R>;
    fn fetch(&self, key: &K) -> Option<Arc<V>>;
    fn peek(&self, key: &K) -> Option<Arc<V>>;
    fn contains_key(&self, key: &K) -> bool;
    fn fetch_stale(&self, key: &K) -> Option<Fetched<V>>;
    fn entry_info(&self, key: &K) -> Option<EntryInfo>;
    fn set_ttl(&self, key: &K, time_to_live: Duration) -> bool;
    fn persist(&self, key: &K) -> bool;
    fn expire(&self, key: &K) -> bool;
    fn run_maintenance(&self);
    fn insert(&self, key: K, value: V);
    fn insert_with(&self, key: K, value: Loaded<V>);
    fn insert_with_ttl(&self, key: K, value: V, time_to_live: Duration);
    fn remove(&self, key: &K) -> Option<Arc<V>>;
    fn invalidate(&self, key: &K) -> bool;
    fn clear(&self);
    fn entries(&self) -> Vec<(K, Arc<V>)>;
    fn len(&self) -> u64;
    fn weight(&self) -> u64;
    fn metrics(&self) -> MetricsSnapshot;
    fn warm(&self, keys: &[K]) -> usize;
    fn validate(&self);
    #[cfg(feature = "bulk")]
    fn multi_fetch_with(&self, keys: &[K]) -> bellwether::MultiFetch<K, V>;
    #[cfg(feature = "bulk")]
    fn multiget(&self, keys: &[K]) -> Vec<(K, Arc<V>)>;
    #[cfg(feature = "bulk")]
    fn multi_insert(&self, items: Vec<(K, V)>);
    #[cfg(feature = "bulk")]
    fn multi_invalidate(&self, keys: &[K]) -> u64;
    #[cfg(feature = "bulk")]
    fn multi_remove(&self, keys: &[K]) -> Vec<(K, Arc<V>)>;
}

/// A kind of face, whatever its keys and values.
pub trait Kind: 'static {
    const IS_BLOCKING: bool;
    type Of<K: Key, V: Value>: Face<K, V>;
}

/// The methods that are the same on both faces.
macro_rules! plain {
    () => {
        fn get<R>(&self, key: &K, read: impl FnOnce(&V) -> R) -> Option<R> {
            self.0.get(key, read)
        }
        fn fetch(&self, key: &K) -> Option<Arc<V>> {
            self.0.fetch(key)
        }
        fn peek(&self, key: &K) -> Option<Arc<V>> {
            self.0.peek(key)
        }
        fn contains_key(&self, key: &K) -> bool {
            self.0.contains_key(key)
        }
        fn fetch_stale(&self, key: &K) -> Option<Fetched<V>> {
            self.0.fetch_stale(key)
        }
        fn entry_info(&self, key: &K) -> Option<EntryInfo> {
            self.0.entry_info(key)
        }
        fn set_ttl(&self, key: &K, time_to_live: Duration) -> bool {
            self.0.set_ttl(key, time_to_live)
        }
        fn persist(&self, key: &K) -> bool {
            self.0.persist(key)
        }
        fn expire(&self, key: &K) -> bool {
            self.0.expire(key)
        }
        fn run_maintenance(&self) {
            self.0.run_maintenance();
        }
        fn insert(&self, key: K, value: V) {
            self.0.insert(key, value);
        }
        fn insert_with(&self, key: K, value: Loaded<V>) {
            self.0.insert_with(key, value);
        }
        fn insert_with_ttl(&self, key: K, value: V, time_to_live: Duration) {
            self.0.insert_with_ttl(key, value, time_to_live);
        }
        fn remove(&self, key: &K) -> Option<Arc<V>> {
            self.0.remove(key)
        }
        fn invalidate(&self, key: &K) -> bool {
            self.0.invalidate(key)
        }
        fn clear(&self) {
            self.0.clear();
        }
        fn entries(&self) -> Vec<(K, Arc<V>)> {
            self.0.iter().collect()
        }
        fn len(&self) -> u64 {
            self.0.len()
        }
        fn weight(&self) -> u64 {
            self.0.weight()
        }
        fn metrics(&self) -> MetricsSnapshot {
            self.0.metrics()
        }
        fn warm(&self, keys: &[K]) -> usize {
            self.0.warm(keys)
        }
        fn validate(&self) {
            #[cfg(debug_assertions)]
            self.0.validate();
        }
        #[cfg(feature = "bulk")]
        fn multiget(&self, keys: &[K]) -> Vec<(K, Arc<V>)> {
            self.0.multiget(keys).into_iter().map(|(key, value)| (key.clone(), value)).collect()
        }
        #[cfg(feature = "bulk")]
        fn multi_insert(&self, items: Vec<(K, V)>) {
            self.0.multi_insert(items);
        }
        #[cfg(feature = "bulk")]
        fn multi_invalidate(&self, keys: &[K]) -> u64 {
            self.0.multi_invalidate(keys)
        }
        #[cfg(feature = "bulk")]
        fn multi_remove(&self, keys: &[K]) -> Vec<(K, Arc<V>)> {
            self.0.multi_remove(keys)
        }
    };
}

/// The blocking face.
pub struct Blocking;
pub struct BlockingFace<K, V>(Cache<K, V>);

impl<K, V> Clone for BlockingFace<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Kind for Blocking {
    const IS_BLOCKING: bool = true;
    type Of<K: Key, V: Value> = BlockingFace<K, V>;
}

impl<K: Key, V: Value> Face<K, V> for BlockingFace<K, V> {
    fn build(builder: CacheBuilder<K, V>) -> Self {
        Self(builder.build().expect("the settings make sense"))
    }
    fn sync(&self) -> Cache<K, V> {
        self.0.clone()
    }
    fn fetch_with(&self, key: &K) -> Result<Arc<V>, LoadError> {
        self.0.fetch_with(key)
    }
    fn fetch_optional(&self, key: &K) -> Result<Option<Arc<V>>, LoadError> {
        self.0.fetch_optional(key)
    }
    fn fetch_detailed(&self, key: &K) -> Result<Fetched<V>, LoadError> {
        self.0.fetch_detailed(key)
    }
    fn fetch_or_load(
        &self,
        key: &K,
        load: impl FnOnce() -> Result<Loaded<V>, bellwether::BoxError> + Send + 'static,
    ) -> Result<Arc<V>, LoadError> {
        self.0.fetch_or_load(key, load)
    }
    fn refresh(&self, key: &K) -> Result<Arc<V>, LoadError> {
        self.0.refresh(key)
    }
    #[cfg(feature = "bulk")]
    fn multi_fetch_with(&self, keys: &[K]) -> bellwether::MultiFetch<K, V> {
        self.0.multi_fetch_with(keys)
    }
    plain!();
}

/// How an async face's futures are awaited.
pub trait Awaiting: Send + Sync + 'static {
    fn wait<F: Future>(future: F) -> F::Output;
    /// Builds where the face lives.
    fn within<R>(build: impl FnOnce() -> R) -> R;
}

/// The async face on a multi-threaded tokio runtime.
pub struct OnTokio;
/// The runtime of all tests of a process. More threads than tests at once: a load that waits for a test holds one.
pub static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().worker_threads(8).enable_all().build().expect("a runtime can be had"));

impl Awaiting for OnTokio {
    fn wait<F: Future>(future: F) -> F::Output {
        RUNTIME.block_on(future)
    }
    fn within<R>(build: impl FnOnce() -> R) -> R {
        let _runtime = RUNTIME.enter();
        build()
    }
}

/// The async face with no runtime anywhere.
pub struct NoRuntime;

impl Awaiting for NoRuntime {
    fn wait<F: Future>(future: F) -> F::Output {
        futures::executor::block_on(future)
    }
    fn within<R>(build: impl FnOnce() -> R) -> R {
        build()
    }
}

pub struct AsyncFace<K, V, A>(AsyncCache<K, V>, std::marker::PhantomData<A>);

impl<K, V, A> Clone for AsyncFace<K, V, A> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), std::marker::PhantomData)
    }
}

impl<A: Awaiting> Kind for A {
    const IS_BLOCKING: bool = false;
    type Of<K: Key, V: Value> = AsyncFace<K, V, A>;
}

impl<K: Key, V: Value, A: Awaiting> Face<K, V> for AsyncFace<K, V, A> {
    fn build(builder: CacheBuilder<K, V>) -> Self {
        Self(A::within(|| builder.build_async().expect("the settings make sense")), std::marker::PhantomData)
    }
    fn sync(&self) -> Cache<K, V> {
        self.0.to_sync()
    }
    // Called inside `wait`, so that the call that misses is inside the runtime, as in a service.
    fn fetch_with(&self, key: &K) -> Result<Arc<V>, LoadError> {
        A::wait(async { self.0.fetch_with(key).await })
    }
    fn fetch_optional(&self, key: &K) -> Result<Option<Arc<V>>, LoadError> {
        A::wait(async { self.0.fetch_optional(key).await })
    }
    fn fetch_detailed(&self, key: &K) -> Result<Fetched<V>, LoadError> {
        A::wait(async { self.0.fetch_detailed(key).await })
    }
    fn fetch_or_load(
        &self,
        key: &K,
        load: impl FnOnce() -> Result<Loaded<V>, bellwether::BoxError> + Send + 'static,
    ) -> Result<Arc<V>, LoadError> {
        A::wait(async { self.0.fetch_or_load(key, || async { load() }).await })
    }
    fn refresh(&self, key: &K) -> Result<Arc<V>, LoadError> {
        A::wait(async { self.0.refresh(key).await })
    }
    #[cfg(feature = "bulk")]
    fn multi_fetch_with(&self, keys: &[K]) -> bellwether::MultiFetch<K, V> {
        A::wait(async { self.0.multi_fetch_with(keys).await })
    }
    plain!();
}

/// Runs each named test, a function generic over a [`Kind`], on every face.
#[macro_export]
macro_rules! on_every_face {
    ($($name:ident),+ $(,)?) => {
        mod blocking {
            $(#[test] fn $name() { super::$name::<$crate::faces::Blocking>(); })+
        }
        mod async_on_tokio {
            $(#[test] fn $name() { super::$name::<$crate::faces::OnTokio>(); })+
        }
        mod async_without_runtime {
            $(#[test] fn $name() { super::$name::<$crate::faces::NoRuntime>(); })+
        }
    };
}
