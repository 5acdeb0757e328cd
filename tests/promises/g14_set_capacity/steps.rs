//! Down in steps: a large cache that shrinks to nothing gives others their turn, and shows its old capacity until it is done.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g14_set_capacity::evicted;
use crate::gate::Gate;
use crate::policies::{capacity, evicting, set_capacity};
use crate::rest::at_rest;
use bellwether::{Cache, CacheBuilder, CustomPolicy, PolicyEntry, PolicySlot};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Entries of the large cache.
const MANY: u64 = 9_000;
/// What leaves in one hold of a lock, at most.
const HOLD: u64 = 256;
/// Holds of a lock in one step, after which what has left is let go of.
const STEP: u64 = 16 * HOLD;

/// A value whose going can be held up.
struct Held(Arc<Halt>);

struct Halt {
    gate: Gate,
    is_armed: AtomicBool,
}

impl Halt {
    fn new() -> Arc<Self> {
        Arc::new(Self { gate: Gate::new(), is_armed: AtomicBool::new(false) })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.0.is_armed.swap(false, Ordering::SeqCst) {
            self.0.gate.wait();
        }
    }
}

/// While it is held up between two steps, others write, read and remove, and the capacity is the old one.
fn g14_others_have_their_turn_while_it_shrinks<F: Kind>() {
    for rule in evicting() {
        let halt = Halt::new();
        let builder = CacheBuilder::<u64, Held>::new().capacity(MANY).shards(2);
        let cache = F::Of::build(rule.apply(builder));
        (0..MANY).for_each(|key| cache.insert(key, Held(Arc::clone(&halt))));
        halt.is_armed.store(true, Ordering::SeqCst);
        let shrinking = apart(&cache, |cache| set_capacity::<F, _, _>(&cache, 10));
        halt.gate.until_arrived(1);
        let left = cache.len();
        assert!((MANY - STEP..MANY).contains(&left), "{rule:?}: {left} are left after the first step");
        assert_eq!((capacity::<F, _, _>(&cache), cache.weight()), (MANY, left), "{rule:?}: it isn't there yet");
        for key in MANY..MANY + 100 {
            cache.insert(key, Held(Arc::clone(&halt)));
            assert!(cache.fetch(&key).is_some(), "{rule:?}: {key} has just come");
            assert!(cache.weight() <= left, "{rule:?}: nobody takes the room that is given up");
        }
        let key = *cache.entries().first().map(|(key, _)| key).expect("some are held");
        assert!(cache.invalidate(&key));
        assert!(!shrinking.is_over());
        halt.gate.open();
        shrinking.result();
        assert_eq!((cache.len(), cache.weight(), capacity::<F, _, _>(&cache)), (10, 10, 10), "{rule:?}");
        let metrics = at_rest(&cache.sync());
        assert_eq!(evicted(&metrics), MANY + 100 - 10 - 1, "{rule:?}");
    }
}

/// A larger one while it shrinks: it stops, and nothing more leaves.
fn g14_a_larger_one_meanwhile_stops_it<F: Kind>() {
    for rule in evicting() {
        let halt = Halt::new();
        let cache = F::Of::build(rule.apply(CacheBuilder::<u64, Held>::new().capacity(MANY).shards(2)));
        (0..MANY).for_each(|key| cache.insert(key, Held(Arc::clone(&halt))));
        halt.is_armed.store(true, Ordering::SeqCst);
        let shrinking = apart(&cache, |cache| set_capacity::<F, _, _>(&cache, 10));
        halt.gate.until_arrived(1);
        let left = cache.len();
        set_capacity::<F, _, _>(&cache, 2 * MANY);
        assert_eq!(capacity::<F, _, _>(&cache), 2 * MANY, "{rule:?}: it is there at once");
        halt.gate.open();
        shrinking.result();
        assert_eq!((cache.len(), capacity::<F, _, _>(&cache)), (left, 2 * MANY), "{rule:?}: the last one counts");
        (0..2 * MANY).for_each(|key| cache.insert(key, Held(Arc::clone(&halt))));
        assert_eq!((cache.len(), cache.weight()), (2 * MANY, 2 * MANY), "{rule:?}: it is all there");
        at_rest(&cache.sync());
    }
}

/// And a smaller one goes on for both.
fn g14_a_smaller_one_meanwhile_counts_for_both<F: Kind>() {
    let halt = Halt::new();
    let cache = F::Of::build(CacheBuilder::<u64, Held>::new().capacity(MANY).shards(2));
    (0..MANY).for_each(|key| cache.insert(key, Held(Arc::clone(&halt))));
    halt.is_armed.store(true, Ordering::SeqCst);
    let shrinking = apart(&cache, |cache| set_capacity::<F, _, _>(&cache, MANY / 2));
    halt.gate.until_arrived(1);
    set_capacity::<F, _, _>(&cache, 7);
    assert_eq!((cache.len(), capacity::<F, _, _>(&cache)), (7, 7));
    halt.gate.open();
    shrinking.result();
    assert_eq!((cache.len(), capacity::<F, _, _>(&cache)), (7, 7));
    at_rest(&cache.sync());
}

/// Counts what leaves in one hold of the lock: what has left in an earlier one is off the books, which may be read from anywhere.
#[derive(Default)]
struct Watch {
    cache: OnceLock<Cache<u64, u64>>,
    came: AtomicU64,
    went: AtomicU64,
    most: AtomicU64,
}

struct Counting {
    order: VecDeque<PolicySlot>,
    watch: Arc<Watch>,
}

impl CustomPolicy<u64, u64> for Counting {
    fn admitted(&mut self, slot: PolicySlot, _entry: &PolicyEntry<'_, u64, u64>) {
        self.order.push_back(slot);
        self.watch.came.fetch_add(1, Ordering::SeqCst);
    }
    fn removed(&mut self, slot: PolicySlot) {
        if self.order.front() == Some(&slot) {
            self.order.pop_front();
        } else {
            self.order.retain(|&held| held != slot);
        }
        let went = self.watch.went.fetch_add(1, Ordering::SeqCst) + 1;
        let held = self.watch.came.load(Ordering::SeqCst) - went;
        let booked = self.watch.cache.get().map_or(0, Cache::len);
        self.watch.most.fetch_max(booked.saturating_sub(held), Ordering::SeqCst);
    }
    fn victim(&mut self) -> Option<PolicySlot> {
        self.order.front().copied()
    }
}

/// Fills a cache of so many shards and gives what the most was that left in one hold, by `make_room`.
fn most_in_one_hold<F: Kind>(shards: usize, make_room: impl Fn(&F::Of<u64, u64>)) -> u64 {
    let watch = Arc::new(Watch::default());
    let ours = Arc::clone(&watch);
    let builder = CacheBuilder::new().capacity(MANY).shards(shards).weigher(|_, &value| value);
    let builder = builder.custom_eviction(move |_| Counting { order: VecDeque::new(), watch: Arc::clone(&ours) });
    let cache: F::Of<u64, u64> = F::Of::build(builder);
    (0..MANY).for_each(|key| cache.insert(key, 1));
    assert!(watch.cache.set(cache.sync()).is_ok());
    make_room(&cache);
    assert!(evicted(&at_rest(&cache.sync())) >= MANY - 1);
    watch.most.load(Ordering::SeqCst)
}

fn g20_a_smaller_capacity_takes_at_most_so_many_in_one_hold<F: Kind>() {
    for shards in [1, 4] {
        assert_eq!(most_in_one_hold::<F>(shards, |cache| set_capacity::<F, _, _>(cache, 0)), HOLD);
    }
}

fn g20_a_heavy_entry_takes_at_most_so_many_in_one_hold<F: Kind>() {
    for shards in [1, 4] {
        let most = most_in_one_hold::<F>(shards, |cache| {
            cache.insert(MANY, MANY);
            assert_eq!((cache.len(), cache.weight()), (1, MANY));
        });
        assert_eq!(most, HOLD);
    }
}

crate::on_every_face_in_time!(
    g14_others_have_their_turn_while_it_shrinks,
    g14_a_larger_one_meanwhile_stops_it,
    g14_a_smaller_one_meanwhile_counts_for_both,
    g20_a_smaller_capacity_takes_at_most_so_many_in_one_hold,
    g20_a_heavy_entry_takes_at_most_so_many_in_one_hold,
);
