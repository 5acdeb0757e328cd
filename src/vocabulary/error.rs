//! What can go wrong: loads that bring no value, and builders that can't build.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Any error, boxed: what loaders' own errors become.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// Why a fetch has no value to give. Cheap to clone: every waiter of a failed load gets the same one.
///
/// # Examples
/// ```
/// use bellwether::{Cache, LoadError, LoadErrorKind};
///
/// #[derive(Debug, PartialEq)]
/// struct Refused(u16);
/// impl std::fmt::Display for Refused {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "refused with code {}", self.0) }
/// }
/// impl std::error::Error for Refused {}
///
/// let cache = Cache::<u32, u32>::builder().loader_fn(|_: &u32| Err::<u32, _>(Refused(7))).build()?;
/// let error = cache.fetch_with(&1).unwrap_err();
/// assert_eq!(error.kind(), LoadErrorKind::Failed);
/// assert_eq!(error.downcast_ref::<Refused>(), Some(&Refused(7)));
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// The loader returned an error, which is the [`source`](Error::source) of this one.
    #[non_exhaustive]
    Failed {
        /// What the loader returned.
        source: Arc<dyn Error + Send + Sync + 'static>,
    },
    /// The loader panicked.
    #[non_exhaustive]
    Panicked {
        /// What it panicked with, where that was text.
        message: Arc<str>,
    },
    /// The load took longer than the cache's `load_timeout`.
    #[non_exhaustive]
    TimedOut {
        /// The time that it had.
        after: Duration,
    },
    /// The loader answered that there is no such key.
    Absent,
    /// The load was dropped before its end, for instance by a runtime that shut down.
    Cancelled,
    /// The key isn't held and the cache has no loader; or the call's own closure was used up and there is none other.
    NoLoader,
    /// The load could not be taken on: as many as [`max_queued_loads`](crate::CacheBuilder::max_queued_loads) were waiting for their turn, or
    /// there was no thread to run it on.
    Overloaded,
    /// The load would have waited for itself: its loader asked, directly or through loads of other keys and caches, for the very key that it loads.
    #[non_exhaustive]
    Cycle {
        /// The names of the caches whose loads wait for each other, in the order of waiting and beginning with the one that asked last; those
        /// without a name are called `unnamed`.
        caches: Arc<[Arc<str>]>,
    },
    /// The cache has been closed, and loads no more.
    Closed,
}

/// The kinds of [`LoadError`], to match on and to count by.
///
/// # Examples
/// ```
/// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
/// assert_eq!(cache.fetch_with(&1).unwrap_err().kind(), bellwether::LoadErrorKind::NoLoader);
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// See [`LoadError::Failed`].
    Failed,
    /// See [`LoadError::Panicked`].
    Panicked,
    /// See [`LoadError::TimedOut`].
    TimedOut,
    /// See [`LoadError::Absent`].
    Absent,
    /// See [`LoadError::Cancelled`].
    Cancelled,
    /// See [`LoadError::NoLoader`].
    NoLoader,
    /// See [`LoadError::Overloaded`].
    Overloaded,
    /// See [`LoadError::Cycle`].
    Cycle,
    /// See [`LoadError::Closed`].
    Closed,
}

impl LoadErrorKind {
    pub(crate) const COUNT: usize = 9;

    pub(crate) fn index(self) -> usize {
        match self {
            Self::Failed => 0,
            Self::Panicked => 1,
            Self::TimedOut => 2,
            Self::Absent => 3,
            Self::Cancelled => 4,
            Self::NoLoader => 5,
            Self::Overloaded => 6,
            Self::Cycle => 7,
            Self::Closed => 8,
        }
    }
}

impl LoadError {
    /// An error of a loader as a `LoadError`. One that is a `LoadError` already, say of another cache that the loader asked, passes through.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{LoadError, LoadErrorKind};
    ///
    /// assert_eq!(LoadError::new("disk on fire").kind(), LoadErrorKind::Failed);
    /// assert_eq!(LoadError::new(LoadError::new("disk on fire")).to_string(), "load failed: disk on fire");
    /// ```
    pub fn new(error: impl Into<BoxError>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(own) => *own,
            Err(other) => Self::Failed { source: Arc::from(other) },
        }
    }

    /// Which kind of error this is.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{LoadError, LoadErrorKind};
    ///
    /// assert_eq!(LoadError::new("oh").kind(), LoadErrorKind::Failed);
    /// ```
    #[must_use]
    pub fn kind(&self) -> LoadErrorKind {
        match self {
            Self::Failed { .. } => LoadErrorKind::Failed,
            Self::Panicked { .. } => LoadErrorKind::Panicked,
            Self::TimedOut { .. } => LoadErrorKind::TimedOut,
            Self::Absent => LoadErrorKind::Absent,
            Self::Cancelled => LoadErrorKind::Cancelled,
            Self::NoLoader => LoadErrorKind::NoLoader,
            Self::Overloaded => LoadErrorKind::Overloaded,
            Self::Cycle { .. } => LoadErrorKind::Cycle,
            Self::Closed => LoadErrorKind::Closed,
        }
    }

    /// Whether the loader answered that there is no such key, which is an answer rather than a failure.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, u32>::builder().loader_fn(|_: &u32| Ok::<_, std::io::Error>(None)).build()?;
    /// assert!(cache.fetch_with(&1).unwrap_err().is_absent());
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Whether the same call may well succeed if it is made again: not for absence, nor for a cycle, nor where there is
    /// no loader or the cache is closed.
    ///
    /// # Examples
    /// ```
    /// assert!(bellwether::LoadError::new("connection reset").is_retryable());
    /// ```
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::Panicked { .. } | Self::TimedOut { .. } | Self::Cancelled | Self::Overloaded => true,
            Self::Absent | Self::NoLoader | Self::Cycle { .. } | Self::Closed => false,
        }
    }

    /// The first error of type `E` among the sources of this one, outermost first.
    ///
    /// # Examples
    /// ```
    /// let error = bellwether::LoadError::new(std::io::Error::other("gone"));
    /// assert!(error.downcast_ref::<std::io::Error>().is_some());
    /// assert!(error.downcast_ref::<std::fmt::Error>().is_none());
    /// ```
    #[must_use]
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        std::iter::successors(self.source(), |&error| error.source()).find_map(|error| error.downcast_ref::<E>())
    }

    /// The error of a load that panicked with `message`.
    pub(crate) fn panicked(message: String) -> Self {
        Self::Panicked { message: message.into() }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { source } => write!(f, "load failed: {source}"),
            Self::Panicked { message } => write!(f, "loader panicked: {message}"),
            Self::TimedOut { after } => write!(f, "load took longer than {after:?}"),
            Self::Absent => f.write_str("no such key"),
            Self::Cancelled => f.write_str("load was dropped before its end"),
            Self::NoLoader => f.write_str("key is not held and the cache has no loader"),
            Self::Overloaded => f.write_str("too many loads are waiting, or there is no thread to load on"),
            Self::Cycle { caches } => {
                write!(f, "load waits for itself, through {}: a loader must not ask for the key that it loads", caches.join(" -> "))
            }
            Self::Closed => f.write_str("the cache is closed"),
        }
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed { source } => Some(&**source),
            Self::Panicked { .. }
            | Self::TimedOut { .. }
            | Self::Absent
            | Self::Cancelled
            | Self::NoLoader
            | Self::Overloaded
            | Self::Cycle { .. }
            | Self::Closed => None,
        }
    }
}

/// Makes absence a `None` instead of an error.
///
/// # Examples
/// ```
/// use bellwether::{Cache, OptionalExt};
///
/// let cache = Cache::<u32, u32>::builder().loader_fn(|_: &u32| Ok::<_, std::io::Error>(None)).build()?;
/// assert_eq!(cache.fetch_with(&1).optional()?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait OptionalExt<T> {
    /// `Ok(None)` for [`LoadError::Absent`], everything else as it is.
    ///
    /// # Errors
    /// Every other error.
    fn optional(self) -> Result<Option<T>, LoadError>;
}

impl<T> OptionalExt<T> for Result<T, LoadError> {
    fn optional(self) -> Result<Option<T>, LoadError> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(LoadError::Absent) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

/// Why a builder can't build: a setting that makes no sense, its value and what to write instead.
///
/// # Examples
/// ```
/// let error = bellwether::Cache::<u32, u32>::builder().shards(0).build().unwrap_err();
/// assert_eq!(error.to_string(), "shards is 0: it must be between 1 and 65536; leave it out for the default");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BuildError(String);

impl BuildError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for BuildError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g5_a_load_error_passes_through_and_keeps_its_source() {
        let inner = LoadError::new(std::io::Error::other("deep"));
        let outer = LoadError::new(Box::new(inner) as BoxError);
        assert_eq!(outer.to_string(), "load failed: deep");
        assert!(outer.downcast_ref::<std::io::Error>().is_some());
    }
}
