//! Handles: what users hold of a cache. When the last one goes, the cache ends.

use super::shared::CacheShared;
use crate::ground::reentry;
use crate::ground::sync::atomic::{AtomicUsize, Ordering, fence};
use crate::vocabulary::keys::{Key, Value};
use std::ops::Deref;
use std::sync::Arc;

/// A user's hold of a cache. Loads, alarms and the pool hold the cache, too, but not by handles.
pub(crate) struct Handle<K, V, S>(Arc<CacheShared<K, V, S>>);

/// How many handles there are, and how the end is brought about elsewhere.
pub(crate) struct Handles<K, V, S> {
    count: AtomicUsize,
    /// Ends the cache on a thread of the pool.
    end_elsewhere: fn(Arc<CacheShared<K, V, S>>),
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Handles<K, V, S> {
    pub(super) fn new() -> Self {
        Self {
            count: AtomicUsize::new(0),
            end_elsewhere: |shared| drop(Arc::clone(&shared.process).pool.run(Box::new(move || shared.end()))),
        }
    }
}

#[cfg(feature = "snapshot")]
impl<K, V, S> Handles<K, V, S> {
    /// Whether the last one has gone. Whoever has seen anything of the end sees that, too.
    pub(super) fn are_gone(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }
}

impl<K, V, S> Handle<K, V, S> {
    pub(crate) fn new(shared: &Arc<CacheShared<K, V, S>>) -> Self {
        // Relaxed: one more handle is made from one that is there, as with `Arc`.
        shared.handles.count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(shared))
    }
}

impl<K, V, S> Clone for Handle<K, V, S> {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl<K, V, S> Deref for Handle<K, V, S> {
    type Target = Arc<CacheShared<K, V, S>>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<K, V, S> Drop for Handle<K, V, S> {
    fn drop(&mut self) {
        if self.0.handles.count.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // What was done through other handles comes before the end, as with `Arc`.
        fence(Ordering::Acquire);
        if reentry::is_inside() {
            // Inside the closure of `get` no lock can be taken. Where no load holds the cache it goes with this handle anyway.
            if Arc::strong_count(&self.0) > 1 {
                (self.0.handles.end_elsewhere)(Arc::clone(&self.0));
            }
        } else {
            self.0.end();
        }
    }
}
