//! Expiry: the settings that give an entry its times, and what those times mean now.

pub(crate) mod backoff;
pub(crate) mod early;
pub(crate) mod hook;
mod times;

pub use times::Freshness;
#[cfg(feature = "snapshot")]
pub(crate) use times::{Life, SavedTimes};
pub(crate) use times::{Seen, Times};

use crate::ground::dice;
use crate::ground::time::{Clock, nanos};
use early::XFetch;
use std::time::{Duration, SystemTime};

/// The time rules of a cache or of an entry.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Rules {
    /// How long a value is fresh from when it is stored; `Duration::MAX` is for ever.
    pub(crate) time_to_live: Duration,
    /// How long a value stays without being used; `Duration::MAX` is for ever.
    pub(crate) time_to_idle: Duration,
    pub(crate) refresh: Refresh,
    /// How long after its time to live a value is served while it is loaded anew.
    pub(crate) stale_while_revalidate: Duration,
    /// How long after its time to live a value is served where loading it anew fails.
    pub(crate) stale_if_error: Duration,
    /// By which part of it a lifetime is cut short at most, at random.
    pub(crate) jitter: f64,
}

/// When a value that is still fresh is loaded anew.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Refresh {
    Never,
    /// So long after it was stored.
    After(Duration),
    /// When this part of its time to live is over.
    Ahead(f64),
    /// The sooner the longer its load took, by chance.
    Early(XFetch),
}

/// The time rules that an entry brings of its own.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub(crate) struct OwnRules {
    pub(crate) lifetime: Option<Lifetime>,
    pub(crate) time_to_idle: Option<Duration>,
    pub(crate) refresh_after: Option<Duration>,
    pub(crate) stale_while_revalidate: Option<Duration>,
    pub(crate) stale_if_error: Option<Duration>,
}

/// How long a value of its own time to live lives.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Lifetime {
    For(Duration),
    Until(SystemTime),
}

impl Lifetime {
    /// What is left of it now.
    pub(crate) fn left(self) -> Duration {
        match self {
            Self::For(duration) => duration,
            Self::Until(end) => end.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO),
        }
    }
}

/// How an entry comes to be stored, as far as its times are concerned.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    /// How long its load took; zero where a caller brought it.
    pub(crate) load_time: Duration,
    /// Whether a hook is asked for a new time to live at each read.
    pub(crate) reread: bool,
}

impl Origin {
    /// Brought by a caller, and not asked about.
    const PLAIN: Self = Self { load_time: Duration::ZERO, reread: false };
}

impl Rules {
    pub(crate) const NONE: Self = Self {
        time_to_live: Duration::MAX,
        time_to_idle: Duration::MAX,
        refresh: Refresh::Never,
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        jitter: 0.0,
    };

    /// These rules, but for what an entry brings of its own.
    fn with(self, own: &OwnRules) -> Self {
        Self {
            time_to_live: own.lifetime.map_or(self.time_to_live, Lifetime::left),
            time_to_idle: own.time_to_idle.unwrap_or(self.time_to_idle),
            refresh: own.refresh_after.map_or(self.refresh, Refresh::After),
            stale_while_revalidate: own.stale_while_revalidate.unwrap_or(self.stale_while_revalidate),
            stale_if_error: own.stale_if_error.unwrap_or(self.stale_if_error),
            jitter: self.jitter,
        }
    }

    /// These rules with the jitter worked in: one throw shortens both the time to live and the time to the refresh.
    fn jittered(mut self) -> Self {
        if self.jitter > 0.0 {
            let part = 1.0 - self.jitter * dice::throw();
            self.time_to_live = part_of(self.time_to_live, part);
            if let Refresh::After(after) = self.refresh {
                self.refresh = Refresh::After(part_of(after, part));
            }
        }
        self
    }

    /// Whether an entry with these rules has a time to live at most.
    fn is_plain(&self) -> bool {
        matches!(self.refresh, Refresh::Never)
            && self.stale_while_revalidate.is_zero()
            && self.stale_if_error.is_zero()
            && self.time_to_idle == Duration::MAX
    }

    /// Whether nothing ever changes about an entry with these rules.
    fn is_timeless(&self) -> bool {
        let refreshes = matches!(self.refresh, Refresh::After(after) if after < Duration::MAX);
        self.time_to_live == Duration::MAX && self.time_to_idle == Duration::MAX && !refreshes
    }

    /// The times of an entry that is stored now.
    pub(crate) fn times(&self, own: &OwnRules, origin: Origin, clock: &Clock) -> Times {
        let rules = self.with(own).jittered();
        // Its age is asked for seldom, and needs no more than the coarse clock says.
        let now = if rules.is_timeless() { clock.coarse() } else { clock.now() };
        Times::new(&rules, origin, now)
    }

    /// How long an answer without a value is remembered that is to be remembered for `time`.
    pub(crate) fn answer_time(&self, time: Duration) -> Duration {
        Self { time_to_live: time, ..*self }.jittered().time_to_live
    }
}

/// A part of a duration, at most all of it. For ever stays for ever.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "parts are between 0 and 1")]
pub(crate) fn part_of(whole: Duration, part: f64) -> Duration {
    if whole == Duration::MAX { whole } else { Duration::from_nanos((nanos(whole) as f64 * part) as u64).min(whole) }
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests;
