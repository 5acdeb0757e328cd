//! Entries that were taken while the value was fresh, and are used when it is so no more; and vacant ones over a stale value.

use crate::faces::{Face, Kind};
use crate::g09_expiry::scene::{BRINGS, JANITORS, KEY, NEW, OLD, Of, aged, entry, state};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::combinations;
use crate::runway::BOTH;
use bellwether::{Entry, Freshness, OccupiedEntry, VacantEntry};
use std::time::Duration;

fn occupied<F: Kind>(cache: &Of<F>) -> OccupiedEntry<u32, u32> {
    match entry::<F>(cache) {
        Entry::Occupied(entry) => entry,
        Entry::Vacant(_) => panic!("it was stored just now"),
    }
}

fn vacant<F: Kind>(cache: &Of<F>) -> VacantEntry<u32, u32> {
    match entry::<F>(cache) {
        Entry::Vacant(entry) => entry,
        Entry::Occupied(entry) => panic!("it isn't fresh any more: {}", entry.get()),
    }
}

fn g09_an_occupied_entry_changes_only_what_everybody_may_see<F: Kind>() {
    for rules in combinations() {
        for age in rules.moments() {
            for janitor in JANITORS {
                let held = |state| if rules.shows(age) { Freshness::Fresh } else { state };
                let what = format!("{age:?} old, janitor {janitor:?}, by {rules:?}");
                let (cache, clock) = aged::<F>(&rules, Duration::ZERO, janitor, BOTH[0], BRINGS);
                let mut replaces = occupied::<F>(&cache);
                clock.advance(age);
                let before = state::<F>(&cache);
                let replaced = replaces.replace(NEW).map(|old| *old);
                assert_eq!(replaced, if rules.shows(age) { Ok(OLD) } else { Err(NEW) }, "{what}");
                assert_eq!(state::<F>(&cache), held(before), "{what}");
                drop(replaces);
                at_rest(&cache.sync());

                let (cache, clock) = aged::<F>(&rules, Duration::ZERO, janitor, BOTH[0], BRINGS);
                let removes = occupied::<F>(&cache);
                clock.advance(age);
                assert_eq!(removes.remove().map(|value| *value), rules.shows(age).then_some(OLD), "{what}");
                assert_eq!(cache.peek(&KEY), None, "{what}");
                if rules.shows(age) {
                    assert_eq!(cache.entry_info(&KEY), None, "{what}");
                }
                at_rest(&cache.sync());
            }
        }
    }
}

/// Of a value past its time to live a vacant entry knows nothing, but for leaving it there.
fn g09_a_vacant_entry_that_is_dropped_leaves_the_stale_value<F: Kind>() {
    for rules in combinations() {
        for age in rules.moments().into_iter().filter(|&age| !rules.shows(age)) {
            for janitor in JANITORS {
                let (cache, _clock) = aged::<F>(&rules, age, janitor, BOTH[0], BRINGS);
                let before = rules.state(age, age);
                let lead = vacant::<F>(&cache);
                assert_eq!(state::<F>(&cache), before, "it is there while the lead is held");
                drop(lead);
                assert_eq!(state::<F>(&cache), before, "{age:?} old, by {rules:?}");
                let tried = entry::<F>(&cache).or_try_insert_with(|| Err::<u32, _>("it fails"));
                assert_eq!((tried, state::<F>(&cache)), (Err("it fails"), before), "{age:?} old, by {rules:?}");
                assert_eq!(*entry::<F>(&cache).and_modify(|_| panic!("it is vacant")).or_insert(NEW), NEW);
                assert_eq!((cache.peek(&KEY).as_deref(), cache.len()), (Some(&NEW), 1));
                at_rest(&cache.sync());
            }
        }
    }
}

on_every_face_in_time!(
    g09_an_occupied_entry_changes_only_what_everybody_may_see,
    g09_a_vacant_entry_that_is_dropped_leaves_the_stale_value,
);
