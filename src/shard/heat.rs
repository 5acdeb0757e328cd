//! A shard's entries from the coldest to the hottest: in the order in which its eviction policy would part with them.

use super::record::Record;
use super::walk::STEPS;
use super::{Shard, State};
use crate::ground::slab::{Handle, Search, Slot};
use crate::ground::time::Clock;
use crate::mechanisms::eviction::{ALL_RANKS, RANKS, Rank, Telling};
use std::sync::Arc;

/// Which entries of a shard are asked for.
#[derive(Clone, Copy)]
pub(crate) enum Among<'a> {
    /// All that are held: the stale, too, and what has expired and isn't reclaimed yet.
    #[cfg_attr(not(feature = "snapshot"), expect(dead_code, reason = "for the snapshot, which saves what is stale, too"))]
    Held,
    /// Those that everybody may see.
    Shown(&'a Clock),
}

impl<K, V> Shard<K, V> {
    /// How many entries are held.
    pub(crate) fn len(&self) -> usize {
        self.read().store.len()
    }

    /// The stays of the entries, coldest first, each once: the `most` coldest, or all.
    ///
    /// Hits that the policy hasn't heard of yet are worked in first. The lock is let go after every 256 steps; what has moved meanwhile counts as hot,
    /// what has come meanwhile isn't among them, and what stays isn't missed.
    pub(crate) fn by_heat(&self, most: usize, among: Among<'_>) -> Vec<Handle> {
        self.work_in_touches();
        let mut told = Told::new(most, among);
        let mut telling = Telling::default();
        while !self.read().tell(&mut telling, &mut told) {
            if told.is_enough(telling.lowest()) {
                return told.in_order();
            }
        }
        let mut next = 0;
        while let Some(from) = self.read().catch_up(next, &mut told) {
            next = from;
        }
        told.in_order()
    }

    /// What is still held of `stays`, at most so many that one hold of the lock can take, in their order; and nothing in the place of each that isn't, or that
    /// not everybody may see.
    pub(crate) fn taken(&self, stays: &[Handle], clock: &Clock, mut take: impl FnMut(Option<(K, Arc<V>)>))
    where
        K: Clone,
    {
        for stays in stays.chunks(STEPS as usize) {
            let state = self.read();
            for &stay in stays {
                let record = state.store.holds(Some(stay)).then(|| state.store.get(stay.slot)).filter(|record| record.is_shown(clock));
                take(record.map(Record::taken));
            }
        }
    }
}

impl<K, V> State<K, V> {
    /// Goes on telling the order in one hold of the lock, and says whether all is told.
    fn tell(&self, telling: &mut Telling, told: &mut Told<'_>) -> bool {
        told.begin(self);
        let mut steps = STEPS;
        self.store.tell(telling, &mut steps, |slot, rank| told.add(self, slot, rank))
    }

    /// Adds what the telling has missed because it moved, in one hold of the lock, and says where to go on.
    fn catch_up(&self, mut next: Slot, told: &mut Told<'_>) -> Option<Slot> {
        let mut steps = STEPS;
        while steps > 0 {
            match self.store.search(next, &mut steps) {
                Search::Found(slot) => {
                    told.add(self, slot, Rank::Nth(MOVED));
                    next = slot + 1;
                    steps = steps.saturating_sub(1);
                }
                Search::Paused(slot) => return Some(slot),
                Search::End => return None,
            }
        }
        Some(next)
    }
}

/// The rank of what has moved while the order was told.
const MOVED: u8 = ALL_RANKS;

/// What is told of the order so far.
struct Told<'a> {
    most: usize,
    among: Among<'a>,
    /// Stays from this generation on are none of them.
    before: Option<u64>,
    /// A bit for each slot: whether it was met.
    met: Vec<u64>,
    /// By their rank, where there are few of them.
    few: [Vec<Handle>; MOVED as usize + 1],
    /// By their worth and last use.
    worth: Vec<(u128, u64, Handle)>,
}

impl<'a> Told<'a> {
    fn new(most: usize, among: Among<'a>) -> Self {
        Self { most, among, before: None, met: Vec::new(), few: [const { Vec::new() }; MOVED as usize + 1], worth: Vec::new() }
    }

    fn begin<K, V>(&mut self, state: &State<K, V>) {
        self.before.get_or_insert_with(|| state.store.now());
    }

    fn add<K, V>(&mut self, state: &State<K, V>, slot: Slot, rank: Rank) {
        if state.store.since(slot) >= self.before || !self.is_new(slot) {
            return;
        }
        let Some(stay) = state.store.handle(slot) else { return };
        match self.among {
            Among::Shown(clock) if !state.store.get(slot).is_shown(clock) => {}
            Among::Held | Among::Shown(_) => match rank {
                Rank::Nth(nth) => self.few[usize::from(nth)].push(stay),
                Rank::Worth(worth, used) => self.worth.push((worth, used, stay)),
            },
        }
    }

    /// Whether `slot` is met for the first time.
    fn is_new(&mut self, slot: Slot) -> bool {
        let (word, bit) = ((slot / 64) as usize, 1 << (slot % 64));
        if word >= self.met.len() {
            self.met.resize(word + 1, 0);
        }
        let is_new = self.met[word] & bit == 0;
        self.met[word] |= bit;
        is_new
    }

    /// Whether all that is asked for is known, as nothing colder than what is told can come.
    fn is_enough(&self, lowest: u8) -> bool {
        let mut known = self.few[..=usize::from(lowest)].iter().map(Vec::len).sum::<usize>();
        if lowest >= RANKS {
            known += self.worth.len();
        }
        known >= self.most
    }

    /// All that is told, coldest first.
    fn in_order(mut self) -> Vec<Handle> {
        self.worth.sort_unstable_by_key(|&(worth, used, _)| (worth, used));
        let (first, last) = self.few.split_at(usize::from(RANKS));
        let worth = self.worth.iter().map(|(.., stay)| stay);
        first.iter().flatten().chain(worth).chain(last.iter().flatten()).take(self.most).copied().collect()
    }
}
