//! A removal channel is a listener for async tasks: what leaves a cache is sent through it, and received as a stream.

use super::listener::RemovalListener;
use super::removal::RemovalCause;
use crate::ground::contain::{contain, drop_contained};
use crate::ground::sync::{Arc, Condvar, Mutex};
use futures::stream::Stream;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Makes a listener that sends what leaves a cache to whoever holds the receiver: at most `capacity` values at a time, or one where that is zero.
///
/// Each value comes exactly once, those of one key in the order in which they left. The stream ends when the cache is gone, after what was sent
/// before. If the receiver goes first, what leaves is let go of and nobody waits any more.
///
/// # Blocking
/// Where as many values wait as may, the listener stops until one is received. As for every slow [`RemovalListener`] the writers of the cache are held back
/// then, after 1,024 more for each shard; never the janitor, other caches or memory. So whoever receives must not be one of those
/// writers, nor wait for them: make the receiver a task or a thread of its own, or set no limit by `usize::MAX`.
///
/// On a thread of a multi-thread tokio runtime the listener stops by `block_in_place`, so that the runtime's other tasks go on; that takes a thread of the
/// runtime's blocking pool. Inside a current-thread runtime, whose only thread may be the one that has to receive, it doesn't stop, and more values wait than
/// `capacity` until they are received.
///
/// # Cost
/// A clone of the key and a few instructions under a lock for each value. The channel's memory grows with the values that wait in it, and not before.
///
/// # Examples
/// With tokio:
/// ```
/// # #[cfg(feature = "tokio")] {
/// use bellwether::{AsyncCache, RemovalCause, removal_channel};
/// use futures::StreamExt;
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let (sender, mut receiver) = removal_channel(100);
/// let cache = AsyncCache::<u32, u32>::builder().capacity(2).listener(sender).build_async()?;
/// let evicted = tokio::spawn(async move {
///     let mut evicted = 0;
///     while let Some(removal) = receiver.next().await {
///         evicted += usize::from(removal.cause == RemovalCause::Evicted);
///     }
///     evicted
/// });
/// (0..1_000).for_each(|n| cache.insert(n, n));
/// drop(cache);
/// assert_eq!(evicted.await?, 998);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// # }
/// ```
/// Without a runtime:
/// ```
/// use bellwether::{Cache, removal_channel};
/// use std::thread;
///
/// let (sender, mut receiver) = removal_channel(100);
/// let cache = Cache::<u32, u32>::builder().capacity(2).listener(sender).build()?;
/// let received = thread::spawn(move || {
///     let mut received = 0;
///     while futures::executor::block_on(receiver.recv()).is_some() {
///         received += 1;
///     }
///     received
/// });
/// (0..1_000).for_each(|n| cache.insert(n, n));
/// drop(cache);
/// assert_eq!(received.join().expect("receiving doesn't panic"), 998);
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[must_use]
pub fn removal_channel<K, V>(capacity: usize) -> (RemovalSender<K, V>, RemovalReceiver<K, V>) {
    let inside = Inside { queue: VecDeque::new(), senders: 1, is_heard: true, stopped: 0, waker: None };
    let channel = Arc::new(Channel { capacity: capacity.max(1), inside: Mutex::new(inside), room: Condvar::default() });
    (RemovalSender { channel: Arc::clone(&channel) }, RemovalReceiver { channel })
}

/// A value that left a cache, or never came to be held.
///
/// # Examples
/// ```
/// use bellwether::{Cache, RemovalCause, removal_channel};
///
/// let (sender, mut receiver) = removal_channel(10);
/// let cache = Cache::<u32, &str>::builder().listener(sender).build()?;
/// cache.insert(1, "one");
/// cache.invalidate(&1);
/// let removal = receiver.try_recv().expect("it was sent by the call");
/// assert_eq!((removal.key, *removal.value, removal.cause), (1, "one", RemovalCause::Invalidated));
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Debug)]
pub struct Removal<K, V> {
    /// Its key.
    pub key: K,
    /// The value itself, which others may hold, too.
    pub value: Arc<V>,
    /// Why it left.
    pub cause: RemovalCause,
}

impl<K: Clone, V> Clone for Removal<K, V> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), value: Arc::clone(&self.value), cause: self.cause }
    }
}

impl<K, V> Removal<K, V> {
    /// Lets go of key and value, each of whose `Drop` may panic, one by one.
    fn let_go(self) {
        drop_contained(self.key);
        drop_contained(self.value);
    }
}

/// The end of a [`removal_channel`] that is given to a cache as its listener. Clones send to the same receiver, for several caches say.
///
/// # Panics
/// If the key's `Clone` panics, that value isn't sent; the cache counts it as a panic of its listener.
///
/// # Examples
/// ```
/// use bellwether::{Cache, removal_channel};
///
/// let (sender, mut receiver) = removal_channel(10);
/// let one = Cache::<u32, u32>::builder().listener(sender.clone()).build()?;
/// let other = Cache::<u32, u32>::builder().listener(sender).build()?;
/// for cache in [one, other] {
///     cache.insert(1, 10);
///     cache.clear();
/// }
/// assert_eq!(std::iter::from_fn(|| receiver.try_recv()).count(), 2);
/// # Ok::<(), bellwether::BuildError>(())
/// ```
pub struct RemovalSender<K, V> {
    channel: Arc<Channel<K, V>>,
}

/// The end of a [`removal_channel`] from which removals are received: a [`Stream`], or by [`recv`](Self::recv).
///
/// # Examples
/// ```
/// use bellwether::{Cache, RemovalCause, removal_channel};
/// use futures::StreamExt;
///
/// let (sender, receiver) = removal_channel(10);
/// let cache = Cache::<u32, u32>::builder().listener(sender).build()?;
/// cache.insert(1, 10);
/// cache.insert(1, 11);
/// cache.invalidate(&1);
/// drop(cache);
/// let causes = futures::executor::block_on(receiver.map(|removal| removal.cause).collect::<Vec<_>>());
/// assert_eq!(causes, [RemovalCause::Replaced, RemovalCause::Invalidated]);
/// # Ok::<(), bellwether::BuildError>(())
/// ```
pub struct RemovalReceiver<K, V> {
    channel: Arc<Channel<K, V>>,
}

/// What both ends share.
struct Channel<K, V> {
    capacity: usize,
    inside: Mutex<Inside<K, V>>,
    /// Something was received, or the receiver has gone.
    room: Condvar,
}

struct Inside<K, V> {
    /// What was sent and not yet received.
    queue: VecDeque<Removal<K, V>>,
    senders: usize,
    /// Whether there is a receiver.
    is_heard: bool,
    /// Senders that wait for room.
    stopped: usize,
    /// Wakes the receiver's task.
    waker: Option<Waker>,
}

/// What became of a removal.
enum Sent<K, V> {
    /// It is in the queue; this wakes whoever is to receive it.
    Queued(Option<Waker>),
    /// Nobody will receive it.
    Unheard(Removal<K, V>),
    /// There is no room for it.
    Full(Removal<K, V>),
}

/// Whether a sender minds that the queue is full.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    Kept,
    Ignored,
}

impl<K, V> Channel<K, V> {
    fn send(&self, removal: Removal<K, V>, bound: Bound) -> Sent<K, V> {
        self.inside.lock().send(removal, bound, self.capacity)
    }

    /// As [`send`](Self::send), once there is room.
    fn send_when_room(&self, mut removal: Removal<K, V>) -> Sent<K, V> {
        let mut inside = self.inside.lock();
        loop {
            match inside.send(removal, Bound::Kept, self.capacity) {
                Sent::Full(back) => removal = back,
                done @ (Sent::Queued(_) | Sent::Unheard(_)) => return done,
            }
            inside.stopped += 1;
            inside = self.room.wait(inside);
            inside.stopped -= 1;
        }
    }

    /// Takes the oldest removal; without one, leaves `waker` to be woken by the next, and gives back the one that isn't needed.
    fn take(&self, waker: Option<Waker>) -> (Poll<Option<Removal<K, V>>>, Option<Waker>) {
        let mut inside = self.inside.lock();
        match inside.queue.pop_front() {
            Some(removal) => {
                // Each place that is freed is one sender's.
                if inside.stopped > 0 && inside.queue.len() < self.capacity {
                    self.room.notify_one();
                }
                (Poll::Ready(Some(removal)), waker)
            }
            None if inside.senders == 0 => (Poll::Ready(None), waker),
            None if waker.is_none() => (Poll::Pending, None),
            None => (Poll::Pending, std::mem::replace(&mut inside.waker, waker)),
        }
    }
}

impl<K, V> Inside<K, V> {
    fn send(&mut self, removal: Removal<K, V>, bound: Bound, capacity: usize) -> Sent<K, V> {
        if !self.is_heard {
            return Sent::Unheard(removal);
        }
        if bound == Bound::Kept && self.queue.len() >= capacity {
            return Sent::Full(removal);
        }
        self.queue.push_back(removal);
        Sent::Queued(self.waker.take())
    }
}

impl<K: Clone + Send + Sync, V: Send + Sync> RemovalListener<K, V> for RemovalSender<K, V> {
    fn on_removal(&self, key: &K, value: &Arc<V>, cause: RemovalCause) {
        let channel = &self.channel;
        let removal = Removal { key: key.clone(), value: Arc::clone(value), cause };
        let sent = match channel.send(removal, Bound::Kept) {
            Sent::Full(removal) => match waiting(removal, |removal| channel.send_when_room(removal)) {
                Ok(sent) => sent,
                Err(removal) => channel.send(removal, Bound::Ignored),
            },
            done @ (Sent::Queued(_) | Sent::Unheard(_)) => done,
        };
        match sent {
            Sent::Queued(waker) => waker.into_iter().for_each(Waker::wake),
            Sent::Unheard(removal) => removal.let_go(),
            Sent::Full(_) => unreachable!("who ignores the bound finds room, and who keeps it waits for that"),
        }
    }
}

/// Runs `wait`, which blocks, where others go on meanwhile.
///
/// # Errors
/// If this thread is the only one of a runtime: then nothing is run.
fn waiting<T, R>(given: T, wait: impl FnOnce(T) -> R) -> Result<R, T> {
    #[cfg(feature = "tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        return waiting_in(&runtime, given, wait);
    }
    Ok(wait(given))
}

#[cfg(feature = "tokio")]
fn waiting_in<T, R>(runtime: &tokio::runtime::Handle, given: T, wait: impl FnOnce(T) -> R) -> Result<R, T> {
    if runtime.runtime_flavor() == tokio::runtime::RuntimeFlavor::CurrentThread {
        return Err(given);
    }
    let mut given = Some(given);
    // It refuses where this thread runs tasks that can't go elsewhere.
    let waited = contain(|| tokio::task::block_in_place(|| given.take().map(wait)));
    match (waited, given) {
        (Ok(Some(done)), _) => Ok(done),
        (Err(refusal), Some(given)) => {
            refusal.forget();
            Err(given)
        }
        (Err(panic), None) => std::panic::resume_unwind(panic.0),
        (Ok(None), _) => unreachable!("block_in_place runs its closure once"),
    }
}

impl<K, V> Clone for RemovalSender<K, V> {
    fn clone(&self) -> Self {
        self.channel.inside.lock().senders += 1;
        Self { channel: Arc::clone(&self.channel) }
    }
}

impl<K, V> Drop for RemovalSender<K, V> {
    fn drop(&mut self) {
        let waker = {
            let mut inside = self.channel.inside.lock();
            inside.senders -= 1;
            if inside.senders == 0 { inside.waker.take() } else { None }
        };
        if let Some(Err(panic)) = waker.map(|waker| contain(|| waker.wake())) {
            panic.forget();
        }
    }
}

impl<K, V> RemovalReceiver<K, V> {
    /// Waits for the next removal; `None` when the cache is gone and all has been received.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing: no removal is lost.
    ///
    /// # Examples
    /// ```
    /// # futures::executor::block_on(async {
    /// use bellwether::{AsyncCache, removal_channel};
    ///
    /// let (sender, mut receiver) = removal_channel(10);
    /// let cache = AsyncCache::<u32, u32>::builder().listener(sender).build_async()?;
    /// cache.insert(1, 10);
    /// cache.invalidate(&1);
    /// assert_eq!(receiver.recv().await.map(|removal| removal.key), Some(1));
    /// drop(cache);
    /// assert!(receiver.recv().await.is_none());
    /// # Ok::<(), bellwether::BuildError>(())
    /// # }).unwrap();
    /// ```
    pub async fn recv(&mut self) -> Option<Removal<K, V>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// The next removal, if one waits to be received. Never waits.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, removal_channel};
    ///
    /// let (sender, mut receiver) = removal_channel(10);
    /// let cache = Cache::<u32, u32>::builder().listener(sender).build()?;
    /// assert!(receiver.try_recv().is_none());
    /// cache.insert(1, 10);
    /// cache.invalidate(&1);
    /// assert!(receiver.try_recv().is_some());
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn try_recv(&mut self) -> Option<Removal<K, V>> {
        match self.channel.take(None).0 {
            Poll::Ready(removal) => removal,
            Poll::Pending => None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Removal<K, V>>> {
        if let (done @ Poll::Ready(_), _) = self.channel.take(None) {
            return done;
        }
        // Cloned before the lock and dropped after it: a waker is a user's.
        let (taken, needless) = self.channel.take(Some(cx.waker().clone()));
        drop_contained(needless);
        taken
    }
}

impl<K, V> Stream for RemovalReceiver<K, V> {
    type Item = Removal<K, V>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(cx)
    }
}

impl<K, V> Drop for RemovalReceiver<K, V> {
    fn drop(&mut self) {
        let (queue, waker) = {
            let mut inside = self.channel.inside.lock();
            inside.is_heard = false;
            (std::mem::take(&mut inside.queue), inside.waker.take())
        };
        self.channel.room.notify_all();
        queue.into_iter().for_each(Removal::let_go);
        drop_contained(waker);
    }
}

impl<K, V> fmt::Debug for RemovalSender<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemovalSender").finish_non_exhaustive()
    }
}

impl<K, V> fmt::Debug for RemovalReceiver<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemovalReceiver").finish_non_exhaustive()
    }
}
