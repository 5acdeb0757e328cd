//! The hit path: the one way in which a value is looked for.

use super::{Shard, State};
use crate::ground::hash::Hashed;
use crate::ground::reentry::Inside;
use crate::ground::slab::Slot;
use crate::ground::striped::Fullness;
use crate::ground::time::Clock;
use crate::mechanisms::flight::{Flight, Waiter, Wish};
use equivalent::Equivalent;
use std::sync::Arc;

/// Whether a lookup counts as a use of the entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trace {
    Leave,
    None,
}

/// What a caller that may load finds.
pub(crate) enum Sought<K, V> {
    Hit(Arc<V>),
    /// A load under way, joined.
    Flight(Waiter<K, V>),
    /// A load that should have ended by now: whoever finds it ends it.
    Overdue(Arc<Flight<K, V>>),
    Nothing,
}

impl<K, V> Shard<K, V> {
    /// Looks for a fresh value and gives it to `found`, under the read lock; else gives the state to `missed`, under the same hold.
    #[inline]
    fn look<Q, R>(&self, at: Place<'_, Q>, trace: Trace, found: impl FnOnce(&Arc<V>) -> R, missed: impl FnOnce(&State<K, V>) -> R) -> R
    where
        Q: Equivalent<K> + ?Sized,
    {
        let (result, fullness) = {
            let state = self.read();
            match state.fresh(at) {
                Some(slot) => {
                    let fullness = match trace {
                        Trace::Leave => state.store.hit(slot, &self.touches),
                        Trace::None => Fullness::Room,
                    };
                    (found(&state.store.get(slot).value), fullness)
                }
                None => (missed(&state), Fullness::Room),
            }
        };
        if fullness == Fullness::Full {
            self.drain_touches();
        }
        result
    }

    /// The fresh value of a key.
    #[inline]
    pub(crate) fn fetch<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>, trace: Trace) -> Option<Arc<V>> {
        self.look(at, trace, |value| Some(Arc::clone(value)), |_| None)
    }

    /// What `read` makes of the fresh value of a key. It runs under the read lock, from where no cache can be called.
    #[inline]
    pub(crate) fn get<Q, R>(&self, at: Place<'_, Q>, read: impl FnOnce(&V) -> R) -> Option<R>
    where
        Q: Equivalent<K> + ?Sized,
    {
        let found = |value: &Arc<V>| {
            let _inside = Inside::enter();
            Some(read(value))
        };
        self.look(at, Trace::Leave, found, |_| None)
    }

    /// Whether a fresh value is held.
    pub(crate) fn contains<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>) -> bool {
        self.look(at, Trace::None, |_| true, |_| false)
    }

    /// A fresh value, or a seat in the flight that is bringing one.
    #[inline]
    pub(crate) fn seek<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>, wish: Wish<'_>) -> Sought<K, V> {
        self.look(at, Trace::Leave, |value| Sought::Hit(Arc::clone(value)), |state| state.join(at, wish))
    }

    /// A seat in the flight of a key, if there is one.
    pub(crate) fn seek_flight<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>, wish: Wish<'_>) -> Sought<K, V> {
        self.read().join(at, wish)
    }

    /// Up to `most` fresh entries from slot `from` on, and the slot to go on from; `None` at the end.
    pub(crate) fn batch(&self, from: Slot, most: usize, clock: &Clock, out: &mut impl Extend<(K, Arc<V>)>) -> Option<Slot>
    where
        K: Clone,
    {
        let state = self.read();
        let mut next = state.store.next_at(from);
        for _ in 0..most {
            let (slot, record) = next?;
            if record.times.is_fresh(clock) {
                out.extend([(record.key.clone(), Arc::clone(&record.value))]);
            }
            next = state.store.next_at(slot.checked_add(1)?);
        }
        next.map(|(slot, _)| slot)
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
    /// The slot of a fresh value.
    #[inline]
    pub(super) fn fresh<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>) -> Option<Slot> {
        let slot = self.store.find(at.hashed, at.key)?;
        self.store.get(slot).times.is_fresh(at.clock).then_some(slot)
    }

    /// A seat in the key's flight.
    pub(super) fn join<Q: Equivalent<K> + ?Sized>(&self, at: Place<'_, Q>, wish: Wish<'_>) -> Sought<K, V> {
        match self.flights.joinable(at.hashed, at.key) {
            Some(flight) if at.clock.has_passed(flight.deadline()) => Sought::Overdue(Arc::clone(flight)),
            Some(flight) => Sought::Flight(flight.join(wish)),
            None => Sought::Nothing,
        }
    }
}
