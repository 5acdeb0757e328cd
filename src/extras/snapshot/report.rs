//! What came of saving and of restoring.

use std::time::SystemTime;

/// What was saved.
///
/// # Examples
/// ```
/// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
/// let saved = bellwether::Snapshot::new().save(&cache, std::io::sink())?;
/// assert_eq!(saved.entries, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Saved {
    /// How many entries.
    pub entries: u64,
    /// The snapshot's length in bytes.
    pub bytes: u64,
}

/// What was restored, and what wasn't.
///
/// # Examples
/// ```
/// use bellwether::{Cache, Snapshot};
///
/// let before = Cache::<u32, u32>::builder().build()?;
/// (0..100).for_each(|n| before.insert(n, n));
/// let mut bytes = Vec::new();
/// Snapshot::new().save(&before, &mut bytes)?;
/// let after = Cache::<u32, u32>::builder().capacity(10).build()?;
/// let restored = Snapshot::new().load(&after, &bytes[..])?;
/// assert_eq!((restored.entries, restored.left_out), (10, 90));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Restored {
    /// Entries that were stored.
    pub entries: u64,
    /// Entries whose last deadline has passed since they were saved.
    pub expired: u64,
    /// Entries of which the cache knew something newer.
    pub known: u64,
    /// Entries for which there was no room, or that the policy refused.
    pub left_out: u64,
    /// The snapshot's length in bytes.
    pub bytes: u64,
    /// When it was saved, by the wall clock of then.
    pub saved_at: SystemTime,
}
