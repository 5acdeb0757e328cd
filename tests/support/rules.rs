//! The time rules of an entry as a plain model: what the cache's own are held to.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use bellwether::{CacheBuilder, Freshness, Key, Loaded, Value};
use std::time::Duration;

pub const TICK: Duration = Duration::from_nanos(1);

pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// How an entry ages. `Duration::MAX` is never; windows of zero aren't there.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rules {
    pub live: Duration,
    /// Counted, as `live` is, from when it was stored.
    pub refresh: Duration,
    /// Counted, as `if_error` is, from the end of `live`.
    pub while_revalidating: Duration,
    pub if_error: Duration,
    /// Counted from the last use.
    pub idle: Duration,
}

impl Rules {
    pub const FOR_EVER: Self = Self {
        live: Duration::MAX,
        refresh: Duration::MAX,
        while_revalidating: Duration::ZERO,
        if_error: Duration::ZERO,
        idle: Duration::MAX,
    };

    /// What an entry is worth that was stored `age` ago and not used for `unused`.
    pub fn state(&self, age: Duration, unused: Duration) -> Freshness {
        let over = |since: Duration, bound: Duration| bound != Duration::MAX && since >= bound;
        let until = |window: Duration| self.live.saturating_add(window);
        match () {
            () if over(unused, self.idle) => Freshness::Expired,
            () if !over(age, self.live) && over(age, self.refresh) => Freshness::RefreshDue,
            () if !over(age, self.live) => Freshness::Fresh,
            () if !over(age, until(self.while_revalidating)) => Freshness::Stale,
            () if !over(age, until(self.if_error)) => Freshness::ErrorFallback,
            () => Freshness::Expired,
        }
    }

    /// Whether everybody sees an entry of this age that was never used.
    pub fn shows(&self, age: Duration) -> bool {
        is_shown(self.state(age, age))
    }

    /// The age at which an entry is past its last deadline that is never used.
    pub fn last(&self) -> Duration {
        self.live.saturating_add(self.while_revalidating.max(self.if_error)).min(self.idle)
    }

    /// What is left of `bound` at `age`; nothing if it never comes.
    pub fn left(bound: Duration, age: Duration) -> Option<Duration> {
        (bound != Duration::MAX).then(|| bound.saturating_sub(age))
    }

    /// Just before, at and just after each deadline, from the start to far beyond, in order.
    pub fn moments(&self) -> Vec<Duration> {
        let window = |window: Duration| self.live.saturating_add(window);
        let deadlines = [self.live, self.refresh, window(self.while_revalidating), window(self.if_error), self.idle];
        let near = deadlines.into_iter().filter(|&deadline| deadline < Duration::MAX);
        let near = near.flat_map(|deadline| [deadline.saturating_sub(TICK), deadline, deadline + TICK]);
        let mut moments: Vec<_> = near.chain([Duration::ZERO, secs(1_000_000)]).collect();
        moments.sort_unstable();
        moments.dedup();
        moments
    }

    /// A cache's settings that come to these rules.
    pub fn apply<K: Key, V: Value>(&self, builder: CacheBuilder<K, V>) -> CacheBuilder<K, V> {
        let builder = builder.time_to_live(self.live).time_to_idle(self.idle);
        let builder = builder.stale_while_revalidate(self.while_revalidating).stale_if_error(self.if_error);
        if self.refresh < Duration::MAX { builder.refresh_after(self.refresh) } else { builder }
    }

    /// A value that brings these rules of its own.
    pub fn own<V>(&self, loaded: Loaded<V>) -> Loaded<V> {
        let loaded = loaded.time_to_live(self.live).time_to_idle(self.idle).refresh_after(self.refresh);
        loaded.stale_while_revalidate(self.while_revalidating).stale_if_error(self.if_error)
    }
}

pub fn is_shown(state: Freshness) -> bool {
    matches!(state, Freshness::Fresh | Freshness::RefreshDue)
}

/// Rules with each window alone, with both, and with none; each with and without a refresh; and with an idle bound in each part of them.
pub fn combinations() -> Vec<Rules> {
    let windows = [(0, 0), (20, 0), (0, 50), (20, 50), (50, 50)];
    let mut all = Vec::new();
    for (while_revalidating, if_error) in windows {
        for refresh in [Duration::MAX, secs(60)] {
            for idle in [Duration::MAX, secs(30), secs(80), secs(110), secs(130)] {
                let (while_revalidating, if_error) = (secs(while_revalidating), secs(if_error));
                all.push(Rules { live: secs(100), refresh, while_revalidating, if_error, idle });
            }
        }
    }
    all
}
