//! The names of tags that are carried, the last strikes of each, and what is kept of the strikes of all others.

use super::Strike;
use crate::ground::sync::Arc;
use crate::ground::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use hashbrown::HashTable;

/// Strikes of names that nobody carries are kept by so many buckets of their hash. They matter to loads in the air that will bring such a name; one
/// that brings another name of the same bucket is taken to be struck as well, which loses nothing but its place in the cache.
const BUCKETS: usize = 1_024;

/// The instant of an expiry that nothing is held from before.
const UNTOLD: u64 = u64::MAX;

/// The names of a cache.
pub(super) struct Names {
    /// Those that somebody carries.
    carried: HashTable<Arc<Tag>>,
    others: Option<Box<[Numbers; BUCKETS]>>,
}

/// The last strikes of a tag, by what they do.
#[derive(Clone, Copy, Default)]
pub(super) struct Numbers {
    pub(super) invalidated: u64,
    pub(super) expired: u64,
    /// The strike before the last, or a later one.
    pub(super) before: u64,
}

/// One name.
pub(super) struct Tag {
    pub(super) name: Box<str>,
    hash: u64,
    /// How many sets of labels carry it.
    pub(super) carriers: AtomicUsize,
    invalidated: AtomicU64,
    expired: AtomicU64,
    /// The number of the strike before the last, or a higher one.
    before: AtomicU64,
    /// When the first of those expiries came that have yet to be carried out on what is held, in nanoseconds.
    pub(super) expired_at: AtomicU64,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { carried: HashTable::new(), others: None }
    }

    /// How many are carried.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn len(&self) -> usize {
        self.carried.len()
    }

    /// Notes a strike of a name, and says whether anything carries it.
    pub(super) fn strike(&mut self, (name, hash): (&str, u64), number: u64, strike: Strike, swept: u64) -> bool {
        if let Some(tag) = self.carried.find(hash, |tag| *tag.name == *name) {
            tag.strike(number, strike, swept);
            return true;
        }
        self.bucket(hash).strike(number, strike);
        false
    }

    /// Those who carried a tag last have let go of it. Somebody may have taken it up again since.
    pub(super) fn forget(&mut self, tag: &Arc<Tag>) {
        if tag.carriers.load(Ordering::Acquire) > 0 {
            return;
        }
        let Ok(entry) = self.carried.find_entry(tag.hash, |carried| Arc::ptr_eq(carried, tag)) else { return };
        // No more than a count: the caller has it, too.
        drop(entry.remove());
        let numbers = tag.numbers();
        if numbers.invalidated.max(numbers.expired) > 0 {
            let bucket = self.bucket(tag.hash);
            bucket.before = bucket.last().min(numbers.last()).max(bucket.before).max(numbers.before);
            bucket.invalidated = bucket.invalidated.max(numbers.invalidated);
            bucket.expired = bucket.expired.max(numbers.expired);
        }
        let (len, room) = (self.carried.len(), self.carried.capacity());
        if room > 64 && len < room / 8 {
            self.carried.shrink_to(len * 2, |tag| tag.hash);
        }
    }

    /// The tag of a name, carried once more.
    pub(super) fn carry(&mut self, name: &str, hash: u64) -> Arc<Tag> {
        if let Some(tag) = self.carried.find(hash, |tag| *tag.name == *name) {
            tag.carriers.fetch_add(1, Ordering::Relaxed);
            return Arc::clone(tag);
        }
        let Numbers { invalidated, expired, before } = self.others.as_ref().map_or_else(Numbers::default, |others| others[bucket(hash)]);
        let tag = Arc::new(Tag {
            name: name.into(),
            hash,
            carriers: AtomicUsize::new(1),
            invalidated: AtomicU64::new(invalidated),
            expired: AtomicU64::new(expired),
            before: AtomicU64::new(before),
            expired_at: AtomicU64::new(UNTOLD),
        });
        self.carried.insert_unique(hash, Arc::clone(&tag), |tag| tag.hash);
        tag
    }

    fn bucket(&mut self, hash: u64) -> &mut Numbers {
        &mut self.others.get_or_insert_with(|| Box::new([Numbers::default(); BUCKETS]))[bucket(hash)]
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the remainder is small")]
fn bucket(hash: u64) -> usize {
    (hash % BUCKETS as u64) as usize
}

impl Numbers {
    fn strike(&mut self, number: u64, strike: Strike) {
        self.before = self.last();
        match strike {
            Strike::Invalidate => self.invalidated = number,
            Strike::Expire(_) => self.expired = number,
        }
    }

    pub(super) fn last(&self) -> u64 {
        self.invalidated.max(self.expired)
    }
}

impl Tag {
    /// Notes a strike, of which all up to `swept` have been carried out on what is held. Only under the lock of the names.
    fn strike(&self, number: u64, strike: Strike, swept: u64) {
        self.before.store(self.last(), Ordering::Release);
        match strike {
            Strike::Invalidate => self.invalidated.store(number, Ordering::Release),
            Strike::Expire(at) => {
                let is_new = self.expired.load(Ordering::Relaxed) <= swept;
                if is_new || self.expired_at.load(Ordering::Relaxed) == UNTOLD {
                    self.expired_at.store(at.nanos(), Ordering::Relaxed);
                }
                // Released: whoever sees the number sees the instant.
                self.expired.store(number, Ordering::Release);
            }
        }
    }

    pub(super) fn numbers(&self) -> Numbers {
        let (invalidated, expired) = (self.invalidated.load(Ordering::Acquire), self.expired.load(Ordering::Acquire));
        // Stored before the last of these: read after them, it is that one's or a later one's.
        Numbers { invalidated, expired, before: self.before.load(Ordering::Acquire) }
    }

    /// The number of the last strike.
    pub(super) fn last(&self) -> u64 {
        self.numbers().last()
    }
}
