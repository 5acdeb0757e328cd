//! Tags: names that entries carry, by which all that carry one are struck at once.
//!
//! One sequence of numbers orders strikes and what they strike. A load takes the sequence's number when it begins, a write when it stores; a
//! strike takes the next. Whatever carries the tag and has a lower number than its last strike is struck: nothing is visited for that, who looks
//! compares.

use super::hash::RandomState;
use super::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use super::sync::{Arc, Mutex};
use super::time::{Deadline, Tick};
use hashbrown::HashTable;
use std::fmt;
use std::hash::BuildHasher;

/// Strikes of names that nobody carries are kept by so many buckets of their hash. They matter to loads in the air that will bring such a name; one
/// that brings another name of the same bucket is taken to be struck as well, which loses nothing but its place in the cache.
const BUCKETS: usize = 1_024;

/// The instant of an expiry that nothing is held from before.
const UNTOLD: u64 = u64::MAX;

/// The tags of a cache.
pub(crate) struct Tags {
    /// The number of the last strike.
    sequence: AtomicU64,
    /// The number of the last load of many keys, among which writes are placed.
    loads: AtomicU64,
    /// All strikes up to this one have been carried out on what was held.
    swept: AtomicU64,
    /// The last strike of any tag.
    last: AtomicU64,
    hasher: RandomState,
    names: Mutex<Names>,
}

struct Names {
    /// Those that somebody carries.
    carried: HashTable<Arc<Tag>>,
    others: Option<Box<[Numbers; BUCKETS]>>,
}

/// The last strikes of a tag, by what they do.
#[derive(Clone, Copy, Default)]
struct Numbers {
    invalidated: u64,
    expired: u64,
    /// The strike before the last, or a later one.
    before: u64,
}

/// One name.
struct Tag {
    name: Box<str>,
    hash: u64,
    /// How many sets of labels carry it.
    carriers: AtomicUsize,
    invalidated: AtomicU64,
    expired: AtomicU64,
    /// The number of the strike before the last, or a higher one.
    before: AtomicU64,
    /// When the first of those expiries came that have yet to be carried out on what is held, in nanoseconds.
    expired_at: AtomicU64,
}

/// What a strike does to the entries that carry the tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Strike {
    Invalidate,
    /// Ends their time to live at this instant.
    Expire(Tick),
}

/// The tags that one entry carries.
pub(crate) struct Labels {
    home: Arc<Tags>,
    tags: Box<[Arc<Tag>]>,
    /// The number of the load or write that the entry comes from.
    stamp: u64,
}

/// What the strikes since have made of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    Spared,
    Invalidated,
    /// Its time to live ended then at the latest.
    Expired(Deadline),
}

impl Tags {
    pub(crate) fn new() -> Arc<Self> {
        let names = Mutex::new(Names { carried: HashTable::new(), others: None });
        let (sequence, loads, swept, last) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { sequence, loads, swept, last, hasher: RandomState::new(), names })
    }

    /// The number of what begins now.
    pub(crate) fn now(&self) -> u64 {
        // Sequentially consistent, as are strikes: what begins after one has a number that is as high.
        self.sequence.load(Ordering::SeqCst)
    }

    /// The number of a load of many keys that begins now.
    pub(crate) fn next_load(&self) -> u64 {
        self.loads.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// The number of the last load of many keys that has begun.
    pub(crate) fn last_load(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }

    /// The tags of these names, on something that has the number `stamp`. None if there are no names.
    pub(crate) fn labels(self: &Arc<Self>, names: &[Arc<str>], stamp: u64) -> Option<Labels> {
        if names.is_empty() {
            return None;
        }
        let mut tags: Vec<Arc<Tag>> = Vec::with_capacity(names.len());
        let mut table = self.names.lock();
        for name in names {
            let hash = self.hasher.hash_one(&**name);
            if tags.iter().all(|tag| *tag.name != **name) {
                tags.push(table.carry(name, hash));
            }
        }
        drop(table);
        Some(Labels { home: Arc::clone(self), tags: tags.into_boxed_slice(), stamp })
    }

    /// Strikes all that carries the tag and has begun by now, in constant time. Says whether anything carries it.
    pub(crate) fn strike(&self, name: &str, strike: Strike) -> bool {
        let hash = self.hasher.hash_one(name);
        let mut table = self.names.lock();
        let number = self.sequence.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(tag) = table.carried.find(hash, |tag| *tag.name == *name) {
            tag.before.store(tag.last(), Ordering::Release);
        }
        match table.carried.find(hash, |tag| *tag.name == *name) {
            Some(tag) => match strike {
                Strike::Invalidate => tag.invalidated.store(number, Ordering::Release),
                Strike::Expire(at) => {
                    let is_new = tag.expired.load(Ordering::Relaxed) <= self.swept.load(Ordering::Acquire);
                    if is_new || tag.expired_at.load(Ordering::Relaxed) == UNTOLD {
                        tag.expired_at.store(at.nanos(), Ordering::Relaxed);
                    }
                    // Released: whoever sees the number sees the instant.
                    tag.expired.store(number, Ordering::Release);
                }
            },
            None => {
                table.bucket(hash).strike(number, strike);
                return false;
            }
        }
        self.last.store(number, Ordering::Release);
        true
    }

    /// The number of the last strike, if it has yet to be carried out on what is held.
    pub(crate) fn unswept(&self) -> Option<u64> {
        let last = self.last.load(Ordering::Acquire);
        (last > self.swept.load(Ordering::Acquire)).then_some(last)
    }

    pub(crate) fn is_swept(&self, number: u64) -> bool {
        self.swept.load(Ordering::Acquire) >= number
    }

    /// All that was struck by the strike of that `number` or before has been taken out or stamped anew.
    pub(crate) fn sweep_ended(&self, number: u64) {
        self.swept.fetch_max(number, Ordering::AcqRel);
    }

    /// How many names are carried.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn carried(&self) -> usize {
        self.names.lock().carried.len()
    }

    /// Those who carried a tag last have let go of it. Somebody may have taken it up again since.
    fn forget(&self, tag: &Arc<Tag>) {
        let mut table = self.names.lock();
        if tag.carriers.load(Ordering::Acquire) > 0 {
            return;
        }
        let Ok(entry) = table.carried.find_entry(tag.hash, |carried| Arc::ptr_eq(carried, tag)) else { return };
        // Dropped after the lock: the caller has it, too.
        drop(entry.remove());
        let numbers = tag.numbers();
        if numbers.invalidated.max(numbers.expired) > 0 {
            let bucket = table.bucket(tag.hash);
            bucket.before = bucket.last().min(numbers.last()).max(bucket.before).max(numbers.before);
            bucket.invalidated = bucket.invalidated.max(numbers.invalidated);
            bucket.expired = bucket.expired.max(numbers.expired);
        }
        let (len, room) = (table.carried.len(), table.carried.capacity());
        if room > 64 && len < room / 8 {
            table.carried.shrink_to(len * 2, |tag| tag.hash);
        }
    }
}

impl Names {
    /// The tag of a name, carried once more.
    fn carry(&mut self, name: &str, hash: u64) -> Arc<Tag> {
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

    fn last(&self) -> u64 {
        self.invalidated.max(self.expired)
    }
}

impl Tag {
    fn numbers(&self) -> Numbers {
        let (invalidated, expired) = (self.invalidated.load(Ordering::Acquire), self.expired.load(Ordering::Acquire));
        // Stored before the last of these: read after them, it is that one's or a later one's.
        Numbers { invalidated, expired, before: self.before.load(Ordering::Acquire) }
    }

    /// The number of the last strike.
    fn last(&self) -> u64 {
        self.numbers().last()
    }
}

impl Labels {
    /// What has become of what carries these since it began.
    pub(crate) fn fate(&self) -> Fate {
        let mut fate = Fate::Spared;
        for tag in &self.tags {
            let Numbers { invalidated, expired, .. } = tag.numbers();
            if invalidated > self.stamp {
                return Fate::Invalidated;
            }
            if expired > self.stamp {
                let at = Deadline::from_nanos(tag.expired_at.load(Ordering::Relaxed));
                fate = match fate {
                    Fate::Expired(other) => Fate::Expired(other.min(at)),
                    Fate::Spared | Fate::Invalidated => Fate::Expired(at),
                };
            }
        }
        fate
    }

    /// What carries these is as new as what begins now.
    pub(crate) fn stamp_now(&mut self) {
        self.stamp = self.home.now();
    }

    /// The number of the first strike since what carries these began, or a lower one that still is higher than its own; none if there was none.
    pub(crate) fn struck_by(&self) -> Option<u64> {
        let first = |tag: &Arc<Tag>| {
            let numbers = tag.numbers();
            let (last, before) = (numbers.last(), numbers.before);
            (last > self.stamp).then(|| if before <= self.stamp { last } else { self.stamp + 1 })
        };
        self.tags.iter().filter_map(first).min()
    }

    /// Makes what carries these as new as the strikes that have been seen by now, all of which are carried out on it. Gives what those come to.
    pub(crate) fn catch_up(&mut self) -> Fate {
        // Strikes are stored in the order of their numbers: who sees the last of these sees, on a second look, all before it.
        let seen = self.tags.iter().map(|tag| tag.last()).max();
        let fate = self.fate();
        if fate != Fate::Invalidated {
            self.stamp = self.stamp.max(seen.unwrap_or(0));
        }
        fate
    }

    /// The same, carried once more.
    pub(crate) fn again(&self) -> Self {
        self.stamped(self.stamp)
    }

    /// The same tags, on something that has the number `stamp`.
    pub(crate) fn stamped(&self, stamp: u64) -> Self {
        for tag in &self.tags {
            // Relaxed: it is carried while these are.
            tag.carriers.fetch_add(1, Ordering::Relaxed);
        }
        Self { home: Arc::clone(&self.home), tags: self.tags.clone(), stamp }
    }

    /// The tags' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(|tag| &*tag.name)
    }
}

impl Drop for Labels {
    fn drop(&mut self) {
        for tag in &self.tags {
            // What this carrier saw comes before whatever is done with the tag.
            if tag.carriers.fetch_sub(1, Ordering::AcqRel) == 1 {
                self.home.forget(tag);
            }
        }
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Labels").field("tags", &self.names().collect::<Vec<_>>()).field("stamp", &self.stamp).finish()
    }
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests {
    use super::*;

    fn names<const N: usize>(names: [&str; N]) -> [Arc<str>; N] {
        names.map(Arc::from)
    }

    #[test]
    fn g2_a_strike_hits_what_began_before_it_and_nothing_else() {
        let tags = Tags::new();
        let begun = tags.now();
        let old = tags.labels(&names(["a", "b"]), begun).expect("there are names");
        tags.strike("b", Strike::Invalidate);
        let new = tags.labels(&names(["a", "b"]), tags.now()).expect("there are names");
        assert_eq!((old.fate(), new.fate()), (Fate::Invalidated, Fate::Spared));
        tags.strike("c", Strike::Invalidate);
        assert_eq!(new.fate(), Fate::Spared);
    }

    #[test]
    fn g2_a_strike_counts_against_a_load_that_brings_the_name_later() {
        let tags = Tags::new();
        let begun = tags.now();
        tags.strike("a", Strike::Invalidate);
        assert_eq!(tags.labels(&names(["a"]), begun).expect("there is a name").fate(), Fate::Invalidated);
        assert_eq!(tags.labels(&names(["a"]), tags.now()).expect("there is a name").fate(), Fate::Spared);
    }

    #[test]
    fn g2_the_first_strike_since_a_load_began_is_known() {
        let tags = Tags::new();
        let labels = tags.labels(&names(["a", "b"]), tags.now()).expect("there are names");
        assert_eq!(labels.struck_by(), None);
        tags.strike("c", Strike::Invalidate);
        tags.strike("a", Strike::Invalidate);
        assert_eq!(labels.struck_by(), Some(2));
        tags.strike("b", Strike::Expire(Tick::from_nanos(1)));
        assert_eq!(labels.struck_by(), Some(2));
        tags.strike("a", Strike::Invalidate);
        assert!(labels.struck_by().is_some_and(|number| (1..=2).contains(&number)), "of several it is no later one");
    }

    #[test]
    fn g2_a_tag_that_nobody_carries_any_more_is_remembered_as_struck() {
        let tags = Tags::new();
        let begun = tags.now();
        let carried = tags.labels(&names(["a"]), begun);
        tags.strike("a", Strike::Expire(Tick::from_nanos(5)));
        drop(carried);
        assert_eq!(tags.carried(), 0);
        assert!(matches!(tags.labels(&names(["a"]), begun).expect("there is a name").fate(), Fate::Expired(_)));
    }

    #[test]
    fn a_name_is_held_for_as_long_as_it_is_carried() {
        let tags = Tags::new();
        let one = tags.labels(&names(["a", "a", "b"]), 0).expect("there are names");
        let other = one.stamped(7);
        assert_eq!((one.names().count(), tags.carried()), (2, 2));
        drop(one);
        assert_eq!((other.stamp, tags.carried()), (7, 2));
        drop(other);
        assert_eq!(tags.carried(), 0);
        assert!(tags.labels(&[], 0).is_none());
    }

    #[test]
    fn g9_expiries_count_from_the_first_that_was_not_carried_out() {
        let tags = Tags::new();
        let labels = tags.labels(&names(["a"]), tags.now()).expect("there is a name");
        for at in [5, 9] {
            tags.strike("a", Strike::Expire(Tick::from_nanos(at)));
            assert_eq!(labels.fate(), Fate::Expired(Deadline::from_nanos(5)));
        }
        let number = tags.unswept().expect("nothing was carried out");
        tags.sweep_ended(number);
        assert_eq!(tags.unswept(), None);
        tags.strike("a", Strike::Expire(Tick::from_nanos(20)));
        assert_eq!(labels.fate(), Fate::Expired(Deadline::from_nanos(20)));
    }

    #[test]
    fn names_come_and_go_among_threads_and_none_is_lost_or_left() {
        let tags = Tags::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..5_000 {
                        let labels = tags.labels(&names([["a", "b", "c"][round % 3]]), tags.now()).expect("there is a name");
                        assert!(tags.carried() >= 1);
                        let more = labels.stamped(0);
                        drop(labels);
                        drop(more);
                    }
                });
            }
        });
        assert_eq!(tags.carried(), 0);
    }
}

#[cfg(all(test, bellwether_loom))]
mod loom {
    //! Every interleaving of those who take up a name, who let go of it, and who strike it.

    use super::*;
    use ::loom::model;
    use ::loom::thread;

    fn carry(tags: &Arc<Tags>, stamp: u64) -> Labels {
        tags.labels(&["a".into()], stamp).expect("there is a name")
    }

    /// Three threads: every schedule with at most three preemptions. Models of two have no such bound.
    fn model_of_three(model: impl Fn() + Send + Sync + 'static) {
        let mut three_threads = ::loom::model::Builder::new();
        three_threads.preemption_bound = Some(3);
        three_threads.check(model);
    }

    #[test]
    fn a_name_that_is_taken_up_as_its_last_carrier_lets_go_is_held_once() {
        model(|| {
            let tags = Tags::new();
            let first = carry(&tags, 0);
            let other = Arc::clone(&tags);
            let letting_go = thread::spawn(move || drop(first));
            let second = carry(&other, 0);
            letting_go.join().expect("letting go doesn't panic");
            assert_eq!(tags.carried(), 1);
            // It is the one that strikes are looked for at.
            assert!(tags.strike("a", Strike::Invalidate));
            assert_eq!(second.fate(), Fate::Invalidated);
            drop(second);
            assert_eq!(tags.carried(), 0);
        });
    }

    #[test]
    fn g2_a_strike_hits_what_has_begun_whoever_lets_go_of_the_name_meanwhile() {
        model_of_three(|| {
            let tags = Tags::new();
            let begun = tags.now();
            let first = carry(&tags, begun);
            let letting_go = thread::spawn(move || drop(first));
            let other = Arc::clone(&tags);
            let striking = thread::spawn(move || {
                other.strike("a", Strike::Invalidate);
            });
            // A load that began before the strike brings the name at any time.
            let brought = carry(&tags, begun);
            striking.join().expect("striking doesn't panic");
            assert_eq!(brought.fate(), Fate::Invalidated);
            letting_go.join().expect("letting go doesn't panic");
            drop(brought);
            assert_eq!(tags.carried(), 0);
            assert_eq!(carry(&tags, begun).fate(), Fate::Invalidated, "it is remembered");
            assert_eq!(carry(&tags, tags.now()).fate(), Fate::Spared);
        });
    }

    #[test]
    fn g2_what_begins_after_a_strike_is_spared_and_sees_what_that_has_hit() {
        model(|| {
            let tags = Tags::new();
            let mut held = carry(&tags, tags.now());
            let other = Arc::clone(&tags);
            let striking = thread::spawn(move || {
                other.strike("a", Strike::Invalidate);
                // Whoever begins here is spared.
                assert_eq!(carry(&other, other.now()).fate(), Fate::Spared);
            });
            let before = tags.now();
            let seen = held.fate();
            held.stamp_now();
            let restamped = held.fate();
            striking.join().expect("striking doesn't panic");
            // A number that is as high as the strike's was given out only once that had come.
            assert!(before == 0 || tags.now() == before);
            assert!(seen == Fate::Spared || restamped == Fate::Spared, "what was stamped after a strike that was seen is spared");
        });
    }

    #[test]
    fn g2_catching_up_undoes_no_strike_that_comes_meanwhile() {
        model(|| {
            let tags = Tags::new();
            let mut held = tags.labels(&["a".into(), "b".into()], tags.now()).expect("there are names");
            tags.strike("b", Strike::Expire(Tick::from_nanos(5)));
            let other = Arc::clone(&tags);
            let striking = thread::spawn(move || {
                other.strike("a", Strike::Invalidate);
                other.strike("b", Strike::Expire(Tick::from_nanos(9)));
            });
            let fate = held.catch_up();
            striking.join().expect("striking doesn't panic");
            assert!(fate != Fate::Spared);
            assert_eq!(held.fate(), Fate::Invalidated, "whatever was carried out before");
        });
    }
}
