//! Autosave: a cache that saves itself at intervals and when it is closed, and begins with what was saved last.

use super::codec::{Postcard, SnapshotCodec};
use super::error::SnapshotError;
use super::{Restored, Saved, Snapshot, file};
use crate::core::contents::Contents;
use crate::core::recurring::{Duty, Went};
use crate::faces::builder::CacheBuilder;
use crate::ground::contain::contain;
use crate::vocabulary::keys::{Key, Value};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How often it is saved unless something else is asked for.
const EVERY: Duration = Duration::from_secs(300);

/// How a cache saves itself: see [`CacheBuilder::autosave`].
///
/// # Examples
/// ```
/// use bellwether::{Autosave, Cache};
/// use std::time::Duration;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("users");
/// let autosave = Autosave::new(&path)
///     .every(Duration::from_secs(60))
///     .schema(3)
///     .on_error(|error| eprintln!("users are not saved: {error}"));
/// let users = Cache::<u64, String>::builder().capacity(100_000).autosave(autosave.clone()).build()?;
/// users.insert(7, "ann".to_owned());
/// users.close(); // saves a last time
///
/// let restarted = Cache::<u64, String>::builder().capacity(100_000).autosave(autosave).build()?;
/// assert_eq!(restarted.fetch(&7).as_deref().map(String::as_str), Some("ann"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use = "it does nothing until a builder is given it"]
pub struct Autosave<C = Postcard> {
    path: PathBuf,
    every: Duration,
    snapshot: Snapshot<C>,
    on_error: Option<Report<SnapshotError>>,
    on_save: Option<Report<Saved>>,
    on_restore: Option<Report<Restored>>,
}

/// Tells a user's closure.
type Report<T> = Arc<dyn Fn(&T) + Send + Sync>;

impl Autosave {
    /// To and from this file, every five minutes.
    ///
    /// # Examples
    /// ```
    /// let autosave = bellwether::Autosave::new("/var/cache/shop/users");
    /// # let _ = autosave;
    /// ```
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), every: EVERY, snapshot: Snapshot::new(), on_error: None, on_save: None, on_restore: None }
    }
}

impl<C> Autosave<C> {
    /// Sets how long after the end of one save the next one begins, by the cache's clock; five minutes by default. With `Duration::MAX` the cache is saved
    /// only when it is closed.
    ///
    /// # Examples
    /// ```
    /// let autosave = bellwether::Autosave::new("users").every(std::time::Duration::from_secs(60));
    /// # let _ = autosave;
    /// ```
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval;
        self
    }

    /// Sets the number of your types' schema: see [`Snapshot::schema`].
    ///
    /// # Examples
    /// ```
    /// let autosave = bellwether::Autosave::new("users").schema(2);
    /// # let _ = autosave;
    /// ```
    pub fn schema(mut self, schema: u32) -> Self {
        self.snapshot = self.snapshot.schema(schema);
        self
    }

    /// Sets how keys and values are written: see [`SnapshotCodec`].
    ///
    /// # Examples
    /// ```
    /// let autosave = bellwether::Autosave::new("users").codec(bellwether::Postcard);
    /// # let _ = autosave;
    /// ```
    pub fn codec<D>(self, codec: D) -> Autosave<D> {
        let Self { path, every, snapshot, on_error, on_save, on_restore } = self;
        Autosave { path, every, snapshot: snapshot.codec(codec), on_error, on_save, on_restore }
    }

    /// Sets the wall clock: see [`Snapshot::wall_clock`].
    ///
    /// # Examples
    /// ```
    /// let autosave = bellwether::Autosave::new("users").wall_clock(std::time::SystemTime::now);
    /// # let _ = autosave;
    /// ```
    pub fn wall_clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.snapshot = self.snapshot.wall_clock(now);
        self
    }

    /// Sets who is told of a save or a restore that failed. They are counted in [`metrics`](crate::Cache::metrics) in any case.
    ///
    /// # Examples
    /// ```
    /// let autosave = bellwether::Autosave::new("users").on_error(|error| eprintln!("{error}"));
    /// # let _ = autosave;
    /// ```
    pub fn on_error(mut self, report: impl Fn(&SnapshotError) + Send + Sync + 'static) -> Self {
        self.on_error = Some(Arc::new(report));
        self
    }

    /// Sets who is told of each save that is durable.
    ///
    /// # Examples
    /// ```
    /// let autosave = bellwether::Autosave::new("users").on_save(|saved| println!("{} users", saved.entries));
    /// # let _ = autosave;
    /// ```
    pub fn on_save(mut self, report: impl Fn(&Saved) + Send + Sync + 'static) -> Self {
        self.on_save = Some(Arc::new(report));
        self
    }

    /// Sets who is told of what was restored when the cache was built, if there was a file.
    ///
    /// # Examples
    /// ```
    /// let autosave = bellwether::Autosave::new("users").on_restore(|restored| println!("{} users", restored.entries));
    /// # let _ = autosave;
    /// ```
    pub fn on_restore(mut self, report: impl Fn(&Restored) + Send + Sync + 'static) -> Self {
        self.on_restore = Some(Arc::new(report));
        self
    }

    fn save<K, V>(&self, cache: &dyn Contents<K, V>) -> Went
    where
        C: SnapshotCodec<K> + SnapshotCodec<V>,
    {
        match file::replace(&self.path, |file| self.snapshot.save_contents(cache, file)) {
            Ok(saved) => {
                tell(self.on_save.as_ref(), &saved);
                Went::Well
            }
            Err(SnapshotError::Ended) => Went::Nothing,
            Err(error) => {
                tell(self.on_error.as_ref(), &error);
                Went::Wrong
            }
        }
    }

    fn restore<K, V>(&self, cache: &dyn Contents<K, V>) -> Went
    where
        C: SnapshotCodec<K> + SnapshotCodec<V>,
    {
        file::tidy(&self.path);
        match self.snapshot.load_contents_file(cache, &self.path) {
            Ok(restored) => {
                tell(self.on_restore.as_ref(), &restored);
                Went::Nothing
            }
            Err(error) if error.is_not_found() => Went::Nothing,
            Err(error) => {
                tell(self.on_error.as_ref(), &error);
                // The next save would take its place.
                if let Err(error) = file::put_aside(&self.path) {
                    tell(self.on_error.as_ref(), &error);
                }
                Went::Wrong
            }
        }
    }
}

fn tell<T>(whom: Option<&Report<T>>, what: &T) {
    if let Some(Err(panic)) = whom.map(|report| contain(|| report(what))) {
        panic.forget();
    }
}

impl<C> fmt::Debug for Autosave<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Autosave").field("path", &self.path).field("every", &self.every).finish_non_exhaustive()
    }
}

impl<K: Key, V: Value, S> CacheBuilder<K, V, S> {
    /// Has the cache save itself to a file, at intervals and when it is [closed](crate::Cache::close), and begin with what the file holds. Off by default.
    ///
    /// However the process ends, what was held at the last save is there when the cache is built again, but for what has expired by then: the file is
    /// [replaced whole](Snapshot::save_file). A cache that is dropped without being closed isn't saved, as a drop waits for nothing; nor does autosave
    /// keep a cache alive.
    ///
    /// A file that isn't there is no error. One that can't be restored is told of, gets the name of the file with `.broken` at its end, so that it isn't
    /// overwritten, and the cache begins empty. Two caches, of one process or several, shouldn't have one file: each takes the place of what the other
    /// has saved.
    ///
    /// # Blocking
    /// [`build`](Self::build) and [`build_async`](Self::build_async) read the file before they return. Saving is done by a thread that may block, the
    /// builder's spawner's or the crate's own, never by one that waits for the cache.
    ///
    /// # Errors
    /// The build fails if the interval is zero, or if nobody keeps the time because of [`no_janitor`](Self::no_janitor).
    ///
    /// # Examples
    /// See [`Autosave`].
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("users");
    /// let cache = bellwether::Cache::<u32, String>::builder().autosave(bellwether::Autosave::new(path)).build()?;
    /// assert_eq!(cache.metrics().autosaves, 0);
    /// cache.close();
    /// assert_eq!(cache.metrics().autosaves, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn autosave<C>(mut self, autosave: Autosave<C>) -> Self
    where
        C: SnapshotCodec<K> + SnapshotCodec<V>,
    {
        let autosave = Arc::new(autosave);
        let first = Arc::clone(&autosave);
        self.recurring = Some(Duty {
            every: autosave.every,
            first: Box::new(move |cache| first.restore(cache)),
            work: Box::new(move |cache| autosave.save(cache)),
        });
        self
    }
}
