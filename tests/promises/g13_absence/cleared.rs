//! Any write to a key clears what is remembered of it, and nothing else does.

use crate::faces::{Face, Kind};
use crate::g13_absence::SECOND;
use crate::g13_absence::backend::Backend;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{CacheBuilder, Entry, Loaded, MockClock};

type Of<F> = <F as Kind>::Of<u32, u32>;
/// A call, and its name.
type Act<F> = (&'static str, fn(&Of<F>));

const KEY: u32 = 7;
const OTHER: u32 = 8;

/// A cache that remembers of two keys that there are none, and what it asked.
fn remembering<F: Kind>() -> (Of<F>, Backend) {
    let backend = Backend::new();
    let builder = CacheBuilder::new().negative_ttl(SECOND).shards(1).clock(MockClock::new());
    let cache: Of<F> = F::Of::build(backend.behind(builder, BOTH[0]));
    assert!(cache.fetch_with(&KEY).is_err() && cache.fetch_with(&OTHER).is_err());
    assert_eq!((cache.metrics().negatives, cache.weight(), cache.len()), (2, 2, 0));
    (cache, backend)
}

fn vacant<F: Kind>(cache: &Of<F>) -> bellwether::VacantEntry<u32, u32> {
    match cache.sync().entry(KEY) {
        Entry::Vacant(entry) => entry,
        Entry::Occupied(_) => panic!("there is no value"),
    }
}

fn g13_a_value_that_is_stored_takes_the_place_of_the_absence<F: Kind>() {
    let writes: [Act<F>; 5] = [
        ("insert", |cache| cache.insert(KEY, 1)),
        ("insert_with", |cache| cache.insert_with(KEY, Loaded::value(1))),
        ("insert_with_ttl", |cache| cache.insert_with_ttl(KEY, 1, SECOND)),
        ("an entry", |cache| drop(vacant::<F>(cache).insert(1))),
        ("or_insert", |cache| drop(cache.sync().entry(KEY).or_insert(1))),
    ];
    for (what, write) in writes {
        let (cache, backend) = remembering::<F>();
        write(&cache);
        assert_eq!((cache.metrics().negatives, cache.weight(), cache.len()), (1, 2, 1), "{what}");
        assert_eq!(*cache.fetch_with(&KEY).expect("it is held"), 1, "{what}");
        // Once it is gone nothing is remembered.
        assert!(cache.invalidate(&KEY) && cache.fetch_with(&KEY).is_err(), "{what}");
        assert_eq!(backend.asked(), 3, "{what}");
        assert!(cache.fetch_with(&OTHER).is_err());
        assert_eq!((backend.asked(), at_rest(&cache.sync()).negatives), (3, 2), "{what}: the other key's stays");
    }
}

fn g13_a_write_that_stores_nothing_clears_the_absence<F: Kind>() {
    let writes: [Act<F>; 5] = [
        ("remove", |cache| assert!(cache.remove(&KEY).is_none())),
        ("invalidate", |cache| assert!(!cache.invalidate(&KEY))),
        ("expire", |cache| assert!(!cache.expire(&KEY))),
        ("insert_with absent", |cache| cache.insert_with(KEY, Loaded::absent())),
        ("insert_with uncached", |cache| cache.insert_with(KEY, Loaded::value(1).uncached())),
    ];
    for (what, write) in writes {
        let (cache, backend) = remembering::<F>();
        write(&cache);
        assert_eq!((cache.metrics().negatives, cache.weight(), cache.len()), (1, 1, 0), "{what}");
        backend.add(KEY);
        assert_eq!(*cache.fetch_with(&KEY).expect("it is there now"), KEY, "{what}");
        assert!(cache.fetch_with(&OTHER).is_err());
        assert_eq!((backend.asked(), at_rest(&cache.sync()).negatives), (3, 1), "{what}: the other key's stays");
    }
}

fn g13_clear_forgets_all_absences<F: Kind>() {
    let (cache, backend) = remembering::<F>();
    (100..150).for_each(|key| assert!(cache.fetch_with(&key).is_err()));
    cache.clear();
    assert_eq!((cache.metrics().negatives, cache.weight()), (0, 0));
    assert!(cache.fetch_with(&KEY).is_err() && cache.fetch_with(&OTHER).is_err());
    assert_eq!((backend.asked(), at_rest(&cache.sync()).negatives), (54, 2));
}

/// The value of a load in the meantime, and an absent answer where a value was held.
fn g13_the_last_load_counts<F: Kind>() {
    for style in BOTH {
        let backend = Backend::new();
        let builder = CacheBuilder::new().negative_ttl(SECOND).clock(MockClock::new());
        let cache: Of<F> = F::Of::build(backend.behind(builder, style));
        for round in 0..3 {
            backend.take(KEY);
            assert!(cache.refresh(&KEY).is_err());
            assert_eq!((cache.metrics().negatives, cache.len(), cache.weight()), (1, 0, 1), "{style:?}, {round}");
            assert!(cache.fetch_with(&KEY).is_err());
            backend.add(KEY);
            assert!(cache.refresh(&KEY).is_ok());
            assert_eq!((cache.metrics().negatives, cache.len(), cache.weight()), (0, 1, 1), "{style:?}, {round}");
        }
        assert_eq!(at_rest(&cache.sync()).negative_hits, 3);
    }
}

/// To look, or to hold the entry without bringing a value, is no write.
fn g13_looks_leave_the_absence<F: Kind>() {
    let looks: [Act<F>; 7] = [
        ("get", |cache| assert!(cache.get(&KEY, |_| ()).is_none())),
        ("fetch", |cache| assert!(cache.fetch(&KEY).is_none())),
        ("fetch_stale", |cache| assert!(cache.fetch_stale(&KEY).is_none())),
        ("set_ttl and persist", |cache| assert!(!cache.set_ttl(&KEY, SECOND) && !cache.persist(&KEY))),
        ("an entry that is given up", |cache| drop(vacant::<F>(cache))),
        ("insert_with unchanged", |cache| cache.insert_with(KEY, Loaded::unchanged())),
        ("run_maintenance", |cache| cache.run_maintenance()),
    ];
    for (what, look) in looks {
        let (cache, backend) = remembering::<F>();
        look(&cache);
        assert!(cache.fetch_with(&KEY).is_err(), "{what}");
        assert_eq!((backend.asked(), at_rest(&cache.sync()).negatives), (2, 2), "{what}");
    }
}

on_every_face_in_time!(
    g13_a_value_that_is_stored_takes_the_place_of_the_absence,
    g13_a_write_that_stores_nothing_clears_the_absence,
    g13_clear_forgets_all_absences,
    g13_the_last_load_counts,
    g13_looks_leave_the_absence,
);
