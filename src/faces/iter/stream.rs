//! The stream.

use super::{BATCH, Batches};
use crate::core::handle::Handle;
use crate::faces::async_cache::AsyncCache;
use crate::vocabulary::keys::{Key, Value};
use futures::stream::{FusedStream, Stream};
use std::fmt;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// All entries of a cache, as [`stream`](crate::AsyncCache::stream) gives them.
///
/// It is a handle of the cache, borrows nothing, and can be moved into a task or a response's body. It needs no runtime. Between two batches it
/// is pending once, so that its executor's other tasks have their turn. It ends for good: polled after its end it is at its end again.
///
/// # Panics
/// Polling it panics where a key's `Clone` does. The polls after it give what came before that key in its batch, and then try it
/// again.
///
/// # Examples
/// ```
/// use futures::StreamExt;
///
/// # futures::executor::block_on(async {
/// let cache = bellwether::AsyncCache::<u32, u32>::builder().build_async()?;
/// cache.insert(1, 10);
/// cache.insert(2, 20);
/// let large = cache.stream().filter(|(_, value)| std::future::ready(**value > 10)).map(|(key, _)| key);
/// assert_eq!(large.collect::<Vec<u32>>().await, [2]);
/// # Ok::<(), bellwether::BuildError>(())
/// # }).unwrap();
/// ```
#[must_use = "a stream does nothing until it is polled"]
pub struct EntryStream<K, V, S> {
    shared: Handle<K, V, S>,
    batches: Batches<K, V>,
    turn: Turn,
}

/// Whose turn it is once all that was taken is given out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The stream's.
    Own,
    /// That of the executor's other tasks.
    Others,
}

impl<K: Clone, V, S> EntryStream<K, V, S> {
    fn in_batches(shared: Handle<K, V, S>, most: usize) -> Self {
        Self { shared, batches: Batches::of(most), turn: Turn::Own }
    }
}

/// Nothing in it is pinned.
impl<K, V, S> Unpin for EntryStream<K, V, S> {}

impl<K: Clone, V, S> Stream for EntryStream<K, V, S> {
    type Item = (K, Arc<V>);

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.batches.taken.is_empty() && !this.batches.is_over {
            if std::mem::replace(&mut this.turn, Turn::Own) == Turn::Others {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            // Before the batch: where a key's `Clone` panics, too, the next one waits for its turn.
            this.turn = Turn::Others;
            this.batches.take(&this.shared);
        }
        match this.batches.taken.pop_front() {
            Some(entry) => Poll::Ready(Some(entry)),
            None if this.batches.is_over => Poll::Ready(None),
            None => {
                this.turn = Turn::Own;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl<K: Clone, V, S> FusedStream for EntryStream<K, V, S> {
    fn is_terminated(&self) -> bool {
        self.batches.is_over && self.batches.taken.is_empty()
    }
}

impl<K, V, S> fmt::Debug for EntryStream<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryStream").finish_non_exhaustive()
    }
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> AsyncCache<K, V, S> {
    /// Never loads: a stream of all fresh entries, with the promises of [`iter`](Self::iter).
    ///
    /// It borrows nothing: it is a handle of the cache, so that a task or a response's body can own it. Between two batches it lets its executor's other tasks
    /// have their turn; it holds no lock meanwhile.
    ///
    /// # Cost
    /// As that of [`iter`](Self::iter).
    ///
    /// # Blocking
    /// As [`iter`](Self::iter).
    ///
    /// # Cancel safety
    /// It may be dropped at any time, and a future of its next entry, too: no entry is lost but with the stream itself.
    ///
    /// # Panics
    /// Polling it panics where walking [`iter`](Self::iter) does.
    ///
    /// # Examples
    /// ```
    /// use futures::StreamExt;
    ///
    /// # futures::executor::block_on(async {
    /// let cache = bellwether::AsyncCache::<u32, &str>::builder().build_async()?;
    /// cache.insert(1, "one");
    /// let mut entries = cache.stream();
    /// while let Some((key, value)) = entries.next().await {
    ///     assert_eq!((key, *value), (1, "one"));
    /// }
    /// # Ok::<(), bellwether::BuildError>(())
    /// # }).unwrap();
    /// ```
    pub fn stream(&self) -> EntryStream<K, V, S> {
        EntryStream::in_batches(self.clone().into_shared(), BATCH)
    }

    /// Never loads: as [`stream`](Self::stream), but with so many entries taken in one hold of a lock, and given out before the executor's other
    /// tasks have their turn. It counts as at least 1, and as at most 256.
    ///
    /// # Cost
    /// As that of [`iter`](Self::iter).
    ///
    /// # Blocking
    /// As [`iter_with_batch_size`](Self::iter_with_batch_size).
    ///
    /// # Cancel safety
    /// As [`stream`](Self::stream).
    ///
    /// # Panics
    /// As [`stream`](Self::stream).
    ///
    /// # Examples
    /// ```
    /// use futures::StreamExt;
    ///
    /// # futures::executor::block_on(async {
    /// let cache = bellwether::AsyncCache::<u32, u32>::builder().build_async()?;
    /// (0..100).for_each(|key| cache.insert(key, key));
    /// assert_eq!(cache.stream_with_batch_size(10).count().await, 100);
    /// # Ok::<(), bellwether::BuildError>(())
    /// # }).unwrap();
    /// ```
    pub fn stream_with_batch_size(&self, most: usize) -> EntryStream<K, V, S> {
        EntryStream::in_batches(self.clone().into_shared(), most)
    }
}
