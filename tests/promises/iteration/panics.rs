//! Keys whose `Clone` panics under a walk, and calls from where none may be made.

use super::walks::{Walk, waited};
use crate::faces::{Face, Kind};
use crate::hush::{ON_PURPOSE, caught, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::CacheBuilder;
use futures::StreamExt;
use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    /// Whether keys panic here when they are cloned, or dropped.
    static LOUD: Cell<bool> = const { Cell::new(false) };
    /// How often a clone of the bad key will still panic.
    static PANICS: Cell<u32> = const { Cell::new(0) };
}

/// The key at whose clone it panics.
const BAD: u64 = 130;

/// A key that panics when it is cloned, if it is the bad one, and when it is dropped, if a panic is on its way.
struct Loud(u64, Arc<AtomicU64>);

impl Clone for Loud {
    fn clone(&self) -> Self {
        if LOUD.get() && self.0 == BAD && PANICS.get() > 0 {
            PANICS.set(PANICS.get() - 1);
            panic!("a clone panics {ON_PURPOSE}");
        }
        self.1.fetch_add(1, Ordering::Relaxed);
        Self(self.0, Arc::clone(&self.1))
    }
}

impl Drop for Loud {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::Relaxed);
        assert!(!LOUD.get() || !std::thread::panicking(), "a drop panics {ON_PURPOSE}");
    }
}

impl Hash for Loud {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for Loud {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Loud {}

fn loud<F: Kind>() -> (F::Of<Loud, u64>, Arc<AtomicU64>) {
    hush();
    let alive = Arc::new(AtomicU64::new(0));
    let cache = F::Of::build(CacheBuilder::new().shards(1));
    for key in 0..300 {
        alive.fetch_add(1, Ordering::Relaxed);
        cache.insert(Loud(key, Arc::clone(&alive)), key);
    }
    (cache, alive)
}

/// The keys that a walk meets whose caller goes on after a panic, and how often it panicked.
fn met(mut next: impl FnMut() -> Option<u64>) -> (Vec<u64>, u32) {
    let (mut met, mut panics) = (Vec::new(), 0);
    LOUD.set(true);
    PANICS.set(3);
    loop {
        match caught(&mut next) {
            Ok(Some(key)) => met.push(key),
            Ok(None) => break,
            Err(_) => panics += 1,
        }
        assert!(panics < 10, "it gets on in the end");
    }
    LOUD.set(false);
    met.sort_unstable();
    (met, panics)
}

fn g18_a_walk_goes_on_where_a_clone_panicked<F: Kind>() {
    let all: Vec<u64> = (0..300).collect();
    for most in [1, 64, 256] {
        let (cache, alive) = loud::<F>();
        let threads = cache.sync();
        let mut iter = threads.iter_with_batch_size(most);
        assert_eq!(met(|| iter.next().map(|(key, _)| key.0)), (all.clone(), 3), "{most} in a batch");
        let mut stream = threads.to_async().stream_with_batch_size(most);
        assert_eq!(met(|| waited::<F, _>(stream.next()).map(|(key, _)| key.0)), (all.clone(), 3), "{most} in a batch");
        assert_eq!(alive.load(Ordering::Relaxed), 300, "no copy is left");
        at_rest(&threads);
    }
}

/// Many copies are let go while the panic goes its way, and each of their drops panics as well: the process lives, and so does the cache.
fn g18_a_copy_of_all_comes_to_nothing_where_a_clone_panics<F: Kind>() {
    for walk in [Walk::Snapshot, Walk::Pages(200), Walk::Pages(usize::MAX), Walk::Hottest, Walk::Coldest] {
        let (cache, alive) = loud::<F>();
        LOUD.set(true);
        PANICS.set(u32::MAX);
        let panicked = caught(|| walk.all::<F, _, _>(&cache).len());
        LOUD.set(false);
        assert!(panicked.is_err(), "{walk:?}");
        assert_eq!(alive.load(Ordering::Relaxed), 300, "{walk:?} leaves no copy");
        assert_eq!(walk.all::<F, _, _>(&cache).len(), 300, "{walk:?} works again");
        cache.clear();
        at_rest(&cache.sync());
    }
}

fn g06_a_walk_inside_the_closure_of_get_is_refused_with_a_clear_message<F: Kind>() {
    let cache = F::Of::<u64, u64>::build(CacheBuilder::new());
    cache.insert(1, 10);
    for walk in Walk::ALL {
        let called = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| cache.get(&1, |_| walk.all::<F, _, _>(&cache).len())));
        let panic = called.expect_err("it may not be called there");
        let text = panic.downcast_ref::<&str>().copied().unwrap_or_default();
        assert!(text.contains("inside the closure of `get`"), "{walk:?}: {text}");
        assert_eq!(walk.all::<F, _, _>(&cache).len(), 1, "{walk:?} works again outside");
    }
}

on_every_face_in_time!(
    g18_a_walk_goes_on_where_a_clone_panicked,
    g18_a_copy_of_all_comes_to_nothing_where_a_clone_panics,
    g06_a_walk_inside_the_closure_of_get_is_refused_with_a_clear_message,
);
