//! Spawners: where a cache's loads run.

pub use crate::ground::pool::BoxFuture;
use std::fmt;
use std::time::Duration;

/// Where a cache's loads run. Given to a cache by [`CacheBuilder::spawner`](crate::CacheBuilder::spawner).
///
/// Needed only where a cache should not find its own place: by default an async load runs on the tokio runtime of the call that missed, else
/// the one present when the cache was built, else on the cache's own threads; and a blocking load of an `AsyncCache` on the cache's own threads.
///
/// # Examples
/// ```
/// use bellwether::{AsyncCache, BoxFuture, SpawnError, Spawner};
///
/// /// A thread for each load.
/// struct Threads;
///
/// impl Spawner for Threads {
///     fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
///         self.spawn_blocking(Box::new(move || futures::executor::block_on(future)))
///     }
///     fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
///         std::thread::Builder::new().spawn(job).map(drop).map_err(|error| SpawnError::new(error.to_string()))
///     }
/// }
///
/// # futures::executor::block_on(async {
/// let cache = AsyncCache::<u32, u32>::builder()
///     .async_loader_fn(|n: u32| async move { Ok::<_, std::io::Error>(n + 1) })
///     .spawner(Threads)
///     .build_async()?;
/// assert_eq!(*cache.fetch_with(&1).await?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub trait Spawner: Send + Sync + 'static {
    /// Runs `future` to its end. Called under no lock; may run, refuse or drop the future before it returns, each of which ends the load.
    ///
    /// # Errors
    /// If the future will not be run. Those who wait for the load get [`LoadError::Cancelled`](crate::LoadError::Cancelled).
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError>;

    /// Runs `job`, which may block, where that holds up no async task.
    ///
    /// # Errors
    /// If the job will not be run.
    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError>;

    /// A future that is ready after `wait`, where the place has timers of its own; `None`, the default, where it hasn't.
    ///
    /// With it a load keeps its own `load_timeout`. Without it callers and a thread of the crate's keep it.
    fn sleep(&self, wait: Duration) -> Option<BoxFuture<'static, ()>> {
        let _ = wait;
        None
    }
}

/// Why a [`Spawner`] doesn't run what it was given.
///
/// # Examples
/// ```
/// assert_eq!(bellwether::SpawnError::new("pool is shut down").to_string(), "pool is shut down");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpawnError(String);

impl SpawnError {
    /// A refusal with its reason.
    ///
    /// # Examples
    /// ```
    /// let _ = bellwether::SpawnError::new("pool is full");
    /// ```
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SpawnError {}

/// Runs loads on this runtime, whichever runtime the callers are on.
#[cfg(feature = "tokio")]
impl Spawner for tokio::runtime::Handle {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        drop(self.spawn(future));
        Ok(())
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        drop(self.spawn_blocking(job));
        Ok(())
    }
}
