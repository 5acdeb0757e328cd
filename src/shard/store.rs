//! The store: records in a slab, an index of slot numbers over them, the eviction policy's queues and the timer wheel.

use super::record::Record;
use crate::ground::hash::Hashed;
use crate::ground::slab::{Handle, Search, Slab, Slot};
use crate::ground::striped::{Fullness, Ring};
use crate::ground::sync::Arc;
use crate::ground::time::{Deadline, Tick};
use crate::mechanisms::eviction::{Arrival, Bounds, Choice, Eviction, Gone, Pins, Plan, Rank, Telling, Verdict};
use crate::mechanisms::wheel::Wheel;
use crate::vocabulary::expiry::Times;
use equivalent::Equivalent;
use hashbrown::HashTable;

/// An index for so many entries isn't worth making smaller.
const SMALL_INDEX: usize = 64;

/// The entries of a shard. Single-threaded: the shard's lock guards it.
pub(crate) struct Store<K, V> {
    /// Slots by the hash of their keys.
    index: HashTable<Slot>,
    records: Slab<Record<K, V>>,
    eviction: Eviction<K, V>,
    wheel: Wheel,
    /// Sum of the records' weights.
    weight: u64,
    /// How many records carry tags.
    labelled: usize,
    plan: Arc<Plan<K, V>>,
    /// No record lies before this slot, once the store is being emptied.
    cleared: Slot,
}

impl<K, V> Store<K, V> {
    pub(super) fn new(plan: &Arc<Plan<K, V>>) -> Self {
        Self::with(plan.eviction(), plan)
    }

    fn with(eviction: Eviction<K, V>, plan: &Arc<Plan<K, V>>) -> Self {
        let plan = Arc::clone(plan);
        Self { index: HashTable::new(), records: Slab::new(), eviction, wheel: Wheel::new(), weight: 0, labelled: 0, plan, cleared: 0 }
    }

    pub(super) fn weight(&self) -> u64 {
        self.weight
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    pub(super) fn labelled(&self) -> usize {
        self.labelled
    }

    pub(super) fn has_room(&self) -> bool {
        self.records.has_room()
    }

    /// The one probe. Runs the key's `Eq`.
    #[inline]
    pub(super) fn find<Q: Equivalent<K> + ?Sized>(&self, hashed: Hashed, key: &Q) -> Option<Slot> {
        let records = &self.records;
        let is_it = |&slot: &Slot| records.get(slot).is_some_and(|record| record.hashed == hashed && key.equivalent(&record.key));
        self.index.find(hashed.0, is_it).copied()
    }

    /// As [`find`](Self::find), with what lies there.
    #[inline]
    pub(super) fn find_record<Q: Equivalent<K> + ?Sized>(&self, hashed: Hashed, key: &Q) -> Option<(Slot, &Record<K, V>)> {
        let slot = self.find(hashed, key)?;
        Some((slot, self.get(slot)))
    }

    #[inline]
    pub(super) fn get(&self, slot: Slot) -> &Record<K, V> {
        &self.records[slot]
    }

    /// The value in `slot`, for whoever finds that nobody else has it in hand.
    pub(super) fn value_mut(&mut self, slot: Slot) -> &mut std::sync::Arc<V> {
        &mut self.records[slot].value
    }

    /// Goes on telling the order in which the policy would part with the entries, and says whether all is told.
    pub(super) fn tell(&self, telling: &mut Telling, steps: &mut u32, met: impl FnMut(Slot, Rank)) -> bool {
        self.eviction.tell(telling, &self.records, |slot| self.records.handle(slot), steps, met)
    }

    /// The first slot with a record at or after `slot`, as far as `steps` go.
    pub(super) fn search(&self, slot: Slot, steps: &mut u32) -> Search {
        self.records.search(slot, steps)
    }

    /// The generation of the stay in `slot`.
    pub(super) fn since(&self, slot: Slot) -> Option<u64> {
        self.records.since(slot)
    }

    /// The generation of the next stay that begins.
    pub(super) fn now(&self) -> u64 {
        self.records.now()
    }

    /// The present stay of the entry in `slot`, and whether a stay goes on.
    pub(super) fn handle(&self, slot: Slot) -> Option<Handle> {
        self.records.handle(slot)
    }

    pub(super) fn holds(&self, stay: Option<Handle>) -> bool {
        stay.is_some_and(|stay| self.records.handle(stay.slot) == Some(stay))
    }

    /// Notes a hit of the `record` in `slot`, under the read lock.
    #[inline]
    pub(super) fn hit(&self, slot: Slot, record: &Record<K, V>, ring: &Ring) -> Fullness {
        self.eviction.hit(&record.node, record.hashed.0, || self.records.handle(slot), ring)
    }

    /// Works in a mark that a hit has left; one of an entry that has left since is stale and counts for nothing.
    pub(super) fn touch(&mut self, handle: Handle) {
        if self.records.handle(handle.slot) == Some(handle) {
            self.eviction.touched(&mut self.records, handle.slot);
        }
    }

    /// Puts in a record whose key is not held.
    pub(super) fn insert(&mut self, record: Record<K, V>) {
        let (hashed, weight) = (record.hashed, record.weight);
        self.labelled += record.labels();
        let slot = self.records.insert(record);
        let records = &self.records;
        self.index.insert_unique(hashed.0, slot, |&other| records[other].hashed.0);
        self.weight += weight;
        self.eviction.admitted(&mut self.records, slot);
        self.wheel.arm(&mut self.records, slot);
    }

    /// Puts `record` in the place of the one in `slot`, which has the same key and is given back. It keeps its place in the queues.
    pub(super) fn replace(&mut self, slot: Slot, mut record: Record<K, V>) -> Record<K, V> {
        let (old, new) = (self.records[slot].weight, record.weight);
        self.labelled = self.labelled - self.records[slot].labels() + record.labels();
        self.weight = self.weight - old + new;
        let changes_sides = (old == 0) != (new == 0);
        if changes_sides {
            self.eviction.removed(&mut self.records, slot, Gone::Left);
        }
        let held = &mut self.records[slot];
        record.node.take_place_of(&mut held.node);
        std::mem::swap(&mut held.timer, &mut record.timer);
        let replaced = std::mem::replace(held, record);
        if changes_sides {
            self.eviction.admitted(&mut self.records, slot);
        } else {
            self.eviction.reweighed(&mut self.records, slot, old);
        }
        self.wheel.rearm(&mut self.records, slot);
        replaced
    }

    /// Changes the times of the entry in `slot`.
    pub(super) fn change_times(&mut self, slot: Slot, change: impl FnOnce(&mut Times)) {
        change(&mut self.records[slot].times);
        self.wheel.rearm(&mut self.records, slot);
    }

    /// An entry whose last deadline has passed, still in. Spends one of `steps` for each entry that is looked at.
    pub(super) fn due(&mut self, now: Tick, steps: &mut u32) -> Option<Slot> {
        self.wheel.due(&mut self.records, now, steps)
    }

    /// When there may be something due.
    pub(super) fn next_due(&self) -> Option<Deadline> {
        self.wheel.next()
    }

    /// Counts a write to the entry in `slot` as a use of it.
    pub(super) fn used(&mut self, slot: Slot) {
        self.eviction.touched(&mut self.records, slot);
    }

    /// Takes out the record in `slot`. Runs no user code.
    pub(super) fn take(&mut self, slot: Slot, gone: Gone) -> Record<K, V> {
        self.eviction.removed(&mut self.records, slot, gone);
        self.wheel.disarm(&mut self.records, slot);
        let record = self.records.remove(slot).expect("the slot is occupied");
        if let Ok(entry) = self.index.find_entry(record.hashed.0, |&other| other == slot) {
            entry.remove();
        }
        self.shrink_if_sparse();
        self.weight -= record.weight;
        self.labelled -= record.labels();
        record
    }

    /// Gives memory of the index back that many departures have left empty. It then has room for twice what it holds, so that it isn't made anew often.
    fn shrink_if_sparse(&mut self) {
        let (held, room) = (self.index.len(), self.index.capacity());
        if room > SMALL_INDEX && held < room / 8 {
            let records = &self.records;
            self.index.shrink_to(held * 2, |&slot| records[slot].hashed.0);
        }
    }

    /// Whether entries leave to make room at all.
    pub(super) fn evicts(&self) -> bool {
        self.eviction.evicts()
    }

    /// Whether entries may be evicted for an arrival for which room is missing. Asked once for each.
    pub(super) fn arrives(&mut self, arrival: &Arrival) -> Verdict {
        self.eviction.arrives(&mut self.records, arrival)
    }

    /// The entry that is to leave next, for `arrival` or for an entry of another shard. Only what weighs something makes room.
    pub(super) fn victim(&mut self, arrival: Option<&Arrival>, pins: Pins) -> Option<Slot> {
        match self.eviction.victim(&mut self.records, arrival, pins) {
            Choice::Evict(slot) => Some(slot),
            Choice::Nothing => None,
        }
    }

    /// The entry of no weight that is to leave before another comes, if as many as may are held.
    pub(super) fn weightless_victim(&mut self) -> Option<Slot> {
        self.eviction.weightless_victim(&mut self.records, self.plan.weightless())
    }

    /// An entry of no weight, if more than may are held.
    pub(super) fn surplus_weightless(&mut self) -> Option<Slot> {
        self.eviction.weightless_victim(&mut self.records, self.plan.weightless().saturating_add(1))
    }

    /// The shard's share of the capacity is another.
    pub(super) fn resized(&mut self, bounds: Bounds) {
        self.eviction.resized(&mut self.records, bounds);
    }

    /// Empties the store and gives back what was in it, in constant time.
    pub(super) fn swap_out(&mut self) -> Self {
        let mut empty = Self::new(&self.plan);
        empty.records = self.records.successor();
        std::mem::replace(self, empty)
    }

    /// As [`swap_out`](Self::swap_out), of a cache that ends: no policy of the user's is made for what comes after it.
    pub(super) fn swap_out_for_good(&mut self) -> Self {
        let empty = Self::with(self.plan.plain_eviction(), &self.plan);
        std::mem::replace(self, empty)
    }
}

impl<K, V> Store<K, V> {
    /// Takes out a record of a store that nobody looks into any more: index and queues don't follow.
    pub(super) fn take_any(&mut self) -> Option<Record<K, V>> {
        let slot = self.records.next_occupied(self.cleared)?;
        self.cleared = slot;
        self.records.remove(slot)
    }
}

/// One by one: of several keys and values whose `Drop` panics, the second would abort the process.
impl<K, V> Drop for Store<K, V> {
    fn drop(&mut self) {
        while let Some(record) = self.take_any() {
            record.let_go();
        }
    }
}

#[cfg(any(test, debug_assertions))]
impl<K, V> Store<K, V> {
    /// The first record at or after `slot`, with its slot.
    fn next_at(&self, slot: Slot) -> Option<(Slot, &Record<K, V>)> {
        let slot = self.records.next_occupied(slot)?;
        Some((slot, &self.records[slot]))
    }

    /// Checks that index, records, queues and weight agree, and gives the weight.
    pub(super) fn audit(&self) -> u64 {
        assert_eq!(self.index.len(), self.records.len(), "each record is indexed once");
        let mut weight = 0;
        let mut next = self.next_at(0);
        while let Some((slot, record)) = next {
            assert!(self.index.find(record.hashed.0, |&other| other == slot).is_some(), "slot {slot} is indexed");
            weight += record.weight;
            next = self.next_at(slot + 1);
        }
        assert_eq!(weight, self.weight, "the weight is the sum of the records'");
        self.eviction.audit(&self.records, self.records.len(), self.weight);
        let timed = self.wheel.audit(&self.records);
        assert!(timed <= self.records.len(), "only what is held is timed");
        weight
    }
}
