//! Changes to a value where it lies, under the shard's lock.

use super::Shard;
use super::departures::Departures;
use super::lookup::Place;
use super::put::Terms;
use crate::ground::contain::{Panic, contain};
use crate::ground::reentry::{Inside, Of};
use crate::vocabulary::removal::RemovalCause;
use equivalent::Equivalent;
use std::sync::Arc;

/// What came of a change in place.
pub(crate) enum Touched<V> {
    /// This is held with the change made, still weighed as it was before.
    Changed(Arc<V>),
    /// The change panicked halfway, so that the value was removed.
    Removed(Panic),
    /// Somebody else has the value in hand.
    Busy,
    /// No value is held that everybody may see.
    Absent,
}

impl<K, V> Shard<K, V> {
    /// Has `change` work on a key's value that nobody else has in hand, from where no cache can be called, and overtakes the key's flight, in one
    /// critical section.
    ///
    /// `change` stays the caller's, so that what it captured is dropped under no lock.
    pub(crate) fn change_in_place<Q: Equivalent<K> + ?Sized>(
        &self,
        at: Place<'_, Q>,
        change: &mut dyn FnMut(&mut V),
        terms: Terms<'_>,
        out: &mut Departures<K, V>,
    ) -> Touched<V> {
        let mut state = self.write();
        let Some(slot) = state.shown(at) else { return Touched::Absent };
        if Arc::get_mut(state.store.value_mut(slot)).is_none() {
            return Touched::Busy;
        }
        let flight = state.flights.joinable(at.hashed, at.key).cloned();
        // The last of the keys' `Eq`: nothing has changed yet if it panics.
        state.forget_answer(at, terms, out);
        let value = Arc::get_mut(state.store.value_mut(slot)).expect("whoever would take it in hand takes the lock first");
        let changed = contain(|| {
            let _inside = Inside::enter(Of::TryCompute);
            change(value);
        });
        state.changes.note(at.hashed);
        if let Some(flight) = &flight {
            state.flights.supersede(flight);
        }
        let touched = match changed {
            Ok(()) => Touched::Changed(Arc::clone(&state.store.get(slot).value)),
            Err(panic) => {
                state.part_with(Some(slot), RemovalCause::Invalidated, terms, out);
                Touched::Removed(panic)
            }
        };
        drop(state);
        out.flight(flight);
        touched
    }
}
