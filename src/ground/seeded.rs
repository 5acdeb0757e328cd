//! Bugs that are put in on purpose, to show that the tests find them. Absent from every usual build.
//!
//! Built with `--cfg bellwether_seeded`, the bug that the environment variable `BELLWETHER_BUG` names is switched on. A table
//! in CONTRIBUTING says which test catches which.

/// One seeded bug.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bug {
    /// A caller that missed claims the flight without looking at the map again under the write lock.
    ClaimWithoutLook,
    /// `invalidate` removes the value in one critical section and supersedes the flight in another.
    InvalidateInTwoSteps,
    /// A flight that ends takes whatever flight its key has out of the map.
    RemoveFlightByKey,
    /// A waiter that goes away leaves its waker behind.
    SkipWaiterDrop,
    /// A load that lands stores its value without asking whether the map still holds its flight.
    LandWithoutOwnership,
    /// A landing wakes its waiters before it has published the result.
    WakeBeforePublish,
    /// A replaced value gives back the weight of the new one instead of its own.
    WeighWithNewWeight,
    /// A load is cancelled because nobody waited for it a moment ago.
    CancelWithoutLook,
    /// A vacant entry that is given up leaves those who wait for the cache's own loader to themselves.
    VacateWithoutHeir,
    /// A load that another load asks for waits for a permit like any other.
    ChildTakesPermit,
    /// Whether a wait closes a ring is found out in one critical section, and the wait booked in another.
    RingInTwoSteps,
    /// A refresh is begun without a look, under the lock, whether the key has a flight already.
    RefreshWithoutLook,
    /// `expire` ends the value's time to live and lets the key's flight be.
    ExpireKeepsFlight,
    /// A caller that has claimed a flight doesn't look whether the cache was closed meanwhile.
    LoadAfterClose,
    /// A load that lands doesn't look whether the tags of what it brings were struck meanwhile.
    LandThoughStruck,
    /// Who delivers finds nothing more to deliver in one critical section, and gives the turn back in another.
    LookBeforeTurnBack,
    /// What a load of many keys brings unasked is stored without a look whether its key was written since the load began.
    UnaskedWithoutLook,
    /// `compare_and_swap` compares in one critical section and stores in another.
    CompareBeforeLock,
    /// A conditional write that finds another value than it asks for supersedes the key's flight all the same.
    UnmetSupersedes,
    /// Of several flights that wait for one permit together, nobody asks for it any more once the one that did is answered.
    FleetWithoutHeir,
}

/// Whether `bug` is switched on. A constant `false` in usual builds.
#[cfg(not(bellwether_seeded))]
pub(crate) const fn on(_bug: Bug) -> bool {
    false
}

/// Whether `bug` is switched on, by the name of its variant.
#[cfg(bellwether_seeded)]
pub(crate) fn on(bug: Bug) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("BELLWETHER_BUG").ok()).as_deref().is_some_and(|name| name == format!("{bug:?}"))
}
