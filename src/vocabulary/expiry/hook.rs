//! The expiry hook: user code that says how long a value lives.

use std::sync::Arc;
use std::time::Duration;

/// Says how long each value lives. Given to a cache by [`CacheBuilder::expiry`](crate::CacheBuilder::expiry).
///
/// Each method gives a time to live that begins now, or `None` to leave it as it would be without the hook. A setting that a value brings of its own
/// ([`Loaded::time_to_live`](crate::Loaded::time_to_live)) comes before what `on_create` and `on_update` say. `Duration::MAX` is for ever, zero is
/// over at once.
///
/// Called under no lock. A panic in `on_create` or `on_update` is the write's, or fails the load; one in `on_read` is the read's.
///
/// # Examples
/// ```
/// use bellwether::{Cache, Expiry, MockClock};
/// use std::time::Duration;
///
/// struct Session { admin: bool }
/// struct ByRole;
///
/// impl Expiry<u64, Session> for ByRole {
///     fn on_create(&self, _: &u64, session: &Session) -> Option<Duration> {
///         Some(Duration::from_secs(if session.admin { 60 } else { 3_600 }))
///     }
/// }
///
/// let clock = MockClock::new();
/// let cache = Cache::builder().expiry(ByRole).clock(clock.clone()).build()?;
/// cache.insert(1, Session { admin: true });
/// cache.insert(2, Session { admin: false });
/// clock.advance(Duration::from_secs(60));
/// assert!(!cache.contains_key(&1) && cache.contains_key(&2));
/// # Ok::<(), bellwether::BuildError>(())
/// ```
pub trait Expiry<K, V>: Send + Sync + 'static {
    /// The time to live of a value whose key holds none. By default the cache's.
    fn on_create(&self, key: &K, value: &V) -> Option<Duration> {
        let _ = (key, value);
        None
    }

    /// The time to live of a value that takes the place of another, which had `left` to live (`None`: for ever; zero: it was stale). By default what
    /// [`on_create`](Self::on_create) says.
    ///
    /// Whether there is another is seen just before the value is stored, not in the same step: a write of somebody else may come in between.
    fn on_update(&self, key: &K, value: &V, left: Option<Duration>) -> Option<Duration> {
        let _ = left;
        self.on_create(key, value)
    }

    /// A new time to live for a value that was read, which has `left` to live (`None`: for ever). By default it stays as it is.
    ///
    /// Without the key, which only a lookup by reference has at hand. A new time to live costs the read a write lock.
    fn on_read(&self, value: &V, left: Option<Duration>) -> Option<Duration> {
        let _ = (value, left);
        None
    }
}

/// A cache's hook.
pub(crate) struct Hook<K, V> {
    pub(crate) expiry: Arc<dyn Expiry<K, V>>,
    /// Whether reads are of interest to it.
    pub(crate) reads: bool,
}

/// A hook's view of reads: it gives a new time to live for a value, of what is left.
pub(crate) type OnRead<V> = dyn Fn(&V, Option<Duration>) -> Option<Duration> + Send + Sync;

impl<K: 'static, V: 'static> Hook<K, V> {
    pub(crate) fn on_read(&self) -> Option<Arc<OnRead<V>>> {
        let expiry = Arc::clone(&self.expiry);
        self.reads.then(|| Arc::new(move |value: &V, left| expiry.on_read(value, left)) as _)
    }
}

/// A closure as a hook, for values that are stored.
pub(crate) struct ByClosure<F>(F);

impl<F> ByClosure<F> {
    pub(crate) fn new(live: F) -> Self {
        Self(live)
    }
}

impl<K, V, F: Fn(&K, &V) -> Option<Duration> + Send + Sync + 'static> Expiry<K, V> for ByClosure<F> {
    fn on_create(&self, key: &K, value: &V) -> Option<Duration> {
        (self.0)(key, value)
    }
}
