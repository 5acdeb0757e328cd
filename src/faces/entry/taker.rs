//! How entries are taken: at once, or by waiting for whoever has the lead.

use super::{Entry, OccupiedEntry, VacantEntry};
use crate::core::entry::{Entered, Patience};
use crate::core::fetch::Look;
use crate::core::handle::Handle;
use crate::core::waiting::Waiting;
use crate::ground::reentry;
use crate::mechanisms::flight::Landing;
use crate::vocabulary::error::LoadError;
use crate::vocabulary::keys::{Key, Value};
use std::future::poll_fn;
use std::hash::BuildHasher;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Takes entries of one cache.
pub(in crate::faces) struct Taker<'a, K: Key, V: Value, S: Send + Sync + 'static>(pub(in crate::faces) &'a Handle<K, V, S>);

/// A key, and the seat among those who wait for its entry.
type Seat<'a, K, V, S> = (K, Waiting<'a, K, V, S>);
type Entering<'a, K, V, S> = ControlFlow<Entry<K, V, S>, Option<Seat<'a, K, V, S>>>;

impl<'a, K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> Taker<'a, K, V, S> {
    fn look(&self, key: K, look: Look, patience: Patience) -> Entering<'a, K, V, S> {
        let cache: &'a Handle<K, V, S> = self.0;
        match cache.enter(key, look, patience) {
            Entered::Occupied(key, value) => ControlFlow::Break(self.occupied(key, value)),
            Entered::Vacant(lead) => ControlFlow::Break(Entry::Vacant(VacantEntry { lead, cache: cache.clone() })),
            Entered::Awaited(key, waiting) => ControlFlow::Continue(Some((key, waiting))),
            Entered::Busy => ControlFlow::Continue(None),
        }
    }

    /// The entry, or a seat among those who wait for it.
    fn look_or_wait(&self, key: K, look: Look) -> ControlFlow<Entry<K, V, S>, Seat<'a, K, V, S>> {
        match self.look(key, look, Patience::Waits) {
            ControlFlow::Break(entry) => ControlFlow::Break(entry),
            ControlFlow::Continue(awaited) => ControlFlow::Continue(awaited.expect("whoever waits is given a seat")),
        }
    }

    fn occupied(&self, key: K, value: Arc<V>) -> Entry<K, V, S> {
        Entry::Occupied(OccupiedEntry { cache: self.0.clone(), key, value })
    }

    /// The entry that a landing makes of a wait, or the key for another look.
    fn landed(&self, key: K, landing: Landing<V>, waiting_for_itself: bool) -> ControlFlow<Entry<K, V, S>, K> {
        match landing.result {
            Ok(value) => ControlFlow::Break(self.occupied(key, value)),
            Err(LoadError::Cycle { .. }) if waiting_for_itself => panic!(
                "an entry was asked for by the very load that it would wait for, directly or through other loads: \
                 return the value from the loader, or use `try_entry`, which never waits"
            ),
            // Nobody brought a value: perhaps it is this caller's turn.
            Err(_) => ControlFlow::Continue(key),
        }
    }

    /// Takes an entry, and blocks while somebody else has the lead.
    pub(in crate::faces) fn block(&self, mut key: K) -> Entry<K, V, S> {
        let mut look = Look::First;
        loop {
            let (own, mut waiting) = match self.look_or_wait(key, look) {
                ControlFlow::Break(entry) => return entry,
                ControlFlow::Continue(awaited) => awaited,
            };
            let flight = Arc::clone(waiting.flight());
            let landing = waiting.block();
            match self.landed(own, landing, !flight.has_landed()) {
                ControlFlow::Break(entry) => return entry,
                ControlFlow::Continue(own) => (key, look) = (own, Look::Anew),
            }
        }
    }

    /// Takes an entry, and awaits whoever has the lead.
    pub(in crate::faces) async fn wait(&self, mut key: K) -> Entry<K, V, S> {
        let mut look = Look::First;
        loop {
            let (own, mut waiting) = match self.look_or_wait(key, look) {
                ControlFlow::Break(entry) => return entry,
                ControlFlow::Continue(awaited) => awaited,
            };
            let landing = poll_fn(|cx| {
                reentry::check();
                waiting.poll(cx)
            });
            let landing = landing.await;
            match self.landed(own, landing, !waiting.flight().has_landed()) {
                ControlFlow::Break(entry) => return entry,
                ControlFlow::Continue(own) => (key, look) = (own, Look::Anew),
            }
        }
    }

    /// Takes an entry if that can be had at once.
    pub(in crate::faces) fn at_once(&self, key: K) -> Option<Entry<K, V, S>> {
        self.look(key, Look::First, Patience::Never).break_value()
    }
}
