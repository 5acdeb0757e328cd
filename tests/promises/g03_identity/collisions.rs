//! Flights of different keys have nothing to do with each other, even where all keys hash alike and lie in one shard.

use crate::apart::apart;
use crate::gate::{Gate, until};
use crate::rest::at_rest;
use crate::runway::{BOTH, Style};
use crate::watchdog::in_time;
use bellwether::{Cache, CacheBuilder, Loaded};
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Hashes everything to one number.
#[derive(Clone, Copy, Debug)]
struct Same(u64);

impl BuildHasher for Same {
    type Hasher = Self;
    fn build_hasher(&self) -> Self {
        *self
    }
}

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
}

const KEYS: usize = 32;
/// The key that is written to.
const WRITTEN: usize = 11;

/// Per key, how many loads have begun, and the gate that all its loads wait at.
#[derive(Default)]
struct Field {
    begun: [AtomicUsize; KEYS],
    gates: [Gate; KEYS],
}

impl Field {
    fn begin(&self, key: usize) -> Loaded<(usize, usize)> {
        Loaded::value((key, self.begun[key].fetch_add(1, Ordering::Relaxed)))
    }

    fn begun(&self, key: usize) -> usize {
        self.begun[key].load(Ordering::Relaxed)
    }

    fn builder(self: &Arc<Self>, style: Style) -> CacheBuilder<usize, (usize, usize)> {
        let field = Arc::clone(self);
        match style {
            Style::Blocking => CacheBuilder::new().loader_fn(move |&key: &usize| {
                let brought = field.begin(key);
                field.gates[key].wait();
                Loaded::ok(brought)
            }),
            Style::Async => CacheBuilder::new().async_loader_fn(move |key: usize| {
                let field = Arc::clone(&field);
                async move {
                    let brought = field.begin(key);
                    field.gates[key].pass().await;
                    Loaded::ok(brought)
                }
            }),
        }
    }
}

/// What becomes of the flight of the written key, and of no other: overtaken, and loaded anew.
fn write_to_one_of_many_keys_that_hash_alike(style: Style, hash: u64, write: fn(&Cache<usize, (usize, usize), Same>)) {
    let field = Arc::new(Field::default());
    let cache = field.builder(style).hasher(Same(hash)).build().expect("the settings make sense");
    let leaders: Vec<_> = (0..KEYS).map(|key| apart(&cache, move |cache| cache.fetch_with(&key))).collect();
    field.gates.iter().for_each(|gate| gate.until_arrived(1));
    let joiners: Vec<_> = (0..KEYS).map(|key| apart(&cache, move |cache| cache.fetch_with(&key))).collect();
    until("each flight is joined", || cache.metrics().joined == KEYS as u64);

    write(&cache);
    let anew = apart(&cache, |cache| cache.fetch_with(&WRITTEN));
    field.gates[WRITTEN].until_arrived(2);
    let late: Vec<_> = (0..KEYS).map(|key| apart(&cache, move |cache| cache.fetch_with(&key))).collect();
    until("all late callers join", || cache.metrics().joined == 2 * KEYS as u64);
    // The last first, so that landings and table order differ.
    for (key, (leader, joiner)) in leaders.into_iter().zip(joiners).enumerate().rev() {
        field.gates[key].open();
        for caller in [leader, joiner] {
            assert_eq!(*caller.result().expect("the load brings it"), (key, 0), "each gets its own key's first load");
        }
    }
    assert_eq!(*anew.result().expect("the load brings it"), (WRITTEN, 1));
    for (key, late) in late.into_iter().enumerate() {
        let load = usize::from(key == WRITTEN);
        assert_eq!(*late.result().expect("the load brings it"), (key, load));
        assert_eq!(cache.fetch(&key).as_deref(), Some(&(key, load)), "and it is held");
        assert_eq!(field.begun(key), load + 1, "loads of key {key}");
    }
    let metrics = at_rest(&cache);
    assert_eq!((metrics.loads_started, metrics.loads_superseded, metrics.entries), (KEYS as u64 + 1, 1, KEYS as u64));
}

#[test]
fn g3_an_invalidation_among_keys_that_hash_alike_overtakes_one_flight() {
    in_time(|| {
        for style in BOTH {
            for hash in [0, u64::MAX, 0x5555_5555_5555_5555] {
                write_to_one_of_many_keys_that_hash_alike(style, hash, |cache| assert!(!cache.invalidate(&WRITTEN)));
            }
        }
    });
}

#[test]
fn g3_an_insert_and_a_removal_among_keys_that_hash_alike_overtake_one_flight() {
    in_time(|| {
        for style in BOTH {
            write_to_one_of_many_keys_that_hash_alike(style, 0, |cache| {
                cache.insert(WRITTEN, (500, 500));
                assert_eq!(cache.remove(&WRITTEN).as_deref(), Some(&(500, 500)));
            });
        }
    });
}

/// A failing key among many that hash alike keeps its error to itself.
#[test]
fn g3_a_failure_among_keys_that_hash_alike_is_the_failure_of_one_key() {
    in_time(|| {
        let gate = Gate::new();
        let held = gate.clone();
        let cache = Cache::<u32, u32>::builder()
            .loader_fn(move |&key: &u32| {
                held.wait();
                if key == 3 { Err("key 3 fails") } else { Ok(key) }
            })
            .hasher(Same(0))
            .build()
            .expect("the settings make sense");
        let callers: Vec<_> = (0..8).map(|key| apart(&cache, move |cache| cache.fetch_with(&key))).collect();
        gate.until_arrived(8);
        gate.open();
        for (key, caller) in (0..).zip(callers) {
            assert_eq!(caller.result().ok().as_deref(), (key != 3).then_some(&key));
        }
        assert_eq!(at_rest(&cache).loads_failed(), 1);
    });
}
