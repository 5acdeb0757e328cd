//! Snapshots: what a cache holds, saved to a file or anything that can be written to, and restored from it.

mod autosave;
mod codec;
mod entry;
mod error;
mod file;
mod format;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod report;
mod restore;
mod save;

pub use autosave::Autosave;
pub use codec::{Postcard, SnapshotCodec};
pub use error::{SnapshotError, SnapshotPart};
pub use report::{Restored, Saved};

use crate::core::contents::Contents;
use crate::faces::reach::AnyCache;
use format::Header;
use restore::Wanted;
use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// Saves what a cache holds and restores it, so that a restart begins with a warm cache.
///
/// What is saved and what isn't, the format and its guarantees have [a page of their own](crate::docs::snapshot). [`Autosave`] does it by itself.
///
/// # Blocking
/// All of it blocks: writing and reading, and encoding and decoding every entry. From async code call it in a thread that may block, as
/// `tokio::task::spawn_blocking` has them; a cache is a handle that can be cloned for that.
///
/// # Examples
/// ```
/// use bellwether::{Cache, Snapshot};
///
/// let before = Cache::<String, u64>::builder().capacity(1_000).build()?;
/// before.insert("bell".to_owned(), 4);
/// let mut bytes = Vec::new();
/// Snapshot::new().save(&before, &mut bytes)?;
///
/// let after = Cache::<String, u64>::builder().capacity(1_000).build()?;
/// let restored = Snapshot::new().load(&after, &bytes[..])?;
/// assert_eq!(restored.entries, 1);
/// assert_eq!(after.fetch("bell").as_deref(), Some(&4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// In async code:
/// ```
/// use bellwether::{AsyncCache, Snapshot};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cache = AsyncCache::<String, u64>::builder().build_async()?;
/// cache.insert("bell".to_owned(), 4);
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("words");
/// let saved = tokio::task::spawn_blocking(move || Snapshot::new().save_file(&cache, path)).await??;
/// assert_eq!(saved.entries, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "it does nothing until it saves or restores"]
pub struct Snapshot<C = Postcard> {
    schema: u32,
    codec: C,
    wall_clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl Snapshot {
    /// With [schema](Self::schema) 0 and the codec [`Postcard`].
    ///
    /// # Examples
    /// ```
    /// let snapshot = bellwether::Snapshot::new();
    /// assert_eq!(format!("{snapshot:?}"), "Snapshot { schema: 0, .. }");
    /// ```
    pub fn new() -> Self {
        Self { schema: 0, codec: Postcard, wall_clock: Arc::new(SystemTime::now) }
    }
}

impl Default for Snapshot {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Snapshot<C> {
    /// Sets the number of your types' schema, 0 by default. It is saved, and what has another number isn't restored.
    ///
    /// Change it whenever a type of key or value changes, also one inside of it, and whenever the unit changes that weights are counted in: the bytes of one
    /// type may well make a value of another, and a wrong one.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Snapshot, SnapshotError};
    ///
    /// let cache = Cache::<u32, u32>::builder().build()?;
    /// let mut bytes = Vec::new();
    /// Snapshot::new().schema(1).save(&cache, &mut bytes)?;
    /// let error = Snapshot::new().schema(2).load(&cache, &bytes[..]).expect_err("it is of the old schema");
    /// assert!(matches!(error, SnapshotError::WrongSchema { found: 1, expected: 2, .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schema(mut self, schema: u32) -> Self {
        self.schema = schema;
        self
    }

    /// Sets how keys and values are written and read; [`Postcard`] by default.
    ///
    /// # Examples
    /// See [`SnapshotCodec`].
    /// ```
    /// let snapshot = bellwether::Snapshot::new().codec(bellwether::Postcard);
    /// # let _ = snapshot;
    /// ```
    pub fn codec<D>(self, codec: D) -> Snapshot<D> {
        Snapshot { schema: self.schema, codec, wall_clock: self.wall_clock }
    }

    /// Sets the wall clock, by which it is told how much of their lives entries have lost between saving and restoring; the system's by default. For tests.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Snapshot};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let cache = Cache::<u32, u32>::builder().time_to_live(Duration::from_secs(60)).build()?;
    /// cache.insert(1, 10);
    /// let mut bytes = Vec::new();
    /// Snapshot::new().save(&cache, &mut bytes)?;
    /// cache.clear();
    /// let a_minute_later = || SystemTime::now() + Duration::from_secs(60);
    /// let restored = Snapshot::new().wall_clock(a_minute_later).load(&cache, &bytes[..])?;
    /// assert_eq!((restored.entries, restored.expired), (0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wall_clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.wall_clock = Arc::new(now);
        self
    }

    /// Saves what `cache` holds. Never loads, and leaves no trace in statistics or recency.
    ///
    /// Each entry that is held from the call's begin to its end is saved once, as it is when its turn comes; of those that come or go meanwhile some are. It
    /// writes in pieces of 64 kilobytes or more, so a `to` needs no buffer, and flushes it in the end. Nothing is made durable: [`save_file`](Self::save_file)
    /// does that.
    ///
    /// # Errors
    /// If `to` fails, or if the codec does for one entry: the error says how many were written. What was written until then is no snapshot.
    ///
    /// # Blocking
    /// For as long as it takes. Writers of the cache wait for it only while it takes down entries of their shard: at most 256 for each hold of its lock, by
    /// their number, by a clone of the key and of the value's `Arc`. The codec and `to` run under no lock.
    ///
    /// # Panics
    /// Inside the closure of [`get`](crate::Cache::get). A panic of the codec or a key's `Clone` is an error.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, String>::builder().build()?;
    /// cache.insert(1, "one".to_owned());
    /// let mut bytes = Vec::new();
    /// let saved = bellwether::Snapshot::new().save(&cache, &mut bytes)?;
    /// assert_eq!((saved.entries, saved.bytes), (1, bytes.len() as u64));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save<A>(&self, cache: &A, to: impl Write) -> Result<Saved, SnapshotError>
    where
        A: AnyCache,
        C: SnapshotCodec<A::Key> + SnapshotCodec<A::Value>,
    {
        self.save_contents(cache.contents(), to)
    }

    /// Restores what was saved, as far as there is room for it. Never loads, overwrites nothing, and overtakes no load.
    ///
    /// All of it is read, checked and decoded first. Then those that haven't expired by the wall clock are stored: where there is no room for all, the
    /// hottest, the coldest of these first, so that a policy that goes by order has its order again. What the cache holds already stays; so does what it
    /// remembers of a key without a value; and a key that is being loaded isn't restored.
    ///
    /// It reads not a byte beyond the snapshot's end, in pieces as small as an entry: give a file a [`BufReader`](std::io::BufReader), or use
    /// [`load_file`](Self::load_file).
    ///
    /// # Errors
    /// If `from` fails, or gives anything but what was saved, with the same schema and codec. Then the cache is as it was.
    ///
    /// # Blocking
    /// For as long as it takes, a listener that is behind included if values have to leave meanwhile.
    ///
    /// # Panics
    /// Inside the closure of [`get`](crate::Cache::get). A panic of the codec or a key's `Hash` is an error.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Snapshot};
    ///
    /// let before = Cache::<u32, String>::builder().build()?;
    /// before.insert(1, "one".to_owned());
    /// before.insert(2, "two".to_owned());
    /// let mut bytes = Vec::new();
    /// Snapshot::new().save(&before, &mut bytes)?;
    ///
    /// let after = Cache::<u32, String>::builder().build()?;
    /// after.insert(1, "newer".to_owned());
    /// let restored = Snapshot::new().load(&after, &bytes[..])?;
    /// assert_eq!((restored.entries, restored.known), (1, 1));
    /// assert_eq!(after.fetch(&1).as_deref().map(String::as_str), Some("newer"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn load<A>(&self, cache: &A, from: impl Read) -> Result<Restored, SnapshotError>
    where
        A: AnyCache,
        C: SnapshotCodec<A::Key> + SnapshotCodec<A::Value>,
    {
        self.load_contents(cache.contents(), from)
    }

    /// Saves what `cache` holds to a file, as [`save`](Self::save) does, in place of the one that is there.
    ///
    /// It writes a temporary file in the same folder, has the system bring it to the disk, and gives it its name only then: at every instant there is a
    /// whole file under that name, the old one or the new one, also if the process or the machine ends. Of several who save under one name at a time the
    /// last one counts. A new file is for its owner only, where the system knows owners; one that takes the place of another has its permissions.
    ///
    /// # Errors
    /// As [`save`](Self::save), and if a file can't be created, written or renamed. Then the old file is whole, and the temporary one is gone.
    ///
    /// # Blocking
    /// As [`save`](Self::save), and for the disk.
    ///
    /// # Panics
    /// As [`save`](Self::save).
    ///
    /// # Examples
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("users");
    /// let cache = bellwether::Cache::<u32, String>::builder().build()?;
    /// bellwether::Snapshot::new().save_file(&cache, &path)?;
    /// assert!(path.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn save_file<A>(&self, cache: &A, path: impl AsRef<Path>) -> Result<Saved, SnapshotError>
    where
        A: AnyCache,
        C: SnapshotCodec<A::Key> + SnapshotCodec<A::Value>,
    {
        file::replace(path.as_ref(), |file| self.save_contents(cache.contents(), file))
    }

    /// Restores what was saved to a file, as [`load`](Self::load) does.
    ///
    /// # Errors
    /// As [`load`](Self::load), and if there is no such file or it can't be read.
    ///
    /// # Blocking
    /// As [`load`](Self::load).
    ///
    /// # Panics
    /// As [`load`](Self::load).
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Snapshot, SnapshotError};
    ///
    /// let cache = Cache::<u32, String>::builder().build()?;
    /// match Snapshot::new().load_file(&cache, "/no/such/file") {
    ///     Err(SnapshotError::Io { source, .. }) => assert_eq!(source.kind(), std::io::ErrorKind::NotFound),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn load_file<A>(&self, cache: &A, path: impl AsRef<Path>) -> Result<Restored, SnapshotError>
    where
        A: AnyCache,
        C: SnapshotCodec<A::Key> + SnapshotCodec<A::Value>,
    {
        self.load_contents_file(cache.contents(), path.as_ref())
    }

    fn save_contents<K, V>(&self, cache: &dyn Contents<K, V>, to: impl Write) -> Result<Saved, SnapshotError>
    where
        C: SnapshotCodec<K> + SnapshotCodec<V>,
    {
        let header = Header { schema: self.schema, saved_at: (self.wall_clock)(), codecs: self.codecs::<K, V>() };
        save::save(cache, &header, &self.codec, to)
    }

    fn load_contents<K, V>(&self, cache: &dyn Contents<K, V>, from: impl Read) -> Result<Restored, SnapshotError>
    where
        C: SnapshotCodec<K> + SnapshotCodec<V>,
    {
        let (codec, codecs) = (&self.codec, self.codecs::<K, V>());
        restore::restore(cache, &Wanted { schema: self.schema, codec, codecs, now: (self.wall_clock)() }, from)
    }

    fn load_contents_file<K, V>(&self, cache: &dyn Contents<K, V>, path: &Path) -> Result<Restored, SnapshotError>
    where
        C: SnapshotCodec<K> + SnapshotCodec<V>,
    {
        self.load_contents(cache, file::open(path)?).map_err(|error| error.in_file(path))
    }

    /// The names of the keys' and the values' codec, as far as they are saved.
    fn codecs<K, V>(&self) -> [String; 2]
    where
        C: SnapshotCodec<K> + SnapshotCodec<V>,
    {
        [SnapshotCodec::<K>::name(&self.codec), SnapshotCodec::<V>::name(&self.codec)].map(format::name_of_codec)
    }
}

impl<C> fmt::Debug for Snapshot<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("schema", &self.schema).finish_non_exhaustive()
    }
}
