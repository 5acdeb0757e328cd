//! Why values leave a cache.

/// Why a value left the cache, or why it never came to be held.
///
/// # Examples
/// ```
/// use bellwether::{Cache, RemovalCause};
///
/// let cache = Cache::<u32, u32>::builder().capacity(1).build()?;
/// cache.insert(1, 10);
/// cache.insert(2, 20);
/// assert_eq!(cache.metrics().removals(RemovalCause::Evicted), 1);
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum RemovalCause {
    /// It made room for another, or was too much for a smaller capacity.
    Evicted,
    /// It was past its last deadline: its time to live and the stale windows after it, or its idle time.
    Expired,
    /// Another value of its key was written over it.
    Replaced,
    /// It was removed or invalidated by its key.
    Invalidated,
    /// The cache was cleared, whether or not its time was over.
    Cleared,
    /// It was never held: it weighs more than the whole capacity, the eviction policy refused it, or it was the refresh of a value that had left by then, for which nobody waited.
    Rejected,
    /// It was never held: a write overtook the load that brought it.
    Superseded,
    /// A load answered that there is no such key any more.
    Absent,
}

impl RemovalCause {
    pub(crate) const COUNT: usize = 8;

    pub(crate) fn index(self) -> usize {
        match self {
            Self::Evicted => 0,
            Self::Expired => 1,
            Self::Replaced => 2,
            Self::Invalidated => 3,
            Self::Cleared => 4,
            Self::Rejected => 5,
            Self::Superseded => 6,
            Self::Absent => 7,
        }
    }
}
