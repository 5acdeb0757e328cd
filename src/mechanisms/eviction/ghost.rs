//! A ghost table remembers which keys were turned away lately: a tag and an age for each, four bytes a key, in sets of four.
//!
//! It may take one key for another, about once in sixteen thousand looks, and it forgets the oldest of a set first.

/// A table has room for so many keys at first, if more may come.
const FEW: u64 = 1_024;
/// Keys in a set.
const WAYS: usize = 4;
/// The clock goes on by so many ticks while as many keys are added as there is room for.
const TICKS: u64 = 1_024;
/// A tag that no key has.
const VACANT: u16 = 0;

/// A key that was turned away.
#[derive(Clone, Copy)]
struct Trace {
    tag: u16,
    /// When, by the table's clock, which goes round.
    since: u16,
}

/// The keys that were turned away lately.
pub(super) struct Ghost {
    /// None before the first key.
    sets: Vec<[Trace; WAYS]>,
    /// How many keys there is room for.
    entries: u64,
    clock: u16,
    /// Keys since the clock's last tick, times `TICKS`.
    since_tick: u64,
}

impl Ghost {
    /// A table for so many entries, or however many there will be. It begins small and grows with what is held.
    pub(super) fn new(entries: Option<u64>) -> Self {
        let mut entries = entries.unwrap_or(FEW).max(1);
        while entries > FEW {
            entries = entries.div_ceil(2);
        }
        Self { sets: Vec::new(), entries, clock: 0, since_tick: 0 }
    }

    /// Remembers the key of `hash`.
    pub(super) fn add(&mut self, hash: u64) {
        if self.sets.is_empty() {
            let sets = usize::try_from(self.entries.div_ceil(WAYS as u64)).unwrap_or(1);
            self.sets.resize(sets, [Trace { tag: VACANT, since: 0 }; WAYS]);
        }
        self.pass_time();
        let (at, tag) = self.place(hash);
        let clock = self.clock;
        let age = |trace: &Trace| if trace.tag == VACANT { u16::MAX } else { clock.wrapping_sub(trace.since) };
        let set = &mut self.sets[at];
        // The key's own trace, if it has one; else the oldest.
        let own = (0..WAYS).find(|&way| set[way].tag == tag);
        let way = own.or_else(|| (0..WAYS).max_by_key(|&way| age(&set[way]))).unwrap_or(0);
        set[way] = Trace { tag, since: clock };
    }

    /// Whether the key of `hash` is remembered.
    pub(super) fn knows(&self, hash: u64) -> bool {
        let (at, tag) = self.place(hash);
        self.sets.get(at).is_some_and(|set| set.iter().any(|trace| trace.tag == tag))
    }

    /// Whether the key of `hash` was remembered. It isn't any more.
    pub(super) fn take(&mut self, hash: u64) -> bool {
        let (at, tag) = self.place(hash);
        let Some(trace) = self.sets.get_mut(at).and_then(|set| set.iter_mut().find(|trace| trace.tag == tag)) else { return false };
        trace.tag = VACANT;
        true
    }

    /// So many entries are held now: doubles the table if they are many more than it has room for. It forgets nothing.
    pub(super) fn hold(&mut self, held: u64) {
        if held <= self.entries.saturating_add(self.entries / 4) {
            return;
        }
        self.entries = self.entries.saturating_mul(2);
        if self.sets.len() as u64 >= self.entries.div_ceil(WAYS as u64) {
            return;
        }
        // The index is made of a hash's high bits: what was in one set is looked for in two neighbours now.
        self.sets = self.sets.iter().flat_map(|set| [*set, *set]).collect();
    }

    /// About so many entries will be held from now on: begins anew if they are far fewer than there is room for.
    pub(super) fn shrink_to(&mut self, entries: u64) {
        if self.entries / 4 > entries {
            *self = Self::new(Some(entries));
        }
    }

    /// Bytes of its traces.
    #[cfg(any(test, fuzzing))]
    pub(super) fn memory(&self) -> usize {
        self.sets.capacity() * size_of::<[Trace; WAYS]>()
    }

    fn pass_time(&mut self) {
        self.since_tick += TICKS;
        let ticks = self.since_tick / self.entries;
        self.since_tick %= self.entries;
        self.clock = self.clock.wrapping_add(u16::try_from(ticks & 0xFFFF).unwrap_or(0));
    }

    fn place(&self, hash: u64) -> (usize, u16) {
        let hash = hash.wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        let hash = (hash ^ (hash >> 32)).wrapping_mul(0x9FB2_1C65_1E98_DF25);
        let set = (u128::from(hash) * self.sets.len() as u128) >> 64;
        let tag = u16::try_from(hash & 0xFFFF).unwrap_or(0).max(VACANT + 1);
        (usize::try_from(set).unwrap_or(0), tag)
    }
}
