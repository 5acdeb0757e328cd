//! What becomes of a load when all who waited for it have gone.

/// What becomes of a load when all who waited for it have gone: dropped futures, requests that timed out.
///
/// # Examples
/// ```
/// use bellwether::{AbandonedLoads, AsyncCache};
///
/// let cache = AsyncCache::<u32, u32>::builder().abandoned_loads(AbandonedLoads::Cancel).build_async()?;
/// # let _ = cache;
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub enum AbandonedLoads {
    /// It goes on, and what it brings is stored: the next caller finds it. The default, and what keeps an impatient caller from loading again
    /// and again in vain.
    #[default]
    Finish,
    /// Its loader is dropped. A blocking loader can't be: what it brings is thrown away. Either way the next caller starts anew.
    Cancel,
}
