//! The future of a fetch of many keys.

use super::found::MultiFetch;
use crate::core::fetch::Look;
use crate::core::places::Caller;
use crate::core::shared::CacheShared;
use crate::faces::fetch::Fetch;
use crate::ground::hash::RandomState;
use crate::vocabulary::error::LoadError;
use crate::vocabulary::keys::{Key, LoadKey, Value};
use std::fmt;
use std::future::Future;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A fetch of many keys under way: a future of [`MultiFetch`], made by [`AsyncCache::multi_fetch_with`](crate::AsyncCache::multi_fetch_with).
///
/// All keys were looked up, and the load of those that are missing started, before this was made. It borrows the cache, not the keys.
///
/// # Cancel safety
/// As a [`Fetch`]: dropping it leaves the loads.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cache = bellwether::AsyncCache::<u32, u32>::builder()
///     .async_bulk_loader_fn(|keys: Vec<u32>| async move { bellwether::ok(keys.into_iter().map(|key| (key, key * 2))) })
///     .build_async()?;
/// let found = cache.multi_fetch_with(&[1, 2, 3]).await.found()?;
/// assert_eq!(*found[&3], 6);
/// # Ok(())
/// # }
/// ```
#[must_use = "fetches whose results nobody awaits are only a way to warm the cache"]
pub struct FetchMany<'a, K, V, S = RandomState> {
    /// The keys whose results are still awaited, the next one last.
    waiting: Vec<(K, Fetch<'a, K, V, S>)>,
    done: Vec<(K, Result<Arc<V>, LoadError>)>,
}

impl<'a, K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> FetchMany<'a, K, V, S> {
    pub(super) fn begin<'q, Q>(shared: &'a Arc<CacheShared<K, V, S>>, keys: impl IntoIterator<Item = &'q Q>) -> Self
    where
        Q: LoadKey<K> + ?Sized + 'q,
    {
        let (keys, owned) = super::listed(keys);
        let asked = shared.ask_many(&keys, Look::First, Caller::Task).asked;
        let fetches = asked.into_iter().map(|asked| Fetch::of_many(shared, asked));
        let done = Vec::with_capacity(owned.len());
        Self { waiting: owned.into_iter().zip(fetches).rev().collect(), done }
    }
}

/// Nothing in it is pinned: the loads are tasks of their own.
impl<K, V, S> Unpin for FetchMany<'_, K, V, S> {}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> Future for FetchMany<'_, K, V, S> {
    type Output = MultiFetch<K, V>;

    /// # Panics
    /// If it is awaited inside the closure of `get`.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MultiFetch<K, V>> {
        // One after the other: all are needed, and each is woken but once that is waited for last.
        while let Some((key, mut fetch)) = self.waiting.pop() {
            match Pin::new(&mut fetch).poll(cx) {
                Poll::Ready(result) => self.done.push((key, result)),
                Poll::Pending => {
                    self.waiting.push((key, fetch));
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(MultiFetch::new(std::mem::take(&mut self.done)))
    }
}

impl<K, V, S> fmt::Debug for FetchMany<'_, K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchMany").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}
