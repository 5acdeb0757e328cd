//! Atomic updates: writes that look at what is held, and take place only if it still is.
//!
//! Users' closures work on copies, under no lock. A copy takes the place of just the value that it was made of; if somebody else's write was faster, the
//! closure runs again on a copy of what that one left. So whoever has to go round again does so because somebody else got on, and who merely has the
//! value in hand is in nobody's way. The one change in place is `try_compute`.

use super::shared::CacheShared;
use super::write::Unmet;
use crate::ground::contain::{contain, drop_contained};
use crate::ground::hash::Hashed;
use crate::ground::seeded::{self, Bug};
use crate::shard::{By, Place, Touched, Trace};
use crate::vocabulary::compute_result::ComputeResult;
use crate::vocabulary::keys::{Key, LoadKey, Value};
use crate::vocabulary::loaded::Own;
use std::hash::BuildHasher;
use std::panic::resume_unwind;
use std::sync::Arc;

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> CacheShared<K, V, S> {
    /// The value that everybody may see, without a trace of having looked.
    fn glance<Q: LoadKey<K> + ?Sized>(&self, place: Place<'_, Q>) -> Option<Arc<V>> {
        self.shard(place.hashed).fetch(place, Trace::None)
    }

    /// Stores a value if none is held, else gives the one that is.
    pub(crate) fn insert_if_absent(&self, key: K, value: V) -> Option<Arc<V>> {
        let place = self.place(&key);
        // Where a value is held that is seen at once: nothing is weighed then, and nobody is kept from reading.
        if let Some(held) = self.glance(place) {
            drop_contained(key);
            drop_contained(value);
            return Some(held);
        }
        let Unmet { value, held } = self.write_if(place.hashed, key, By::Newcomer, Arc::new(value)).err()?;
        drop_contained(value);
        held
    }

    /// Stores a value in the place of one that is held, which is given back.
    pub(crate) fn replace(&self, key: K, value: V) -> Option<Arc<V>> {
        let place = self.place(&key);
        let (hashed, mut value) = (place.hashed, Arc::new(value));
        let mut held = self.glance(place);
        while let Some(old) = held {
            match self.write_if(hashed, key.clone(), By::Holder(&old), value) {
                Ok(()) => return Some(old),
                Err(unmet) => (value, held) = (unmet.value, unmet.held),
            }
            drop_contained(old);
        }
        drop_contained(value);
        None
    }

    /// Stores a value in the place of just the `expected` one.
    ///
    /// # Errors
    /// If that isn't held: the value comes back.
    pub(crate) fn compare_and_swap<Q: LoadKey<K> + ?Sized>(&self, key: &Q, expected: &Arc<V>, value: V) -> Result<(), V> {
        let place = self.place(key);
        let is_held = || self.glance(place).is_some_and(|held| Arc::ptr_eq(&held, expected));
        let by = if seeded::on(Bug::CompareBeforeLock) && is_held() { By::Caller } else { By::Holder(expected) };
        self.write_if(place.hashed, key.to_key(), by, Arc::new(value)).map_err(|Unmet { value, held }| {
            drop_contained(held);
            Arc::into_inner(value).expect("what wasn't stored is nobody else's")
        })
    }

    /// Stores a changed copy in the place of the value that is held, and gives what `change` said to it.
    pub(crate) fn compute<Q, R>(&self, key: &Q, mut change: impl FnMut(&mut V) -> R) -> Option<R>
    where
        Q: LoadKey<K> + ?Sized,
        V: Clone,
    {
        let place = self.place(key);
        let mut held = self.glance(place);
        while let Some(old) = held {
            match self.change_copy(place.hashed, || key.to_key(), old, &mut change) {
                Ok(result) => return Some(result),
                Err(newer) => held = newer,
            }
        }
        None
    }

    /// As [`compute`](Self::compute); where no value is held, what `init` makes is changed and stored.
    pub(crate) fn upsert<R>(&self, key: K, init: impl FnOnce() -> V, mut change: impl FnMut(&mut V) -> R) -> R
    where
        V: Clone,
    {
        let place = self.place(&key);
        let mut held = self.glance(place);
        let mut init = Some(init);
        let mut made = None;
        loop {
            match held {
                Some(old) => match self.change_copy(place.hashed, || key.clone(), old, &mut change) {
                    Ok(result) => return result,
                    Err(newer) => held = newer,
                },
                None => {
                    let (value, result) = made.take().unwrap_or_else(|| {
                        let init = init.take().expect("what it made is kept until it is stored");
                        let mut value = init();
                        let result = change(&mut value);
                        (Arc::new(value), result)
                    });
                    match self.write_if(place.hashed, key.clone(), By::Newcomer, value) {
                        Ok(()) => return result,
                        Err(unmet) => (made, held) = (Some((unmet.value, result)), unmet.held),
                    }
                }
            }
        }
    }

    /// Stores a changed copy of `old` in its place.
    ///
    /// # Errors
    /// If `old` isn't held any more: what is held now.
    fn change_copy<R>(
        &self,
        hashed: Hashed,
        key: impl FnOnce() -> K,
        old: Arc<V>,
        change: &mut impl FnMut(&mut V) -> R,
    ) -> Result<R, Option<Arc<V>>>
    where
        V: Clone,
    {
        let mut copy = V::clone(&old);
        let result = change(&mut copy);
        let written = self.write_if(hashed, key(), By::Holder(&old), Arc::new(copy));
        drop_contained(old);
        match written {
            Ok(()) => Ok(result),
            Err(Unmet { value, held }) => {
                drop_contained(value);
                Err(held)
            }
        }
    }

    /// Has `change` work on the value itself, if nobody else has it in hand.
    pub(crate) fn try_compute<Q, R>(&self, key: &Q, change: impl FnOnce(&mut V) -> R) -> ComputeResult<R>
    where
        Q: LoadKey<K> + ?Sized,
    {
        let place = self.place(key);
        self.heed(place.hashed);
        let (mut change, mut result) = (Some(change), None);
        let mut once = |value: &mut V| result = change.take().map(|change| change(value));
        match self.accounted(|out| self.shard(place.hashed).change_in_place(place, &mut once, self.terms(), out)) {
            Touched::Changed(value) => self.store_anew(key, place, value),
            Touched::Removed(panic) => resume_unwind(panic.0),
            Touched::Busy => return ComputeResult::Busy,
            Touched::Absent => return ComputeResult::Absent,
        }
        ComputeResult::Done(result.expect("the closure has run"))
    }

    /// Stores a value that was changed in place over itself: with the weight that it has now, and times of its own. It is removed if whoever says what they
    /// are panics.
    fn store_anew<Q: LoadKey<K> + ?Sized>(&self, key: &Q, place: Place<'_, Q>, value: Arc<V>) {
        let put = contain(|| {
            let by = By::Holder(&value);
            self.weighed((place.hashed, key.to_key()), Arc::clone(&value), Own::default(), by, self.by_a_caller())
        });
        match put {
            Ok(put) => drop_contained(self.put_if(put).err()),
            Err(panic) => {
                drop_contained(self.remove_if(place, Some(&value)));
                resume_unwind(panic.0)
            }
        }
        drop_contained(value);
    }
}
