//! The hit path, the one way in which a value is looked for; and what one who may load finds.

use super::claim::Current;
use super::{Shard, State};
use crate::ground::hash::Hashed;
use crate::ground::reentry::{Inside, Of};
use crate::ground::slab::Slot;
use crate::ground::striped::{Fullness, Ring};
use crate::ground::time::{Clock, Deadline, Tick};
use crate::mechanisms::flight::{Flight, Waiter, Wish};
use crate::vocabulary::error::LoadError;
use crate::vocabulary::expiry::{Freshness, Seen};
use crate::vocabulary::fetched::{Fetched, Source, StaleReason};
use equivalent::Equivalent;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// Whether a lookup counts as a use of the entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trace {
    Leave,
    None,
}

/// Which values a lookup is content with.
#[derive(Clone, Copy)]
pub(crate) enum Need {
    /// One that everybody may see.
    Shown,
    /// One with which, besides, nothing is or may be due.
    Calm,
}

/// What a caller that may load asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A value within its time to live, or the lead.
    Shown,
    /// A value that may be served to one who would have it loaded, stale or not; or an answer that is remembered; or a load.
    Served,
    /// A load, whatever is held.
    Anyway,
}

/// What a caller that may load finds.
pub(crate) enum Sought<K, V> {
    /// A value to be had at once.
    Held(Fetched<V>, Due<K, V>),
    /// A load under way, joined.
    Flight(Waiter<K, V>, Option<Fallback<V>>),
    /// A load that should have ended by now: whoever finds it ends it.
    Overdue(Arc<Flight<K, V>>, Option<Fallback<V>>),
    /// An answer without a value.
    Remembered(LoadError),
    Nothing(Option<Fallback<V>>),
}

/// Whether the value that is held is to be loaded anew in the background.
pub(crate) enum Due<K, V> {
    No,
    Refresh,
    /// It is, and has been for so long that this load should have ended by now.
    Overdue(Arc<Flight<K, V>>),
}

/// A value in the hands of one who waits for a newer one.
pub(crate) struct Fallback<V> {
    value: Arc<V>,
    stored: Tick,
    ends: Deadline,
    last: Deadline,
}

impl<V> Fallback<V> {
    /// The value, if it may still be shown to one whose wait has come to nothing.
    pub(crate) fn instead(&self, why: StaleReason, clock: &Clock) -> Option<Fetched<V>> {
        let now = clock.now();
        if self.last.has_passed_at(now) {
            return None;
        }
        let stale = Source::Stale { age: now.since(self.stored), why };
        let source = if self.ends.has_passed_at(now) { stale } else { Source::Hit };
        Some(Fetched { value: Arc::clone(&self.value), source })
    }
}

/// Keys of one call that are looked for before any of them is counted.
const AT_ONCE: usize = 16;

/// What is left to be done for a hit once the lock is released.
struct Afterwards<V> {
    fullness: Fullness,
    /// The value and the time that it has left, where a hook is to be asked for a new one.
    reread: Option<(Arc<V>, Option<Duration>)>,
}

impl<V> Afterwards<V> {
    const NOTHING: Self = Self { fullness: Fullness::Room, reread: None };
}

impl<K, V> Shard<K, V> {
    /// Looks for a value that everybody may see and gives it to `found`, under the read lock.
    #[inline]
    fn look<Q, R>(&self, at: Place<'_, Q>, trace: Trace, need: Need, found: impl FnOnce(&Arc<V>) -> R) -> Option<R>
    where
        Q: Equivalent<K> + ?Sized,
    {
        let state = self.read();
        let slot = state.store.find(at.hashed, at.key)?;
        let record = state.store.get(slot);
        if !record.times.is_plainly_fresh(at.clock) {
            let afterwards = state.look_closer(slot, trace, need, at.clock, &self.touches)?;
            let result = found(&record.value);
            drop(state);
            self.settle(at, afterwards);
            return Some(result);
        }
        let fullness = match trace {
            Trace::Leave => state.store.hit(slot, record, &self.touches),
            Trace::None => Fullness::Room,
        };
        let result = found(&record.value);
        drop(state);
        if fullness == Fullness::Full {
            self.drain_touches();
        }
        Some(result)
    }

    #[cold]
    fn settle<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>, afterwards: Afterwards<V>) {
        if afterwards.fullness == Fullness::Full {
            self.drain_touches();
        }
        if let Some((value, left)) = afterwards.reread {
            self.reread(at, &value, left);
        }
    }

    /// The value of a key that everybody may see.
    #[inline]
    pub(crate) fn fetch<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>, trace: Trace) -> Option<Arc<V>> {
        self.look(at, trace, Need::Shown, Arc::clone)
    }

    /// The values of several keys, in one hold of the read lock. Of each in `wanted`, `place` tells the key; `found` is given its value.
    ///
    /// A few are found before any of them is counted or cloned: a processor reads for several at once, but not across a locked instruction.
    pub(crate) fn fetch_each<'q, T, Q>(
        &self,
        wanted: &[T],
        place: impl Fn(&T) -> Place<'q, Q>,
        clock: &Clock,
        need: Need,
        mut found: impl FnMut(&T, Arc<V>),
    ) where
        Q: Equivalent<K> + ?Sized + 'q,
    {
        let mut fullness = Fullness::Room;
        let mut later = Vec::new();
        let state = self.read();
        for wanted in wanted.chunks(AT_ONCE) {
            let mut met = [None; AT_ONCE];
            for (met, wanted) in met.iter_mut().zip(wanted) {
                let at = place(wanted);
                *met = state.store.find_record(at.hashed, at.key);
            }
            let counts = met.iter().flatten().map(|(_, record)| Arc::strong_count(&record.value));
            black_box(counts.fold(0, usize::wrapping_add));
            for (wanted, met) in wanted.iter().zip(&met) {
                let Some((slot, record)) = *met else { continue };
                if record.times.is_plainly_fresh(clock) {
                    if state.store.hit(slot, record, &self.touches) == Fullness::Full {
                        fullness = Fullness::Full;
                    }
                } else {
                    let Some(afterwards) = state.look_closer(slot, Trace::Leave, need, clock, &self.touches) else { continue };
                    later.push((place(wanted), afterwards));
                }
                found(wanted, Arc::clone(&record.value));
            }
        }
        drop(state);
        if fullness == Fullness::Full {
            self.drain_touches();
        }
        later.into_iter().for_each(|(at, afterwards)| self.settle(at, afterwards));
    }

    /// The value of a key that is fresh and needs nothing.
    #[inline]
    pub(crate) fn fetch_calm<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>) -> Option<Arc<V>> {
        self.look(at, Trace::Leave, Need::Calm, Arc::clone)
    }

    /// What `read` makes of the value of a key that everybody may see. It runs under the read lock, from where no cache can be called.
    #[inline]
    pub(crate) fn get<Q, R>(&self, at: Place<'_, Q>, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: Equivalent<K> + ?Sized,
    {
        self.look(at, Trace::Leave, Need::Shown, |value| {
            let _inside = Inside::enter(Of::Get);
            read(value)
        })
    }

    /// Whether a value is held that everybody may see.
    pub(crate) fn contains<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>) -> bool {
        self.look(at, Trace::None, Need::Shown, |_| ()).is_some()
    }

    /// What is held for a key, stale or not, but for what is over.
    pub(crate) fn fetch_stale<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>) -> Option<Fetched<V>> {
        let (fetched, afterwards) = {
            let state = self.read();
            let slot = state.store.find(at.hashed, at.key)?;
            let seen = state.store.get(slot).times.seen(at.clock);
            let fetched = state.fetched(slot, seen, StaleReason::NotLoaded)?;
            (fetched, state.note_hit(slot, seen, at.clock, &self.touches))
        };
        self.settle(at, afterwards);
        Some(fetched)
    }

    /// The value that is held for a key, whoever may see it, but for what is over.
    pub(crate) fn held<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>) -> Option<Current<V>> {
        let state = self.read();
        let record = state.store.get(state.store.find(at.hashed, at.key)?);
        (!record.times.is_over(at.clock)).then(|| record.current())
    }

    /// What there is for one who may load, by `rule`.
    pub(crate) fn seek<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>, rule: Rule, wish: Wish<'_>) -> Sought<K, V> {
        let (sought, afterwards) = {
            let state = self.read();
            let (sought, hit) = state.sought(at, rule, wish);
            let afterwards = hit.map_or(Afterwards::NOTHING, |(slot, seen)| state.note_hit(slot, seen, at.clock, &self.touches));
            (sought, afterwards)
        };
        self.settle(at, afterwards);
        sought
    }
}

/// Where and when a caller looks: a key with its hash, and the clock to judge by.
pub(crate) struct Place<'a, Q: ?Sized> {
    pub(crate) hashed: Hashed,
    pub(crate) key: &'a Q,
    pub(crate) clock: &'a Clock,
}

impl<Q: ?Sized> Clone for Place<'_, Q> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q: ?Sized> Copy for Place<'_, Q> {}

impl<K, V> State<K, V> {
    /// The slot of a value that everybody may see.
    pub(super) fn shown<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>) -> Option<Slot> {
        let slot = self.store.find(at.hashed, at.key)?;
        self.store.get(slot).times.is_shown(at.clock).then_some(slot)
    }

    /// A hit of an entry that isn't plainly fresh, if it is one all the same.
    #[cold]
    fn look_closer(&self, slot: Slot, trace: Trace, need: Need, clock: &Clock, touches: &Ring) -> Option<Afterwards<V>> {
        let times = &self.store.get(slot).times;
        let good = match need {
            Need::Shown => times.is_shown(clock),
            Need::Calm => times.is_calm(clock),
        };
        good.then(|| match trace {
            Trace::Leave => self.note(slot, clock, touches),
            Trace::None => Afterwards::NOTHING,
        })
    }

    /// Notes the use of an entry that everybody may see.
    fn note(&self, slot: Slot, clock: &Clock, touches: &Ring) -> Afterwards<V> {
        let record = self.store.get(slot);
        record.times.note_use(clock);
        let reread = record.times.is_reread().then(|| (Arc::clone(&record.value), record.times.ends().left_at(clock.now())));
        Afterwards { fullness: self.store.hit(slot, record, touches), reread }
    }

    fn note_hit(&self, slot: Slot, seen: Seen, clock: &Clock, touches: &Ring) -> Afterwards<V> {
        let noted = self.note(slot, clock, touches);
        // Only what is fresh has a time to live left that a hook could make another.
        if seen.freshness.is_shown() { noted } else { Afterwards { reread: None, ..noted } }
    }

    /// The value in `slot` as one gets it who saw it so; nothing once it is over.
    fn fetched(&self, slot: Slot, seen: Seen, why: StaleReason) -> Option<Fetched<V>> {
        let record = self.store.get(slot);
        let source = match seen.freshness {
            Freshness::Fresh | Freshness::RefreshDue => Source::Hit,
            Freshness::Stale | Freshness::ErrorFallback => Source::Stale { age: seen.at.since(record.times.stored()), why },
            Freshness::Expired => return None,
        };
        Some(Fetched { value: Arc::clone(&record.value), source })
    }

    /// What there is by `rule`, and the entry that was hit.
    pub(super) fn sought<Q: Equivalent<K> + ?Sized>(
        &self,
        at: Place<'_, Q>,
        rule: Rule,
        wish: Wish<'_>,
    ) -> (Sought<K, V>, Option<(Slot, Seen)>) {
        if rule == Rule::Anyway {
            return (self.join(at, wish, None), None);
        }
        let held = self.store.find(at.hashed, at.key).map(|slot| (slot, self.store.get(slot).times.seen(at.clock)));
        let Some((slot, seen)) = held else { return (self.sought_unheld(at, rule, wish), None) };
        // What may be loaded anew is, unless somebody does so already.
        let due = || match self.flights.joinable(at.hashed, at.key) {
            Some(flight) if at.clock.has_passed(flight.deadline()) => Due::Overdue(Arc::clone(flight)),
            None if seen.may_try => Due::Refresh,
            Some(_) | None => Due::No,
        };
        let (why, due) = match (rule, seen.freshness) {
            (_, Freshness::Fresh) | (Rule::Shown, Freshness::RefreshDue) => (StaleReason::NotLoaded, Due::No),
            (_, Freshness::RefreshDue) => (StaleReason::NotLoaded, due()),
            (Rule::Served, Freshness::Stale) if seen.may_try => (StaleReason::Revalidating, due()),
            (Rule::Served, Freshness::Stale) => (StaleReason::BackingOff, Due::No),
            (Rule::Served, Freshness::ErrorFallback) if !seen.may_try => (StaleReason::BackingOff, Due::No),
            (Rule::Served, Freshness::ErrorFallback) => return (self.join(at, wish, Some(self.fallback(slot))), None),
            (_, Freshness::Expired) => return (self.sought_unheld(at, rule, wish), None),
            (Rule::Shown | Rule::Anyway, Freshness::Stale | Freshness::ErrorFallback) => return (self.join(at, wish, None), None),
        };
        match self.fetched(slot, seen, why) {
            Some(fetched) => (Sought::Held(fetched, due), Some((slot, seen))),
            None => (Sought::Nothing(None), None),
        }
    }

    /// What there is for a key without a value.
    fn sought_unheld<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>, rule: Rule, wish: Wish<'_>) -> Sought<K, V> {
        if rule == Rule::Served {
            if let Some(error) = self.answers.recall(at.hashed, at.key, at.clock) {
                return Sought::Remembered(error);
            }
        }
        self.join(at, wish, None)
    }

    /// The value in `slot` for one who waits.
    pub(super) fn fallback(&self, slot: Slot) -> Fallback<V> {
        let record = self.store.get(slot);
        let (ends, last) = record.times.ends_and_last();
        Fallback { value: Arc::clone(&record.value), stored: record.times.stored(), ends, last }
    }

    /// A seat in the key's flight.
    fn join<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>, wish: Wish<'_>, fallback: Option<Fallback<V>>) -> Sought<K, V> {
        match self.flights.joinable(at.hashed, at.key) {
            Some(flight) if at.clock.has_passed(flight.deadline()) => Sought::Overdue(Arc::clone(flight), fallback),
            Some(flight) => Sought::Flight(flight.join(wish), fallback),
            None => Sought::Nothing(fallback),
        }
    }
}
