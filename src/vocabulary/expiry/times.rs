//! An entry's times, and the one function that tells what they mean now.

#[cfg(feature = "snapshot")]
mod saved;

#[cfg(feature = "snapshot")]
pub(crate) use saved::{Life, SavedTimes};

use super::{Lifetime, Origin, OwnRules, Refresh, Rules, part_of};
use crate::ground::dice;
use crate::ground::sync::atomic::{AtomicU64, Ordering};
use crate::ground::tags::{Fate, Labels};
use crate::ground::time::{Clock, Deadline, Tick, nanos};
use crate::vocabulary::expiry::backoff::ErrorBackoff;
use std::time::Duration;

/// What a value that is held is worth at an instant.
///
/// # Examples
/// ```
/// use bellwether::{Cache, Freshness, MockClock};
/// use std::time::Duration;
///
/// let clock = MockClock::new();
/// let cache = Cache::<u32, &str>::builder()
///     .time_to_live(Duration::from_secs(60))
///     .stale_while_revalidate(Duration::from_secs(10))
///     .clock(clock.clone())
///     .build()?;
/// cache.insert(1, "one");
/// assert_eq!(cache.entry_info(&1).map(|info| info.state), Some(Freshness::Fresh));
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(cache.entry_info(&1).map(|info| info.state), Some(Freshness::Stale));
/// clock.advance(Duration::from_secs(10));
/// assert!(cache.entry_info(&1).is_none());
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Freshness {
    /// Within its time to live.
    Fresh,
    /// Within its time to live, and the next read-through call has it loaded anew in the background.
    RefreshDue,
    /// Past its time to live and within `stale_while_revalidate`: read-through calls serve it, and have it loaded anew in the background.
    Stale,
    /// Within `stale_if_error` only: read-through calls load, and serve it where that fails or takes too long.
    ErrorFallback,
    /// Past its last deadline: not to be shown to anybody.
    Expired,
}

impl Freshness {
    /// Whether everybody may see it.
    pub(crate) fn is_shown(self) -> bool {
        match self {
            Self::Fresh | Self::RefreshDue => true,
            Self::Stale | Self::ErrorFallback | Self::Expired => false,
        }
    }
}

/// An entry's times. Small, as it lies with what each hit reads.
#[derive(Debug)]
pub(crate) struct Times {
    /// Until then it is fresh and nothing is due: a read needs no other look. Where there is nothing more, the end of its time to live.
    soonest: Deadline,
    stored: Tick,
    /// What there is besides, where there is anything.
    more: Option<Box<More>>,
}

/// The times of an entry that has more than a time to live.
#[derive(Debug)]
struct More {
    /// The end of its time to live.
    ends: Deadline,
    /// Its time to live, in nanoseconds, before anybody cut it short; the greatest number is for ever.
    lifetime: u64,
    refresh: Refresh,
    /// From when on it is to be loaded anew, or may be.
    due: Deadline,
    /// How long its load took, weighed for early refresh, in nanoseconds; zero where chance has no part in it.
    lead: f64,
    stale_while_revalidate: Duration,
    stale_if_error: Duration,
    /// Nanoseconds that it stays unused; the greatest number is for ever.
    idle: u64,
    /// When it was used last, in nanoseconds.
    used: AtomicU64,
    /// Whether a hook is asked at each read.
    reread: bool,
    /// Loads in a row that failed while it was held.
    failures: u32,
    /// No load is begun for its sake before.
    next_try: Deadline,
    /// The tags by which it may be struck.
    labels: Option<Labels>,
}

/// One look at an entry's times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) freshness: Freshness,
    /// Whether a load for its sake may begin: the last ones didn't fail, or long enough ago.
    pub(crate) may_try: bool,
    /// When it was seen.
    pub(crate) at: Tick,
}

impl Times {
    pub(super) fn new(rules: &Rules, origin: Origin, now: Tick) -> Self {
        let plain = rules.is_plain() && !origin.reread;
        let mut times = Self { soonest: Deadline::after(now, rules.time_to_live), stored: now, more: None };
        if !plain {
            times.more = Some(Box::new(More::new(rules, origin, now)));
            times.live_for(rules.time_to_live, now);
        }
        times
    }

    /// These times as if the entry were stored now, with all its own settings but those that `own` brings. `other` has the times that it would have
    /// without its own.
    pub(crate) fn renewed(&self, own: &OwnRules, other: &Self, now: Tick) -> Self {
        let lifetime = match &self.more {
            Some(more) => Duration::from_nanos(more.lifetime),
            None => self.soonest.left_at(self.stored).unwrap_or(Duration::MAX),
        };
        let lifetime = own.lifetime.map_or(lifetime, Lifetime::left);
        let has_more = own.time_to_idle.or(own.refresh_after).or(own.stale_while_revalidate).or(own.stale_if_error).is_some();
        let mut times = Self { soonest: Deadline::after(now, lifetime), stored: now, more: None };
        if self.more.is_some() || has_more {
            let mut more = match &self.more {
                Some(more) => more.renewed(now),
                None => More::new(&Rules::NONE, Origin::PLAIN, now),
            };
            more.bring(own);
            if let Some(other) = &other.more {
                more.lead = other.lead;
            }
            times.more = Some(Box::new(more));
            times.live_for(lifetime, now);
        }
        times
    }

    /// It carries these tags from now on, by which it may be struck.
    pub(crate) fn label(&mut self, labels: Labels) {
        // Whatever those were struck by that it has carried so far.
        let ends = self.more.as_ref().map_or(self.soonest, |more| more.ends);
        let lifetime = ends.left_at(self.stored).unwrap_or(Duration::MAX);
        let now = self.stored;
        let plain = || Box::new(More { lifetime: nanos(lifetime), ..More::new(&Rules::NONE, Origin::PLAIN, now) });
        self.more.get_or_insert_with(plain).labels = Some(labels);
        self.end_at(ends);
    }

    /// The tags by which it may be struck.
    pub(crate) fn labels(&self) -> Option<&Labels> {
        self.more.as_ref()?.labels.as_ref()
    }

    /// These times without their tags, which they are made into others with.
    pub(crate) fn take_labels(&mut self) -> Option<Labels> {
        self.more.as_mut()?.labels.take()
    }

    pub(crate) fn labels_mut(&mut self) -> Option<&mut Labels> {
        self.more.as_mut()?.labels.as_mut()
    }

    /// What strikes of its tags have made of it.
    pub(crate) fn fate(&self) -> Fate {
        self.labels().map_or(Fate::Spared, Labels::fate)
    }

    /// Carries out what strikes of its tags have made of it: it is as one whose time to live was ended, and newer than those.
    pub(crate) fn carry_out(&mut self, now: Tick) {
        let stored = Deadline::after(self.stored, Duration::ZERO);
        let Some(more) = &mut self.more else { return };
        let own = more.ends;
        if let Fate::Expired(at) = more.labels.as_mut().map_or(Fate::Spared, Labels::catch_up) {
            self.expire_at(own.min(at.max(stored)).min(Deadline::after(now, Duration::ZERO)));
        }
    }

    /// Whether it is strikes of its tags that ended it, not its own times.
    pub(crate) fn is_struck_out(&self) -> bool {
        let Some(more) = &self.more else { return false };
        match more.fate() {
            Fate::Spared => false,
            Fate::Invalidated => true,
            fate @ Fate::Expired(_) => more.window().is_zero() && more.ends(self.stored, fate) < more.ends,
        }
    }

    /// It lives so long from now on.
    pub(crate) fn live_for(&mut self, time_to_live: Duration, now: Tick) {
        let plain = || Box::new(More::new(&Rules::NONE, Origin::PLAIN, now));
        self.more.get_or_insert_with(plain).lifetime = nanos(time_to_live);
        self.end_at(Deadline::after(now, time_to_live));
    }

    /// Moves the end of the time to live, and all that goes by it.
    fn end_at(&mut self, ends: Deadline) {
        self.soonest = ends;
        let Some(more) = &mut self.more else { return };
        more.ends = ends;
        more.due = more.refresh_due(self.stored, ends).min(ends);
        // What is used or asked about at each read, or may be struck, has no instant before which nothing is to be done.
        let always = more.idle != u64::MAX || more.reread || more.labels.is_some();
        self.soonest = if always { Deadline::START } else { more.due };
    }

    /// Whether it is fresh and nothing is due, by as little as a compare and a coarse reading. A `false` says nothing.
    #[inline]
    pub(crate) fn is_plainly_fresh(&self, clock: &Clock) -> bool {
        !clock.may_have_passed(self.soonest)
    }

    /// **The one function that says what an entry's times mean.** `chance` is asked only where a refresh is a matter of chance, for a number in
    /// [0, 1]: the smaller, the earlier.
    pub(crate) fn freshness(&self, now: Tick, chance: impl FnOnce() -> f64) -> Freshness {
        let Some(more) = &self.more else {
            return if self.soonest.has_passed_at(now) { Freshness::Expired } else { Freshness::Fresh };
        };
        // Asked once: a strike that comes between two answers would have both say "not yet".
        let fate = more.fate();
        if more.last(self.stored, fate).has_passed_at(now) {
            return Freshness::Expired;
        }
        let ends = more.ends(self.stored, fate);
        if !ends.has_passed_at(now) {
            return if more.is_due(now, chance) { Freshness::RefreshDue } else { Freshness::Fresh };
        }
        if ends.plus(more.stale_while_revalidate).has_passed_at(now) { Freshness::ErrorFallback } else { Freshness::Stale }
    }

    /// From when on nobody may see it.
    pub(crate) fn last(&self) -> Deadline {
        match &self.more {
            None => self.soonest,
            Some(more) => more.last(self.stored, more.fate()),
        }
    }

    /// As [`last`](Self::last), whatever strikes of its tags have made of it.
    pub(crate) fn last_of_its_own(&self) -> Deadline {
        match &self.more {
            None => self.soonest,
            Some(more) => more.last(self.stored, Fate::Spared),
        }
    }

    /// The end of its time to live.
    pub(crate) fn ends(&self) -> Deadline {
        self.more.as_ref().map_or(self.soonest, |more| more.ends(self.stored, more.fate()))
    }

    /// The end of its time to live, and from when on nobody may see it, by one look at what strikes have made of it.
    pub(crate) fn ends_and_last(&self) -> (Deadline, Deadline) {
        self.more.as_ref().map_or((self.soonest, self.soonest), |more| {
            let fate = more.fate();
            (more.ends(self.stored, fate), more.last(self.stored, fate))
        })
    }

    pub(crate) fn stored(&self) -> Tick {
        self.stored
    }

    /// [`freshness`](Self::freshness) now, by the coarse clock where that is enough.
    fn freshness_by(&self, clock: &Clock, chance: impl FnOnce() -> f64) -> Freshness {
        let bound = self.more.as_ref().map_or(self.soonest, |more| match more.fate() {
            Fate::Spared => more.due.min(more.idle_until()),
            Fate::Invalidated | Fate::Expired(_) => Deadline::START,
        });
        if clock.may_have_passed(bound) { self.freshness(clock.now(), chance) } else { Freshness::Fresh }
    }

    /// Whether everybody may see it.
    #[inline]
    pub(crate) fn is_shown(&self, clock: &Clock) -> bool {
        self.is_plainly_fresh(clock) || self.freshness_by(clock, || 1.0).is_shown()
    }

    /// Whether it is fresh, and nothing is or may be due.
    #[inline]
    pub(crate) fn is_calm(&self, clock: &Clock) -> bool {
        self.is_plainly_fresh(clock) || self.freshness_by(clock, || 0.0) == Freshness::Fresh
    }

    /// Whether nobody may see it any more.
    pub(crate) fn is_over(&self, clock: &Clock) -> bool {
        !self.is_plainly_fresh(clock) && self.freshness_by(clock, || 1.0) == Freshness::Expired
    }

    /// Looks at it as one who may load, and throws the dice.
    pub(crate) fn seen(&self, clock: &Clock) -> Seen {
        let at = clock.now();
        let may_try = self.may_try(at);
        Seen { freshness: self.freshness(at, dice::throw), may_try, at }
    }

    /// Looks at it again, when the dice have been thrown: what may be due is. Says, too, whether a load for its sake may begin.
    pub(crate) fn judged(&self, clock: &Clock) -> (Freshness, bool) {
        let now = clock.now();
        (self.freshness(now, || 0.0), self.may_try(now))
    }

    /// Whether a load for its sake may begin.
    fn may_try(&self, now: Tick) -> bool {
        // Failures before it was struck count for nothing.
        self.more.as_ref().is_none_or(|more| more.next_try.has_passed_at(now) || more.fate() != Fate::Spared)
    }

    /// Notes a use, where it matters.
    #[inline]
    pub(crate) fn note_use(&self, clock: &Clock) {
        if let Some(more) = &self.more {
            more.note_use(clock);
        }
    }

    /// Whether a hook is asked for a new time to live at each read.
    pub(crate) fn is_reread(&self) -> bool {
        self.more.as_ref().is_some_and(|more| more.reread)
    }

    /// Whether there is a time after the time to live in which it is good for something.
    pub(crate) fn has_stale_window(&self) -> bool {
        self.more.as_ref().is_some_and(|more| !more.window().is_zero())
    }

    /// Its time to live is over now. A load for its sake may begin at once.
    pub(crate) fn expire(&mut self, now: Tick) {
        self.expire_at(self.ends().min(Deadline::after(now, Duration::ZERO)));
    }

    /// Its time to live ended then, which is no later than now. Whatever a coarse clock says, that is for the precise one to judge.
    fn expire_at(&mut self, ends: Deadline) {
        self.end_at(ends);
        self.soonest = Deadline::START;
        if let Some(more) = &mut self.more {
            (more.due, more.failures, more.next_try) = (Deadline::START, 0, Deadline::START);
        }
    }

    /// A load for its sake has failed.
    pub(crate) fn load_failed(&mut self, now: Tick, backoff: &ErrorBackoff) {
        if self.fate() != Fate::Spared {
            self.carry_out(now);
        }
        if let Some(more) = &mut self.more {
            let of_use = Duration::from_nanos(more.lifetime).saturating_add(more.window());
            more.next_try = Deadline::after(now, backoff.wait(more.failures, of_use, dice::throw()));
            more.failures = more.failures.saturating_add(1);
        }
    }

    /// How many loads in a row have failed, and until when no load is begun for its sake.
    pub(crate) fn trouble(&self) -> (u32, Deadline) {
        self.more.as_ref().map_or((0, Deadline::START), |more| (more.failures, more.next_try))
    }
}

impl More {
    /// Without an end, which is settled next.
    fn new(rules: &Rules, origin: Origin, now: Tick) -> Self {
        Self {
            ends: Deadline::NEVER,
            lifetime: u64::MAX,
            refresh: rules.refresh,
            due: Deadline::NEVER,
            lead: match rules.refresh {
                Refresh::Early(early) => early.lead(origin.load_time),
                Refresh::Never | Refresh::After(_) | Refresh::Ahead(_) => 0.0,
            },
            stale_while_revalidate: rules.stale_while_revalidate,
            stale_if_error: rules.stale_if_error,
            idle: nanos(rules.time_to_idle),
            used: AtomicU64::new(now.nanos()),
            reread: origin.reread,
            failures: 0,
            next_try: Deadline::START,
            labels: None,
        }
    }

    /// Without its tags, which come with the number of what renews it.
    fn renewed(&self, now: Tick) -> Self {
        Self { used: AtomicU64::new(now.nanos()), failures: 0, next_try: Deadline::START, labels: None, ..*self }
    }

    fn fate(&self) -> Fate {
        self.labels.as_ref().map_or(Fate::Spared, Labels::fate)
    }

    /// From when on nobody may see what was `stored` then and has this fate.
    fn last(&self, stored: Tick, fate: Fate) -> Deadline {
        match fate {
            Fate::Invalidated => Deadline::START,
            Fate::Spared | Fate::Expired(_) => self.ends(stored, fate).plus(self.window()).min(self.idle_until()),
        }
    }

    /// The end of the time to live of what was `stored` then and has this fate: at the latest when it was struck.
    fn ends(&self, stored: Tick, fate: Fate) -> Deadline {
        match fate {
            Fate::Spared => self.ends,
            Fate::Invalidated => Deadline::START,
            Fate::Expired(at) => self.ends.min(at.max(Deadline::after(stored, Duration::ZERO))),
        }
    }

    /// Lays over it what an entry brings of its own, besides its time to live.
    fn bring(&mut self, own: &OwnRules) {
        self.idle = own.time_to_idle.map_or(self.idle, nanos);
        self.refresh = own.refresh_after.map_or(self.refresh, Refresh::After);
        self.stale_while_revalidate = own.stale_while_revalidate.unwrap_or(self.stale_while_revalidate);
        self.stale_if_error = own.stale_if_error.unwrap_or(self.stale_if_error);
    }

    /// How long after its time to live it is good for something.
    fn window(&self) -> Duration {
        self.stale_while_revalidate.max(self.stale_if_error)
    }

    /// From when on a refresh is due, or may be.
    fn refresh_due(&self, stored: Tick, ends: Deadline) -> Deadline {
        match self.refresh {
            Refresh::Never => Deadline::NEVER,
            Refresh::After(after) => Deadline::after(stored, after),
            Refresh::Ahead(part) => match ends.left_at(stored) {
                Some(lifetime) => Deadline::after(stored, part_of(lifetime, part)),
                None => Deadline::NEVER,
            },
            Refresh::Early(_) if self.lead == 0.0 => Deadline::NEVER,
            Refresh::Early(_) => ends.earlier_by(in_nanos(self.lead * dice::LONGEST)),
        }
    }

    fn is_due(&self, now: Tick, chance: impl FnOnce() -> f64) -> bool {
        // The chance is that of XFetch: the refresh comes `lead * -ln(chance)` before the end.
        let by_chance = || self.lead == 0.0 || self.ends.earlier_by(in_nanos(-self.lead * chance().ln())).has_passed_at(now);
        self.due.has_passed_at(now) && by_chance()
    }

    fn idle_until(&self) -> Deadline {
        Deadline::from_nanos(self.last_use().saturating_add(self.idle))
    }

    fn last_use(&self) -> u64 {
        // Relaxed: a use that another thread is just noting may as well come a moment later.
        self.used.load(Ordering::Relaxed)
    }

    /// Written once in each tick of the coarse clock at most.
    fn note_use(&self, clock: &Clock) {
        if self.idle == u64::MAX {
            return;
        }
        // The coarse clock would make a short idle time shorter by a part that counts.
        let now = if self.idle < clock.coarse_lag().saturating_mul(256) { clock.now() } else { clock.coarse() };
        let before = self.used.load(Ordering::Relaxed);
        // A use that was seen in time and is noted late revives nothing.
        if before < now.nanos() && now.nanos() < before.saturating_add(self.idle) {
            self.used.fetch_max(now.nanos(), Ordering::Relaxed);
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is too much is as good as the most")]
fn in_nanos(nanos: f64) -> u64 {
    nanos as u64
}
