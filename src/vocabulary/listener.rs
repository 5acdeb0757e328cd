//! Listeners are told of every value that leaves a cache.

use super::removal::RemovalCause;
use std::sync::Arc;

/// Is told of every value that leaves a cache, or never came to be held, with its key and why: exactly once, and for each key in order.
///
/// Any closure `Fn(&K, &Arc<V>, RemovalCause)` is one, and so is an `Arc` of one. For an async task see
/// [`removal_channel`](crate::removal_channel).
///
/// It is called under no lock, mostly by the call that sent the value on its way, as its last step; by another call if that is about to report other
/// values of the same shard; and by a thread of the pool for what expires while nobody calls. It may call the cache.
/// [`run_maintenance`](crate::Cache::run_maintenance) returns when all that has left before is reported.
///
/// # Blocking
/// Up to 1,024 values for each shard wait to be reported. A write to a shard where so many wait stops until there are fewer, and reports them itself if
/// nobody else does: a slow listener holds back the writers of its cache, never the janitor, other caches or memory. A call from inside a listener
/// doesn't wait.
///
/// # Panics
/// A panic of a listener is contained and counted in [`listener_panics`](crate::MetricsSnapshot::listener_panics). It goes on with the next value.
///
/// # Examples
/// ```
/// use bellwether::{Cache, RemovalCause};
/// use std::sync::Mutex;
/// use std::sync::Arc;
///
/// let gone = Arc::new(Mutex::new(Vec::new()));
/// let seen = Arc::clone(&gone);
/// let cache = Cache::<u32, u32>::builder()
///     .on_removal(move |&key, value, cause| seen.lock().expect("nobody panics").push((key, **value, cause)))
///     .build()?;
/// cache.insert(1, 10);
/// cache.insert(1, 11);
/// cache.remove(&1);
/// assert_eq!(*gone.lock().expect("nobody panics"), [(1, 10, RemovalCause::Replaced), (1, 11, RemovalCause::Invalidated)]);
/// # Ok::<(), bellwether::BuildError>(())
/// ```
pub trait RemovalListener<K, V>: Send + Sync {
    /// `value`, which was held for `key` or was to be, isn't any more, because of `cause`.
    fn on_removal(&self, key: &K, value: &Arc<V>, cause: RemovalCause);
}

impl<K, V, F> RemovalListener<K, V> for F
where
    F: Fn(&K, &Arc<V>, RemovalCause) + Send + Sync,
{
    fn on_removal(&self, key: &K, value: &Arc<V>, cause: RemovalCause) {
        self(key, value, cause);
    }
}

impl<K, V, L: RemovalListener<K, V> + ?Sized> RemovalListener<K, V> for Arc<L> {
    fn on_removal(&self, key: &K, value: &Arc<V>, cause: RemovalCause) {
        (**self).on_removal(key, value, cause);
    }
}

/// A listener of whatever type.
pub(crate) type AnyListener<K, V> = dyn RemovalListener<K, V>;
