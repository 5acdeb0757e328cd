//! What is told to a listener: values that left, in the order in which they did.

use super::departures::Departures;
use super::record::Record;
use super::store::Store;
use super::{Shard, State};
use crate::ground::contain::drop_contained;
use crate::mechanisms::outbox::{Letter, Outbox};
use crate::vocabulary::removal::RemovalCause;
use std::sync::Arc;

/// A value that left, or never was held.
pub(crate) struct Event<K, V> {
    pub(crate) key: K,
    pub(crate) value: Arc<V>,
    pub(crate) cause: RemovalCause,
}

impl<K, V> Event<K, V> {
    fn of(record: Record<K, V>, cause: RemovalCause) -> Self {
        let Record { key, value, .. } = record;
        Self { key, value, cause }
    }

    /// Lets go of key and value, each of whose `Drop` may panic, one by one.
    pub(crate) fn let_go(self) {
        drop_contained(self.key);
        drop_contained(self.value);
    }
}

/// One event, or those of a whole store.
pub(crate) enum Mail<K, V> {
    One(Option<Event<K, V>>),
    Store(Box<Store<K, V>>, RemovalCause),
}

impl<K, V> Letter for Mail<K, V> {
    type Event = Event<K, V>;

    fn len(&self) -> u64 {
        match self {
            Self::One(event) => event.is_some().into(),
            Self::Store(store, _) => store.len() as u64,
        }
    }

    fn next(&mut self) -> Option<Event<K, V>> {
        match self {
            Self::One(event) => event.take(),
            Self::Store(store, cause) => store.take_any().map(|record| Event::of(record, *cause)),
        }
    }

    fn is_bundle(&self) -> bool {
        matches!(self, Self::Store(..))
    }
}

impl<K, V> Shard<K, V> {
    /// Where the events wait of which a listener is to be told, if there is one.
    #[inline]
    pub(crate) fn outbox(&self) -> Option<&Arc<Outbox<Mail<K, V>>>> {
        self.outbox.as_ref()
    }
}

impl<K, V> State<K, V> {
    /// A record that was held leaves.
    pub(super) fn depart(&self, record: Record<K, V>, cause: RemovalCause, out: &mut Departures<K, V>) {
        out.count(cause, 1);
        match &self.outbox {
            None => out.record(record),
            Some(outbox) => {
                outbox.post(Mail::One(Some(Event::of(record, cause))));
                out.mail(outbox);
            }
        }
    }

    /// A value comes that isn't to be held.
    pub(super) fn never_held(&self, key: K, value: Arc<V>, cause: RemovalCause, out: &mut Departures<K, V>) {
        out.count(cause, 1);
        match &self.outbox {
            None => out.unstored(key, value),
            Some(outbox) => {
                outbox.post(Mail::One(Some(Event { key, value, cause })));
                out.mail(outbox);
            }
        }
    }

    /// All that was held leaves.
    pub(super) fn depart_all(&self, store: Store<K, V>, cause: RemovalCause, out: &mut Departures<K, V>) {
        out.count(cause, store.len() as u64);
        match &self.outbox {
            Some(outbox) if store.len() > 0 => {
                outbox.post(Mail::Store(Box::new(store), cause));
                out.mail(outbox);
            }
            _ => out.store(store),
        }
    }
}
