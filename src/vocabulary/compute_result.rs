//! What came of changing a value in place.

/// What came of [`try_compute`](crate::Cache::try_compute) and [`try_compute_val`](crate::Cache::try_compute_val).
///
/// # Examples
/// ```
/// use bellwether::ComputeResult;
///
/// let cache = bellwether::Cache::<u32, u32>::builder().build()?;
/// assert_eq!(cache.try_compute_val(&1, |number| *number), ComputeResult::Absent);
/// cache.insert(1, 10);
/// assert_eq!(cache.try_compute_val(&1, |number| *number), ComputeResult::Done(10));
/// let shared = cache.fetch(&1);
/// assert_eq!(cache.try_compute_val(&1, |number| *number), ComputeResult::Busy);
/// # drop(shared);
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
#[must_use = "the value may have been busy, and then nothing was changed"]
pub enum ComputeResult<R> {
    /// The closure has run; this is what it returned.
    Done(R),
    /// Somebody else has the value in hand: its [`Arc`](std::sync::Arc), or a [`Weak`](std::sync::Weak) of it. Nothing was changed.
    Busy,
    /// No fresh value is held. Nothing was changed.
    Absent,
}

impl<R> ComputeResult<R> {
    /// What the closure returned, if it has run.
    ///
    /// # Examples
    /// ```
    /// use bellwether::ComputeResult;
    ///
    /// assert_eq!(ComputeResult::Done(7).done(), Some(7));
    /// assert_eq!(ComputeResult::<u32>::Busy.done(), None);
    /// ```
    pub fn done(self) -> Option<R> {
        match self {
            Self::Done(result) => Some(result),
            Self::Busy | Self::Absent => None,
        }
    }
}
