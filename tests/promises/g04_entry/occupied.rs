//! Occupied entries change the cache only while the very value that they show is held.

use crate::hush::caught;
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::together::together;
use crate::watchdog::in_time;
use crate::ways::Way;
use bellwether::{Cache, CacheBuilder, Entry, OccupiedEntry, RemovalCause};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

in_every_way!(
    g3_replace_and_remove_act_while_that_very_value_is_held,
    g3_replace_and_remove_leave_every_other_value_alone,
    g2_replace_overtakes_a_refresh_in_the_air,
    g18_replace_whose_weigher_panics_changes_nothing,
);

fn occupied(entry: Entry<u32, usize>) -> OccupiedEntry<u32, usize> {
    match entry {
        Entry::Occupied(entry) => entry,
        Entry::Vacant(_) => panic!("it is held"),
    }
}

fn g3_replace_and_remove_act_while_that_very_value_is_held(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
    cache.insert(1, 10);
    let mut entry = occupied(way.entry(&cache, 1));
    assert_eq!((entry.key(), **entry.get()), (&1, 10));
    assert_eq!(entry.replace(11).as_deref(), Ok(&10));
    assert_eq!((**entry.get(), cache.fetch(&1).as_deref()), (11, Some(&11)));
    assert_eq!(entry.replace(12).as_deref(), Ok(&11), "it shows the new one, and may replace that");
    assert_eq!((entry.remove().as_deref(), cache.len()), (Some(&12), 0));
    let metrics = at_rest(&cache);
    assert_eq!((metrics.removals(RemovalCause::Replaced), metrics.removals(RemovalCause::Invalidated)), (2, 1));
}

fn g3_replace_and_remove_leave_every_other_value_alone(way: Way) {
    type Change = fn(&Cache<u32, usize>);
    // An equal value isn't the same one.
    let changes: [(Change, Option<usize>); 4] = [
        (|cache| cache.insert(1, 10), Some(10)),
        (|cache| cache.insert(1, 11), Some(11)),
        (|cache| assert!(cache.invalidate(&1)), None),
        (Cache::clear, None),
    ];
    for (change, left) in changes {
        let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
        cache.insert(1, 10);
        let (mut replaces, removes) = (occupied(way.entry(&cache, 1)), occupied(way.entry(&cache, 1)));
        change(&cache);
        assert_eq!((replaces.replace(12), **replaces.get()), (Err(12), 10));
        assert_eq!(removes.remove(), None);
        assert_eq!(cache.fetch(&1).as_deref().copied(), left);
        at_rest(&cache);
    }
}

fn g2_replace_overtakes_a_refresh_in_the_air(way: Way) {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = way.build(runway.numbers(CacheBuilder::new(), style));
        cache.insert(1, 10);
        let refresh = crate::apart::apart(&cache, move |cache| way.refresh(&cache, &1));
        runway.until_begun(0);
        assert!(occupied(cache.try_entry(1).expect("it is held")).replace(12).is_ok());
        runway.open(0);
        assert_eq!(*refresh.result().expect("the load brings it"), 0);
        let metrics = at_rest(&cache);
        assert_eq!((cache.fetch(&1).as_deref(), metrics.loads_superseded), (Some(&12), 1), "{style:?}");
    }
}

fn g18_replace_whose_weigher_panics_changes_nothing(way: Way) {
    let weigher = |_: &u32, value: &usize| if *value == 13 { panic!("thirteen, on purpose") } else { 1 };
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new().weigher(weigher));
    cache.insert(1, 10);
    let mut entry = occupied(way.entry(&cache, 1));
    assert!(caught(|| entry.replace(13)).is_err());
    assert_eq!(cache.fetch(&1).as_deref(), Some(&10));
    assert_eq!(entry.replace(14).as_deref(), Ok(&10), "the entry works as before");
    assert!(caught(|| way.entry(&cache, 1).and_modify(|value| *value = 13)).is_err());
    assert_eq!(cache.fetch(&1).as_deref(), Some(&14));
    at_rest(&cache);
}

/// Of many who hold an entry of one value, one replaces it and one removes it.
#[test]
fn g3_one_of_many_replaces_a_value_and_one_removes_it() {
    in_time(|| {
        for round in 0..200 {
            let cache: Cache<u32, usize> = Cache::builder().build().expect("the settings make sense");
            cache.insert(1, round);
            let first = cache.fetch(&1).expect("it is held");
            let (replaced, removed) = (AtomicUsize::new(0), AtomicUsize::new(0));
            together(4, |n| {
                let mut entry = occupied(cache.entry(1));
                if entry.replace(100 + n).is_ok_and(|old| Arc::ptr_eq(&old, &first)) {
                    replaced.fetch_add(1, Ordering::Relaxed);
                }
            });
            assert_eq!(replaced.load(Ordering::Relaxed), 1);
            let entries: Vec<_> = (0..4).map(|_| std::sync::Mutex::new(Some(occupied(cache.entry(1))))).collect();
            together(4, |n| {
                let entry = entries[n].lock().expect("nobody panics").take().expect("it is taken once");
                removed.fetch_add(usize::from(entry.remove().is_some()), Ordering::Relaxed);
            });
            assert_eq!((removed.load(Ordering::Relaxed), cache.len()), (1, 0));
            at_rest(&cache);
        }
    });
}
