//! The machine's two monotonic clocks: a coarse one that costs next to nothing, and a precise one.

use super::Tick;

/// How far the coarse clock lags behind the precise one at most while nothing holds it up, in nanoseconds: the kernel moves it at each of its own
/// ticks, which are 1 to 10 ms apart.
pub(super) fn coarse_lag() -> u64 {
    imp::coarse_lag()
}

/// How far it may lag where something does, with room to spare: ticks come late where a host gives the processor that counts them to another guest
/// and leaves us the one that we run on.
pub(super) fn longest_lag() -> u64 {
    imp::coarse_lag().saturating_mul(32)
}

/// The coarse clock; where there is none, the precise one.
#[inline]
pub(super) fn coarse() -> Tick {
    imp::coarse()
}

/// The precise clock.
pub(super) fn precise() -> Tick {
    imp::precise()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use super::Tick;
    use rustix::time::{ClockId, Timespec, clock_getres, clock_gettime};
    use std::sync::OnceLock;

    fn nanos(time: Timespec) -> u64 {
        // Neither part of a monotonic reading is negative; 584 years fit.
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let rest = u64::try_from(time.tv_nsec).unwrap_or(0);
        seconds.saturating_mul(1_000_000_000).saturating_add(rest)
    }

    pub(super) fn coarse_lag() -> u64 {
        static LAG: OnceLock<u64> = OnceLock::new();
        *LAG.get_or_init(|| nanos(clock_getres(ClockId::MonotonicCoarse)).saturating_mul(2))
    }

    #[inline]
    pub(super) fn coarse() -> Tick {
        Tick::from_nanos(nanos(clock_gettime(ClockId::MonotonicCoarse)))
    }

    pub(super) fn precise() -> Tick {
        Tick::from_nanos(nanos(clock_gettime(ClockId::Monotonic)))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod imp {
    use super::super::nanos;
    use super::Tick;
    use std::sync::OnceLock;
    use std::time::Instant;

    pub(super) fn coarse_lag() -> u64 {
        0
    }

    pub(super) fn coarse() -> Tick {
        precise()
    }

    pub(super) fn precise() -> Tick {
        static START: OnceLock<Instant> = OnceLock::new();
        Tick::from_nanos(nanos(START.get_or_init(Instant::now).elapsed()))
    }
}
