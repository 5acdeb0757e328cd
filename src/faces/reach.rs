//! Either face, for what takes both.

use crate::core::contents::Contents;
use crate::vocabulary::keys::{Key, Value};

/// A [`Cache`](crate::Cache) or an [`AsyncCache`](crate::AsyncCache), whatever its hasher. Nothing else can be one.
///
/// # Examples
/// ```
/// use bellwether::{AnyCache, AsyncCache, Cache, Snapshot, SnapshotError};
///
/// fn size_of_snapshot(cache: &impl AnyCache<Key = u32, Value = String>) -> Result<u64, SnapshotError> {
///     Ok(Snapshot::new().save(cache, std::io::sink())?.bytes)
/// }
/// let cache = Cache::<u32, String>::builder().build()?;
/// assert_eq!(size_of_snapshot(&cache)?, size_of_snapshot(&cache.to_async())?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[expect(private_bounds, reason = "so that nothing else can be one")]
pub trait AnyCache: Reach<Self::Key, Self::Value> {
    /// What values are found by.
    type Key: Key;
    /// What is held.
    type Value: Value;
}

/// The way to what a face shares with others.
pub(crate) trait Reach<K, V> {
    fn contents(&self) -> &dyn Contents<K, V>;
}

/// Lets a face be taken for either.
macro_rules! reaching {
    ($face:ident) => {
        impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> crate::faces::reach::Reach<K, V> for $face<K, V, S> {
            fn contents(&self) -> &dyn crate::core::contents::Contents<K, V> {
                &**self.shared
            }
        }

        impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> crate::faces::reach::AnyCache for $face<K, V, S> {
            type Key = K;
            type Value = V;
        }
    };
}
pub(super) use reaching;
