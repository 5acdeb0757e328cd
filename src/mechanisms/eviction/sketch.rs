//! A sketch guesses how often each key was asked for lately, in a few bits a key: a count-min sketch (Cormode, Muthukrishnan, Journal
//! of Algorithms 2005) of four-bit counters that are halved now and then, as TinyLFU ages them (Einziger, Friedman, Manes, ACM ToS 2017).
//!
//! A key's four counters lie in one block of 64 bytes, so that a guess costs one cache line. A key's counters are at least as high as the
//! number of its own additions since they were last halved; other keys that share all four make them higher, never lower.

/// A sketch is made for so many entries at first, if more may come.
const FEW: u64 = 1_024;
/// One block for so many entries: eight bytes an entry.
const ENTRIES_PER_BLOCK: u64 = 8;
/// And no fewer than for so many: keys of a small cache would have much of their sketch in common.
const LEAST: u64 = 512;
/// All counters are halved once there were so many additions for each entry.
const ADDITIONS_PER_ENTRY: u64 = 20;
/// The highest that a counter goes.
const HIGHEST: u64 = 15;
/// The low three bits of each of a word's sixteen counters.
const LOW_THREE: u64 = 0x7777_7777_7777_7777;

/// Four rows of 32 counters, two words each.
#[derive(Clone)]
#[repr(align(64))]
struct Block([u64; 8]);

/// How often keys were asked for, about.
pub(super) struct Sketch {
    /// None before the first addition.
    blocks: Vec<Block>,
    /// How many entries it is made for.
    entries: u64,
    /// Additions since the counters were last halved.
    additions: u64,
    /// Blocks that have yet to be halved this time.
    unhalved: usize,
}

impl Sketch {
    /// A sketch for so many entries, or however many there will be. It begins small and grows with what is held.
    pub(super) fn new(entries: Option<u64>) -> Self {
        let mut entries = entries.unwrap_or(FEW).max(1);
        while entries > FEW {
            entries = entries.div_ceil(2);
        }
        Self { blocks: Vec::new(), entries, additions: 0, unhalved: 0 }
    }

    /// Counts one more request for the key of `hash`.
    pub(super) fn add(&mut self, hash: u64) {
        if self.blocks.is_empty() {
            let blocks = usize::try_from(self.entries.max(LEAST).div_ceil(ENTRIES_PER_BLOCK)).unwrap_or(1);
            self.blocks.resize(blocks, Block([0; 8]));
        }
        let hash = mix(hash);
        let at = self.block_of(hash);
        let Block(words) = &mut self.blocks[at];
        let lowest = lowest(words, hash);
        if lowest < HIGHEST {
            for row in 0..4 {
                let (word, shift) = place(hash, row);
                if (words[word] >> shift) & HIGHEST < HIGHEST {
                    words[word] += 1 << shift;
                }
            }
        }
        self.age();
    }

    /// How often the key of `hash` was asked for lately, from 0 to 15.
    pub(super) fn estimate(&self, hash: u64) -> u32 {
        let hash = mix(hash);
        let lowest = self.blocks.get(self.block_of(hash)).map_or(0, |Block(words)| lowest(words, hash));
        u32::try_from(lowest).unwrap_or(0)
    }

    /// So many entries are held now: doubles the sketch if they are many more than it is made for. It forgets nothing.
    pub(super) fn hold(&mut self, held: u64) {
        if held <= self.entries.saturating_add(self.entries / 4) {
            return;
        }
        self.entries = self.entries.saturating_mul(2);
        if self.blocks.len() as u64 >= self.entries.div_ceil(ENTRIES_PER_BLOCK) {
            return;
        }
        // The index is made of a hash's high bits: what was in one block is looked for in two neighbours now.
        self.blocks = self.blocks.iter().flat_map(|block| [block.clone(), block.clone()]).collect();
        self.unhalved *= 2;
    }

    /// About so many entries will be held from now on: begins anew if they are far fewer than it is made for.
    pub(super) fn shrink_to(&mut self, entries: u64) {
        if self.entries / 4 > entries {
            *self = Self::new(Some(entries));
        }
    }

    /// Bytes of its counters.
    #[cfg(any(test, fuzzing))]
    pub(super) fn memory(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>()
    }

    /// Halves the counters when it is time, one block an addition, so that nobody pays for all at once.
    fn age(&mut self) {
        self.additions += 1;
        // Where entries are few, one round is over only after the next is due.
        if self.unhalved == 0 && self.additions >= self.entries.saturating_mul(ADDITIONS_PER_ENTRY) {
            self.additions = 0;
            self.unhalved = self.blocks.len();
        }
        if let Some(next) = self.unhalved.checked_sub(1) {
            self.unhalved = next;
            for word in &mut self.blocks[next].0 {
                *word = (*word >> 1) & LOW_THREE;
            }
        }
    }

    fn block_of(&self, hash: u64) -> usize {
        let block = (u128::from(hash) * self.blocks.len() as u128) >> 64;
        usize::try_from(block).unwrap_or(0)
    }
}

/// The lowest of a key's four counters.
fn lowest(words: &[u64; 8], hash: u64) -> u64 {
    let counter = |row| {
        let (word, shift) = place(hash, row);
        (words[word] >> shift) & HIGHEST
    };
    counter(0).min(counter(1)).min(counter(2)).min(counter(3))
}

/// The word and the bit in it at which a key's counter of `row` begins: five bits of the hash choose one of 32.
fn place(hash: u64, row: usize) -> (usize, u32) {
    let bits = (hash >> (5 * row)) & 31;
    (row * 2 + usize::from(bits >= 16), u32::try_from(bits & 15).unwrap_or(0) * 4)
}

/// Makes each bit of a hash count in all bits: some chose the shard, and are nearly the same in all that come here.
fn mix(hash: u64) -> u64 {
    let wide = u128::from(hash ^ 0x9E37_79B9_7F4A_7C15) * u128::from(0xD6E8_FEB8_6659_FD93_u64);
    let (low, high) = (wide & u128::from(u64::MAX), wide >> 64);
    u64::try_from(low ^ high).unwrap_or(0)
}
