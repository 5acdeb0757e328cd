//! Eight writers against a listener that is slow now and then, one that panics, and one that writes: nothing is lost, nothing is told twice.

use crate::faces::{Face, Kind};
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::tally::tally;
use crate::together::together;
use bellwether::{Cache, CacheBuilder, Loaded, RemovalCause};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// The writer that made a value, and which of its values it is.
type Stamp = (usize, u64);

const WRITERS: usize = 8;
const KEYS: u32 = 64;

const CAUSES: [RemovalCause; 8] = [
    RemovalCause::Evicted,
    RemovalCause::Expired,
    RemovalCause::Replaced,
    RemovalCause::Invalidated,
    RemovalCause::Cleared,
    RemovalCause::Rejected,
    RemovalCause::Superseded,
    RemovalCause::Absent,
];

fn was_held(cause: RemovalCause) -> bool {
    !matches!(cause, RemovalCause::Rejected | RemovalCause::Superseded)
}

/// What a listener does besides keeping its books.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Habit {
    Sleeps,
    Panics,
    Inserts,
}

/// What was told, by key and in order.
#[derive(Default)]
struct Books {
    told: Mutex<HashMap<u32, Vec<(Stamp, RemovalCause)>>>,
    events: AtomicU64,
    panics: AtomicU64,
    /// Values that the listener itself stored.
    stored: AtomicU64,
    cache: OnceLock<Cache<u32, Stamp>>,
}

impl Books {
    fn hear(&self, habit: Habit, key: u32, stamp: Stamp, cause: RemovalCause) {
        self.told.lock().expect("nobody panics under it").entry(key).or_default().push((stamp, cause));
        let event = self.events.fetch_add(1, Ordering::SeqCst);
        match habit {
            Habit::Sleeps if event % 97 == 0 => std::thread::sleep(Duration::from_millis(1)),
            Habit::Panics if event % 5 == 0 => {
                self.panics.fetch_add(1, Ordering::SeqCst);
                panic!("{ON_PURPOSE}");
            }
            // A fifth of what leaves comes back under another key, so that it ends.
            Habit::Inserts if event % 5 == 0 => {
                let cache = self.cache.get().expect("it is there");
                self.stored.fetch_add(1, Ordering::SeqCst);
                cache.insert(KEYS + key % KEYS, (WRITERS, event));
            }
            Habit::Sleeps | Habit::Panics | Habit::Inserts => {}
        }
    }
}

/// One writer's calls: the values that it brought in its own order, whether they came to be held or not.
fn write(cache: &Cache<u32, Stamp>, writer: usize, rounds: u64) -> u64 {
    let mut brought = 0;
    for round in 0..rounds {
        let key = u32::try_from((round * 7 + writer as u64 * 13) % u64::from(KEYS)).expect("small");
        match round % 8 {
            0..=3 => cache.insert(key, (writer, round)),
            4 => cache.insert_with(key, Loaded::value((writer, round)).weight(1 + round % 60)),
            5 => drop(cache.invalidate(&key)),
            6 => {
                // A load that others may join or overtake, of a value that is stored or superseded.
                let loaded = cache.fetch_or_load(&key, || {
                    brought += 1;
                    Loaded::ok((writer, round))
                });
                assert!(loaded.is_ok());
            }
            _ if round % 512 == 7 => cache.clear(),
            _ => cache.insert_with_ttl(key, (writer, round), Duration::ZERO),
        }
        brought += u64::from(matches!(round % 8, 0..=4) || (round % 8 == 7 && round % 512 != 7));
    }
    brought
}

fn storm<F: Kind>(habit: Habit, rounds: u64) {
    hush();
    let books = Arc::new(Books::default());
    let own = Arc::clone(&books);
    let builder = CacheBuilder::new().capacity(48).shards(4);
    let face: F::Of<u32, Stamp> = F::Of::build(builder.on_removal(move |&key, value, cause| own.hear(habit, key, **value, cause)));
    let cache = face.sync();
    assert!(books.cache.set(cache.clone()).is_ok());
    let brought: u64 = together(WRITERS, |writer| write(&cache, writer, rounds)).into_iter().sum();
    // What the listener stores may send more on its way.
    loop {
        let stored = books.stored.load(Ordering::SeqCst);
        cache.run_maintenance();
        if cache.metrics().unreported == 0 && books.stored.load(Ordering::SeqCst) == stored {
            break;
        }
    }
    let told = books.told.lock().expect("nobody panics under it");
    let mut of_cause = HashMap::new();
    told.values().flatten().for_each(|(_, cause)| *of_cause.entry(*cause).or_insert(0_u64) += 1);
    // What the janitor has taken out may be told a moment before it is counted.
    tally(&cache, |metrics| CAUSES.map(|cause| metrics.removals(cause)), CAUSES.map(|cause| of_cause.get(&cause).copied().unwrap_or(0)));
    let metrics = at_rest(&cache);
    let brought = brought + books.stored.load(Ordering::SeqCst);
    let all: u64 = CAUSES.iter().map(|cause| metrics.removals(*cause)).sum();
    assert_eq!(all, brought - metrics.entries, "{habit:?}: what came has left, or is there");
    let held: u64 = CAUSES.iter().filter(|cause| was_held(**cause)).map(|cause| metrics.removals(*cause)).sum();
    assert_eq!(held + metrics.entries, brought - (all - held), "{habit:?}: stores minus entries");
    assert_eq!(metrics.listener_panics, books.panics.load(Ordering::SeqCst));
    for (key, told) in told.iter() {
        in_order(*key, told, cache.peek(key).as_deref());
    }
    drop(told);
    // The last event of each key is its last departure.
    let last: Vec<_> = cache.iter().collect();
    cache.clear();
    cache.run_maintenance();
    let told = books.told.lock().expect("nobody panics under it");
    if habit != Habit::Inserts {
        for (key, value) in last {
            assert_eq!(told[&key].last(), Some(&(*value, RemovalCause::Cleared)), "key {key}");
        }
    }
    drop(told);
    // The books hold the cache.
    drop(face);
}

/// No value is told twice, the one that is held not at all, and those of one writer that it stored itself in its order.
fn in_order(key: u32, told: &[(Stamp, RemovalCause)], held: Option<&Stamp>) {
    let mut latest: HashMap<usize, u64> = HashMap::new();
    let mut seen = std::collections::HashSet::new();
    for (stamp, cause) in told {
        assert!(seen.insert(*stamp) && Some(stamp) != held, "key {key}: {stamp:?} is told once, when it has left");
        let (writer, round) = *stamp;
        // What the listener stores comes from several threads at a time.
        if was_held(*cause) && writer < WRITERS {
            let before = latest.insert(writer, round);
            assert!(before.is_none_or(|before| before < round), "key {key}: {stamp:?} left after {before:?}");
        }
    }
    if let Some((writer, round)) = held {
        assert!(latest.get(writer).is_none_or(|before| before < round) || *writer == WRITERS, "key {key}: what is held came last");
    }
}

fn g15_eight_writers_and_a_listener_that_sleeps<F: Kind>() {
    storm::<F>(Habit::Sleeps, 4_000);
}

fn g15_eight_writers_and_a_listener_that_panics<F: Kind>() {
    storm::<F>(Habit::Panics, 4_000);
}

fn g15_eight_writers_and_a_listener_that_inserts<F: Kind>() {
    storm::<F>(Habit::Inserts, 4_000);
}

on_every_face_in_time!(
    g15_eight_writers_and_a_listener_that_sleeps,
    g15_eight_writers_and_a_listener_that_panics,
    g15_eight_writers_and_a_listener_that_inserts,
);
