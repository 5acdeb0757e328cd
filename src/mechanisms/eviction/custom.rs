//! A user's own policy, called under the shard's lock, and what holds if it is wrong.

use super::order::{Course, Ordered, Rank, Row};
use super::policy::{Bounds, Choice};
use super::{Entries, Nodes, Queue};
use crate::ground::contain::{contain, drop_contained};
use crate::ground::reentry::{Inside, Of};
use crate::ground::slab::Slot;
use crate::ground::sync::Arc;
use crate::ground::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Entries that are looked at for one that isn't pinned, in one search.
const PATIENCE: u32 = 256;

/// An eviction policy of one's own, given to [`CacheBuilder::custom_eviction`](crate::CacheBuilder::custom_eviction).
///
/// Each shard of the cache has one, which is told of the entries that come, are used and leave, by slot numbers, and is asked for the one
/// that should leave when room is missing. Entries that weigh nothing are kept apart and never told of.
///
/// # Cost
/// A policy is called through a pointer. Each hit leaves an event in the shard, as under [`EvictionPolicy::Lru`](crate::EvictionPolicy::Lru), of
/// which [`touched`](Self::touched) is told with the next write, or by the hit that fills the ring. Of hits of many threads some events may be lost.
///
/// # Blocking
/// Every method runs while the shard is locked, so that it should be quick, must not block, and must not call any cache: that panics.
///
/// # Panics
/// A panic in a method is contained and counted in [`policy_faults`](crate::MetricsSnapshot::policy_faults), and so is a victim that isn't held; the
/// entry that came first then leaves instead.
///
/// # Examples
/// Last in, first out, and settings stay:
/// ```
/// use bellwether::{Cache, CustomPolicy, PolicyEntry, PolicySlot};
///
/// #[derive(Default)]
/// struct LastIn(Vec<PolicySlot>);
///
/// impl CustomPolicy<String, u32> for LastIn {
///     fn admitted(&mut self, slot: PolicySlot, _entry: &PolicyEntry<'_, String, u32>) {
///         self.0.push(slot);
///     }
///     fn removed(&mut self, slot: PolicySlot) {
///         self.0.retain(|&held| held != slot);
///     }
///     fn victim(&mut self) -> Option<PolicySlot> {
///         self.0.last().copied()
///     }
///     fn pinned(&self, entry: &PolicyEntry<'_, String, u32>) -> bool {
///         entry.key.starts_with("settings/")
///     }
/// }
///
/// let cache = Cache::<String, u32>::builder().capacity(2).shards(1).custom_eviction(|_| LastIn::default()).build()?;
/// cache.insert("a".to_owned(), 1);
/// cache.insert("b".to_owned(), 2);
/// cache.insert("settings/c".to_owned(), 3);
/// assert!(cache.contains_key("a") && !cache.contains_key("b"));
/// cache.insert("d".to_owned(), 4);
/// assert!(cache.contains_key("settings/c"));
/// # Ok::<(), bellwether::BuildError>(())
/// ```
pub trait CustomPolicy<K, V>: Send + Sync {
    /// An entry came in.
    fn admitted(&mut self, slot: PolicySlot, entry: &PolicyEntry<'_, K, V>);

    /// An entry was used: it was hit, or written over by a caller. By default nothing comes of it. An entry that is written over, or over which a load
    /// lands, keeps its slot with another value, weight and cost; of the landing nothing is told.
    fn touched(&mut self, slot: PolicySlot) {
        let _ = slot;
    }

    /// An entry left, for whatever cause. Its slot may be taken again.
    fn removed(&mut self, slot: PolicySlot);

    /// The entry that should leave next. It is still held; `removed` follows if it leaves. With `None` none may leave, and the new entry is
    /// refused.
    fn victim(&mut self) -> Option<PolicySlot>;

    /// Whether an entry must stay, whatever room is missing. Asked of each victim: one that is pinned counts as used, and another is asked for.
    /// By default none is.
    ///
    /// Pinned entries leave when they expire or are removed, and last of all where
    /// [`set_capacity`](crate::Cache::set_capacity) leaves no room for them. A value that is to come in and needs more room than there is without them
    /// is refused, after entries that aren't pinned have left for it.
    fn pinned(&self, entry: &PolicyEntry<'_, K, V>) -> bool {
        let _ = entry;
        false
    }

    /// The shard's share of the capacity is another. By default nothing comes of it.
    fn resized(&mut self, bounds: &PolicyBounds) {
        let _ = bounds;
    }
}

/// An entry's number in its shard, while it is held: a small one, that serves as an index. See [`CustomPolicy`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PolicySlot(Slot);

impl PolicySlot {
    /// The number: at most some more than the shard has ever held entries at a time.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a policy may know of an entry. See [`CustomPolicy`].
#[derive(Debug)]
#[non_exhaustive]
pub struct PolicyEntry<'a, K, V> {
    /// Its key.
    pub key: &'a K,
    /// Its value.
    pub value: &'a V,
    /// Its weight, never zero.
    pub weight: u64,
    /// What its load took, to the microsecond; at least one of them.
    pub cost: Duration,
}

/// What a shard is to hold. See [`CustomPolicy`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct PolicyBounds {
    /// The shard's share of the cache's capacity, in weight; `u64::MAX` where there is no bound. A shard may hold more than its share
    /// while others hold less.
    pub weight: u64,
    /// About how many entries that is, where it is known.
    pub entries: Option<u64>,
}

impl From<Bounds> for PolicyBounds {
    fn from(Bounds { weight, entries }: Bounds) -> Self {
        Self { weight, entries }
    }
}

/// Makes the policy of a shard.
pub(crate) type MakePolicy<K, V> = dyn Fn(&PolicyBounds) -> Box<dyn CustomPolicy<K, V>> + Send + Sync;

/// A shard's policy of the user's, with a queue of its entries in order of arrival to fall back on.
pub(super) struct Custom<K, V> {
    /// There until it is dropped.
    policy: Option<Box<dyn CustomPolicy<K, V>>>,
    arrivals: Queue,
    /// Pinned entries at the back of `arrivals` that were passed over in a row: once it is all of them, every entry is pinned.
    passed: usize,
    faults: Arc<AtomicU64>,
}

impl<K, V> Custom<K, V> {
    pub(super) fn new(policy: Box<dyn CustomPolicy<K, V>>, faults: &Arc<AtomicU64>) -> Self {
        Self { policy: Some(policy), arrivals: Queue::new(), passed: 0, faults: Arc::clone(faults) }
    }

    pub(super) fn admitted(&mut self, entries: &mut impl Entries<K, V>, slot: Slot) {
        self.arrivals.push_front(entries, slot);
        self.passed = 0;
        entries.node_mut(slot).region = HELD;
        let entry = entry(entries, slot);
        self.call(|policy| policy.admitted(PolicySlot(slot), &entry));
    }

    pub(super) fn touched(&mut self, slot: Slot) {
        self.call(|policy| policy.touched(PolicySlot(slot)));
    }

    pub(super) fn removed(&mut self, entries: &mut impl Entries<K, V>, slot: Slot) {
        if self.passed < self.arrivals.len() {
            // It may be one that was passed over: the search begins anew.
            self.passed = 0;
        }
        self.arrivals.remove(entries, slot);
        entries.node_mut(slot).region = APART;
        self.call(|policy| policy.removed(PolicySlot(slot)));
    }

    pub(super) fn reweighed(&mut self, entries: &mut impl Entries<K, V>, slot: Slot, old: u64) {
        self.arrivals.reweighed(old, entries.weight(slot));
    }

    pub(super) fn resized(&mut self, bounds: Bounds) {
        self.call(|policy| policy.resized(&bounds.into()));
    }

    /// The policy's victim that isn't pinned; with `pins` ignored any entry, if it must be.
    pub(super) fn victim(&mut self, entries: &mut impl Entries<K, V>, pins: Pins) -> Choice {
        for _ in 0..PATIENCE {
            let slot = match self.call(|policy| policy.victim()) {
                Some(Some(PolicySlot(slot))) if entries.holds(slot) && entries.node(slot).region == HELD => slot,
                Some(None) if pins == Pins::Held => return Choice::Nothing,
                Some(None) => return self.first_unpinned(entries, pins),
                named => {
                    if named.is_some() {
                        self.fault();
                    }
                    return self.first_unpinned(entries, pins);
                }
            };
            if !self.is_pinned(entries, slot) {
                return Choice::Evict(slot);
            }
            self.touched(slot);
        }
        self.first_unpinned(entries, pins)
    }

    /// The entry that came first of those that aren't pinned, if there is one among the first. Pinned ones go to the queue's other end, so that the
    /// next search goes on where this one ended.
    fn first_unpinned(&mut self, entries: &mut impl Entries<K, V>, pins: Pins) -> Choice {
        if pins == Pins::Held && self.passed >= self.arrivals.len() {
            // Some may not be pinned any more.
            self.passed = 0;
        }
        for _ in 0..PATIENCE {
            let Some(slot) = self.arrivals.back().filter(|_| self.passed < self.arrivals.len()) else { break };
            if !self.is_pinned(entries, slot) {
                self.passed = 0;
                return Choice::Evict(slot);
            }
            self.arrivals.bring_to_front(entries, slot);
            self.passed += 1;
        }
        match pins {
            Pins::Ignored if self.passed >= self.arrivals.len() => Choice::of(self.arrivals.back()),
            Pins::Held | Pins::Ignored => Choice::Nothing,
        }
    }

    fn is_pinned(&mut self, entries: &impl Entries<K, V>, slot: Slot) -> bool {
        let entry = entry(entries, slot);
        self.call(|policy| policy.pinned(&entry)).unwrap_or(false)
    }

    /// Calls the policy, from where no cache can be called.
    fn call<R>(&mut self, ask: impl FnOnce(&mut dyn CustomPolicy<K, V>) -> R) -> Option<R> {
        let policy = &mut **self.policy.as_mut()?;
        let answer = contain(|| {
            let _inside = Inside::enter(Of::Policy);
            ask(policy)
        });
        match answer {
            Ok(answer) => Some(answer),
            Err(panic) => {
                panic.forget();
                self.fault();
                None
            }
        }
    }

    fn fault(&self) {
        // Relaxed: a counter.
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    #[cfg(any(test, debug_assertions))]
    pub(super) fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        self.arrivals.audit(nodes);
        assert_eq!((self.arrivals.len(), self.arrivals.weight()), (entries, weight), "each entry is in the queue");
    }
}

/// In order of arrival: nobody but the policy knows more.
impl<K, V> Ordered for Custom<K, V> {
    fn row(&self, nth: u8, _course: &mut Course) -> Option<(Row<'_>, u8)> {
        (nth == 0).then_some((Row::Queue(&self.arrivals), 0))
    }

    fn rank(&self, _nodes: &impl Nodes, _slot: Slot, _course: &mut Course) -> Rank {
        Rank::Nth(0)
    }
}

/// Contained: of two policies whose `Drop` panics, the second would abort the process.
impl<K, V> Drop for Custom<K, V> {
    fn drop(&mut self) {
        drop_contained(self.policy.take());
    }
}

/// The regions of a node: with the policy, or with none.
const APART: u8 = 0;
const HELD: u8 = 1;

fn entry<K, V>(entries: &impl Entries<K, V>, slot: Slot) -> PolicyEntry<'_, K, V> {
    let (key, value) = entries.entry(slot);
    let cost = Duration::from_micros(entries.node(slot).cost().into());
    PolicyEntry { key, value, weight: entries.weight(slot), cost }
}

/// Whether pinned entries stay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pins {
    Held,
    /// Not those without which there is nothing to evict.
    Ignored,
}
