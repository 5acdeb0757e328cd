//! Ways to wait for a cache: as a thread, as a task on tokio, and as a task with no runtime.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use crate::faces::RUNTIME;
use bellwether::{BoxError, Cache, CacheBuilder, Entry, Key, LoadError, Value};
use std::future::Future;
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    Blocking,
    OnTokio,
    WithoutRuntime,
}

pub const WAYS: [Way; 3] = [Way::Blocking, Way::OnTokio, Way::WithoutRuntime];

impl Way {
    /// Runs `work` where this way's caches live.
    pub fn within<R>(self, work: impl FnOnce() -> R) -> R {
        let _runtime = (self == Self::OnTokio).then(|| RUNTIME.enter());
        work()
    }

    pub fn build<K: Key, V: Value>(self, builder: CacheBuilder<K, V>) -> Cache<K, V> {
        self.within(|| builder.build().expect("the settings make sense"))
    }

    /// Waits for a task.
    pub fn wait<F: Future>(self, task: F) -> F::Output {
        match self {
            Self::OnTokio => RUNTIME.block_on(task),
            Self::Blocking | Self::WithoutRuntime => futures::executor::block_on(task),
        }
    }

    pub fn entry<K: Key, V: Value>(self, cache: &Cache<K, V>, key: K) -> Entry<K, V> {
        match self {
            Self::Blocking => cache.entry(key),
            Self::OnTokio | Self::WithoutRuntime => self.wait(async { cache.to_async().entry(key).await }),
        }
    }

    /// `or_insert_with`, by a closure or by a future.
    pub fn make<K: Key, V: Value>(self, entry: Entry<K, V>, make: impl FnOnce() -> V) -> Arc<V> {
        match self {
            Self::Blocking => entry.or_insert_with(make),
            Self::OnTokio | Self::WithoutRuntime => self.wait(entry.or_insert_with_async(|| async { make() })),
        }
    }

    /// `or_try_insert_with`, by a closure or by a future.
    pub fn try_make<K: Key, V: Value, E>(self, entry: Entry<K, V>, make: impl FnOnce() -> Result<V, E>) -> Result<Arc<V>, E> {
        match self {
            Self::Blocking => entry.or_try_insert_with(make),
            Self::OnTokio | Self::WithoutRuntime => self.wait(entry.or_try_insert_with_async(|| async { make() })),
        }
    }

    pub fn fetch_with<K: Key, V: Value>(self, cache: &Cache<K, V>, key: &K) -> Result<Arc<V>, LoadError> {
        match self {
            Self::Blocking => cache.fetch_with(key),
            Self::OnTokio | Self::WithoutRuntime => self.wait(async { cache.to_async().fetch_with(key).await }),
        }
    }

    pub fn refresh<K: Key, V: Value>(self, cache: &Cache<K, V>, key: &K) -> Result<Arc<V>, LoadError> {
        match self {
            Self::Blocking => cache.refresh(key),
            Self::OnTokio | Self::WithoutRuntime => self.wait(async { cache.to_async().refresh(key).await }),
        }
    }

    pub fn fetch_or_load<K: Key, V: Value>(
        self,
        cache: &Cache<K, V>,
        key: &K,
        load: impl FnOnce() -> Result<V, BoxError> + Send + 'static,
    ) -> Result<Arc<V>, LoadError> {
        match self {
            Self::Blocking => cache.fetch_or_load(key, load),
            Self::OnTokio | Self::WithoutRuntime => self.wait(async { cache.to_async().fetch_or_load(key, || async { load() }).await }),
        }
    }
}

/// Runs each named test, a function of a [`Way`], in every way and under the watchdog.
#[macro_export]
macro_rules! in_every_way {
    ($($name:ident),+ $(,)?) => {
        mod blocking {
            $(#[test] fn $name() { $crate::watchdog::in_time(|| super::$name($crate::ways::Way::Blocking)); })+
        }
        mod async_on_tokio {
            $(#[test] fn $name() { $crate::watchdog::in_time(|| super::$name($crate::ways::Way::OnTokio)); })+
        }
        mod async_without_runtime {
            $(#[test] fn $name() { $crate::watchdog::in_time(|| super::$name($crate::ways::Way::WithoutRuntime)); })+
        }
    };
}
