//! What is to be stored: a value with all that user code had to say of it, and what came of it.

use super::record::Record;
use crate::ground::hash::Hashed;
use crate::ground::time::Clock;
use crate::mechanisms::eviction::Verdict;
use crate::mechanisms::flight::Flight;
use crate::mechanisms::room::Room;
use crate::vocabulary::expiry::Times;
use crate::vocabulary::loaded::Own;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

/// A value to be stored. All user code that it takes (weigher, clone of the key) has run.
pub(crate) struct Put<'a, K, V> {
    pub(crate) hashed: Hashed,
    pub(crate) key: K,
    pub(crate) value: Arc<V>,
    pub(crate) weight: u64,
    pub(crate) times: Times,
    /// The number, among the strikes of tags, of the load that brings it.
    pub(crate) stamp: u64,
    /// What its load took.
    pub(crate) cost: Duration,
    pub(crate) by: By<'a, K, V>,
    /// There if it was found to be unchanged: then all but this stays of the entry that holds it already, if one does.
    pub(crate) renewal: Option<Box<Own>>,
    /// Whether somebody needs it, where it is a refresh.
    pub(crate) need: Needed,
    /// There if the key's own value has left to make room for this one: what the shard's count of changes was then.
    pub(crate) gave_way: Cell<Option<u64>>,
    /// Whether its key's entry has made room for it with the very value that it brings: that hasn't left then.
    pub(crate) stays: Cell<bool>,
    /// What the policy says to it, once it was asked.
    pub(crate) verdict: Option<Verdict>,
}

/// Whether a value is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needed {
    /// To be asked by the first look.
    Unknown,
    /// It is, whatever has left since to make room for it.
    Known,
}

/// Who stores.
pub(crate) enum By<'a, K, V> {
    /// A caller's write: it overtakes the key's flight.
    Caller,
    /// A caller's write in place of just this value: as `Caller`, if that is held.
    Holder(&'a Arc<V>),
    /// A caller's write in the place of nothing: as `Caller`, if no value is held that everybody may see.
    Newcomer,
    /// A flight that lands: it stores only if the map still holds it.
    Flight(&'a Arc<Flight<K, V>>),
    /// A load of other keys that has this number: it stores only where there is nothing, and nothing has happened since.
    Unasked(u64),
    /// A value that comes back from where it was saved: it stores only where nothing is known of the key, and nothing has happened to it meanwhile.
    #[cfg(feature = "snapshot")]
    Restorer,
}

impl<K, V> Clone for By<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for By<'_, K, V> {}

/// What a shard needs to know of the cache to store by.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) room: &'a Room,
    pub(crate) clock: &'a Clock,
    /// The weight from which on this shard makes room in itself; `None` where room was gathered elsewhere.
    pub(crate) share: Option<u64>,
}

/// What a stored value took the place of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Held {
    /// Of nothing, or of another value.
    Anew,
    /// Of itself: the same value with new times and weight, which so has never left.
    Renewed,
}

/// A flight that needn't begin any more, and the value for those who wait for it.
pub(crate) struct Answered<K, V> {
    pub(crate) flight: Arc<Flight<K, V>>,
    pub(crate) value: Arc<V>,
}

/// What came of a put.
pub(crate) enum Committed<'a, K, V> {
    /// It is held. A flight that had yet to begin, if there is one, is answered by it.
    Stored { held: Held, answered: Option<Answered<K, V>> },
    /// It weighs too much ever to be held, or the policy refuses it, or it is the refresh of what is held no more, for nobody.
    Refused,
    /// A write had overtaken the flight that brought it.
    Superseded,
    /// One of its tags was struck while it was being loaded, first by the strike of this number, as far as is known.
    Struck(u64),
    /// What it was to take the place of isn't what is held; with the value that is, where everybody may see it.
    Unmet(Put<'a, K, V>, Option<Arc<V>>),
    /// So much room must be promised before it can be stored.
    NeedsRoom { put: Put<'a, K, V>, needed: u64 },
}

impl<K, V> Put<'_, K, V> {
    /// Takes over the settings of the entry that is held, where it holds just this value, which was found to be unchanged.
    pub(super) fn renew(&mut self, held: &Record<K, V>, clock: &Clock) {
        let Some(own) = self.renewal.as_ref().filter(|_| Arc::ptr_eq(&held.value, &self.value)) else { return };
        self.weight = own.weight.unwrap_or(held.weight);
        let labels = self.times.take_labels().or_else(|| held.times.labels().map(|labels| labels.stamped(self.stamp)));
        self.times = held.times.renewed(&own.rules, &self.times, clock.now());
        labels.into_iter().for_each(|labels| self.times.label(labels));
    }
}
