//! Why an insert came to nothing.

use std::fmt;

/// A value isn't held, because it weighs too much or because the eviction policy refuses it: of [`try_insert`](crate::Cache::try_insert).
///
/// # Examples
/// ```
/// let cache = bellwether::Cache::<u32, u64>::builder().capacity(10).weigher(|_, &value| value).build()?;
/// let refused = cache.try_insert(1, 11).expect_err("it is too heavy");
/// assert!(refused.is_too_heavy());
/// assert_eq!((refused.weight(), refused.capacity()), (11, 10));
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused {
    weight: u64,
    capacity: u64,
}

impl Refused {
    pub(crate) fn new(weight: u64, capacity: u64) -> Self {
        Self { weight, capacity }
    }

    /// What the entry weighs.
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.weight
    }

    /// The cache's capacity when it was refused.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Whether it would never fit. Otherwise the policy refused it: the cache was full, and nothing was to leave for it.
    #[must_use]
    pub fn is_too_heavy(&self) -> bool {
        self.weight > self.capacity || self.capacity == 0
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { weight, capacity } = self;
        if self.is_too_heavy() {
            write!(f, "an entry of weight {weight} never fits: the cache's capacity is {capacity}")
        } else {
            write!(f, "the cache is full, and its eviction policy refuses another entry of weight {weight}; its capacity is {capacity}")
        }
    }
}

impl std::error::Error for Refused {}
