//! The scope of a load: what makes waits inside a loader visible, so that a ring of them is an error.

use crate::ground::waits::{InLoad, Load, current};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;

/// The load that the current thread or task works for, if any: to be carried into subtasks and threads that a loader starts.
///
/// A loader may fetch other keys, of its own cache or another. If such a fetch would wait for the load itself, directly or round a ring of
/// loads, it gets [`LoadError::Cycle`](crate::LoadError::Cycle). The cache sees that by itself for fetches made in the loader's own future or thread.
/// A subtask that the loader spawns isn't seen unless it is wrapped: then a ring is found only by `load_timeout`.
///
/// What is loaded inside a scope takes no permit of [`max_concurrent_loads`](crate::CacheBuilder::max_concurrent_loads) where the load that
/// it works for has one: it runs on that.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use bellwether::{AsyncCache, LoadError, LoadErrorKind, LoadScope};
/// use std::sync::{Arc, OnceLock};
///
/// static CACHE: OnceLock<AsyncCache<u32, u32>> = OnceLock::new();
/// let cache = AsyncCache::<u32, u32>::builder()
///     .async_loader_fn(|n: u32| async move {
///         let cache = CACHE.get().expect("it was built before the first load");
///         let subtask = tokio::spawn(LoadScope::current().wrap(cache.fetch_with(&n)));
///         let value: Arc<u32> = subtask.await.expect("it doesn't panic")?;
///         Ok::<_, LoadError>(value)
///     })
///     .build_async()?;
/// let cache = CACHE.get_or_init(|| cache);
/// assert_eq!(cache.fetch_with(&1).await.unwrap_err().kind(), LoadErrorKind::Cycle);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct LoadScope(Option<Arc<Load>>);

impl LoadScope {
    /// The scope that this is called in; one that stands for no load where no loader is running.
    ///
    /// # Examples
    /// ```
    /// let scope = bellwether::LoadScope::current();
    /// assert_eq!(scope.run(|| 7), 7);
    /// ```
    #[must_use]
    pub fn current() -> Self {
        Self(current())
    }

    /// `future`, working for this scope's load wherever it is polled.
    ///
    /// # Cancel safety
    /// That of `future`.
    ///
    /// # Examples
    /// ```
    /// # futures::executor::block_on(async {
    /// assert_eq!(bellwether::LoadScope::current().wrap(async { 7 }).await, 7);
    /// # });
    /// ```
    pub async fn wrap<F: Future>(self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            let _in_load = InLoad::enter(self.0.clone());
            future.as_mut().poll(cx)
        })
        .await
    }

    /// Calls `work` as working for this scope's load: for threads that a blocking loader starts.
    ///
    /// # Examples
    /// ```
    /// use bellwether::LoadScope;
    ///
    /// let scope = LoadScope::current();
    /// let value = std::thread::spawn(move || scope.run(|| 7)).join().unwrap();
    /// assert_eq!(value, 7);
    /// ```
    pub fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        let _in_load = InLoad::enter(self.0.clone());
        work()
    }
}

/// Says whether there is a load, and of which cache.
impl fmt::Debug for LoadScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadScope")
            .field("in_load", &self.0.is_some())
            .field("cache", &self.0.as_ref().and_then(|load| load.cache.as_deref()))
            .finish()
    }
}
